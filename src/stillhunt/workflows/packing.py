"""Rules as bytes and back, for another process or another machine.

Half a million objects take half a second each way as a pickle, and a tenth of that as MessagePack; what that cannot
write, such as a number beyond 64 bits, is pickled.
"""

from __future__ import annotations

import pickle

import msgspec

from stillhunt.detection.rule import RuleSet
from stillhunt.workflows.cycles import no_search_for_cycles

__all__ = ["packed_rules", "unpacked_rules"]

_PLAIN, _PICKLED = b"m", b"p"


@no_search_for_cycles()
def packed_rules(rules: RuleSet) -> bytes:
    """Return rules as bytes that :func:`unpacked_rules` takes."""
    try:
        body = msgspec.msgpack.encode(rules)
        is_same = msgspec.msgpack.decode(body, type=RuleSet) == rules
    except (ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
        is_same = False
    return _PLAIN + body if is_same else _PICKLED + pickle.dumps(rules, protocol=pickle.HIGHEST_PROTOCOL)


@no_search_for_cycles()
def unpacked_rules(content: bytes) -> RuleSet:
    """Return the rules that :func:`packed_rules` wrote: bytes of our own, never of anybody else."""
    form, body = content[:1], memoryview(content)[1:]
    if form == _PLAIN:
        return msgspec.msgpack.decode(body, type=RuleSet)
    rules = pickle.loads(body)  # noqa: S301 - written by this very hunt
    assert isinstance(rules, RuleSet)
    return rules
