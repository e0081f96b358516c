"""Dumps of messages and feeds: cut into documents, each message with its sender and time, none lost silently."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhunt.errors import InputError
from stillhunt.reading.conversation import UNNAMED, claims_of_chat
from stillhunt.reading.dumps.item import moment, plain
from stillhunt.reading.dumps.parts import HEAD, dump_of, parts_of
from stillhunt.reading.opening import open_documents, open_parts

EXPORT = {
    "name": "a room",
    "messages": [
        {"id": 1, "date": "2022-03-01T10:22:33", "from": "Ada", "text": ["a ", {"type": "link", "text": "b"}]},
        {"id": 2, "date": "2022-03-01T10:23:33", "from": "Bo", "text": 'y{"['},
    ],
}
RSS = (
    '<?xml version="1.0"?><rss xmlns:dc="urn:x"><channel><title>Holm News</title><item><title>A &amp; B</title>'
    "<dc:creator>Ada</dc:creator><pubDate>Tue, 01 Mar 2022 10:22:00 +0100</pubDate><description>&lt;p&gt;APT77 targeted "  # noqa: E501 - one sentence
    "dentists&nbsp;.&lt;/p&gt;&lt;script&gt;x()&lt;/script&gt;</description></item><item><title>torn</item></channel></rss>"
)
ATOM = (
    '<feed xmlns="http://www.w3.org/2005/Atom"><title>N</title><entry><title>A</title><author><name>Bo</name></author>'
    '<updated>2022-03-01T00:00:00Z</updated><content type="html"><![CDATA[<p>x &amp; y</p>]]></content></entry></feed>'
)
JSON_FEED = {
    "version": "https://jsonfeed.org/version/1.1",
    "items": [
        {
            "title": "A",
            "content_html": "<p>words</p>",
            "date_published": "2022-01-01T00:00:00Z",
            "authors": [{"name": "Ada"}],
        }
    ],
}


def parts(content, name="dump"):
    raw = content.encode() if isinstance(content, str) else content
    dump = dump_of(raw[:HEAD])
    return [] if dump is None else list(parts_of(name, io.BytesIO(raw), dump))


def messages(content):
    """Return (sender, sent, words) of all messages."""
    return [
        (m.sender, m.sent, p.document.text[m.start : m.end].strip())
        for p in parts(content)
        for m in p.document.messages
    ]


def notes(content):
    return [note for p in parts(content) for note in p.document.notes]


@pytest.mark.parametrize(
    "chat",
    [
        "[2022-03-21 10:22:33] ada: hi\n[2022-03-21 10:22:34] bo: ho\nand on\n",
        "21/03/2022, 10:22:33 - ada: hi\n21/03/2022, 10:22:34 - bo: ho\nand on\n",
        "3/21/2022 10:22:33 ada: hi\n3/21/2022 10:22:34 bo: ho\nand on\n",
        "2022-03-21T10:22:33\tada\thi\n2022-03-21T10:22:34\tbo\tho\nand on\n",
        "2022-03-21 10:22:33 <ada> hi\n2022-03-21 10:22:34 <bo> ho\nand on\n",
        "2022/3/21 10:22:33 ada\nhi\n2022/3/21 10:22:34 bo\nho\nand on\n",
        "ada [2022-03-21 10:22:33]: hi\nbo [2022-03-21 10:22:34]: ho\nand on\n",
    ],
)
def test_a_chat_is_read_as_messengers_write_it(chat):
    assert messages(chat * 3)[:2] == [("ada", "2022-03-21T10:22:33", "hi"), ("bo", "2022-03-21T10:22:34", "ho\nand on")]


def test_a_day_that_can_be_read_in_two_ways_is_not_guessed():
    chat = "03/04/2022, 10:22 - ada: hi\n05/04/2022, 10:22 - bo: ho\n" * 3
    assert {sent for _, sent, _ in messages(chat)} == {""}


def test_the_text_of_a_chat_is_that_of_its_file():
    chat = "[10:22] <ada> hi\n\n[10:23] <bo> ho: ho\n  more\n" * 3
    assert "".join(p.document.text for p in parts(chat)) == chat


def test_a_report_with_dates_at_line_ends_is_no_chat():
    report = "A report.\n\nOn 2022-03-01 it was bad.\n2022-03-02: worse.\nAPT77 came back.\nNobody saw it.\nIt left.\n"
    assert parts(report * 4) == []


def test_chinese_chats_are_read_in_their_own_encoding():
    chat = "2022-03-01 10:22:33 张三\n你好\n2022-03-01 10:22:34 李四\n好的\n" * 3
    assert messages(chat.encode("gb18030"))[:2] == [
        ("张三", "2022-03-01T10:22:33", "你好"),
        ("李四", "2022-03-01T10:22:34", "好的"),
    ]


@pytest.mark.parametrize("indent", [None, 1])
def test_an_export_of_a_messenger_is_read_whatever_stands_in_its_strings(indent):
    assert messages(json.dumps(EXPORT, indent=indent)) == [
        ("Ada", "2022-03-01T10:22:33", "a b"),
        ("Bo", "2022-03-01T10:23:33", 'y{"['),
    ]


def test_a_torn_line_costs_no_other_and_is_told():
    one = '{"ts": "2020-06-21T19:57:32.12", "from": "a@x", "to": "b@x", "body": "hi"}\n'
    dump = one + '{"ts": "torn\n' + one
    assert [words for _, _, words in messages(dump)] == ["hi", "hi"]
    assert notes(dump) == ["not read: a line is no JSON object of a size that is read (1 times)"]


def test_objects_over_several_lines_are_read_and_a_torn_end_is_told():
    one = '{\n "ts": "2020-06-21T19:57:32",\n "from": "a@x",\n "body": "hi \\" {"\n}\n'
    assert [words for _, _, words in messages(one * 2 + '{\n "ts"')] == ['hi " {'] * 2
    assert len(notes(one * 2 + '{\n "ts"')) == 1


def test_a_csv_has_fields_over_several_lines_and_records_that_do_not_fit_are_told():
    dump = 'time,sender,text\n2022-01-01 10:00,ada,"hi, ""you""\nthere"\n2022-01-01 10:01,bo,ok,3\n1646126520,bo,ho\n'
    assert messages(dump) == [("ada", "2022-01-01T10:00:00", 'hi, "you"\nthere'), ("bo", "2022-03-01T09:22:00", "ho")]
    assert notes(dump) == ["not read: a record has 4 of 3 columns (1 times)"]


def test_a_quotation_mark_that_is_never_closed_does_not_swallow_the_file():
    dump = 'sender,text,x\nada,"hi,1\n' + "bo,ho,2\n" * 5
    assert [words for _, _, words in messages(dump)].count("ho") == 5


@pytest.mark.parametrize(
    ("feed", "found"),
    [
        (RSS, ("A & B", "Ada", "2022-03-01", "Holm News")),
        (ATOM, ("A", "Bo", "2022-03-01", "N")),
        (json.dumps(JSON_FEED), ("A", "Ada", "2022-01-01", "")),
    ],
)
def test_an_article_of_a_feed_has_its_own_title_author_and_date(feed, found):
    document = parts(feed)[0].document
    assert (document.title, document.author, document.published.date, document.publisher) == found
    assert "says so" in document.published.grounds


def test_an_article_is_plain_words_and_a_torn_one_is_told():
    [article, torn] = parts(RSS)
    assert article.document.text == "APT77 targeted dentists .\n"
    assert "no XML" in torn.document.notes[0]


def test_an_entity_of_a_feed_is_never_expanded():
    bomb = '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><rss><item><title>&b;</title></item></rss>'  # noqa: E501 - one sentence
    assert [p.document.text for p in parts(bomb)] == ["&b;\n"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2022-03-01T10:22:33+02:00", "2022-03-01T08:22:33"),
        (1646126520000, "2022-03-01T09:22:00"),
        ("2022-03-01", "2022-03-01T00:00:00"),
        ("2022-13-01", ""),
        ("12", ""),
        (True, ""),
        (None, ""),
    ],
)
def test_times_are_read_or_not_at_all(written, read):
    assert moment(written) == read


def test_markup_becomes_lines():
    assert plain("<ul><li>a<li>b</ul><style>p{}</style>c") == "a\n\nb\n\nc"


def test_a_message_is_said_by_its_sender_on_the_day_it_was_sent():
    chat = "[2022-03-21 10:22:33] ada: APT77 targeted dentists last year.\n[2022-03-21 10:23:33] bo: ok\n" * 3
    [part] = parts(chat)
    claims = claims_of_chat(part.document)
    assert [(c.subject.text, c.speakers, c.time.start) for c in claims] == [
        ("APT77", ("article", "ada"), "2021-01-01")
    ] * 3
    assert all(part.document.text[c.start : c.end] == c.quote for c in claims)
    assert len({c.id for c in claims}) == 3
    assert dict(claims[0].qualifiers)["sent"] == "2022-03-21T10:22:33"


def test_a_message_without_a_sender_is_said_by_nobody_known():
    [part] = parts('{"ts": 1646126520, "body": "APT77 targeted dentists."}\n')
    assert claims_of_chat(part.document)[0].said_by == UNNAMED


def test_parts_are_of_some_pages_and_cover_the_file():
    chat = "".join(f"[2022-03-21 10:22:33] ada: number {n} of many\n" for n in range(5_000))
    found = parts(chat)
    assert len(found) > 3
    assert max(len(p.document.text) for p in found) < 33_000
    assert [p.start for p in found[1:]] == [p.stop for p in found[:-1]]
    assert found[-1].stop == len(chat)


@given(st.binary(max_size=400))
def test_no_bytes_break_it(content):
    for prefix in (b"", b"{", b"[{", b"time,text\n", b"<rss><item>", b"[10:22] <a> b\n" * 4):
        parts(prefix + content)


@given(st.lists(st.tuples(st.sampled_from(["ada", "bo"]), st.text(min_size=1, max_size=60)), min_size=1, max_size=20))
def test_every_message_of_json_lines_comes_back_as_it_was(sent):
    dump = "".join(
        json.dumps({"ts": 1646126520 + n, "from": who, "body": words}) + "\n" for n, (who, words) in enumerate(sent)
    )
    expected = [words for _, words in sent if words.strip()]
    found = [p.document.text[m.start : m.end] for p in parts(dump) for m in p.document.messages]
    assert [words.removesuffix("\n") for words in found] == [words.removesuffix("\n") for words in expected]


def test_a_mailbox_is_one_document_for_each_mail(tmp_path):
    mail = (
        "From ada@x Tue Mar  1 10:22:33 2022\nFrom: ada@x\nSubject: One\nDate: Tue, 1 Mar 2022 10:22:33 +0000\n\nhi\n\n"
    )
    (tmp_path / "box").write_text(mail + mail.replace("One", "Two"))
    assert [(d.title, d.author, d.published.date, d.text.strip()) for d in open_documents(tmp_path / "box")] == [
        ("One", "ada@x", "2022-03-01", "hi"),
        ("Two", "ada@x", "2022-03-01", "hi"),
    ]


def test_a_dump_inside_an_archive_is_read_too(tmp_path):
    with zipfile.ZipFile(tmp_path / "leak.zip", "w") as archive:
        archive.writestr("chat.json", json.dumps(EXPORT))
        archive.writestr("photo.jpg", b"\xff\xd8\x00\x00")
    found = list(open_parts(tmp_path / "leak.zip"))
    assert [(o.document.name.split("!")[1], len(o.document.messages)) for o in found] == [
        ("chat.json#32", 2),
        ("photo.jpg", 0),
    ]
    assert "no document" in found[1].document.notes[0]


def test_a_file_of_a_folder_that_is_no_document_is_told_and_the_others_are_read(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"\x00\x01")
    (tmp_path / "b.txt").write_text("APT77 targeted dentists.")
    assert [(bool(d.text), bool(d.notes)) for d in open_documents(tmp_path)] == [(False, True), (True, False)]
    with pytest.raises(InputError, match="no document"):
        list(open_documents(tmp_path / "a.bin"))
