"""SQL over a store through DuckDB, which is asked for when it is needed: reading only, and nothing but the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from stillhunt.errors import InputError
from stillhunt.telemetry.store.manifest import Manifest

__all__ = ["run_sql"]

_MEMORY = "2GB"


def run_sql(folder: Path, manifest: Manifest, sql: str) -> Iterator[pa.RecordBatch]:
    """Run one SELECT over the view ``events``, and yield its result.

    Args:
        folder: The store.
        manifest: Its manifest.
        sql: The statement.

    Raises:
        InputError: DuckDB is missing, the statement is no single SELECT, or it fails.
    """
    try:
        import duckdb  # noqa: PLC0415 - an extra
    except ImportError as error:
        hint = "pip install 'stillhunt[sql]'"
        raise InputError("--sql needs DuckDB, which is not installed", hint=hint) from error
    root = folder.resolve()
    paths = sorted(str(root / part.path) for unit in manifest.units.values() for part in unit.parts)
    if not paths:
        raise InputError("holds no event", where=str(folder))
    connection = duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"})
    try:
        _confine(connection, root / "events", paths)
        _check(duckdb, sql)
        reader: pa.RecordBatchReader = connection.sql(sql).to_arrow_reader(10_000)
        # Also a result without rows has columns.
        yield pa.RecordBatch.from_pylist([], schema=reader.schema)
        yield from reader
    except duckdb.Error as error:
        message = str(error).strip().partition("\n")[0]
        hint = "the view is `events`; names with a dot are written in double quotes"
        raise InputError(f"the statement fails: {message}", where="--sql", hint=hint) from error
    finally:
        connection.close()


def _confine(connection: Any, events: Path, paths: list[str]) -> None:
    """Make the view, and shut everything else: other files, the network, extensions, and the settings themselves."""
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"SET memory_limit = '{_MEMORY}'")
    connection.execute("SET autoload_known_extensions = false")
    connection.execute("SET python_enable_replacements = false")
    connection.execute("SET temp_directory = ''")
    connection.execute("SET allowed_directories = [" + _quoted(f"{events}/") + "]")
    listed = ", ".join(_quoted(path) for path in paths)
    connection.execute("SET enable_external_access = false")
    files = f"read_parquet([{listed}], hive_partitioning = true, union_by_name = true)"
    connection.execute(f"CREATE VIEW events AS SELECT * FROM {files}")  # noqa: S608 - our own paths, quoted
    connection.execute("SET lock_configuration = true")


def _check(duckdb: Any, sql: str) -> None:
    kinds = [statement.type for statement in duckdb.extract_statements(sql)]
    if kinds != [duckdb.StatementType.SELECT]:
        hint = "ask one question that begins with SELECT or WITH; a store is never written to"
        raise InputError("is not a single SELECT", where="--sql", hint=hint)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
