"""``python -m stillhunt`` is the ``stillhunt`` command."""

from __future__ import annotations

from stillhunt.cli import main

if __name__ == "__main__":
    main(prog_name="stillhunt")
