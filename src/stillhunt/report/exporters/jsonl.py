"""Moments, a line of JSON each."""

from __future__ import annotations

import json

from stillhunt.report.brief import Brief
from stillhunt.report.events import as_json_lines, moments
from stillhunt.report.exporter import CaseExporter

__all__ = ["EXPORTER"]


def _write(brief: Brief) -> bytes:
    # Escapes for all but ASCII: no terminal obeys what a log says.
    lines = (json.dumps(json.loads(line)).replace("\x7f", "\\u007f") for line in as_json_lines(moments(brief.findings)))
    return "".join(f"{line}\n" for line in lines).encode()


EXPORTER = CaseExporter(
    title="Moments, a line of JSON each", suffix=".jsonl", media_type="application/x-ndjson", write=_write
)
