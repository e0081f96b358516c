"""A browser works through the pages as a team does, and what an attacker wrote does nothing in any of them."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from stillhunt.reading.draft import ReadClaim, Slot
from stillhunt.report.exporter import export
from stillhunt.report.renderers import html, markdown
from stillhunt.workflows.queue import Read

pytestmark = pytest.mark.slow
PASSWORD = "correct horse battery"

INERT = """
return {
  title: document.title,
  scripts: [...document.querySelectorAll('script')]
    .filter(s => !s.src.startsWith(location.origin) && !arguments[0]).length,
  strangers: document.querySelectorAll('iframe, object, embed, base, meta[http-equiv=refresh], svg script').length,
  handlers: [...document.querySelectorAll('*')]
    .filter(e => [...e.attributes].some(a => a.name.startsWith('on'))).length,
  links: [...document.querySelectorAll('a[href], area[href], form[action], img[src], link[href], svg a')]
    .map(e => e.getAttribute('href') || e.getAttribute('action') || e.getAttribute('src') || '')
    .filter(h => h && !/^(#|[/](?![/])|[?])/.test(h)),
  loaded: performance.getEntriesByType('resource').map(r => r.name).filter(n => !n.startsWith(location.origin)),
};
"""


def _check_inert(browser, *, is_file: bool = False) -> None:
    found = browser.execute_script(INERT, is_file)
    assert found["title"] != "pwned"
    assert found["scripts"] == 0
    assert found["strangers"] == 0
    assert found["handlers"] == 0
    assert found["links"] == []
    assert found["loaded"] == []
    assert _no_dialog(browser)


def _no_dialog(browser) -> bool:
    from selenium.common.exceptions import NoAlertPresentException

    try:
        browser.switch_to.alert.dismiss()
    except NoAlertPresentException:
        return True
    return False


def _errors(browser) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def _log_in(browser, server, name: str) -> None:
    browser.delete_all_cookies()
    browser.get(f"{server.url}/login")
    browser.find_element("name", "name").send_keys(name)
    browser.find_element("name", "password").send_keys(PASSWORD)
    _press(browser, "Log in")
    _until(lambda: browser.current_url == f"{server.url}/")


def _press(browser, words: str) -> None:
    browser.find_element("xpath", f"//button[normalize-space()='{words}']").click()


def _text(browser) -> str:
    return browser.execute_script("return document.querySelector('main')?.innerText || ''")


def _until(holds, *, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.fixture(scope="session")
def axe(tmp_path_factory) -> str:
    """The rules of accessibility, as a script; skips where it cannot be had."""
    given = os.environ.get("STILLHUNT_AXE")
    if given:
        return Path(given).read_text("utf-8")
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm to fetch axe-core with, and STILLHUNT_AXE names no axe.min.js")
    folder = tmp_path_factory.mktemp("axe")
    packed = subprocess.run([npm, "pack", "axe-core@4"], cwd=folder, capture_output=True, timeout=120, check=False)
    if packed.returncode:
        pytest.skip("npm cannot fetch axe-core here")
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as packed_files:
        script = packed_files.extractfile("package/axe.min.js")
        assert script is not None
        return script.read().decode()


def _serious(browser, axe: str) -> list[str]:
    browser.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
    browser.execute_script(axe)
    found = browser.execute_async_script(
        "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then(r => done(r.violations))"
    )
    return [
        f"{v['id']}: {v['nodes'][0]['target']} {v['nodes'][0].get('failureSummary', '')}"
        for v in found
        if v["impact"] in {"serious", "critical"}
    ]


def _addresses(brief) -> list[str]:
    case, finding = brief.cases[0].id, brief.findings[0].id
    entity = brief.findings[0].entities[0]
    return [
        "/",
        "/w/case",
        f"/w/case/cases/{case}",
        f"/w/case/cases/{case}/timeline",
        "/w/case/findings",
        f"/w/case/findings/{finding}",
        f"/w/case/entity?kind={entity.kind}&value={quote(entity.value, safe='')}",
        "/w/case/events",
        "/w/case/coverage",
        "/w/case/suppressions",
        "/knowledge",
        "/knowledge?q=heron",
        "/knowledge/card?name=Quiet%20Heron",
        "/reading",
        "/tokens",
        "/users",
        "/audit",
        "/nowhere",
    ]


@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing_serious_and_the_console_is_quiet(serve, browser, axe, hostile_brief, width):
    server = serve(brief=hostile_brief)
    _log_in(browser, server, "anna")
    browser.set_window_size(width, 1600)
    browser.get_log("browser")
    found = {}
    for address in _addresses(hostile_brief):
        browser.get(server.url + address)
        if address != "/nowhere":
            assert _errors(browser) == [], address
        found[address] = _serious(browser, axe)
    browser.get_log("browser")
    assert {address: trouble for address, trouble in found.items() if trouble} == {}


def test_axe_finds_nothing_serious_in_the_page_of_a_case(browser, axe, briefs_of_tests, hostile_brief, tmp_path):
    path = tmp_path / "case.html"
    path.write_text(html.render(hostile_brief), "utf-8")
    browser.get(path.as_uri())
    assert _serious(browser, axe) == []


def test_every_hostile_input_is_inert_in_every_page(serve, browser, hostile_brief):
    server = serve(brief=hostile_brief)
    _log_in(browser, server, "vera")
    assert len(hostile_brief.cases) >= 40
    browser.get_log("browser")
    for case, finding in zip(hostile_brief.cases, hostile_brief.findings, strict=True):
        for address in (f"/w/case/cases/{case.id}", f"/w/case/findings/{finding.id}"):
            browser.get(server.url + address)
            _check_inert(browser)
    for address in ("/w/case", "/w/case/findings", "/w/case/coverage"):
        browser.get(server.url + address)
        _check_inert(browser)
    assert _errors(browser) == []


def test_every_hostile_input_is_inert_in_the_page_of_a_case(browser, hostile_brief, tmp_path):
    path = tmp_path / "case.html"
    path.write_text(html.render(hostile_brief), "utf-8")
    browser.get(path.as_uri())
    browser.execute_script("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    _check_inert(browser, is_file=True)
    assert len(browser.find_elements("tag name", "script")) == 1
    assert browser.title.startswith("stillhunt:")


def test_markdown_rendered_in_a_browser_is_inert(browser, hostile_brief, tmp_path):
    parser = pytest.importorskip("markdown_it", reason="no renderer of Markdown is installed")
    rendered = parser.MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown.render(hostile_brief))
    path = tmp_path / "case.html"
    path.write_text(f"<!doctype html><meta charset=utf-8><title>quiet</title><main>{rendered}</main>", "utf-8")
    browser.get(path.as_uri())
    found = browser.execute_script(INERT, True)
    assert found["title"] == "quiet"
    assert (found["strangers"], found["handlers"], found["links"], found["loaded"]) == (0, 0, [], [])
    assert browser.find_elements("css selector", "script, img, svg, style, form") == []


def test_csv_has_no_formula(hostile_brief):
    brief = hostile_brief
    csv.field_size_limit(10_000_000)
    for case, assessment in zip(brief.cases, brief.assessments, strict=True):
        part = dataclasses.replace(brief, cases=(case,), assessments=(assessment,))
        rows = list(csv.reader(io.StringIO(export(part, "csv").decode())))
        assert not [cell for row in rows[1:] for cell in row if cell.lstrip()[:1] in set("=+@|%\uff1d\uff0b")]


def test_a_team_works_through_it(serve, browser, tmp_path):
    from stillhunt.workflows.demo import demo

    logs = tmp_path / "logs"
    demo(logs)
    server = serve(logs=(logs,))
    _propose(server.site.queue)
    browser.set_window_size(1440, 1600)
    # Start a hunt and watch it.
    _log_in(browser, server, "ben")
    browser.find_element("name", "name").send_keys("mail-server")
    browser.find_element("name", "paths").send_keys(str(logs))
    browser.find_element("name", "store").click()
    _press(browser, "Start the hunt")
    _until(lambda: "Done." in _text(browser) or "failed" in _text(browser), seconds=120)
    assert "Done." in _text(browser)
    browser.find_element("link text", "Open the cases").click()
    # Open the case.
    browser.find_element("css selector", ".caselist a").click()
    assert "What could not be seen".upper() in _text(browser).upper()
    case = browser.current_url
    # Zoom into the timeline.
    browser.find_element("link text", "zoom in").click()
    before = browser.current_url
    browser.find_element("link text", "Closer").click()
    assert browser.current_url != before
    # Filter findings, explain one.
    browser.find_element("link text", "Findings").click()
    box = browser.find_element("name", "q")
    box.send_keys("mailbox")
    _press(browser, "Show")
    _until(lambda: "q=mailbox" in browser.current_url)
    titles = [t.text for t in browser.find_elements("css selector", ".rows .title")]
    assert titles
    browser.find_element("css selector", ".rows a").click()
    assert "Why it matched".upper() in _text(browser).upper()
    assert browser.find_elements("tag name", "mark")
    # Search the events.
    browser.find_element("link text", "Events").click()
    browser.find_element("name", "q").send_keys("host.name:mail01*")
    _press(browser, "Search")
    _until(lambda: browser.find_elements("css selector", "details.event"))
    # Note, close, export.
    browser.get(case)
    browser.find_element("css selector", "textarea[name=text]").send_keys("seen by <b>ben</b>")
    _press(browser, "Add the note")
    _until(lambda: "ben" in _text(browser))
    assert "seen by <b>ben</b>" in _text(browser)
    # Export: what the button saves is the case, marked as was chosen.
    for form, tlp in (("stix", "TLP:GREEN"), ("html", "TLP:AMBER"), ("csv", "TLP:AMBER+STRICT")):
        saved = _export(browser, tmp_path / form, form, tlp)
        assert saved.name.startswith(case.rpartition("/")[2])
        _check_export(browser, saved, form, tlp)
        browser.get(case)
    # Accept a claim, with its quote marked in the document.
    browser.find_element("partial link text", "Reading").click()
    assert browser.find_element("css selector", "blockquote mark").text == "Grey Stork works for the ministry"
    _press(browser, "Accept")
    _until(lambda: "Nothing waits" in _text(browser))
    browser.get(f"{server.url}/knowledge?q=Grey+Stork")
    assert "Grey Stork" in _text(browser)
    # The wrong role is refused, also where no button is shown.
    browser.get(f"{server.url}/users")
    assert "this needs the role admin" in _text(browser)
    _press(browser, "Log out")
    _until(lambda: browser.current_url.startswith(f"{server.url}/login"))
    browser.get(case)
    assert "/login" in browser.current_url
    _log_in(browser, server, "vera")
    browser.get(case)
    assert not browser.find_elements("css selector", "textarea[name=text]")
    done = [entry.what for entry in server.site.audit.entries()]
    assert {"hunt", "export", "case note", "claim accept", "log-in", "log-out", "refused"} <= set(done)
    assert server.site.audit.broken_at() is None


def _export(browser, folder: Path, form: str, tlp: str) -> Path:
    """Choose a format and a marking, press the button, and return the file that the browser saved."""
    from selenium.webdriver.support.select import Select

    folder.mkdir()
    there = {"behavior": "allow", "downloadPath": str(folder)}
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", there)
    Select(browser.find_element("name", "format")).select_by_value(form)
    Select(browser.find_element("name", "tlp")).select_by_visible_text(tlp)
    _press(browser, "Save")
    _until(lambda: [p for p in folder.iterdir() if p.suffix not in {".crdownload", ".tmp"} and p.stat().st_size])
    (saved,) = folder.iterdir()
    return saved


def _check_export(browser, saved: Path, form: str, tlp: str) -> None:
    content = saved.read_text("utf-8")
    if form == "stix":
        objects = json.loads(content)["objects"]
        assert {"incident", "observed-data", "sighting", "grouping"} <= {o["type"] for o in objects}
        assert tlp in {o.get("name") for o in objects if o["type"] == "marking-definition"}
    elif form == "csv":
        rows = list(csv.DictReader(io.StringIO(content)))
        assert len(rows) > 50
        assert {"at", "host", "what"} <= rows[0].keys()
    else:
        browser.get(saved.as_uri())
        assert tlp in browser.execute_script("return document.body.innerText")
        assert browser.find_elements("css selector", "section")


def _propose(queue) -> None:
    """Put one claim that was read into the queue, as ``stillhunt read --queue`` does."""
    text = "Before it. Grey Stork works for the ministry. After it."
    document = Read(sha256=hashlib.sha256(text.encode()).hexdigest(), title="A report")
    said = "Grey Stork works for the ministry"
    start = text.index(said)
    claim = ReadClaim(
        id="read-1",
        kind="sponsor",
        subject=Slot(text="Grey Stork"),
        predicate="works-for",
        object=Slot(text="the ministry"),
        quote=said,
        start=start,
        end=start + len(said),
    )
    assert queue.add(text, document, [claim]) == 1
