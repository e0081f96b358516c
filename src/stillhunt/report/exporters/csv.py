"""CSV of all moments."""

from __future__ import annotations

from stillhunt.report.brief import Brief
from stillhunt.report.events import as_csv, moments
from stillhunt.report.exporter import CaseExporter

__all__ = ["EXPORTER"]


def _write(brief: Brief) -> bytes:
    return "".join(f"{line}\n" for line in as_csv(moments(brief.findings))).encode()


EXPORTER = CaseExporter(title="CSV of all moments", suffix=".csv", media_type="text/csv; charset=utf-8", write=_write)
