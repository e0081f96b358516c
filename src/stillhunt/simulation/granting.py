"""How an application is let into a tenant, and given a key: the chain of records that the directory writes of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from stillhunt.simulation.chance import guid, stream
from stillhunt.simulation.identities import GRAPH, Application, Subscriber
from stillhunt.simulation.tenant import Tenant

__all__ = ["add_key", "let_in"]

_BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/91.0.4472.77 Safari/537.36 Edg/91.0.864.37"
)


def let_in(
    tenant: Tenant,
    who: Subscriber,
    application: Application,
    scope: str,
    at: datetime,
    *,
    address: str,
    is_federated: bool = False,
) -> None:
    """Log that somebody lets an application act in their name: sign-in, service principal, grant and consent."""
    tenant.sign_in(at, who, application, address=address, agent=_BROWSER, resource=GRAPH, is_federated=is_federated)
    grant = (
        f"[] => [[Id: {application.object_id[:8]}{who.object_id[:8]}, ClientId: {application.object_id},"
        f" PrincipalId: {who.object_id}, ResourceId: {GRAPH.object_id}, ConsentType: Principal,"
        f" Scope:  {scope}, CreatedDateTime: , LastModifiedDateTime ]]; "
    )
    steps: tuple[tuple[str, str, str, dict[str, tuple[str, str]]], ...] = (
        (
            "Add service principal",
            application.object_id,
            application.title,
            {"AppPrincipalId": ("[]", f'["{application.app_id}"]'), "DisplayName": ("[]", f'["{application.title}"]')},
        ),
        (
            "Add delegated permission grant",
            GRAPH.object_id,
            GRAPH.title,
            {
                "DelegatedPermissionGrant.Scope": ("", f" {scope}"),
                "DelegatedPermissionGrant.ConsentType": ("", "Principal"),
                "ServicePrincipal.ObjectID": ("", application.object_id),
            },
        ),
        (
            "Consent to application",
            application.object_id,
            application.title,
            {
                "ConsentContext.IsAdminConsent": ("", "False"),
                "ConsentContext.IsAppOnly": ("", "False"),
                "ConsentContext.OnBehalfOfAll": ("", "False"),
                "ConsentAction.Permissions": ("", grant),
            },
        ),
    )
    for number, (operation, target_id, target_name, changes) in enumerate(steps):
        tenant.change_directory(
            at + timedelta(seconds=6 + number, microseconds=1000 * number),
            who,
            operation,
            category="ApplicationManagement",
            kind="ServicePrincipal",
            target_id=target_id,
            target_name=target_name,
            changes=changes,
            address=address,
        )


def add_key(tenant: Tenant, who: Subscriber, application: Application, at: datetime, address: str) -> None:
    """Log that somebody added a key to an application, with which it can sign in as itself."""
    key = guid(stream(tenant.seed, f"key {application.app_id} {at.isoformat()}"))
    described = f"[KeyIdentifier={key},KeyType=Password,KeyUsage=Verify,DisplayName=rotation]"
    tenant.change_directory(
        at,
        who,
        "Update application \N{EN DASH} Certificates and secrets management",
        category="ApplicationManagement",
        kind="Application",
        target_id=application.object_id,
        target_name=application.title,
        changes={"KeyDescription": ("[]", f'["{described}"]'), "Included Updated Properties": ("", '"KeyDescription"')},
        address=address,
        agent=_BROWSER,
        as_audited="Update application \N{EN DASH} Certificates and secrets management ",
    )
    tenant.change_directory(
        at + timedelta(seconds=1),
        who,
        "Add service principal credentials",
        category="ApplicationManagement",
        kind="ServicePrincipal",
        target_id=application.object_id,
        target_name=application.title,
        changes={"KeyDescription": ("[]", f'["{described}"]'), "Included Updated Properties": ("", '"KeyDescription"')},
        address=address,
        agent=_BROWSER,
    )
