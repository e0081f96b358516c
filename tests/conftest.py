"""What every test may ask for."""

from __future__ import annotations

import os
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
