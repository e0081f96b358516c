"""What indicators and techniques that were read become in the knowledge base: patterns, vulnerabilities, uses."""

from __future__ import annotations

from collections.abc import Callable

from stillhunt.errors import InputError
from stillhunt.knowledge.claim import Claim, Claims, entity_id
from stillhunt.knowledge.patterns import pattern_of
from stillhunt.knowledge.resolve import resolve
from stillhunt.knowledge.scribe import Scribe
from stillhunt.knowledge.store import View
from stillhunt.reading.draft import ReadClaim, Slot

__all__ = ["say_indicator", "say_technique"]

_TYPES = {"file": "filename", "ipv4": "ip", "network": "ip"}


def say_indicator(scribe: Scribe, claim: ReadClaim) -> tuple[Claims, Claim]:
    """Return the claims that an indicator becomes, a pattern or a vulnerability's name, and which of them says it.

    Raises:
        InputError: No pattern says what it is.
    """
    value, kind = claim.subject.text, claim.object.text
    if kind == "cve":
        said = scribe.say(entity_id("vulnerability", value), "name", value=value, quote=claim.quote, start=claim.start)
        return scribe.claims, said
    pattern = _of_path(value) if kind == "path" else pattern_of(_TYPES.get(kind, kind), value)
    if pattern is None:
        raise InputError(f"no pattern says `{kind}`", where=claim.id, hint="reject the claim")
    said = scribe.say(entity_id("indicator", pattern), "pattern", value=pattern, quote=claim.quote, start=claim.start)
    return scribe.claims, said


def _of_path(path: str) -> str:
    """Return the pattern of a file in its folder (STIX 2.1, 6.7)."""
    slash = "\\" if "\\" in path else "/"
    folder, _, name = path.rpartition(slash)
    folder, name = (part.replace("\\", "\\\\").replace("'", "\\'") for part in (folder, name))
    if not name:
        return f"[directory:path = '{folder}']"
    return f"[file:name = '{name}' AND file:parent_directory_ref.path = '{folder}']"


def say_technique(
    scribe: Scribe, view: View, claim: ReadClaim, *, meant: Callable[[Slot, str], str], document: str
) -> tuple[Claims, Claim]:
    """Return the claims that somebody uses a technique; whom the report does not name is an anchor of this document.

    Args:
        scribe: Takes it down.
        view: The base, with its techniques.
        claim: What was read.
        meant: Returns who is meant by a slot.
        document: Hash of the document.

    Raises:
        InputError: The base does not have the technique.
    """
    technique = claim.object.text.partition(" ")[0]
    found = [c for c in resolve(view, technique, types=("attack-pattern",)) if c.is_certain]
    if not found:
        raise InputError(f"the base has no technique {technique}", where=claim.id, hint="import ATT&CK: `know import`")
    if claim.subject.how == "implied" and claim.subject.text == claim.subject.text.lower():
        user = entity_id("intrusion-set", f"read:{document}:{claim.subject.text}")
        scribe.say(user, "name", value=claim.subject.text, quote=claim.quote, start=claim.start)
    else:
        user = meant(claim.subject, "intrusion-set")
    said = scribe.say(user, "uses", object=found[0].identity.members[0], quote=claim.quote, start=claim.start)
    return scribe.claims, said
