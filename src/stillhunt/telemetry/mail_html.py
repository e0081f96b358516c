"""A web page in a mail: its links and what they claim to be, what it fetches when opened, its forms, its scripts.

Nothing is fetched or run. What a program that shows the mail would fetch is told apart from what a reader must click.
A page is read up to 2 MiB and a tag up to 64 KiB, whatever is left open; long data inside it is passed over.

References: HTML Living Standard (elements that fetch); RFC 2397 (data links); MITRE ATT&CK T1027.006 (smuggling).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import urljoin

from stillhunt.telemetry.mail_text import Url, plain_urls, split_url

__all__ = ["Fetched", "Form", "Link", "Page", "read_page", "script_traits"]

_LONGEST_PAGE = 2 << 20
_AT_ONCE = 1 << 15
_LONGEST_TAG = 1 << 16
_LONGEST_END = 1 << 12
"""What may be left open at the end: the parser looks through it again for every character that may begin a tag."""

_LONGEST_TEXT = 200
_MOST = 500
"""Links, and things fetched, of one page that are kept; the rest are counted."""


class Link(NamedTuple):
    """Something to click.

    Attributes:
        url: As written.
        host: Its host, lower case; empty if it names none.
        text: What is shown for it.
        kind: ``href``, ``area``, or ``text`` if it is no link but programs make it one.
        differs: Whether the text names another host than the link goes to.
    """

    url: str
    host: str
    text: str
    kind: str
    differs: bool


class Fetched(NamedTuple):
    """Something remote that is fetched when the mail is shown, if the program lets it.

    Attributes:
        url: As written, made whole by the page's base.
        parts: Taken apart.
        tag: The element or attribute that names it.
        width: Declared width, empty if there is none.
        height: Declared height.
        is_hidden: Declared to be 0 or 1 pixel, or not to be shown.
    """

    url: str
    parts: Url
    tag: str
    width: str
    height: str
    is_hidden: bool

    @property
    def is_image(self) -> bool:
        """Whether it is a picture, not a frame, script, style sheet or object."""
        return self.tag in _IMAGES


_IMAGES = frozenset(
    {"img", "input", "image", "background", "srcset", "style", "dynsrc", "lowsrc", "poster", "fill", "imagedata"}
)


class Form(NamedTuple):
    """Something to fill in."""

    action: str
    host: str
    method: str


@dataclass(slots=True)
class Page:
    """What a page holds.

    Attributes:
        links: The first 500 of them.
        fetched: The first 500 of them; images, and frames, scripts, styles and objects after their tags.
        forms: What asks for input.
        traits: What its scripts and links do that pages which smuggle a file do, and other traits, each once.
        n_links: All links.
        n_fetched: All things fetched.
    """

    links: list[Link] = field(default_factory=list)
    fetched: list[Fetched] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)
    traits: dict[str, None] = field(default_factory=dict)
    n_links: int = 0
    n_fetched: int = 0


def read_page(html: str) -> Page:
    """Read a page of a mail."""
    page = Page()
    if len(html) > _LONGEST_PAGE:
        page.traits["page longer than 2 MiB"] = None
    html = _without_data(html[:_LONGEST_PAGE])
    reader = _Reader(page)
    for at in range(0, len(html), _AT_ONCE):
        reader.feed(html[at : at + _AT_ONCE])
        if len(reader.rawdata) > _LONGEST_TAG:
            reader.give_up()
    if len(reader.rawdata) > _LONGEST_END:
        reader.give_up()
    reader.close()
    reader.end_link()
    page.traits |= dict.fromkeys(script_traits(html))
    return page


_DATA = "base64,"
_DATA_KEPT = 64
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s%]*+")


def _without_data(html: str) -> str:
    """Shorten data inside a page, which is often most of it."""
    at = html.find(_DATA)
    if at < 0:
        return html
    parts: list[str] = []
    done = 0
    while at >= 0:
        start = at + len(_DATA)
        found = _BASE64.match(html, start)
        end = found.end() if found else start
        parts.append(html[done : min(end, start + _DATA_KEPT)])
        done = end
        at = html.find(_DATA, end)
    parts.append(html[done:])
    return "".join(parts)


_SCRIPT_WORDS = (
    ("atob(", "atob"),
    ("new blob", "blob"),
    ("createobjecturl", "object-url"),
    ("mssaveblob", "save-blob"),
    ("mssaveoropenblob", "save-blob"),
    ("uint8array", "byte-array"),
    ("fromcharcode", "from-char-code"),
    ("unescape(", "unescape"),
    ("decodeuricomponent(", "decode-uri"),
    ("document.write", "document-write"),
    ("eval(", "eval"),
    ("webassembly", "web-assembly"),
    ("location.href", "script-redirect"),
    ("location.replace", "script-redirect"),
    ("location.assign", "script-redirect"),
    ("window.location", "script-redirect"),
    (".download", "script-download"),
    ("cryptojs", "decryption"),
    ("crypto.subtle", "decryption"),
)
_RUN = re.compile(r"[A-Za-z0-9+/=]{1024}")


def script_traits(html: str) -> list[str]:
    """Say what the scripts of a page use that pages which smuggle a file use; nothing if it has no script.

    >>> script_traits("<script>var b=new Blob([atob(x)]);a.href=URL.createObjectURL(b)</script>")
    ['script', 'atob', 'blob', 'object-url']
    """
    lower = html.lower()
    if "<script" not in lower and "javascript:" not in lower and " on" not in lower:
        return []
    has_script = "<script" in lower
    if not has_script and "javascript:" not in lower and not _HANDLER.search(lower):
        return []
    found = dict.fromkeys(["script" if has_script else "event-handler"])
    found |= dict.fromkeys(trait for word, trait in _SCRIPT_WORDS if word in lower)
    if has_script and _RUN.search(html):
        found["long-encoded-text"] = None
    return list(found)


_HANDLER = re.compile(r"<[^<>]{0,400}\son(?:load|error|click|focus|mouseover|pageshow|toggle|begin)\s{0,4}=")
_HOST_IN_TEXT = re.compile(r"^\W{0,4}(?:https?://)?((?:[\w-]{1,63}\.)+[a-z]{2,24})(?=[/:?#\s]|\W*$)", re.IGNORECASE)
_CSS_URL = re.compile(r"(?:url\(\s{0,8}|@import\s{1,8})[\"']?([^\"')\s;]{1,4000})", re.IGNORECASE)
_HIDING_STYLE = re.compile(
    r"display:none|visibility:hidden|opacity:0(?:\.0*)?(?:[;!]|$)|(?:^|[;-])(?:width|height):[01](?:px)?(?:[;!]|$)"
)
_TINY = re.compile(r"^\s*0*[01](?:\.0*)?(?:px)?\s*$", re.IGNORECASE)
_NOT_REMOTE = ("cid:", "data:", "mailto:", "tel:", "sms:", "#", "about:")
_FETCHING = {
    "img": "src",
    "input": "src",
    "iframe": "src",
    "frame": "src",
    "script": "src",
    "embed": "src",
    "video": "src",
    "audio": "src",
    "source": "src",
    "track": "src",
    "object": "data",
    "link": "href",
    "image": "href",
}


class _Reader(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__(convert_charrefs=True)
        self._page = page
        self._base = ""
        self._link: tuple[str, str] | None = None
        self._text: list[str] = []
        self._known: set[tuple[str, str]] = set()
        self._in_style = False

    def give_up(self) -> None:
        """Leave out something that was opened and does not end, but for what can be told of it."""
        if self._in_style:
            self._style(self.rawdata, {})
        elif self.cdata_elem is None:
            self._page.traits["unclosed markup"] = None
            for url in plain_urls(self.rawdata):
                self._add_link(url, "", "text")
        self.rawdata = ""

    def updatepos(self, i: int, j: int) -> int:
        """Count no lines: nobody asks for them."""
        del i
        return j

    def parse_marked_section(self, i: int, report: int = 1) -> int:
        """Pass over what only old office programs write, without the demands of a standard on it."""
        del report
        return self.rawdata.find(">", i) + 1 or -1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _PLAIN_TAGS and not attrs:
            return
        values = {name: value or "" for name, value in reversed(attrs)}
        self._in_style = tag == "style"
        if tag in {"a", "area"}:
            self._start_link(tag, values)
        elif tag == "base":
            self._base = self._base or values.get("href", "")
        elif tag == "form":
            self._form(values)
        elif tag == "meta":
            self._meta(values)
        elif tag == "input" and values.get("type", "").lower() == "password":
            self._page.traits["password-field"] = None
        for name in {"src"} if ":" in tag else {_FETCHING.get(tag, "")}:
            if values.get(name):
                self._fetch(values[name], tag.rpartition(":")[2], values)
        for name in ("background", "poster", "dynsrc", "lowsrc"):
            if values.get(name):
                self._fetch(values[name], name, values)
        for candidate in values.get("srcset", "").split(",")[:20]:
            if candidate.split():
                self._fetch(candidate.split()[0], "srcset", values)
        if "style" in values and "url(" in values["style"].lower():
            self._style(values["style"], values)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self.end_link()
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self._style(data, {})
        elif self._link is not None:
            if len(self._text) < _LONGEST_TEXT:
                self._text.append(data)
        elif self.cdata_elem is None:
            for url in plain_urls(data):
                self._add_link(url, url, "text")

    def _start_link(self, tag: str, values: dict[str, str]) -> None:
        self.end_link()
        if "download" in values:
            self._page.traits["download-attribute"] = None
        url = values.get("href", "").strip()
        if url.lower().startswith(("data:", "javascript:", "blob:")):
            self._page.traits[f"{url.partition(':')[0].lower()}-link"] = None
        if url:
            self._link = (url, "href" if tag == "a" else tag)
            if tag == "area":
                self.end_link()

    def end_link(self) -> None:
        """Take the link that was open."""
        if self._link is not None:
            text = " ".join("".join(self._text).split())[:_LONGEST_TEXT]
            self._add_link(self._link[0], text, self._link[1])
        self._link = None
        self._text = []

    def _add_link(self, url: str, text: str, kind: str) -> None:
        if url.lower().startswith(_NOT_REMOTE) and not url.lower().startswith("data:"):
            return
        whole = self._whole(url) if kind != "text" else url
        parts = split_url(whole if "//" in whole else f"//{whole}" if kind == "text" else whole)
        if not parts.scheme and not parts.host:
            return
        self._page.n_links += 1
        if (whole, text) in self._known or len(self._page.links) >= _MOST:
            return
        self._known.add((whole, text))
        shown = _HOST_IN_TEXT.match(text) if kind != "text" else None
        differs = shown is not None and not _same_site(shown[1].lower(), parts.host)
        self._page.links.append(Link(whole[:4096], parts.host, text, kind, differs))

    def _fetch(self, url: str, tag: str, values: dict[str, str]) -> None:
        url = url.strip()
        if not url or url.lower().startswith(_NOT_REMOTE):
            return
        whole = self._whole(url)
        parts = split_url(whole)
        if not parts.host and parts.scheme != "file":
            return
        self._page.n_fetched += 1
        if len(self._page.fetched) < _MOST:
            width, height = values.get("width", ""), values.get("height", "")
            fetched = Fetched(whole[:4096], parts, tag, width[:20], height[:20], _is_hidden(values))
            self._page.fetched.append(fetched)

    def _style(self, style: str, values: dict[str, str]) -> None:
        for url in _CSS_URL.findall(style):
            self._fetch(url, "style", values)

    def _form(self, values: dict[str, str]) -> None:
        if len(self._page.forms) < _MOST:
            action = self._whole(values.get("action", "").strip())[:4096]
            self._page.forms.append(Form(action, split_url(action).host, values.get("method", "get").lower()[:10]))

    def _meta(self, values: dict[str, str]) -> None:
        if values.get("http-equiv", "").lower() != "refresh":
            return
        self._page.traits["meta-refresh"] = None
        _, _, url = values.get("content", "").partition("=")
        if url:
            self._add_link(url.strip(" \"'"), "", "refresh")

    def _whole(self, url: str) -> str:
        if not self._base or "//" in url[:40] or ":" in url[:40]:
            return url
        try:
            return urljoin(self._base, url)
        except ValueError:
            return url


_PLAIN_TAGS = frozenset({"p", "br", "td", "tr", "b", "i", "div", "span", "table", "tbody", "center", "strong", "html"})


def _is_hidden(values: dict[str, str]) -> bool:
    if _TINY.match(values.get("width") or "x") or _TINY.match(values.get("height") or "x") or "hidden" in values:
        return True
    return _HIDING_STYLE.search("".join(values.get("style", "").lower().split())) is not None


def _same_site(shown: str, host: str) -> bool:
    shown, host = shown.removeprefix("www."), host.removeprefix("www.")
    return shown == host or host.endswith(f".{shown}") or shown.endswith(f".{host}")
