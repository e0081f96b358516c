"""A large dump is read on where a killed reading left it, and gives what one in one go gives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("sqlalchemy")

from click.testing import CliRunner

from stillhunt.cli import main
from stillhunt.knowledge.store import Store
from stillhunt.progress import Recorder
from stillhunt.workflows import read


@pytest.fixture
def base(tmp_path):
    path = tmp_path / "know.db"
    Store(path).close()
    return str(path)


@pytest.fixture
def chat(tmp_path):
    path = tmp_path / "chat.txt"
    with path.open("w") as out:
        for n in range(6_000):
            words = f"APT{n % 70 + 10} targeted {n} dentists in Norway." if n % 9 == 0 else "see you tomorrow then, ok"
            out.write(f"[2022-03-{n % 28 + 1:02} 10:22:33] user{n % 5}: {words}\n")
    return path


def reading(chat, base, **more):
    return read.read_documents([chat], base=base, **more)


def test_a_reading_that_is_left_goes_on_and_gives_the_same(chat, base, tmp_path):
    whole = [(d.document, d.claims) for d in reading(chat, base)]
    assert len(whole) > 5
    assert sum(len(claims) for _, claims in whole) > 500

    journals = tmp_path / "journals"
    begun = reading(chat, base, journals=journals)
    for _ in range(3):
        next(begun)
    begun.close()
    again = list(reading(chat, base, journals=journals))

    assert [d.was_known for d in again] == [True] * 3 + [False] * (len(whole) - 3)
    assert [(d.document, d.claims) for d in again] == whole
    assert list(journals.iterdir()) == []


def test_a_torn_line_of_the_journal_is_read_anew(chat, base, tmp_path):
    begun = reading(chat, base, journals=tmp_path / "journals")
    for _ in range(3):
        next(begun)
    begun.close()
    [journal] = (tmp_path / "journals").iterdir()
    journal.write_bytes(journal.read_bytes()[:-20])

    again = list(reading(chat, base, journals=tmp_path / "journals"))
    assert [d.was_known for d in again][:4] == [True, True, False, False]
    assert [d.claims for d in again] == [d.claims for d in reading(chat, base)]


def test_another_content_has_another_journal(chat, base, tmp_path):
    begun = reading(chat, base, journals=tmp_path / "journals")
    next(begun)
    begun.close()
    chat.write_text(chat.read_text().replace("dentists", "teachers"))
    assert not any(d.was_known for d in reading(chat, base, journals=tmp_path / "journals"))


def test_a_killed_command_is_run_again_and_queues_every_claim_once(chat, base, tmp_path):
    command = [sys.executable, "-m", "stillhunt", "read", str(chat), "--queue", "--base", base]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ))
    queue = read.own_queue(base)
    end = time.monotonic() + 60
    while not queue.folder.joinpath("queue.jsonl").is_file() and time.monotonic() < end:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()

    done = CliRunner().invoke(main, ["read", str(chat), "--queue", "--base", base])
    assert done.exit_code == 0, done.output
    expected = {c.id for d in reading(chat, base) for c in d.claims}
    found = [q.claim.id for q in read.own_queue(base).waiting()]
    assert len(found) == len(set(found))
    assert set(found) == expected
    assert list((queue.folder / "under-way").iterdir()) == []


def test_progress_is_told_in_bytes_and_messages(chat, base):
    steps = Recorder()
    n = sum(len(d.document.messages) for d in reading(chat, base, watch=steps))
    told = [s for s in steps.steps if s.task == "read"]
    assert [s.done for s in told] == sorted(s.done for s in told)
    assert (told[-1].done, told[-1].total, told[-1].events) == (chat.stat().st_size, chat.stat().st_size, n)
