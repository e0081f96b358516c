"""The records of a cloud directory: sign-ins and changes, as Graph hands them out and as the unified audit log does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from stillhunt.simulation.identities import Application, Subscriber

__all__ = ["Change", "SignIn", "audited_change", "audited_sign_in", "change_resource", "location", "sign_in_resource"]

_encode = msgspec.json.encode


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """A sign-in of a person.

    Attributes:
        at: When.
        tenant_id: Id of the tenant.
        domain: Its domain.
        number: Its id.
        correlation: Id that it shares with what belongs to it.
        took_ms: Milliseconds it took.
        who: Who.
        application: Into what.
        resource: What it was for.
        address: Where from.
        agent: With which browser or program.
        place: City and country that the service made of the address.
        error: The service's error code, 0 for success.
        has_mfa: Whether a second factor was asked for.
        is_federated: Whether the house's own federation server vouched for the account.
        is_interactive: False where a token was renewed without anybody there.
        session: Session id that later mailbox records carry, or empty.
    """

    at: datetime
    tenant_id: str
    domain: str
    number: str
    correlation: str
    took_ms: int
    who: Subscriber
    application: Application
    resource: Application
    address: str
    agent: str
    place: tuple[str, str]
    error: int
    has_mfa: bool
    is_federated: bool
    is_interactive: bool
    session: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change to the directory.

    Attributes:
        at: When.
        tenant_id: Id of the tenant.
        correlation: Id that it shares with what belongs to it.
        suffix: End of its id.
        intra: Its id inside the directory.
        who: Who did it.
        operation: What the directory calls it.
        category: The directory's category.
        kind: What was changed.
        target_id: Its id.
        target_name: Its name.
        changes: Property to (old, new).
        address: Where from.
        agent: What the client said of itself.
    """

    at: datetime
    tenant_id: str
    correlation: str
    suffix: str
    intra: str
    who: Subscriber
    operation: str
    category: str
    kind: str
    target_id: str
    target_name: str
    changes: Mapping[str, tuple[str, str]]
    address: str
    agent: str


def sign_in_resource(sign_in: SignIn) -> dict[str, Any]:
    """Return a sign-in as Graph's ``signIn`` resource."""
    is_browser = sign_in.agent.startswith("Mozilla/5.0")
    reason = {0: "Other.", 50126: "Invalid username or password or Invalid on-premise username or password."}
    return {
        "id": sign_in.number,
        "createdDateTime": f"{sign_in.at:%Y-%m-%dT%H:%M:%SZ}",
        "userDisplayName": sign_in.who.name,
        "userPrincipalName": sign_in.who.upn,
        "userId": sign_in.who.object_id,
        "appId": sign_in.application.app_id,
        "appDisplayName": sign_in.application.title,
        "ipAddress": sign_in.address,
        "clientAppUsed": "Browser" if is_browser else "Mobile Apps and Desktop clients",
        "userAgent": sign_in.agent,
        "correlationId": sign_in.correlation,
        "conditionalAccessStatus": "notApplied",
        "originalRequestId": sign_in.number,
        "isInteractive": sign_in.is_interactive,
        "tokenIssuerName": f"http://sts.{sign_in.domain}/adfs/services/trust/" if sign_in.is_federated else "",
        "tokenIssuerType": "ADFederationServices" if sign_in.is_federated else "AzureAD",
        "processingTimeInMilliseconds": sign_in.took_ms,
        "riskDetail": "none",
        "riskLevelAggregated": "none",
        "riskLevelDuringSignIn": "none",
        "riskState": "none",
        "resourceDisplayName": sign_in.resource.title,
        "resourceId": sign_in.resource.app_id,
        "resourceTenantId": sign_in.tenant_id,
        "homeTenantId": sign_in.tenant_id,
        "authenticationRequirement": "multiFactorAuthentication" if sign_in.has_mfa else "singleFactorAuthentication",
        "signInEventTypes": ["interactiveUser" if sign_in.is_interactive else "nonInteractiveUser"],
        "sessionId": sign_in.session or None,
        "status": {
            "errorCode": sign_in.error,
            "failureReason": reason.get(sign_in.error, "Other."),
            "additionalDetails": "MFA requirement satisfied by claim in the token"
            if sign_in.has_mfa and sign_in.is_federated
            else None,
        },
        "deviceDetail": {
            "deviceId": "",
            "displayName": "",
            "operatingSystem": "Ios 14" if "iPhone" in sign_in.agent else "Windows 10",
            "browser": "Edge 91.0.864" if "Edg/" in sign_in.agent else "",
            "isCompliant": False,
            "isManaged": False,
            "trustType": "",
        },
        "location": location(sign_in.place),
        "appliedConditionalAccessPolicies": [],
        "authenticationDetails": [
            {
                "authenticationStepDateTime": f"{sign_in.at:%Y-%m-%dT%H:%M:%SZ}",
                "authenticationMethod": "Federated" if sign_in.is_federated else "Password",
                "authenticationMethodDetail": None if sign_in.is_federated else "Password in the cloud",
                "succeeded": not sign_in.error,
                "authenticationStepResultDetail": None,
                "authenticationStepRequirement": "Primary authentication",
            }
        ],
    }


