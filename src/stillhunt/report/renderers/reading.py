"""What was read in a document: lines for the terminal, JSON, and a page with every claim marked in the text."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

import msgspec
from markupsafe import Markup, escape

from stillhunt.reading.draft import ReadClaim
from stillhunt.reading.mention import Meant, Mention
from stillhunt.report.escape import for_html, for_terminal

__all__ = ["as_json", "as_page", "claim_lines", "name_lines", "page_head", "page_section", "page_tail", "summary_line"]

_NAMES = 12
"""Names of a kind that a line shows."""

_QUOTED = 200
"""Letters of a quote that a line shows."""


def claim_lines(claims: Iterable[ReadClaim]) -> Iterator[str]:
    """Yield lines for each claim: what it says, who says it, in which words, and which claims it denies or meets."""
    listed = list(claims)
    by_id = {claim.id: claim for claim in listed}
    for claim in listed:
        yield for_terminal(f"{_mark(claim)} {claim.kind}: {_sentence(claim)}")
        yield for_terminal(f"    {_who(claim)}{_when(claim)} · {claim.id} · {claim.score:.2f}")
        quote = " ".join(claim.quote.split())
        shown = quote if len(quote) <= _QUOTED else quote[: _QUOTED - 1] + "…"
        page = f"page {claim.page}, " if claim.page is not None else ""
        yield for_terminal(f"    “{shown}” [{page}{claim.start}-{claim.end}]")
        if claim.reasons:
            yield for_terminal(f"    less sure: {'; '.join(claim.reasons)}")
        for line in _related(claim, by_id):
            yield for_terminal(f"    {line}")


def name_lines(mentions: Sequence[Mention], meant: Mapping[str, Sequence[Meant]]) -> Iterator[str]:
    """Yield a line for each kind of name in a document: the names, how often, and who in the base may be meant."""
    for kind, names in _by_kind(mentions).items():
        told = [f"{name}{f' ({n})' if n > 1 else ''}{_perhaps(meant.get(name, ()))}" for name, n in names[:_NAMES]]
        more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
        yield for_terminal(f"  {kind}: {'; '.join(told)}{more}")


def _by_kind(mentions: Sequence[Mention]) -> dict[str, list[tuple[str, int]]]:
    counts: dict[str, Counter[str]] = {}
    for mention in mentions:
        counts.setdefault(mention.kind, Counter())[" ".join(mention.text.split())] += 1
    return {kind: sorted(names.items(), key=lambda i: (-i[1], i[0])) for kind, names in sorted(counts.items())}


def _perhaps(meant: Sequence[Meant]) -> str:
    """Return who is meant, where that is not the name itself."""
    if not meant or meant[0].certain:
        return ""
    return f" [perhaps {meant[0].name}: {meant[0].reason}]"


def summary_line(claims: Sequence[ReadClaim]) -> str:
    """Return how many claims of which kind were read, and how many are only proposed."""
    kinds = Counter(c.kind for c in claims)
    told = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items(), key=lambda i: (-i[1], i[0])))
    proposed = sum(not c.accepted for c in claims)
    return f"{len(claims)} claims ({told or 'none'}), {proposed} of them only proposed"


def as_json(claims: Sequence[ReadClaim]) -> bytes:
    """Return claims as JSON, with quotes and offsets in code points of the document's text."""
    return msgspec.json.encode([{**msgspec.to_builtins(c), "said_by": c.said_by} for c in claims])


def as_page(text: str, claims: Sequence[ReadClaim], *, title: str, pages: Sequence[int] = ()) -> str:
    """Return an HTML page: the text with every quote marked, the claims beside it. No script, nothing is fetched.

    Args:
        text: The document's text.
        claims: Its claims.
        title: Its title.
        pages: Offset at which each of its pages begins; empty if it has none.
    """
    return "".join((page_head(title), page_section(text, claims, title=title, pages=pages), page_tail()))


