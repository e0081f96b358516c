"""A server over a folder with the case of an attacker who writes all text, and a browser to look at it."""

from __future__ import annotations

import dataclasses
import importlib.util
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("starlette", reason="stillhunt[web] is not installed")
pytest.importorskip("sqlalchemy", reason="stillhunt[know] is not installed")

PASSWORD = "correct horse battery"


@pytest.fixture(scope="session")
def briefs_of_tests() -> ModuleType:
    """The briefs that the tests of pages are made of."""
    path = Path(__file__).parent.parent / "report" / "conftest.py"
    spec = importlib.util.spec_from_file_location("briefs_of_tests", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def make_brief_of(module: ModuleType) -> Callable[..., Any]:
    """Return what the fixture of that name gives."""
    return module.make_brief.__wrapped__()


@pytest.fixture(scope="session")
def plain_brief(briefs_of_tests):
    """A brief of one case."""
    return make_brief_of(briefs_of_tests)()


@pytest.fixture(scope="session")
def hostile_strings(briefs_of_tests) -> tuple[str, ...]:
    """Attacks, each a text that a log may hold; the last is a field of a megabyte."""
    # Logs are decoded before they are events: half a pair cannot be in one.
    whole = (text.encode("utf-8", "replace").decode() for text in briefs_of_tests.HOSTILE)
    return (*whole, "m" * 1_000_000)


@pytest.fixture(scope="session")
def hostile_brief(briefs_of_tests, hostile_strings):
    """One finding for every attack, in every field that a log may fill."""
    make = make_brief_of(briefs_of_tests)
    made = [make(lambda text, hostile=hostile: f"{text} {hostile}", n_findings=1) for hostile in hostile_strings]
    findings, cases, assessments = [], [], []
    for number, one in enumerate(made):
        finding = dataclasses.replace(one.findings[0], id=f"finding-{number:016x}")
        findings.append(finding)
        case = dataclasses.replace(
            one.cases[0],
            id=f"case-{number:012x}",
            findings=(finding.id,),
            context=(),
            links=(),
            stages=tuple(dataclasses.replace(s, findings=(finding.id,)) for s in one.cases[0].stages),
            entities=tuple(dataclasses.replace(e, findings=(finding.id,)) for e in one.cases[0].entities),
        )
        cases.append(case)
        assessments.append(dataclasses.replace(one.assessments[0], case=case.id))
    return dataclasses.replace(
        made[0], findings=tuple(findings), cases=tuple(cases), assessments=tuple(assessments), habits=(), tlp=""
    )


class Server:
    """A running application.

    Attributes:
        url: Where.
        root: What it serves.
        site: Behind it.
    """

    def __init__(self, root: Path, base: Path, *, logs: tuple[Path, ...] = ()) -> None:
        import uvicorn

        from stillhunt.web.app import create
        from stillhunt.web.site import Settings

        self.root = root
        app = create(Settings(root=root, base=str(base), logs=logs or (root,)))
        self.site = app.state.site
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", timeout_graceful_shutdown=1))
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        end = time.monotonic() + 20
        while not self._server.started and time.monotonic() < end:
            time.sleep(0.02)
        assert self._server.started

    def token(self, role: str = "analyst", ceiling: str = "TLP:RED", user: str = "anna") -> str:
        from stillhunt.terms.marking import parse_tlp
        from stillhunt.web.accounts import role_of

        return self.site.accounts.add_token(user, "tests", role_of(role), ceiling=parse_tlp(ceiling))[1]

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=10)


@pytest.fixture(scope="session")
def knowledge_base(tmp_path_factory) -> Path:
    """A small base: two groups, one of them known above TLP:GREEN only."""
    from stillhunt.knowledge.claim import entity_id, source_of
    from stillhunt.knowledge.scribe import Scribe
    from stillhunt.knowledge.store import Store
    from stillhunt.terms.marking import Tlp

    path = tmp_path_factory.mktemp("know") / "know.db"
    store = Store(path)
    for name, tlp in (("Quiet Heron", Tlp.CLEAR), ("Secret Ibis", Tlp.AMBER)):
        scribe = Scribe(
            "Bureau of Tests", source_of(kind="report", title=f"On {name}", tlp=tlp), method="human", tlp=tlp
        )
        scribe.say(entity_id("intrusion-set", name), "name", value=name, quote=f"we call them {name}")
        store.add(scribe.claims)
    store.close()
    return path


@pytest.fixture
def serve(tmp_path, knowledge_base) -> Iterator[Callable[..., Server]]:
    """Serves a folder with users anna (admin), ben (analyst) and vera (viewer)."""
    from stillhunt.web.accounts import Role

    started = []

    def start(*, brief=None, logs: tuple[Path, ...] = (), users: bool = True) -> Server:
        from stillhunt.workflows import workspace

        root = tmp_path / "hunts"
        root.mkdir(exist_ok=True)
        if brief is not None:
            workspace.save(brief, root / "case", rules=())
        base = tmp_path / "know.db"
        shutil.copyfile(knowledge_base, base)
        server = Server(root, base, logs=logs)
        if users:
            for name, role in (("anna", Role.ADMIN), ("ben", Role.ANALYST), ("vera", Role.VIEWER)):
                server.site.accounts.add_user(name, PASSWORD, role)
            server.site.users_changed()
        started.append(server)
        return server

    yield start
    for server in started:
        server.close()


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium; skips where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("no chromium with its driver: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1440,1600"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    found = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    found.set_page_load_timeout(60)
    yield found
    found.quit()
