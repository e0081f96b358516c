"""Make again what the docs show of stillhunt at work: ``python docs/capture.py``; ``--check`` only compares.

Runs `stillhunt demo` in an empty folder and there every command that stands in a comment of a page:

    <!-- output lines=12 from="1 case": stillhunt case list --in stillhunt-demo/case -->
    <!-- end -->

What it prints takes the place of what lies between the two comments, cut after so many lines and begun at the first
line with these words, as asked. `{case}` is the most serious case, `{finding}` its gravest finding. The screenshot is
made with headless Chromium; where there is none, it stays as it is.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

__all__ = ["captured"]

HERE = Path(__file__).parent
PAGES = (HERE.parent / "README.md", *sorted((HERE / "tutorial").glob("*.md")))
IMAGE = HERE / "images" / "case.png"
SIZE = (1180, 1460)
SCALE = 0.75
COLUMNS = 100
_BLOCK = re.compile(
    r'(<!-- output(?: lines=(?P<lines>\d+))?(?: from="(?P<begin>[^"]+)")?: (?P<command>.+?) -->\n)'
    r"(?:```console\n.*?\n```\n)?(<!-- end -->)",
    re.DOTALL,
)


def captured(folder: Path, *, is_checked: bool = False) -> list[str]:
    """Run the demo in a folder and write its output into the pages.

    Args:
        folder: An empty folder.
        is_checked: Write nothing.

    Returns:
        Names of the pages that were not up to date.
    """
    printed = {"stillhunt demo": _run("stillhunt demo --quiet", folder)}
    cases = json.loads((folder / "stillhunt-demo/case/cases.json").read_text("utf-8"))["cases"]
    case = cases[0]["case"]
    names = {"case": case["id"], "finding": _gravest(folder, set(case["findings"]))}
    stale = []
    for page in PAGES:
        before = page.read_text("utf-8")
        after = _BLOCK.sub(lambda m: _block(m, folder, names, printed), before)
        if after != before:
            stale.append(page.name)
            if not is_checked:
                page.write_text(after, "utf-8")
    return stale


def _gravest(folder: Path, wanted: set[str]) -> str:
    lines = (folder / "stillhunt-demo/case/findings.jsonl").read_text("utf-8").splitlines()
    found = [f for f in map(json.loads, lines) if f["id"] in wanted and f["detector"]["kind"] == "sigma"]
    return next(str(f["id"]) for f in found if f["detector"]["level"] == "critical")


def _block(match: re.Match[str], folder: Path, names: Mapping[str, str], printed: dict[str, str]) -> str:
    command = match["command"].format_map(names)
    if command not in printed:
        printed[command] = _run(command, folder)
    written = printed[command].splitlines()
    lines = [line[at : at + COLUMNS] for line in written for at in range(0, len(line) or 1, COLUMNS)]  # as a terminal
    if match["begin"]:
        lines = lines[next(n for n, line in enumerate(lines) if match["begin"] in line) :]
    if match["lines"] and len(lines) > int(match["lines"]):
        lines = [*lines[: int(match["lines"])], "..."]
    shown = "\n".join(line.rstrip() for line in lines)
    return f"{match[1]}```console\n$ {command}\n{shown}\n```\n{match[5]}"


def _run(command: str, folder: Path) -> str:
    program, *arguments = shlex.split(command)
    assert program == "stillhunt", command
    environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
    ran = subprocess.run(  # noqa: S603 - our own commands, from our own pages
        [sys.executable, "-m", "stillhunt", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return ran.stdout + ran.stderr


def _screenshot(folder: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.stderr.write("no chromium: the screenshot stays as it is\n")
        return
    IMAGE.parent.mkdir(exist_ok=True)
    subprocess.run(  # noqa: S603 - the page is the one just made
        [
            chromium,
            *("--headless=new", "--no-sandbox", "--hide-scrollbars", "--disable-gpu"),
            f"--window-size={SIZE[0]},{SIZE[1]}",
            f"--force-device-scale-factor={SCALE}",
            f"--screenshot={IMAGE}",
            (folder / "stillhunt-demo/case/case.html").as_uri(),
        ],
        check=True,
        capture_output=True,
    )


def _main() -> int:
    is_checked = "--check" in sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        stale = captured(Path(name), is_checked=is_checked)
        if not is_checked:
            _screenshot(Path(name))
    if stale:
        sys.stdout.write(f"{'stale' if is_checked else 'written'}: {', '.join(stale)}\n")
    return int(is_checked and bool(stale))


if __name__ == "__main__":
    sys.exit(_main())
