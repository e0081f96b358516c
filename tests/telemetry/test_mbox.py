"""A mailbox in one file is read mail by mail, whichever way its lines are quoted."""

from __future__ import annotations

import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillhunt.telemetry.retrieve import retrieve
from stillhunt.telemetry.sources.mbox import SOURCE


def mail(number: int, body: str = "hello", begin: str = "From a@b.example Tue Aug 24 03:12:09 2021") -> str:
    return f"{begin}\nFrom: a@b.example\nTo: c@d.example\nSubject: s{number}\nMessage-ID: <{number}@b>\n\n{body}\n\n"


@pytest.fixture
def box(read, tmp_path):
    def rows_of(text: str | bytes):
        (tmp_path / "box").write_bytes(text if isinstance(text, bytes) else text.encode())
        rows, coverage = read(tmp_path / "box")
        assert [f.source for f in coverage.files] == ["mbox"]
        return rows, coverage

    return rows_of


def test_mails_are_numbered_in_their_order(box):
    rows, coverage = box("".join(mail(n) for n in range(1, 6)))
    assert [(r["event.record"], r["email.subject"]) for r in rows] == [(n, f"s{n}") for n in range(1, 6)]
    assert coverage.n_unread == 0


def test_the_line_above_gives_the_time_if_nothing_else_does(box):
    (row,), _ = box(mail(1))
    assert (row["@timestamp"].isoformat(), row["event.clock"]) == ("2021-08-24T03:12:09+00:00", "From_")


BEGINNINGS = [
    "From a@b.example Tue Aug 24 03:12:09 2021",
    "From a@b.example  Tue Aug  4 03:12:09 2021",
    "From - Tue Aug 24 03:12:09 2021",
    "From MAILER-DAEMON Tue Aug 24 03:12:09 2021 +0200",
    "From 170000@xxx Tue Aug 24 03:12:09 +0000 2021",
    "From John Doe Tue Aug 24 03:12 MET DST 2021",
    "From a@b.example 2021-08-24T03:12:09 2021",
    "From nobody",
]


@pytest.mark.parametrize("begin", BEGINNINGS)
def test_the_line_that_begins_a_mail_has_many_forms(box, begin):
    rows, _ = box(mail(1, begin=begin) + mail(2, begin=begin))
    assert [r["email.subject"] for r in rows] == ["s1", "s2"]


WORDS = {
    "quoted": "one\n\n>From here Tue Aug 24 03:12:09 2021\nSubject: no",
    "quoted twice": "one\n\n>>From here\nSubject: no",
    "not at the beginning": "one\n\n From x Tue Aug 24 03:12:09 2021\nSubject: no",
    "below a line": "one\nFrom x Tue Aug 24 03:12:09 2021\nSubject: no",
    "above no header": "one\n\nFrom here on Tue Aug 24 03:12:09 2021\nit went wrong",
    "a sentence": "one\n\nFrom my point of view\nSubject: no",
}


@pytest.mark.parametrize("how", WORDS)
def test_words_in_a_mail_begin_no_other(box, how):
    rows, _ = box(mail(1, WORDS[how]) + mail(2))
    assert [r["email.subject"] for r in rows] == ["s1", "s2"]


def test_a_quote_is_taken_away(box, tmp_path):
    box(mail(1, "one\n\n>From here\n>>From there\n> From nowhere"))
    ((record),) = retrieve(str(tmp_path / "box"), 1)
    assert "\nFrom here\n>From there\n> From nowhere" in record.original


def test_one_mail_is_cut_out_by_its_number(box, tmp_path):
    box("".join(mail(n, "x\n\n>From y") for n in range(1, 30)))
    (record,) = retrieve(str(tmp_path / "box"), 17)
    assert record.batch.data["email.subject"].to_pylist() == ["s17"]
    assert record.batch.data["event.record"].to_pylist() == [17]


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_either_line_end_will_do(box, end):
    rows, _ = box("".join(mail(n) for n in range(1, 4)).replace("\n", end))
    assert [r["email.subject"] for r in rows] == ["s1", "s2", "s3"]


def test_a_mail_that_is_cut_off_is_read_as_far_as_it_goes(box):
    rows, _ = box((mail(1) + mail(2))[:-20])
    assert [r["email.subject"] for r in rows] == ["s1", "s2"]


def test_too_long_a_mail_is_counted_and_hides_no_other(box, monkeypatch):
    monkeypatch.setattr("stillhunt.telemetry.sources.mbox.LARGEST", 100_000)
    rows, coverage = box(mail(1, "x" * 3_000_000) + mail(2))
    assert [r["email.subject"] for r in rows] == ["s1", "s2"]
    assert coverage.n_unread == 1


@pytest.mark.parametrize("head", [b"", b"From ", b"From the beginning\nof a text\n", b"From: a@b\nTo: c\nSubject: d\n"])
def test_other_texts_are_no_mailbox(head):
    assert not SOURCE.sniff(head)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.integers(0, 500))
def test_nothing_in_a_mailbox_is_fatal(read, tmp_path, rubbish, at):
    content = bytearray("".join(mail(n) for n in range(1, 5)).encode())
    content[150 + at : 150 + at + len(rubbish)] = rubbish
    (tmp_path / "box").write_bytes(bytes(content))
    rows, _ = read(tmp_path / "box")
    assert rows


def test_every_real_mail_is_read(shared_data, read):
    rows, coverage = read(shared_data / "mail" / "spamassassin-easy-ham-1.tar.gz")
    assert (len(rows), coverage.n_unread, coverage.problems) == (2500, 0, ())
    assert all(row["@timestamp"] for row in rows)


def test_a_mailbox_of_real_mails_gives_each_of_them(shared_data, read, tmp_path):
    import tarfile  # noqa: PLC0415

    with tarfile.open(shared_data / "mail" / "phishing_pot-dev600.tar.gz") as archive:
        infos = [i for i in archive if i.isfile()][:150]
        raws = [archive.extractfile(i).read() for i in infos]  # type: ignore[union-attr]
    out = io.BytesIO()
    for raw in raws:
        lines = raw.splitlines(keepends=True)
        quoted = b"".join(b">" + line if line.lstrip(b">").startswith(b"From ") else line for line in lines)
        out.write(b"From - Tue Aug 24 03:12:09 2021\n" + quoted + b"\n\n")
    (tmp_path / "box").write_bytes(out.getvalue())
    rows, _ = read(tmp_path / "box")
    assert len(rows) == 150
