"""Apache Spark: the files of a store as Spark sees them, functions over Arrow, and errors that say what to do.

A hunt is one job. Spark reads whole files (its source ``binaryFile``, so any file system that Hadoop is configured
for), ``mapInArrow`` calls the work on those of each task, and ``groupBy(subject).applyInArrow`` brings together what
was said of one subject. Only whole files, text and bytes pass through Spark: no column of an event is ever one of
Spark's, so nothing depends on its names, types, sessions or time zones.

Reference: Apache Spark 4 documentation: PySpark "Apache Arrow in PySpark", "Binary File Data Source", "Configuration".
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from stillhunt.engines.engine import Engine, Join, Piece, Work
from stillhunt.errors import EngineError, MissingExtraError
from stillhunt.progress import Step, Watcher

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["is_url", "on_spark", "url_of"]

_LOOK_EVERY_S = 0.25
_FIELDS: Any = [("subject", pa.string()), ("body", pa.binary())]
_SCHEMA = pa.schema(_FIELDS)
_COLUMNS = "subject string, body binary"

_OURS = {
    "spark.ui.enabled": "false",  # no page for a hunt: it would listen on a port
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.driver.maxResultSize": "0",  # what was found in a year may be more than a gigabyte
}
"""How a session is begun, unless the user says otherwise."""

_PER_JOB = {
    # A row is a file or a joined table, megabytes each: a batch of the usual ten thousand would not fit.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "1",
    # A small table may take long to condense: subjects are not put together by their bytes.
    "spark.sql.adaptive.enabled": "false",
}

_GUIDE = "see docs/how-to/spark.md"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")

Result = TypeVar("Result")


def is_url(path: str) -> bool:
    r"""Tell whether a path names a file system.

    >>> is_url("s3a://bucket/store"), is_url("/srv/store"), is_url("C:\\store")
    (True, False, False)
    """
    return _URL.match(path) is not None


def url_of(path: str) -> str:
    """Return a path as Spark takes it: one that names no file system is one of this machine.

    >>> url_of("/srv/store"), url_of("hdfs://name/store/")
    ('file:///srv/store', 'hdfs://name/store')
    """
    return path.rstrip("/") if is_url(path) else f"file://{Path(path).absolute()}"


@contextmanager
def on_spark(master: str, *, settings: Mapping[str, str] | None = None) -> Iterator[Engine]:
    """Begin a Spark session, and end it afterwards; one that this process has already is used, and left running.

    Args:
        master: Spark's master URL: ``local[2]``, ``spark://host:7077``, ``yarn``, ``k8s://...``.
        settings: Further settings of Spark by name.

    Raises:
        MissingExtraError: PySpark is not installed.
        EngineError: There is no Java, the master cannot be reached, or Spark does not start.
    """
    given = dict(settings or {})
    session, is_ours = _session(master, given)
    try:
        own = session.newSession()
        for name, value in {**_PER_JOB, **{n: v for n, v in given.items() if n.startswith("spark.sql.")}}.items():
            own.conf.set(name, value)
        yield _Spark(own)
    finally:
        if is_ours:
            session.stop()


def _session(master: str, settings: Mapping[str, str]) -> tuple[SparkSession, bool]:
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError("pyspark", "spark") from error
    _check_pandas()
    if master.startswith("sc://"):
        hint = "give the URL of a master: spark://host:7077, yarn, k8s://..., local[2]"
        raise EngineError("Spark Connect is not supported", where=master, hint=hint)
    running: Any = SparkSession.getActiveSession()
    if running is not None:
        if running.sparkContext.master != master:
            message = f"this process has a session of another master already, {running.sparkContext.master}"
            raise EngineError(message, where=master, hint="stop it, or give its master")
        return running, False
    _check_java()
    builder: Any = SparkSession.builder.master(master).appName("stillhunt")
    for name, value in {**_OURS, **_bound(master), **settings}.items():
        builder = builder.config(name, value)
    # Spark looks for `python3` on the path otherwise, which need not be the Python that has stillhunt.
    python = settings.get("spark.pyspark.python") or os.environ.get("PYSPARK_PYTHON") or sys.executable
    with _environment(PYSPARK_PYTHON=python):
        try:
            return builder.getOrCreate(), True
        except Exception as error:  # py4j, pyspark and Java each have errors of their own
            raise _not_started(master, error) from error


def _check_pandas() -> None:
    try:
        from pyspark.sql.pandas.utils import require_minimum_pandas_version  # noqa: PLC0415 - an extra

        require_minimum_pandas_version()
    except ImportError as error:
        # Spark wants it wherever Arrow is used, and uses nothing of it here.
        raise MissingExtraError("pandas", "spark") from error


def _check_java() -> None:
    home = os.environ.get("JAVA_HOME")
    if home and not (Path(home) / "bin" / "java").exists():
        raise EngineError(
            "there is no Java where JAVA_HOME says", where=home, hint="point it at Java 17 or newer, or unset it"
        )
    if not home and shutil.which("java") is None:
        raise EngineError("Spark needs Java, and there is none", hint="install Java 17 or newer, or set JAVA_HOME")


def _bound(master: str) -> dict[str, str]:
    """Stay on this machine where the master does."""
    is_here = re.match(r"local\b|spark://(localhost|127\.[\d.]+|\[::1\])[:/]?", master) is not None
    return {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"} if is_here else {}


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _not_started(master: str, error: Exception) -> EngineError:
    text = str(error)
    if "stopped SparkContext" in text or "unresponsive" in text:
        return EngineError("no Spark master answers", where=master, hint="check that it runs, and its host and port")
    if "JAVA_GATEWAY_EXITED" in text or "Could not parse Master URL" in text:
        hint = f"the words of Java above say why: often the URL of the master, or a Java older than 17; {_GUIDE}"
        return EngineError("Spark does not start", where=master, hint=hint)
    return EngineError(f"Spark does not start: {_first_line(text)}", where=master, hint=_GUIDE)


class _Spark:
    """Spark as an engine.

    Args:
        session: One whose settings are its own.
    """

    def __init__(self, session: SparkSession) -> None:
        self._session = session
        self._context = session.sparkContext

    @property
    def n_hands(self) -> int:
        return max(1, self._context.defaultParallelism)

    def contents(self, folder: str, pattern: str) -> dict[str, bytes]:
        with _translated(folder):
            try:
                rows = self._files([f"{_escaped(folder)}/{pattern}"], 1).collect()
            except Exception as error:
                if _condition(error) == "PATH_NOT_FOUND":
                    return {}
                raise
        return {row["path"].rpartition("/")[2]: bytes(row["content"]) for row in rows}

    def gathered(self, paths: Sequence[str], work: Work, join: Join, *, n_tasks: int, watch: Watcher) -> list[Piece]:
        if not paths:
            return []
        with _translated(paths[0]):
            worked = self._files([_escaped(path) for path in paths], n_tasks).mapInArrow(_mapper(work), _COLUMNS)
            # Hashes of few subjects fall together: more places than tasks keep all hands busy.
            spread = worked.repartition(4 * n_tasks, "subject")
            found = spread.groupBy("subject").applyInArrow(_reducer(join), _COLUMNS)
            table = self._watched(found.toArrow, watch)
        columns = (table[name].to_pylist() for name in ("subject", "body"))
        return sorted(Piece(subject, body) for subject, body in zip(*columns, strict=True))

    def _files(self, paths: Sequence[str], n_tasks: int) -> DataFrame:
        self._session.conf.set("spark.sql.files.openCostInBytes", "0")
        self._session.conf.set("spark.sql.files.minPartitionNum", str(n_tasks))
        reader = self._session.read.format("binaryFile")
        # Folders are called `month=2021-08`: without this they would become columns.
        return reader.option("recursiveFileLookup", "true").load(list(paths)).select("path", "content")

    def _watched(self, action: Callable[[], Result], watch: Watcher) -> Result:
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(action)
            try:
                while not running.done():
                    wait([running], timeout=_LOOK_EVERY_S)
                    watch(self._step())
            except BaseException:
                self._context.cancelAllJobs()
                raise
            return running.result()

    def _step(self) -> Step:
        tracker = self._context.statusTracker()
        infos = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
        counts = Counter({"done": 0, "total": 0})
        for info in infos:
            if info is not None:
                counts.update(done=info.numCompletedTasks, total=info.numTasks)
        words = f"{counts['done']} of {counts['total']} tasks of Spark" if counts["total"] else "Spark"
        return Step(task="match", subject=words, done=counts["done"], total=counts["total"] or None)


def _mapper(work: Work) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def mapped(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        files: Any = (zip(*(column.to_pylist() for column in batch.columns), strict=True) for batch in batches)
        for piece in work(chain.from_iterable(files)):
            yield pa.RecordBatch.from_pydict({"subject": [piece.subject], "body": [piece.body]}, schema=_SCHEMA)

    return mapped


def _reducer(join: Join) -> Callable[[tuple[Any, ...], pa.Table], pa.Table]:
    # PySpark reads these annotations: all of their names must be there when it runs.
    def reduced(key: tuple[Any, ...], table: pa.Table) -> pa.Table:
        subject = str(key[0].as_py())
        # Sorted, because Spark brings rows together as they come.
        said: Any = table["body"].to_pylist()
        bodies = list(join(subject, sorted(said)))
        return pa.table({"subject": [subject] * len(bodies), "body": bodies}, schema=_SCHEMA)

    return reduced


def _escaped(path: str) -> str:
    """Return a path in which nothing is a pattern."""
    return re.sub(r"([\\{}\[\]*?])", r"\\\1", path)


@contextmanager
def _translated(where: str) -> Iterator[None]:
    """Turn errors of Spark into ours."""
    try:
        yield
    except EngineError:
        raise
    except Exception as error:  # py4j, pyspark and Java each have errors of their own
        text = str(error)
        for sign, message, hint in _KNOWN:
            if sign in text:
                raise EngineError(message, where=where, hint=hint) from error
        raise EngineError(f"Spark failed: {_first_line(text)}", where=where, hint=_GUIDE) from error


_KNOWN = (
    (
        "No module named 'stillhunt'",
        "the workers of Spark have no stillhunt",
        f"install it there, or ship an archive: {_GUIDE}",
    ),
    (
        "No module named 'pyarrow'",
        "the workers of Spark have no pyarrow",
        f"install it there, or ship an archive: {_GUIDE}",
    ),
    (
        "PYTHON_VERSION_MISMATCH",
        "the workers of Spark run another version of Python",
        f"set PYSPARK_PYTHON to the same as here: {_GUIDE}",
    ),
    (
        "Cannot run program",
        "the workers of Spark have no such Python",
        f"set PYSPARK_PYTHON to one that they have: {_GUIDE}",
    ),
    (
        "PATH_NOT_FOUND",
        "files that the store names are not there",
        "restore them, or hunt into a new store",
    ),
    (
        "FAILED_READ_FILE",
        "a worker of Spark cannot read a file of the store",
        "the store must lie where all workers see it under the same path: a shared folder, HDFS or S3",
    ),
    ("No FileSystem for scheme", "Spark does not know this file system", f"add its Hadoop connector: {_GUIDE}"),
    ("ClassNotFoundException", "Spark lacks what this file system needs", f"add its Hadoop connector: {_GUIDE}"),
    ("stopped SparkContext", "the Spark session ended", "look into the log of the master"),
)
"""What the text of an error holds, what it means, and what to do."""


def _condition(error: Exception) -> str:
    get = getattr(error, "getCondition", None)
    return str(get()) if callable(get) else ""


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # What Python on a worker said last is the reason; Java's first line is only that a job failed.
    said = [line for line in lines if re.match(r"[A-Za-z_.]*(Error|Exception)\b", line)]
    return (said or lines or ["no reason given"])[0][:300]
