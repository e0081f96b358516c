"""Promises about the whole: what importing costs, what is public, who prints."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import stillhunt
from stillhunt import errors

SOURCE = Path(stillhunt.__file__).parent
REPOSITORY = Path(__file__).parent.parent


def _loaded_after(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("code", ["import stillhunt", "import stillhunt.cli.main"])
def test_importing_loads_neither_arrow_nor_pysigma(code):
    assert not _loaded_after(code) & {"pyarrow", "sigma", "evtx", "jinja2"}


def test_every_public_name_is_there():
    assert all(getattr(stillhunt, name) is not None for name in stillhunt.__all__)
    with pytest.raises(AttributeError, match="no attribute `hnut`"):
        _ = stillhunt.hnut


def test_nothing_below_the_command_line_prints():
    printing = [
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if path.parent.name != "cli"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert printing == []


def test_nothing_opens_a_connection():
    networked = {"socket", "urllib.request", "requests", "http.client", "urllib3", "ftplib", "smtplib", "asyncio"}
    importing = [
        (path.name, name)
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in ([a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""])
        if name in networked
    ]
    assert importing == []


def test_every_error_code_is_documented():
    headings = set(re.findall(r"^## (\S+)$", (REPOSITORY / "docs/reference/errors.md").read_text(), re.MULTILINE))
    codes = {e.code for e in vars(errors).values() if isinstance(e, type) and issubclass(e, errors.StillhuntError)}
    assert codes <= headings
