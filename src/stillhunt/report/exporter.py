"""What an exporter of a case is: a writer of one of other people's formats; all of them by name.

An exporter takes the brief of one case and nothing else, and the marking that the brief carries is the marking of
everything it writes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stillhunt.registry import Registry
from stillhunt.report.brief import Brief
from stillhunt.report.marking import marked
from stillhunt.terms.marking import Tlp

__all__ = ["EXPORTERS", "CaseExporter", "export"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseExporter:
    """A writer of one format.

    Attributes:
        title: What it writes, in words.
        suffix: What such a file's name ends with.
        media_type: Of such a file.
        write: The brief of one case to the bytes of a file.
    """

    title: str
    suffix: str
    media_type: str
    write: Callable[[Brief], bytes]


EXPORTERS: Registry[CaseExporter] = Registry(
    "format", package="stillhunt.report.exporters", constant="EXPORTER", group="stillhunt.case_exporters"
)


def export(brief: Brief, name: str, *, tlp: Tlp | None = None, ceiling: Tlp = Tlp.RED) -> bytes:
    """Write the brief of one case in another format.

    Args:
        brief: Of one case.
        name: Name of the format.
        tlp: How far what is written may travel; None for what the brief says.
        ceiling: Strictest marking that may leave.

    Raises:
        UnknownNameError: There is no such format.
        InputError: The marking lies above the ceiling, or below that of what the case quotes.
    """
    exporter = EXPORTERS[name]
    return exporter.write(marked(brief, tlp, ceiling=ceiling))
