"""What the docs say is so: pages made of the code are current, links lead somewhere, commands exist, output is real."""

from __future__ import annotations

import importlib.util
import re
import shlex
import struct
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from stillhunt.workflows.rules import check

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md"])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _blocks(*languages: str) -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        for language, text in BLOCK.findall(page.read_text("utf-8")):
            if language in languages:
                found.append((page.relative_to(REPOSITORY).as_posix(), text))
    return found


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    pytest.importorskip("starlette", reason="stillhunt[web] is not installed")
    pytest.importorskip("sqlalchemy", reason="stillhunt[know] is not installed")
    return _script("generate")


@pytest.mark.parametrize("page", ["analytics.md", "api.md", "cli.md", "events.md", "knowledge.md", "sources.md"])
def test_a_page_made_of_the_code_is_current(generate, page):
    assert page in generate.PAGES
    assert (DOCS / "reference" / page).read_text("utf-8") == generate.PAGES[page](), "python docs/generate.py"


def test_every_page_that_is_made_is_tested(generate):
    tested = test_a_page_made_of_the_code_is_current.pytestmark[0].args[1]
    assert sorted(generate.PAGES) == tested


def _commands() -> list[tuple[str, list[str]]]:
    """Return every line of a shell in the docs that calls stillhunt, as words."""
    called = re.compile(r"^(?:\$ |\.venv/bin/)?stillhunt (.+)$")
    found = []
    for page, text in _blocks("sh", "console"):
        parts = [part.strip() for line in text.replace("\\\n", " ").splitlines() for part in re.split(r"&&| \| ", line)]
        found += [(page, shlex.split(call[1], comments=True)) for call in map(called.match, parts) if call]
    return found


def test_commands_and_options_in_the_docs_exist(generate):
    known = dict(generate.commands())
    seen = 0
    for page, words in _commands():
        names = [f"stillhunt {words[0]}", f"stillhunt {' '.join(words[:2])}"]
        command = next((known[name] for name in reversed(names) if name in known), None)
        assert command is not None, (page, words)
        options = {form for p in command.params for form in (*p.opts, *p.secondary_opts)} | {"-h", "--help"}
        asked = {
            word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word) and not word.startswith("-process")
        }
        assert asked <= options, (page, words, asked - options)
        seen += 1
    assert seen > 60


def test_rules_in_the_docs_can_run(tmp_path):
    rules = [text for _, text in _blocks("yaml") if "logsource" in text and "detection:" in text]
    assert len(rules) >= 2
    for number, text in enumerate(rules):
        (tmp_path / f"{number}.yml").write_text(text, "utf-8")
    checked = check([tmp_path])
    assert [entry.reason for entry in checked.ledger if entry.status == "inert"] == []


def test_yaml_in_the_docs_is_yaml():
    for page, text in _blocks("yaml"):
        assert list(yaml.safe_load_all(text)), page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_a_link_leads_to_a_file(page):
    targets = re.findall(
        r"\]\(([^)#\s]+)[^)]*\)", re.sub(r"```.*?```|`[^`]*`", "", page.read_text("utf-8"), flags=re.DOTALL)
    )
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []


@pytest.mark.slow
def test_the_site_is_built_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path):
    pytest.importorskip("sphinx", reason="stillhunt[docs] is not installed")
    pytest.importorskip("furo", reason="stillhunt[docs] is not installed")
    site = tmp_path / "site"
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-n",
        "-W",
        "--keep-going",
        "-d",
        str(tmp_path / "trees"),
        str(DOCS),
        str(site),
    ]
    built = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (built.returncode, built.stderr) == (0, "")
    pages = list(site.rglob("*.html"))
    assert len(pages) >= len([p for p in PAGES if DOCS in p.parents])
    for page in pages:
        text = page.read_text("utf-8")
        assert not re.search(r"<(?:script|img|iframe|source|embed)\b[^>]*\ssrc=\"(?:https?:)?//", text), page
        assert not re.search(
            r"<link\b[^>]*rel=\"(?:stylesheet|preload|preconnect)\"[^>]*href=\"(?:https?:)?//", text
        ), page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", sheet.read_text("utf-8")), sheet


def test_the_readme_fits_a_screen_and_shows_a_case():
    text = (REPOSITORY / "README.md").read_text("utf-8")
    assert len(text.splitlines()) <= 80
    assert "python3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt . && .venv/bin/stillhunt demo" in text
    assert '.venv/bin/pip install -q -c constraints.txt -e ".[dev]" && .venv/bin/pytest' in text
    (image,) = re.findall(r"!\[[^\]]{20,}\]\(([^)]+)\)", text)
    content = (REPOSITORY / image).read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert len(content) < 250_000
    width, height = struct.unpack(">II", content[16:24])
    assert min(width, height) >= 800


@pytest.mark.slow
def test_the_output_in_the_docs_is_what_is_printed(tmp_path):
    assert _script("capture").captured(tmp_path, is_checked=True) == [], "python docs/capture.py"