def audited_sign_in(sign_in: SignIn) -> dict[str, Any]:
    """Return what the unified audit log says of a sign-in, without the head that all its records share."""
    extended = [
        {"Name": "ResultStatusDetail", "Value": "Success" if not sign_in.error else "UserError"},
        {"Name": "UserAgent", "Value": sign_in.agent},
        {"Name": "RequestType", "Value": "OAuth2:Authorize"},
    ]
    return {
        "ClientIP": sign_in.address,
        "ObjectId": sign_in.resource.app_id,
        "UserId": sign_in.who.upn,
        "AzureActiveDirectoryEventType": 1,
        "ExtendedProperties": extended,
        "ModifiedProperties": [],
        "Actor": [{"ID": sign_in.who.object_id, "Type": 0}, {"ID": sign_in.who.upn, "Type": 5}],
        "ActorContextId": sign_in.tenant_id,
        "ActorIpAddress": sign_in.address,
        "InterSystemsId": sign_in.correlation,
        "IntraSystemId": sign_in.number,
        "SupportTicketId": "",
        "Target": [{"ID": sign_in.resource.app_id, "Type": 0}],
        "TargetContextId": sign_in.tenant_id,
        "ApplicationId": sign_in.application.app_id,
        "DeviceProperties": [
            {"Name": "OS", "Value": "Windows10"},
            {"Name": "BrowserType", "Value": "Edge"},
            *([{"Name": "SessionId", "Value": sign_in.session}] if sign_in.session else []),
        ],
        "ErrorNumber": str(sign_in.error),
        **({"LogonError": "InvalidUserNameOrPassword"} if sign_in.error == 50126 else {}),
    }


def change_resource(change: Change) -> dict[str, Any]:
    """Return a change as Graph's ``directoryAudit`` resource."""
    return {
        "id": f"Directory_{change.correlation}_{change.suffix}",
        "category": change.category,
        "correlationId": change.correlation,
        "result": "success",
        "resultReason": "",
        "activityDisplayName": change.operation,
        "activityDateTime": f"{change.at:%Y-%m-%dT%H:%M:%S}.{change.at.microsecond:06}0Z",
        "loggedByService": "Core Directory",
        "operationType": _operation_type(change.operation),
        "initiatedBy": {
            "app": None,
            "user": {
                "id": change.who.object_id,
                "displayName": None,
                "userPrincipalName": change.who.upn,
                "ipAddress": change.address,
                "userType": None,
                "homeTenantId": None,
                "homeTenantName": None,
            },
        },
        "targetResources": [
            {
                "id": change.target_id,
                "displayName": change.target_name,
                "type": change.kind,
                "userPrincipalName": change.target_name if change.kind == "User" else None,
                "groupType": None,
                "modifiedProperties": [
                    {"displayName": name, "oldValue": _quoted(old), "newValue": _quoted(new)}
                    for name, (old, new) in change.changes.items()
                ],
            }
        ],
        "additionalDetails": [{"key": "User-Agent", "value": change.agent}],
    }


def audited_change(change: Change) -> dict[str, Any]:
    """Return what the unified audit log says of a change, without the head that all its records share."""
    return {
        "ClientIP": change.address,
        "ObjectId": change.target_id if change.kind != "User" else change.target_name,
        "UserId": change.who.upn,
        "AzureActiveDirectoryEventType": 1,
        "ExtendedProperties": [
            {"Name": "additionalDetails", "Value": _encode({"User-Agent": change.agent}).decode()},
            {"Name": "extendedAuditEventCategory", "Value": change.kind},
        ],
        "ModifiedProperties": [
            {"Name": name, "NewValue": new, "OldValue": old} for name, (old, new) in change.changes.items()
        ],
        "Actor": [
            {"ID": change.who.upn, "Type": 5},
            {"ID": change.who.passport, "Type": 3},
            {"ID": f"User_{change.who.object_id}", "Type": 2},
            {"ID": change.who.object_id, "Type": 2},
            {"ID": "User", "Type": 2},
        ],
        "ActorContextId": change.tenant_id,
        "ActorIpAddress": change.address,
        "InterSystemsId": change.correlation,
        "IntraSystemId": change.intra,
        "SupportTicketId": "",
        "Target": [
            {"ID": f"{change.kind}_{change.target_id}", "Type": 2},
            {"ID": change.target_id, "Type": 2},
            {"ID": change.kind, "Type": 2},
            {"ID": change.target_name, "Type": 1},
        ],
        "TargetContextId": change.tenant_id,
    }


def location(place: tuple[str, str]) -> dict[str, Any]:
    """Return a place as the service makes it of an address."""
    return {"city": place[0], "state": "", "countryOrRegion": place[1], "geoCoordinates": None}


def _quoted(value: str) -> str:
    return _encode(value).decode()


def _operation_type(operation: str) -> str:
    verb = operation.partition(" ")[0]
    return {"Consent": "Assign", "Remove": "Delete", "Set": "Update", "Delete": "Delete"}.get(verb, verb)
