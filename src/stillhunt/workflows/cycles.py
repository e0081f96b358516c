"""Keep Python's search for cycles away from millions of values that hold none."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["no_search_for_cycles"]


@contextmanager
def no_search_for_cycles() -> Iterator[None]:
    """Keep Python from walking all decoded values again and again in search of cycles, of which there are none.

    It costs a third of the time of reading, and more where findings are linked.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
