"""The reference interpreter, and a batch from dicts."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pyarrow as pa
import pytest

from stillhunt.telemetry.event import TEXT, TEXT_LIST


@pytest.fixture(scope="session")
def oracle():
    spec = spec_from_file_location("oracle", Path(__file__).with_name("oracle.py"))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def as_columns():
    def build(events):
        columns = {}
        for name in sorted({name for event in events for name in event}):
            values = [event.get(name) for event in events]
            is_list = any(isinstance(value, list) for value in values)
            columns[name] = pa.array(values, TEXT_LIST if is_list else TEXT)
        if not columns:
            columns["Nothing"] = pa.array([None] * len(events), TEXT)
        return pa.RecordBatch.from_pydict(columns)

    return build
