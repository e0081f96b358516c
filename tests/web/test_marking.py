"""A hunt that quotes indicators of others is for those who may see these, on every page and by every call."""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager

import httpx
import pytest

from stillhunt.terms.marking import parse_tlp
from stillhunt.web.accounts import Role

PASSWORD = "correct horse battery"

SECRET = "never-tell-this-word"


@pytest.fixture
def marked_server(serve, plain_brief):
    first, *rest = plain_brief.findings
    detector = dataclasses.replace(first.detector, title=SECRET, kind="indicator", marking="TLP:AMBER")
    return serve(
        brief=dataclasses.replace(
            plain_brief, findings=(dataclasses.replace(first, detector=detector), *rest), tlp="TLP:AMBER"
        )
    )


@contextmanager
def entered(server, ceiling):
    """Somebody with a login and a token, who may see this much."""
    mark = parse_tlp(ceiling)
    server.site.accounts.add_user("gina", PASSWORD, Role.VIEWER, ceiling=mark)
    token = {"Authorization": f"Bearer {server.site.accounts.add_token('gina', 'tests', Role.VIEWER, ceiling=mark)[1]}"}
    with (
        httpx.Client(base_url=server.url, timeout=20) as browser,
        httpx.Client(base_url=server.url, timeout=20, headers=token) as caller,
    ):
        assert browser.post("/login", data={"name": "gina", "password": PASSWORD, "to": "/"}).status_code == 303
        yield browser, caller


def test_who_may_not_see_it_gets_no_word_of_it(marked_server, plain_brief):
    case, finding = plain_brief.cases[0].id, plain_brief.findings[0].id
    parts = ("", "/coverage", f"/cases/{case}", f"/cases/{case}/timeline", f"/cases/{case}/export", "/findings")
    parts += (f"/findings/{finding}", "/events", "/suppressions")
    calls = ("cases", f"cases/{case}", "findings", f"findings/{finding}", f"cases/{case}/export", "events")
    with entered(marked_server, "TLP:GREEN") as (browser, caller):
        answers = {part: browser.get(f"/w/case{part}") for part in parts}
        answers |= {call: caller.get(f"/api/v1/workspaces/case/{call}") for call in calls}
        home = browser.get("/")
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys((*parts, *calls), 403)
    assert [name for name, answer in answers.items() if SECRET in answer.text] == []
    assert home.status_code == 200
    assert SECRET not in home.text


def test_who_may_see_it_exports_it_no_laxer(marked_server, plain_brief):
    path = f"/w/case/cases/{plain_brief.cases[0].id}/export"
    with entered(marked_server, "TLP:AMBER") as (browser, _):
        lax = browser.get(path, params={"format": "csv", "tlp": "TLP:GREEN"})
        page = browser.get(path, params={"format": "html", "tlp": "TLP:GREEN"})
        fit = browser.get(path, params={"format": "csv", "tlp": "TLP:AMBER"})
    assert (lax.status_code, page.status_code, fit.status_code) == (400, 400, 200)
    assert SECRET not in lax.text + page.text
    assert SECRET in fit.text
