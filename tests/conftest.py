"""What every test may ask for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real logs with truth that lie beside the repository; skips where they are absent."""
    data = Path(os.environ.get("STILLHUNT_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (data / "MANIFEST.md").is_file():
        pytest.skip(f"no real data at {data}: set STILLHUNT_DATA to run this test")
    return data


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep compiled rules in a folder of the test run, not in the developer's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STILLHUNT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
