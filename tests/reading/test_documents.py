"""Files become documents with their text, title and date, and documents become claims."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from click.testing import CliRunner

from stillhunt.cli.main import main
from stillhunt.errors import InputError
from stillhunt.reading.names import Names
from stillhunt.reading.opening import open_documents
from stillhunt.reading.publication import publication_of

PAGE = (
    '<!doctype html><html><head><title>A report</title><meta name="author" content="Ann Author"></head><body><article>'
    "<h1>A report on APT31</h1><p>Published 25 March 2024.</p><p>The United States said on Monday that APT31 was "
    "responsible for a campaign against members of Parliament. The Chinese embassy denied the accusation.</p>"
    "</article></body></html>"
)
MAIL = (
    b"From: Ann <ann@example.org>\nDate: Mon, 25 Mar 2024 10:00:00 +0000\nSubject: Who\n\nAPT31 attacked a ministry.\n"
)
GROUP, TOOL = "intrusion-set--00000000-0000-4000-8000-000000000001", "tool--00000000-0000-4000-8000-000000000002"


def one(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    [document] = open_documents(path)
    return document


def test_a_web_page_has_its_main_text_author_and_date(tmp_path):
    document = one(tmp_path / "x", PAGE)
    assert "responsible for a campaign" in document.text
    assert (document.author, document.published.date) == ("Ann Author", "2024-03-25")


def test_a_mail_has_subject_author_and_date(tmp_path):
    document = one(tmp_path / "x.eml", MAIL)
    assert (document.title, document.published.date) == ("Who", "2024-03-25")
    assert document.text.strip() == "APT31 attacked a ministry."


def test_a_document_of_word_is_its_paragraphs_and_tables(tmp_path):
    docx = pytest.importorskip("docx")
    made = docx.Document()
    made.add_paragraph("APT31 attacked a ministry.")
    made.add_table(1, 1).cell(0, 0).text = "in a table"
    path = tmp_path / "x.docx"
    made.save(str(path))
    [document] = open_documents(path)
    assert document.text == "APT31 attacked a ministry.\n\nin a table"


def test_pages_of_a_pdf_without_text_are_named(tmp_path):
    pypdf = pytest.importorskip("pypdf")
    writer = pypdf.PdfWriter()
    writer.add_blank_page(100, 100)
    held = io.BytesIO()
    writer.write(held)
    document = one(tmp_path / "x.pdf", held.getvalue())
    assert document.notes == ("pages without text, pictures perhaps: 1",)
    assert document.page(0) == 1


def test_archives_and_folders_are_read_through(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("b/two.txt", "Two is here.")
        archive.writestr("a.eml", MAIL)
    (tmp_path / "z.md").write_text("# A title of this\n\nThree.")
    found = [(d.name.rpartition("/")[2], d.title) for d in open_documents(tmp_path)]
    assert found == [("x.zip!a.eml", "Who"), ("two.txt", "two.txt"), ("z.md", "A title of this")]


@pytest.mark.parametrize(("content", "message"), [(b"\x00\x01\x02", "no document"), (b"%PDF-1.4 cut", "damaged PDF")])
def test_what_cannot_be_read_is_told(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        one(tmp_path / "x", content)


@pytest.mark.parametrize(
    ("text", "date", "grounds"),
    [
        ("Title\nPublished: 25 March 2024\nBody", "2024-03-25", "the text says"),
        ("Title\nMarch 2024\nBody text of it", "2024-03", "a line of its own"),
        (
            "It began on 3 May 2019 in the ministry and ended there on 7 June 2020 without notice.",
            "2020-06",
            "not before",
        ),
        ("Nothing.", "", ""),
    ],
)
def test_the_date_of_publication_has_its_grounds(text, date, grounds):
    found = publication_of(text)
    assert (found.date, found.grounds.startswith(grounds)) == (date, True)


def test_names_are_found_whole_and_as_they_are_written():
    names = Names([("APT31", GROUP), ("Empire", TOOL), ("at", TOOL)])
    text = "APT31 and APT310. Empire began. The tool Empire2 and the tool Empire at work."
    assert [(m.kind, m.text) for m in names.mentions(text)] == [
        ("group", "APT31"),
        ("tool", "Empire"),
        ("tool", "Empire"),
    ]


def test_what_is_read_waits_and_enters_the_base_when_it_is_accepted(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    path = tmp_path / "x.html"
    path.write_text(PAGE)

    def run(*args):
        done = CliRunner().invoke(main, [*map(str, args)])
        assert done.exit_code == 0, done.output
        return done.output

    assert "nothing waits" in run("read", "--waiting")
    [told] = json.loads(run("read", path, "--json", "--html", tmp_path / "page.html"))
    claims = {claim["kind"]: claim for claim in told["claims"]}
    assert claims["denial"]["quote"] == "The Chinese embassy denied the accusation"
    assert [mention["text"] for mention in told["mentions"]][:1] == ["APT31"]
    assert "<mark" in (tmp_path / "page.html").read_text()
    run("read", path, "--queue")
    assert claims["attribution"]["id"] in run("read", "--waiting")
    run("read", "--accept", claims["attribution"]["id"])
    run("read", "--reject", claims["denial"]["id"], "--note", "of what?")
    waiting = run("read", "--waiting")
    assert claims["attribution"]["id"] not in waiting
    assert claims["denial"]["id"] not in waiting
    assert "A report" in run("know", "search", "responsible for a campaign")
