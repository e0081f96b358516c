"""What was read in a document: lines for the terminal, JSON, and a page with every claim marked in the text."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec
from markupsafe import escape

from stillhunt.reading.draft import ReadClaim
from stillhunt.report.escape import for_html, for_terminal

__all__ = ["as_json", "as_page", "claim_lines", "summary_line"]

_QUOTED = 200
"""Letters of a quote that a line shows."""


def claim_lines(claims: Iterable[ReadClaim]) -> Iterator[str]:
    """Yield three lines for each claim: what it says, who says it, in which words."""
    for claim in claims:
        yield for_terminal(f"{_mark(claim)} {claim.kind}: {_sentence(claim)}")
        yield for_terminal(f"    {_who(claim)}{_when(claim)} · {claim.id} · {claim.score:.2f}")
        quote = " ".join(claim.quote.split())
        shown = quote if len(quote) <= _QUOTED else quote[: _QUOTED - 1] + "…"
        yield for_terminal(f"    “{shown}” [{claim.start}-{claim.end}]")


def summary_line(claims: Sequence[ReadClaim]) -> str:
    """Return how many claims of which kind were read, and how many are only proposed."""
    kinds = Counter(c.kind for c in claims)
    told = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items(), key=lambda i: (-i[1], i[0])))
    proposed = sum(not c.accepted for c in claims)
    return f"{len(claims)} claims ({told or 'none'}), {proposed} of them only proposed"


def as_json(claims: Sequence[ReadClaim]) -> bytes:
    """Return claims as JSON, with quotes and offsets in code points of the document's text."""
    return msgspec.json.encode([{**msgspec.to_builtins(c), "said_by": c.said_by} for c in claims])


def as_page(text: str, claims: Sequence[ReadClaim], *, title: str) -> str:
    """Return an HTML page: the text with every quote marked, the claims beside it. No script, nothing is fetched."""
    body = "".join(_marked(text, claims))
    rows = "".join(_row(c) for c in claims)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(for_html(title))}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(for_html(title))}</h1><p>{escape(summary_line(claims))}</p>"
        f"<main><article>{body}</article><section><table><thead><tr><th>Kind<th>Claim<th>Who says "
        f"so<th>When<th>Score</tr></thead><tbody>{rows}</tbody></table></section></main>"
        "</body></html>\n"
    )


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 "
    "1rem;color:#1c1c1c;background:#fff}"
    "main{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:2rem}"
    "article{white-space:pre-wrap;overflow-wrap:anywhere}mark{background:#fff0b3;color:inherit}mark.proposed{background:#e3e8ef}"
    "mark:target,tr:target{outline:2px solid #b35900}table{border-collapse:collapse;width:100%;font-size:.875rem}"
    "td,th{text-align:left;vertical-align:top;padding:.25rem .5rem;border-bottom:1px solid #ddd}"
    "@media(max-width:60rem){main{grid-template-columns:1fr}}"
    "@media(prefers-color-scheme:dark){body{background:#161616;color:#eee}mark{background:#5c4a00}mark.proposed{background:#333c48}td,th{border-color:#444}a{color:#9cf}}"
)


def _marked(text: str, claims: Sequence[ReadClaim]) -> Iterator[str]:
    """Yield the text in stretches; where quotes overlap, the mark names all claims of the stretch."""
    edges = sorted({0, len(text), *(c.start for c in claims), *(c.end for c in claims)})
    named: set[str] = set()
    for start, end in itertools.pairwise(edges):
        words = escape(for_html(text[start:end]))
        over = [c for c in claims if c.start <= start and end <= c.end]
        if not over:
            yield str(words)
            continue
        told = escape(for_html("; ".join(f"{c.kind}: {_sentence(c)}" for c in over)))
        fresh = next((c.id for c in over if c.id not in named), "")
        named.add(fresh)
        anchor = f' id="{escape(fresh)}"' if fresh else ""
        cls = "" if any(c.accepted for c in over) else ' class="proposed"'
        yield f'<mark{anchor}{cls} title="{told}">{words}</mark>'


def _row(claim: ReadClaim) -> str:
    cells = (
        f'<a href="#{escape(claim.id)}">{escape(claim.kind)}</a>',
        escape(for_html(_sentence(claim))),
        escape(for_html(_who(claim))),
        escape(for_html(claim.time.text if claim.time else "")),
        escape(f"{claim.score:.2f}" + ("" if claim.accepted else " (proposed)")),
    )
    return "<tr>" + "".join(f"<td>{c}" for c in cells) + "</tr>"


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
