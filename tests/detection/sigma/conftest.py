"""The reference interpreter, and a batch from dicts."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pyarrow as pa
import pytest

from stillhunt.kernel.program import Program
from stillhunt.kernel.run import Batch, Memory, run
from stillhunt.telemetry.event import TEXT, TEXT_LIST


@pytest.fixture(scope="session")
def oracle():
    spec = spec_from_file_location("sigma_oracle", Path(__file__).with_name("oracle.py"))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def matched():
    """For each of some conditions the rows of the events for which it holds, by the kernel."""

    def rows(conditions, events):
        program = Program(conditions)
        data = as_columns(events)
        scope = program.scope(range(len(conditions)))
        found = dict(run(Batch(data, Memory(program), scope, keyword_fields=data.schema.names)))
        return [found.get(number, []) for number in range(len(conditions))]

    return rows


def as_columns(events):
    columns = {}
    for name in sorted({name for event in events for name in event}):
        values = [event.get(name) for event in events]
        is_list = any(isinstance(value, list) for value in values)
        listed = [value if value is None or isinstance(value, list) else [value] for value in values]
        columns[name] = pa.array(listed if is_list else values, TEXT_LIST if is_list else TEXT)
    # An event without any field is one too.
    return pa.RecordBatch.from_pydict(columns or {"Nothing": pa.array([None] * len(events), TEXT)})
