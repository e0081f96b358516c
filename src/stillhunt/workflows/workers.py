"""Reading and matching by several processes: each takes its share of the files, and what they found is joined.

What is kept of the events does not depend on who saw which, so the result is the same for any number of workers.
Work that is to be kept piece by piece is done in turn (:func:`in_turn`): the results come in the order of the tasks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import lru_cache
from multiprocessing import get_context
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pyarrow as pa

from stillhunt.cases.trail import Trail
from stillhunt.detection.rule import RuleSet
from stillhunt.detection.scan import Scan, ScanState
from stillhunt.errors import EngineError
from stillhunt.progress import Step, Watcher
from stillhunt.telemetry.collect import Reading, ReadingState
from stillhunt.telemetry.options import ReadOptions
from stillhunt.telemetry.seen import Kept, Seen, held_before
from stillhunt.telemetry.share import Share, in_order
from stillhunt.workflows.cycles import no_search_for_cycles
from stillhunt.workflows.packing import packed_rules, unpacked_rules

__all__ = ["Desk", "in_turn", "read_and_match", "worth_workers"]

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
        for batch in reading.part(in_order(share for part in shares for share in part)):
            scan.feed(batch)
            trail.observe(batch)
    else:
        for scanned, seen, read in _by_processes(shares, rules, reading.options, watch):
            scan.take(scanned)
            trail.take(seen)
            reading.take(read)
    reading.finish()


_Part = tuple[ScanState, Trail, ReadingState]


def _by_processes(
    shares: Sequence[Sequence[Share]], rules: RuleSet, options: ReadOptions, watch: Watcher
) -> list[_Part]:
    total = sum(share.n_bytes for part in shares for share in part)
    with _processes(len(shares), rules, options) as pool, _killed():
        done = _all_of([pool.executor.submit(_work, part) for part in shares], pool, total, watch)
        # Records that an earlier file of another process has as well: rare, and only then is anything read twice.
        known = held_before([kept for _, kept in done])
        again = [number for number, digests in enumerate(known) if digests]
        tasks = [pool.executor.submit(_work, shares[number], known[number]) for number in again]
        for number, part in zip(again, _all_of(tasks, pool, total, watch), strict=True):
            done[number] = part
        return [part for part, _ in done]


def _all_of(
    running: Sequence[Future[tuple[_Part, Kept]]], pool: _Pool, total: int, watch: Watcher
) -> list[tuple[_Part, Kept]]:
    left = set(running)
    while left:
        _, left = wait(left, timeout=_LOOK_EVERY_S)
        watch(pool.step(total))
    return [future.result() for future in running]


class Desk:
    """What a process keeps from one task to the next: compiled rules, decoders, shapes of records.

    Args:
        rules: What to match.
        options: How logs are to be read.
        watch: Told about progress in the task at hand.
    """

    def __init__(self, rules: RuleSet, options: ReadOptions, watch: Watcher) -> None:
        self.scan, self.reading = Scan(rules), Reading([], options=options, watch=watch)


Task = TypeVar("Task")
Result = TypeVar("Result")


def in_turn(
    work: Callable[[Desk, Task], Result],
    tasks: Sequence[Task],
    *,
    rules: RuleSet,
    n_workers: int,
    watch: Watcher,
    total: int,
    options: ReadOptions,
) -> Iterator[Result]:
    """Do tasks by one process or several, and yield what comes of them in their order.

    Args:
        work: A function of a module, called with the desk of its process and a task.
        tasks: What to do.
        rules: Rules of the desks.
        n_workers: Processes to use at most; 1 uses none but this.
        watch: Told about progress.
        total: Bytes that all tasks read.
        options: How logs are to be read.

    Raises:
        EngineError: A process was killed, for instance for want of memory.
    """
    if n_workers < 2 or len(tasks) < 2:
        tell = _Teller(watch, total)
        desk = Desk(rules, options, tell)
        for task in tasks:
            tell.begin()
            with no_search_for_cycles():
                done = work(desk, task)
            yield done
        return
    with _processes(min(n_workers, len(tasks)), rules, options) as pool, _killed():
        running: deque[Any] = deque()
        left = deque(tasks)
        while running or left:
            # What is done and not yet taken is lost if this process dies: little more is begun than there are hands.
            while left and len(running) <= n_workers:
                running.append(pool.executor.submit(_at_desk, work, left.popleft()))
            wait([running[0]], timeout=_LOOK_EVERY_S)
            watch(pool.step(total))
            if running[0].done():
                yield running.popleft().result()


class _Teller:
    """Adds up the progress of tasks that are done one after another."""

    def __init__(self, watch: Watcher, total: int) -> None:
        self._watch, self._total = watch, total
        self._before, self._now = (0, 0), (0, 0)

    def begin(self) -> None:
        """A task begins, which counts from nothing."""
        self._before, self._now = (self._before[0] + self._now[0], self._before[1] + self._now[1]), (0, 0)

    def __call__(self, step: Step, /) -> None:
        """Tell of the task at hand as a part of all."""
        self._now = (step.done, step.events)
        done, events = self._before[0] + step.done, self._before[1] + step.events
        self._watch(
            Step(task=step.task, subject=step.subject, done=min(done, self._total), total=self._total, events=events)
        )


class _Pool:
    def __init__(self, executor: ProcessPoolExecutor, n_processes: int, counters: tuple[Any, Any]) -> None:
        self.executor, self._n_processes, self._counters = executor, n_processes, counters

    def step(self, total: int) -> Step:
        """Return how far all processes together are."""
        n_bytes, n_events = (counter.value for counter in self._counters)
        subject = f"{self._n_processes} processes"
        return Step(task="read", subject=subject, done=min(n_bytes, total), total=total, events=n_events)


@contextmanager
def _processes(n_processes: int, rules: RuleSet, options: ReadOptions) -> Iterator[_Pool]:
    # Arrow and the progress bar have threads, which a forked process would inherit half.
    context = get_context("spawn")
    counters = context.Value("q", 0), context.Value("q", 0)
    with TemporaryDirectory(prefix="stillhunt-") as folder:
        # By a file: what is given to a process as it starts holds up the start of the next one until it is read.
        path = Path(folder) / "rules"
        path.write_bytes(packed_rules(rules))
        executor = ProcessPoolExecutor(
            n_processes, mp_context=context, initializer=_start, initargs=(path, options, *counters)
        )
        try:
            yield _Pool(executor, n_processes, counters)
        finally:
            # A process takes a second to throw away what it knows: nobody waits for that.
            executor.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _killed() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool as error:
        hint = "give the hunt more memory, or `--jobs 1`"
        raise EngineError("a process that read logs was killed", hint=hint) from error


_rules: RuleSet | None = None
_options: ReadOptions | None = None
_counters: tuple[Any, Any] | None = None


def _start(rules: Path, options: ReadOptions, n_bytes: Synchronized[int], n_events: Synchronized[int]) -> None:
    global _rules, _options, _counters
    try:
        content = rules.read_bytes()
    except FileNotFoundError:
        return  # the others have done everything before this one was ready
    _rules, _options, _counters = unpacked_rules(content), options, (n_bytes, n_events)
    # Threads of its own would only get into the way of the other workers.
    pa.set_cpu_count(1)


class _Counted:
    """Adds the progress of this process to that of all."""

    def __init__(self) -> None:
        self._done = [0, 0]

    def begin(self) -> None:
        """A task begins, which counts from nothing."""
        self._done = [0, 0]

    def __call__(self, step: Step, /) -> None:
        """Count what is new."""
        assert _counters is not None
        for counter, place, now in zip(_counters, (0, 1), (step.done, step.events), strict=True):
            with counter.get_lock():
                counter.value += now - self._done[place]
            self._done[place] = now


def _at_desk(work: Callable[[Desk, Task], Result], task: Task) -> Result:
    desk, counted = _own_desk()
    counted.begin()
    with no_search_for_cycles():
        return work(desk, task)


@lru_cache(maxsize=1)
def _own_desk() -> tuple[Desk, _Counted]:
    assert _rules is not None
    assert _options is not None
    counted = _Counted()
    return Desk(_rules, _options, counted), counted


def _work(shares: Sequence[Share], known: Iterable[int] = ()) -> tuple[_Part, Kept]:
    assert _rules is not None
    scan, trail = Scan(_rules), Trail()
    kept: Kept = {}
    seen = Seen(kept=kept)
    seen.know(known)
    reading = Reading([], options=_options, watch=_Counted(), seen=seen)
    with no_search_for_cycles():
        for batch in reading.part(shares):
            scan.feed(batch)
            trail.observe(batch)
    return (scan.state(), trail, reading.state()), kept
