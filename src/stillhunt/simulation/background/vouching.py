"""What the federation server logs when it vouches for somebody to the cloud."""

from __future__ import annotations

from datetime import datetime
from random import Random

from stillhunt.simulation import kinds
from stillhunt.simulation.chance import guid, wobble
from stillhunt.simulation.estate import Person
from stillhunt.simulation.parts import Part
from stillhunt.simulation.world import World

__all__ = ["vouched"]

_AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/91.0.4472.77 Safari/537.36"
)


def vouched(world: World, person: Person, at: datetime, address: str, *, random: Random) -> bool:
    """Log that a password was checked and a token given out (1202, 1200), some seconds before the cloud's sign-in.

    Returns:
        Whether the estate has a federation server: whether the sign-in will be a federated one.
    """
    if Part.FEDERATION not in world.parts:
        return False
    machine = world.machines["ADFS01"]
    activity = guid(random)
    checked = wobble(random, at, -6, -3)
    machine.log_on(checked, person, logon_type=3, address=machine.host.address, package="Negotiate")
    service = f"{world.estate.domain_sid}-1140"
    audit = _audit(world, person, address, title="FreshCredentialAudit", kind="FreshCredentials")
    machine.log(checked, kinds.CREDENTIAL_VALIDATED, [activity, audit], user_id=service)
    audit = _audit(world, person, address, title="AppTokenAudit", kind="AppToken")
    machine.log(wobble(random, checked, 0.1, 1.5), kinds.TOKEN_ISSUED, [activity, audit], user_id=service)
    return True


def _audit(world: World, person: Person, address: str, *, title: str, kind: str) -> str:
    estate = world.estate
    return (
        '<?xml version="1.0" encoding="utf-16"?>\r\n'
        '<AuditBase xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' xsi:type="{title}">\r\n  <AuditType>{kind}</AuditType>\r\n  <AuditResult>Success</AuditResult>\r\n'
        "  <FailureType>None</FailureType>\r\n  <ErrorCode>N/A</ErrorCode>\r\n  <ContextComponents>\r\n"
        '    <Component xsi:type="ResourceAuditComponent">\r\n'
        "      <RelyingParty>urn:federation:MicrosoftOnline</RelyingParty>\r\n"
        f"      <ClaimsProvider>AD AUTHORITY</ClaimsProvider>\r\n      <UserId>{estate.account(person)}</UserId>\r\n"
        '    </Component>\r\n    <Component xsi:type="AuthNAuditComponent">\r\n'
        "      <PrimaryAuth>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</PrimaryAuth>\r\n"
        '    </Component>\r\n    <Component xsi:type="RequestAuditComponent">\r\n'
        f"      <Server>http://sts.{estate.organisation.domain}/adfs/services/trust</Server>\r\n"
        "      <AuthProtocol>WSFederation</AuthProtocol>\r\n      <NetworkLocation>Extranet</NetworkLocation>\r\n"
        f"      <IpAddress>{address}</IpAddress>\r\n      <ForwardedIpAddress>{address}</ForwardedIpAddress>\r\n"
        f"      <UserAgentString>{_AGENT}</UserAgentString>\r\n      <Endpoint>/adfs/ls</Endpoint>\r\n"
        "    </Component>\r\n  </ContextComponents>\r\n</AuditBase>"
    )
