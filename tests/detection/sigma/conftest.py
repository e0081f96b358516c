"""Conditions over events, by the kernel."""

from __future__ import annotations

import pytest

from stillhunt.kernel.program import Program
from stillhunt.kernel.run import Batch, Memory, run


@pytest.fixture(scope="session")
def matched(as_columns):
    """For each of some conditions the rows of the events for which it holds, by the kernel."""

    def rows(conditions, events):
        program = Program(conditions)
        data = as_columns(events)
        scope = program.scope(range(len(conditions)))
        found = dict(run(Batch(data, Memory(program), scope, keyword_fields=data.schema.names)))
        return [found.get(number, []) for number in range(len(conditions))]

    return rows
