"""Reading and matching by several processes: each takes its share of the files, and what they found is joined.

What is kept of the events does not depend on who saw which, so the result is the same for any number of workers.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from multiprocessing.sharedctypes import Synchronized
from typing import Any

import pyarrow as pa

from stillhunt.cases.trail import Trail
from stillhunt.detection.rule import RuleSet
from stillhunt.detection.scan import Scan, ScanState
from stillhunt.errors import EngineError
from stillhunt.progress import Step, Watcher
from stillhunt.telemetry.collect import Reading, ReadingState
from stillhunt.telemetry.share import Share
from stillhunt.workflows.cycles import no_search_for_cycles

__all__ = ["read_and_match", "worth_workers"]

_BYTES_PER_WORKER = 48 << 20
"""Less is read sooner than a second process has started."""

_LOOK_EVERY_S = 0.2


def worth_workers(shares: Sequence[Share]) -> bool:
    """Say whether these files are worth another process."""
    return sum(share.n_bytes for share in shares) >= _BYTES_PER_WORKER


def read_and_match(
    reading: Reading, scan: Scan, trail: Trail, rules: RuleSet, *, n_workers: int, watch: Watcher
) -> None:
    """Read all logs once, match every rule, and keep the trail.

    Args:
        reading: The logs; its account is complete afterwards.
        scan: Takes the matches.
        trail: Takes what linking and dating need.
        rules: Those of ``scan``, for the other processes.
        n_workers: Processes to use at most; 1 uses none but this.
        watch: Told about progress.

    Raises:
        InputError: None of the logs could be read.
        EngineError: A process was killed, for instance for want of memory.
    """
    shares = reading.shares(n_workers)
    if n_workers < 2 or len(shares) < 2 or not worth_workers([s for part in shares for s in part]):
        for batch in reading.part([share for part in shares for share in part]):
            scan.feed(batch)
            trail.observe(batch)
    else:
        for scanned, seen, read in _by_processes(shares, rules, watch):
            scan.take(scanned)
            trail.take(seen)
            reading.take(read)
    reading.finish()


_Part = tuple[ScanState, Trail, ReadingState]


def _by_processes(shares: Sequence[Sequence[Share]], rules: RuleSet, watch: Watcher) -> list[_Part]:
    # Arrow and the progress bar have threads, which a forked process would inherit half.
    context = get_context("spawn")
    n_bytes, n_events = context.Value("q", 0), context.Value("q", 0)
    total = sum(share.n_bytes for part in shares for share in part)
    with ProcessPoolExecutor(
        len(shares), mp_context=context, initializer=_start, initargs=(rules, n_bytes, n_events)
    ) as pool:
        running = [pool.submit(_work, part) for part in shares]
        left = set(running)
        try:
            while left:
                _, left = wait(left, timeout=_LOOK_EVERY_S)
                subject = f"{len(shares)} processes"
                watch(
                    Step(
                        task="read", subject=subject, done=min(n_bytes.value, total), total=total, events=n_events.value
                    )
                )
            return [future.result() for future in running]
        except BrokenProcessPool as error:
            hint = "give the hunt more memory, or `--jobs 1`"
            raise EngineError("a process that read logs was killed", hint=hint) from error
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


_rules: RuleSet | None = None
_counters: tuple[Any, Any] | None = None


def _start(rules: RuleSet, n_bytes: Synchronized[int], n_events: Synchronized[int]) -> None:
    global _rules, _counters
    _rules, _counters = rules, (n_bytes, n_events)
    # Threads of its own would only get into the way of the other workers.
    pa.set_cpu_count(1)


def _work(shares: Sequence[Share]) -> _Part:
    assert _rules is not None
    done = [0, 0]

    def tell(step: Step) -> None:
        assert _counters is not None
        for counter, place, now in zip(_counters, (0, 1), (step.done, step.events or 0), strict=True):
            with counter.get_lock():
                counter.value += now - done[place]
            done[place] = now

    scan, trail, reading = Scan(_rules), Trail(), Reading([], watch=tell)
    with no_search_for_cycles():
        for batch in reading.part(shares):
            scan.feed(batch)
            trail.observe(batch)
    return scan.state(), trail, reading.state()
