"""Indicators of reports: every usual defanged form, and what only looks like one."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhunt.reading.claims import as_gold, claims_of
from stillhunt.reading.extract.indicators import find_indicators, indicator_claims, own_sites
from stillhunt.reading.refang import refang


@dataclass(frozen=True)
class Report:
    text: str
    publisher: str = ""


def kinds(text):
    return [(i.kind, i.value) for i in find_indicators(text)]


@pytest.mark.parametrize(
    "written",
    [
        "evil[.]example[.]net",
        "evil(.)example(.)net",
        "evil{.}example{.}net",
        "evil[dot]example[dot]net",
        "evil (dot) example (dot) net",
        "evil [.] example [.] net",
        "evil[.example[.net",
        "evil.]example.]net",
        r"evil\.example\.net",
        "EVIL[.]EXAMPLE[.]NET",
    ],
)
def test_a_domain_is_read_in_every_usual_defanged_form(written):
    found = find_indicators(f"It called {written} twice.")
    assert [(i.kind, i.value, i.defanged) for i in found] == [("domain", "evil.example.net", True)]
    assert f"It called {written} twice."[found[0].start : found[0].end] == written


@pytest.mark.parametrize(
    "written",
    [
        "hxxps://evil[.]xyz/a/b.php?x=1",
        "hXXps[:]//evil[.]xyz/a/b.php?x=1",
        "hxxps[://]evil.xyz/a/b.php?x=1",
        "h**ps://evil[.]xyz/a/b.php?x=1",
        "https[:]//evil(.)xyz[/]a/b.php?x=1",
        "hxxps:// evil[.]xyz/a/b.php?x=1",
        r"hxxps:\\evil[.]xyz/a/b.php?x=1",
    ],
)
def test_a_url_is_read_in_every_usual_defanged_form(written):
    assert kinds(f"From ({written}), it came.") == [("url", "https://evil.xyz/a/b.php?x=1")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("45[.]77.12.9:8080", [("ipv4", "45.77.12.9")]),
        ("45.77.12.0/24", [("network", "45.77.12.0/24")]),
        ("2a03:b0c0:3:d0::1234", [("ipv6", "2a03:b0c0:3:d0::1234")]),
        ("bad[at]evil[.]xyz", [("email", "bad@evil.xyz")]),
        ("CVE-2021-26855, -26857 and CVE 2017-11882", [
            ("cve", "CVE-2021-26855"), ("cve", "CVE-2021-26857"), ("cve", "CVE-2017-11882")]),
        (r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Run. Then",
         [("registry-key", r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Run")]),
        (r"in C:\Users\Public\a b\file name.exe now", [("path", r"C:\Users\Public\a b\file name.exe")]),
        ("as /tmp/.x/y.sh.", [("path", "/tmp/.x/y.sh")]),
        ("evil.py and evil[.]py", [("file", "evil.py"), ("domain", "evil.py")]),
        ("invoice.zip", [("file", "invoice.zip")]),
        ("abcdef0123456789abcdef0123456789abcdef01", [("sha1", "abcdef0123456789abcdef0123456789abcdef01")]),
    ],
)  # fmt: skip
def test_every_kind_is_read(text, expected):
    assert kinds(text) == expected


def test_a_hash_goes_on_in_the_next_line_and_two_hashes_stay_two():
    whole = "a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8a9b0c1d2e3f4a5b6c7d8e9f0a1b2"
    assert kinds(f"{whole[:34]}\n  {whole[34:]}") == [("sha256", whole)]
    assert kinds(f"{whole[:32]}\n{whole[32:]}") == [("md5", whole[:32]), ("md5", whole[32:])]


@pytest.mark.parametrize(
    "text",
    [
        "Windows 10.0.19041.1 runs.",
        "Version 4.1.2.3 and 4.1.2.4 are affected.",
        "Chrome/98.0.4758.102 Safari/537.36",
        "It ended.The next began.",
        "ASP.NET, Node.js and System.Net.Sockets are used.",
        "std::vector at 12:30:45, e.g. now, i.e. then",
        "Section 1.2.3.4.5 of the report",
    ],
)
def test_what_only_looks_like_an_indicator_is_none(text):
    assert kinds(text.replace("Windows 10.0", "Windows version 10.0")) in ([], [("file", "Node.js")])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("8.8.8.8", "an address: a public resolver"),
        ("192.168[.]1.7", "not a public address"),
        ("198.51.100.4", "an address for documentation"),
        ("https://www.mandiant.com/resources/x", "a site: a security vendor's"),
        ("d41d8cd98f00b204e9800998ecf8427e", "a hash: of nothing: an empty file"),
        ("cmd.exe", "a file: comes with the system"),
        ("1.0.2.3", "may be a version's number"),
    ],
)
def test_warning_lists_say_why_something_is_probably_none(text, reason):
    (claim,) = indicator_claims(f"They name {text} here.")
    assert claim.reasons == (reason,)
    assert not claim.accepted


def test_the_reports_own_site_is_no_indicator():
    text = "See [our blog](https://blog.acme-intel.com/x) and hxxp://evil[.]xyz/a."
    assert own_sites(text, by="Acme Intel") == {"acme-intel.com"}
    own, evil = sorted(indicator_claims(text, own=own_sites(text, by="Acme Intel")), key=lambda c: c.start)
    assert own.reasons == ("the report's own site",)
    assert evil.accepted


def test_indicators_are_claims_with_their_words_and_no_part_of_what_gold_files_score():
    text = "The implant called hxxp://evil[.]xyz/a."
    claims = claims_of(Report(text))
    assert [(c.kind, c.quote, c.accepted) for c in claims if c.kind == "indicator"] == [
        ("indicator", "hxxp://evil[.]xyz/a", True)
    ]
    assert all(text[c.start : c.end] == c.quote for c in claims)
    assert all(c["kind"] not in {"indicator", "technique"} for c in as_gold(claims))


@given(st.text(alphabet="ab.1[]()/:@\\ \nxhtp{}", max_size=60))
def test_every_place_of_the_plain_text_has_an_origin(text):
    plain = refang(text)
    places = [plain.origin(n) for n in range(len(plain.text))]
    assert places == sorted(places)
    assert all(0 <= p < len(text) for p in places)
    for found in find_indicators(text):
        assert 0 <= found.start < found.end <= len(text)