def page_head(title: str) -> str:
    """Return how a page for any number of documents begins."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(for_html(title))}</title><style>{_STYLE}</style></head><body>"
    )


def page_section(
    text: str,
    claims: Sequence[ReadClaim],
    *,
    title: str,
    pages: Sequence[int] = (),
    number: int = 0,
    mentions: Sequence[Mention] = (),
    meant: Mapping[str, Sequence[Meant]] = MappingProxyType({}),
) -> str:
    """Return a document on a page: its text with every quote marked, the claims beside it.

    Args:
        text: The document's text.
        claims: Its claims.
        title: Its title.
        pages: Offset at which each of its pages begins; empty if it has none.
        number: Which of the page's documents it is, so that two may hold the same claim.
        mentions: Names in it.
        meant: Who in the base may be meant, by name.
    """
    anchor = f"{number}-" if number else ""
    body = "".join(_marked(text, claims, pages, anchor))
    by_id = {claim.id: claim for claim in claims}
    rows = "".join(_row(claim, anchor, by_id) for claim in claims)
    return (
        f"<h1>{escape(for_html(title))}</h1><p>{escape(summary_line(claims))}</p>"
        f"<main><article>{body}</article><section><table><thead><tr><th>Kind<th>Claim<th>Who says "
        f"so<th>When<th>Page<th>Score</tr></thead><tbody>{rows}</tbody></table>"
        f"{_names(mentions, meant)}</section></main>"
    )


def _names(mentions: Sequence[Mention], meant: Mapping[str, Sequence[Meant]]) -> str:
    """Return a table of names with other forms of each and who may be meant."""
    if not mentions:
        return ""
    forms: dict[str, set[str]] = {}
    for mention in mentions:
        forms.setdefault(" ".join(mention.text.split()), set()).update(mention.forms)
    rows = []
    for kind, names in _by_kind(mentions).items():
        for name, n in names:
            perhaps = "; ".join(f"{m.name} ({m.reason})" for m in meant.get(name, ()))
            cells = (kind, name, str(n), ", ".join(sorted(forms[name])), perhaps)
            rows.append("<tr>" + "".join(f"<td>{escape(for_html(cell))}</td>" for cell in cells) + "</tr>")
    return (
        "<table><thead><tr><th>Kind<th>Name<th>Times<th>Also written<th>Perhaps, in the base</tr></thead><tbody>"
        f"{''.join(rows)}</tbody></table>"
    )


def page_tail() -> str:
    """Return how a page ends."""
    return "</body></html>\n"


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 "
    "1rem;color:#1c1c1c;background:#fff}"
    "main{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:2rem}"
    "article{white-space:pre-wrap;overflow-wrap:anywhere}mark{background:#fff0b3;color:inherit}mark.proposed{background:#e3e8ef}"
    ".page{display:block;font-size:.75rem;color:#666;border-top:1px solid #ddd}"
    "mark:target,tr:target{outline:2px solid #b35900}table{border-collapse:collapse;width:100%;font-size:.875rem}"
    "td,th{text-align:left;vertical-align:top;padding:.25rem .5rem;border-bottom:1px solid #ddd}"
    "@media(max-width:60rem){main{grid-template-columns:1fr}}"
    "@media(prefers-color-scheme:dark){body{background:#161616;color:#eee}mark{background:#5c4a00}mark.proposed{background:#333c48}"
    "td,th,.page{border-color:#444}.page{color:#aaa}a{color:#9cf}}"
)


def _marked(text: str, claims: Sequence[ReadClaim], pages: Sequence[int], anchor: str) -> Iterator[str]:
    """Yield the text in stretches; where quotes overlap, the mark names all claims of the stretch."""
    edges = sorted({0, len(text), *pages, *(c.start for c in claims), *(c.end for c in claims)})
    begins = {offset: number for number, offset in enumerate(pages, 1)}
    waiting = sorted(claims, key=lambda c: c.start)
    over: list[ReadClaim] = []
    named: set[str] = set()
    at = 0
    for start, end in itertools.pairwise(edges):
        if start in begins:
            yield f'<b class="page">page {begins[start]}</b>'
        while at < len(waiting) and waiting[at].start <= start:
            over.append(waiting[at])
            at += 1
        over = [c for c in over if end <= c.end]
        words = escape(for_html(text[start:end]))
        if not over:
            yield str(words)
            continue
        told = escape(for_html("; ".join(f"{c.kind}: {_sentence(c)}" for c in over)))
        fresh = next((c.id for c in over if c.id not in named), "")
        named.add(fresh)
        place = f' id="{escape(anchor + fresh)}"' if fresh else ""
        cls = "" if any(c.accepted for c in over) else ' class="proposed"'
        yield f'<mark{place}{cls} title="{told}">{words}</mark>'


def _row(claim: ReadClaim, anchor: str, by_id: Mapping[str, ReadClaim]) -> str:
    related = "".join(f"<br><small>{escape(for_html(line))}</small>" for line in _related(claim, by_id))
    cells = (
        f'<a href="#{escape(anchor + claim.id)}">{escape(claim.kind)}</a>',
        escape(for_html(_sentence(claim))) + Markup(related),  # noqa: S704  # escaped above
        escape(for_html(_who(claim))),
        escape(for_html(claim.time.text if claim.time else "")),
        str(claim.page or ""),
        escape(f"{claim.score:.2f}" + ("" if claim.accepted else " (proposed)")),
    )
    return "<tr>" + "".join(f"<td>{c}" for c in cells) + "</tr>"


def _related(claim: ReadClaim, by_id: Mapping[str, ReadClaim]) -> Iterator[str]:
    for relation in claim.relations:
        other = by_id.get(relation.to)
        said = f"{_sentence(other)}, said by {other.said_by}" if other is not None else relation.to
        yield f"{relation.kind.replace('-', ' ')}: {said} ({relation.reason})"


def _mark(claim: ReadClaim) -> str:
    return "+" if claim.accepted else "?"


def _sentence(claim: ReadClaim) -> str:
    negated = "NOT " if claim.polarity == "negated" else ""
    return f"{claim.subject.text} · {negated}{claim.predicate} · {claim.object.text}".rstrip(" ·")


def _who(claim: ReadClaim) -> str:
    hedge = f", “{claim.hedge.phrase}”" if claim.hedge.phrase else ""
    return f"{' > '.join(claim.speakers)} ({claim.hedge.cls}{hedge})"


def _when(claim: ReadClaim) -> str:
    if claim.time is None:
        return ""
    span = f" [{claim.time.start}..{claim.time.end}]" if claim.time.start or claim.time.end else ""
    return f" · {claim.time.text}{span}"
