"""Cases: the list, one case, its timeline with zoom, decisions, exports."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from starlette.responses import Response

from stillhunt.cases.case import Case
from stillhunt.cases.decision import VERDICTS, CaseView, Decision, Kind
from stillhunt.report.events import moments
from stillhunt.report.evidence import Budget
from stillhunt.report.exporter import EXPORTERS, export
from stillhunt.report.marking import marked
from stillhunt.report.renderers import html
from stillhunt.report.strip import strip_of
from stillhunt.terms.level import Level
from stillhunt.web.accounts import Role, ceiling_of
from stillhunt.web.answer import Ask, Refused, download, page, redirect
from stillhunt.web.route import Route
from stillhunt.web.shelf import Loaded
from stillhunt.workflows.casework import decide
from stillhunt.workflows.narrow import assessment_of, narrowed
from stillhunt.workflows.workspace import rendered

__all__ = ["ROUTES", "chosen_views", "opened"]

_ROWS = 50
_FINDINGS = 60
_MOMENTS = 300
_MARKINGS = ("TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED")
_MEDIA = {"html": "text/html", "md": "text/markdown", "json": "application/json", "terminal": "text/plain"}


def opened(ask: Ask) -> Loaded:
    """Return the workspace that an address names.

    Raises:
        Refused: It quotes what is marked above what they may see.
    """
    loaded = ask.site.shelf.open(ask.path("ws"))
    if loaded.floor > ask.who.ceiling:
        raise Refused(403, f"what it quotes of others lies above what {ask.who.name} may see")
    return loaded


def chosen_views(loaded: Loaded, *, words: str, level: str, state: str) -> list[CaseView]:
    """Return the cases that fit, in their order."""
    wanted = words.lower().split()
    found = []
    for view in loaded.desk.docket.views:
        case = view.case
        is_hidden = not view.is_open or loaded.desk.is_suppressed(case)
        if (state == "open" and is_hidden) or (state == "closed" and view.is_open):
            continue
        if state == "suppressed" and not loaded.desk.is_suppressed(case):
            continue
        if level and case.level != level:
            continue
        text = f"{case.id} {case.opening} {' '.join(case.hosts)}".lower() if wanted else ""
        if all(word in text for word in wanted):
            found.append(view)
    return found


def _list(ask: Ask) -> Response:
    loaded = opened(ask)
    state = ask.text("state", "open")
    views = chosen_views(loaded, words=ask.text("q"), level=ask.text("level"), state=state)
    number = ask.number("page", 1)
    shown = views[(number - 1) * _ROWS : number * _ROWS]
    n_pages = max(1, -(-len(views) // _ROWS))
    levels = [level for level in reversed(Level) if any(v.case.level is level for v in loaded.desk.docket.views)]
    listed: dict[str, Any] = {"views": shown, "n": len(views), "number": number, "n_pages": n_pages, "levels": levels}
    return page(ask, "cases.html.j2", ws=loaded, state=state, q=ask.text("q"), level=ask.text("level"), **listed)


def _case(ask: Ask, error: str = "") -> Response:
    loaded = opened(ask)
    view = loaded.desk.view(ask.path("case"))
    case = view.case
    n_findings = len(case.findings)
    number = ask.number("page", 1)
    order = [loaded.findings[f] for f in case.findings if f in loaded.findings]
    part = order[(number - 1) * _FINDINGS : number * _FINDINGS]
    drawn = html.CaseView(
        case=case,
        assessment=assessment_of(loaded.desk, case),
        number=0,
        brief=loaded.brief,
        all_findings=loaded.findings,
        budget=Budget(0),
    )
    return page(
        ask,
        "case_page.html.j2",
        status=400 if error else 200,
        ws=loaded,
        view=drawn,
        open_view=view,
        shown=set(case.findings),
        part=part,
        number=number,
        n_pages=max(1, -(-n_findings // _FINDINGS)),
        suppressed=loaded.desk.suppressed.by_finding,
        verdicts=VERDICTS,
        formats=EXPORTERS.names(),
        markings=_MARKINGS,
        error=error,
    )


def _timeline(ask: Ask) -> Response:
    loaded = opened(ask)
    case = loaded.desk.view(ask.path("case")).case
    whole = _whole(case)
    if whole is None:
        return page(
            ask, "timeline.html.j2", ws=loaded, case=case, strip=None, found=[], n_found=0, ways={}, window=None
        )
    begin, end = _instant(ask.text("from")) or whole[0], _instant(ask.text("to")) or whole[1]
    if end - begin < timedelta(seconds=2):
        begin, end = begin - timedelta(seconds=30), begin + timedelta(seconds=30)
    strip = strip_of(case, loaded.findings, loaded.brief.coverage, window=(begin, end))
    inside = [m for m in moments(loaded.desk.findings(case)) if m.at is not None and begin <= m.at <= end]
    return page(
        ask,
        "timeline.html.j2",
        ws=loaded,
        case=case,
        strip=strip,
        found=inside[:_MOMENTS],
        n_found=len(inside),
        ways=_ways(begin, end, whole),
        window=(begin, end),
    )


def _whole(case: Case) -> tuple[datetime, datetime] | None:
    times = [t for t in (case.first_at, case.break_in.latest, case.last_at) if t is not None]
    if not times:
        return None
    first, last = min(times), max(times)
    room = max((last - first) / 20, timedelta(minutes=1))
    return first - room, last + room


def _ways(begin: datetime, end: datetime, whole: tuple[datetime, datetime]) -> dict[str, tuple[str, str]]:
    """Return the windows that buttons lead to."""
    span = end - begin
    middle = begin + span / 2
    found = {
        "all": whole,
        "earlier": (begin - span / 2, end - span / 2),
        "later": (begin + span / 2, end + span / 2),
        "closer": (middle - span / 4, middle + span / 4),
        "further": (_before(begin, span / 2), _after(end, span / 2)),
    }
    return {name: (_written(a), _written(b)) for name, (a, b) in found.items()}


def _before(at: datetime, span: timedelta) -> datetime:
    return max(at - span, _EARLIEST) if at - _EARLIEST > span else _EARLIEST


def _after(at: datetime, span: timedelta) -> datetime:
    return at + span if _LATEST - at > span else _LATEST


_EARLIEST, _LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _written(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}"


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(400, "that is no time such as 2024-03-25T10:00:00") from None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if not _EARLIEST <= at <= _LATEST:
        raise Refused(400, "that time lies outside the years 1900 to 2200")
    return at


def _decide(ask: Ask) -> Response:
    loaded = opened(ask)
    view = loaded.desk.view(ask.path("case"))
    kind, text = ask.text("kind"), ask.text("text").strip()
    if kind not in get_args(Kind):
        raise Refused(400, "that is no decision")
    verdict = next((v for v in VERDICTS if v == ask.text("verdict")), None)
    if kind == "note" and not text:
        return _case(ask, "a note needs words")
    if kind == "close" and (verdict is None or not text):
        return _case(ask, "closing needs a verdict and a reason")
    merged = tuple(loaded.desk.view(name).case.id for name in ask.text("cases").split())
    if kind == "merge" and not merged:
        return _case(ask, "merging needs the ids of other cases")
    apart = tuple(name for name in ask.text("findings").split() if name in {*view.case.findings, *view.case.context})
    if kind == "split" and not apart:
        return _case(ask, "splitting needs ids of findings of this case")
    made = Decision(
        at=datetime.now(tz=UTC),
        by=ask.who.name,
        kind=kind,  # type: ignore[arg-type]  # one of them, as was checked
        case="" if kind == "undo" else view.case.id,
        text=text,
        verdict=verdict if kind == "close" else None,
        cases=merged if kind == "merge" else (),
        findings=apart if kind == "split" else (),
        undoes=ask.text("undoes") if kind == "undo" else "",
    )
    decide(loaded.place.folder, [made])
    ask.note(f"case {kind}", f"{loaded.key} {view.case.id}")
    return redirect(f"/w/{loaded.key}/cases/{view.case.id}#notes")


def _export(ask: Ask) -> Response:
    loaded = opened(ask)
    form, tlp = ask.text("format", "stix"), ceiling_of(ask.text("tlp", "TLP:AMBER+STRICT"))
    brief = narrowed(loaded.desk, ask.path("case"))
    case = brief.cases[0].id
    if form in _MEDIA:
        if tlp > ask.who.ceiling:
            raise Refused(403, f"{tlp} lies above what {ask.who.name} may see")
        content = rendered(marked(brief, tlp, ceiling=ask.who.ceiling), form)
        name, media = f"{case}.{'txt' if form == 'terminal' else form}", _MEDIA[form]
    else:
        content = export(brief, form, tlp=tlp, ceiling=ask.who.ceiling)
        name, media = f"{case}{EXPORTERS[form].suffix}", EXPORTERS[form].media_type
    ask.note("export", f"{loaded.key} {case} {form} {tlp}")
    return download(content, name, media)


def _coverage(ask: Ask) -> Response:
    loaded = opened(ask)
    return page(ask, "coverage_page.html.j2", ws=loaded, coverage=loaded.brief.coverage, brief=loaded.brief)


ROUTES = (
    Route(path="/w/{ws}", answer=_list),
    Route(path="/w/{ws}/coverage", answer=_coverage),
    Route(path="/w/{ws}/cases/{case}", answer=_case),
    Route(path="/w/{ws}/cases/{case}/timeline", answer=_timeline),
    Route(path="/w/{ws}/cases/{case}/export", answer=_export),
    Route(path="/w/{ws}/cases/{case}/decide", answer=_decide, method="POST", role=Role.ANALYST),
)
