"""What every test may ask for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pytest

from stillhunt.telemetry.event import TEXT, TEXT_LIST

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real logs with truth that lie beside the repository; skips where they are absent."""
    data = Path(os.environ.get("STILLHUNT_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (data / "MANIFEST.md").is_file():
        pytest.skip(f"no real data at {data}: set STILLHUNT_DATA to run this test")
    return data


@pytest.fixture(scope="session")
def oracle() -> ModuleType:
    """The reference that says, row by row, whether a Sigma rule matches."""
    spec = spec_from_file_location("oracle", Path(__file__).with_name("oracle.py"))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def as_columns() -> Callable[[Sequence[Mapping[str, Any]]], pa.RecordBatch]:
    """Makes a batch of events that are dictionaries."""

    def build(events):
        columns = {}
        for name in sorted({name for event in events for name in event}):
            values = [event.get(name) for event in events]
            is_list = any(isinstance(value, list) for value in values)
            listed = [value if value is None or isinstance(value, list) else [value] for value in values]
            columns[name] = pa.array(listed if is_list else values, TEXT_LIST if is_list else TEXT)
        # An event without any field is one too.
        return pa.RecordBatch.from_pydict(columns or {"Nothing": pa.array([None] * len(events), TEXT)})

    return build


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep compiled rules in a folder of the test run, not in the developer's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STILLHUNT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
