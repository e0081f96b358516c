"""Claims as lines, as JSON, as a page with the quotes marked."""

import json

from stillhunt.reading.claims import claims_in
from stillhunt.report.renderers.reading import as_json, as_page, claim_lines, summary_line

TEXT = "APT77 targeted dentists, said Ada Holm, a minister. <b>It</b> \x1b[31mhurt. APT77 is subordinate to the GRU."


def test_a_line_says_what_who_and_in_which_words():
    lines = list(claim_lines(claims_in("APT77 allegedly targeted banks in 2021.")))

    assert lines[0] == "+ target: APT77 · targeted · banks"
    assert "article (alleged, “allegedly”) · 2021 [2021-01-01..2021-12-31]" in lines[1]
    assert "“APT77 allegedly targeted banks” [0-30]" in lines[2]


def test_nothing_of_the_text_drives_the_terminal_or_the_page():
    claims = claims_in(TEXT)
    page = as_page(TEXT, claims, title="<script>")

    assert "\x1b" not in "".join(claim_lines(claims)) + page
    assert "<b>" not in page
    assert "<script" not in page


def test_every_quote_is_marked_and_linked():
    claims = claims_in(TEXT)
    page = as_page(TEXT, claims, title="A report")

    assert claims
    assert all(f'href="#{c.id}"' in page for c in claims)
    assert page.count("<mark") >= 1


def test_json_holds_quotes_offsets_and_speakers():
    decoded = json.loads(as_json(claims_in(TEXT)))

    assert all(TEXT[c["start"] : c["end"]] == c["quote"] for c in decoded)
    assert {c["said_by"] for c in decoded} == {"Ada Holm", "article"}


def test_the_summary_counts_kinds_and_proposals():
    assert summary_line([]) == "0 claims (none), 0 of them only proposed"
