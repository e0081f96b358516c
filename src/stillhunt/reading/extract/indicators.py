"""Indicators: addresses, names, URLs, mail addresses, hashes, CVE ids, files, paths and registry keys of a report.

Read in the text as addresses are used (:mod:`stillhunt.reading.refang`); every one keeps its place in the text as
written. A name is a domain if it ends in a suffix of the Public Suffix List, and is not a file's: `evil[.]py` is a
domain, `evil.py` a file. Four numbers are an address unless the words before them speak of a version. What a warning
list knows is kept, with the reason why it is probably none.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Literal

from stillhunt.errors import MissingExtraError
from stillhunt.reading.benign import address_reason, file_reason, hash_reason, host_reason
from stillhunt.reading.draft import ReadClaim, Slot
from stillhunt.reading.refang import Plain, refang

__all__ = ["Indicator", "IndicatorKind", "find_indicators", "indicator_claims", "own_sites"]

IndicatorKind = Literal[
    "cve",
    "domain",
    "email",
    "file",
    "ipv4",
    "ipv6",
    "md5",
    "network",
    "path",
    "registry-key",
    "sha1",
    "sha256",
    "sha512",
    "url",
]

_HASHES: dict[int, IndicatorKind] = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """Something in a report by which an intrusion may be found.

    Attributes:
        kind: What it is.
        value: As it is used: with plain dots, hashes and domains in lower case.
        start: Where it begins in the text as written.
        end: Where it ends.
        score: How sure it is that the report means it as an indicator, 0 to 1.
        defanged: Whether it was written so that nobody clicks it.
        reason: What speaks against it; empty if nothing does.
    """

    kind: IndicatorKind
    value: str
    start: int
    end: int
    score: float
    defanged: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hit:
    """An indicator in the plain text."""

    kind: IndicatorKind
    value: str
    start: int
    end: int
    doubt: str = ""
    covers: bool = True


_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_HOST = rf"(?:_?{_LABEL}\.){{1,12}}(?:xn--[a-zA-Z0-9-]{{2,59}}|[^\W\d_]{{2,24}})"
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_SCHEMES = r"https?|ftps?|sftp|tcp|udp|wss?|ldaps?|rmi|smb|ssh|socks[45]h?|rtsp|tftp|gopher|telnet|rdp|magnet"


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_EXTENSIONS = _set(
    "7z aab ace ahk apk app appx arc arj asar asp aspx au3 bat bin bmp btm bz2 cab cer cfg chm cla class cmd conf "
    "cpl cpp crt crx csproj css csv cue dat data db dbf ddf deb der dex dll dmg dmp doc docb docm docx dot dotm "
    "dotx drv dylib ebpf elf eml enc eps evtx exe f77 fon gif gpg gz hlp hta htaccess htm html hwp hwpx icl ico "
    "img inf ini ins iqy iso jar jar2 java jnlp job jpeg jpg js jse json jsp jspx kdbx key kext ko lck lib lnk "
    "log lua lz lzh lzma macho mam mdb mde mht mhtml mof mov mp3 mp4 msc msg msi msix msp mst mui nls nsi o obj "
    "ocx odt one onepkg ost ova ovf p12 pdb pdf pem pfx phar php php3 php5 phtml pif pkg pl plist png pot potm "
    "potx ppam ppkg ppsm ppt pptm pptx prf ps1 psd1 psm1 ps1xml pst pub pub2 pws py pyc pyd pyo pyw pyz r00 rar "
    "rb rdp reg res rom rpm rs rsa rtf scf scr sct sdb service sh shb shs sis slk so sql sqlite sqlite3 sqlitedb "
    "svg swf sys sz tar tbz2 temp tgz tif tiff tlb tmp torrent ttf txt udl url vb vba vbe vbp vbs vbscript vcf "
    "vcxproj vhd vhdx vmdk vmx war wasm wav wbk webarchive wim wll wmf wmv woff ws wsc wsf wsh xap xar xlam xll "
    "xls xlsb xlsm xlsx xlt xltm xml xsd xsl xslt xz yar yara yaml yml z zip zipx zst "
)
"""Endings of files that reports name."""

_BOTH = _set("app bz cab cfd com mov one pl ps pub py rs sh so win zip cc ai sc ms md ")
"""Endings of files that are suffixes of the Internet too, among others."""

_PRODUCTS = _set(
    "asp.net vb.net ado.net node.js vue.js next.js react.js socket.io paint.net ml.net d3.js three.js c.net "
    "booking.com salesforce.com crypto.com blockchain.com monster.com e.g i.e "
)
"""Names of products and firms that look like a host's."""

_URL = re.compile(
    rf"(?<![A-Za-z0-9])(?:{_SCHEMES})://(?:[^\s/@<>\"'`]{{1,128}}@)?(?:\[[0-9A-Fa-f:.]+\]|[\w%$.{{}}-]+)"
    r"(?::\d{1,5})?(?:[/?#](?:(?!\]\()[^\s<>\"`|“”„«»」』，。])*)?",
    re.IGNORECASE,
)
_BARE_URL = re.compile(
    rf"(?<![\w.@/\\-])(?:{_HOST}|{_IPV4})(?::\d{{1,5}})?/[^\s<>\"'`|“”„«»」』，。\[\]]+",
)
_EMAIL = re.compile(rf"(?<![\w.+-])[\w](?:[\w.+-]{{0,63}}[\w+-])?@(?:{_HOST})(?![\w-])")
_DOMAIN = re.compile(rf"(?<![\w.@\\/$%-])(?:\*\.|\.)?(?P<host>{_HOST})(?![\w\\(]|[.-]\w)")
_ADDRESS = re.compile(
    rf"(?<![\w.])(?<!\d,)(?P<address>{_IPV4})(?:/(?P<prefix>3[0-2]|[12]?\d)(?!\d))?(?![\w%]|\.\d|-\d+\.\d|/\w{{3}})"
)
_IPV6 = re.compile(
    r"(?<![\w:.])(?=[0-9A-Fa-f]*:[0-9A-Fa-f:]*:)[0-9A-Fa-f:]{4,39}(?:\.\d{1,3}){0,3}(?:/\d{1,3})?(?![\w:])"
)
_HASH = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{128}|[0-9a-fA-F]{64}|[0-9a-fA-F]{40}|[0-9a-fA-F]{32})(?![0-9A-Za-z])"
)
_WRAPPED = re.compile(
    r"(?<![0-9A-Za-z])[0-9a-fA-F]{8,127}(?:[ \t|]*\r?\n[ \t|>]*[0-9a-fA-F]{2,127}(?![0-9A-Za-z])){1,7}"
)
_CVE = re.compile(
    r"(?<![A-Za-z0-9])CVE[\s:_-]{0,2}?[-‐‑–—\s_]?\s?(?P<year>(?:19|20)\d\d)\s?[-‐‑–—_]\s?(?P<number>\d{4,7})(?!\d)"
    r"(?P<more>(?:\s?(?:/|,|, and|and)\s?[-‐‑–](?:\d{4,7})(?![\d.])|/\d{4,7}(?![\d.]))*)",
    re.IGNORECASE,
)
_MORE = re.compile(r"\d{4,7}")
_KEYS = {
    "hklm": "HKEY_LOCAL_MACHINE",
    "hkcu": "HKEY_CURRENT_USER",
    "hkcr": "HKEY_CLASSES_ROOT",
    "hku": "HKEY_USERS",
    "hkcc": "HKEY_CURRENT_CONFIG",
}
_REGISTRY = re.compile(
    r"(?<![A-Za-z0-9_])(?P<hive>HKEY_(?:LOCAL_MACHINE|CURRENT_USER|CLASSES_ROOT|USERS|CURRENT_CONFIG)|"
    r"HK(?:LM|CU|CR|U|CC))\]?:?(?P<rest>(?:\\{1,2}(?:[\w${}*%()&-]|\.(?!\s)| (?!HK)){1,80}?(?=\\))*"
    r"\\{1,2}[\w.${}*%-]{1,120})",
    re.IGNORECASE,
)
_WINDOWS = re.compile(
    r"(?<![\w\\])(?:[A-Za-z]:\\{1,2}|%[A-Za-z_][\w()]{2,30}%\\{1,2}|\$env:\w{3,20}\\|\\\\[\w.$-]{2,60}\\)"
    r"(?:[^\\/:*?\"<>|\r\n\t`,;]{1,80}\\{1,2}){0,12}"
    r"(?:[^\\/:*?\"<>|\r\n\t`,;]{0,79}[^\\/:*?\"<>|\r\n\t`,;.\s]\.[A-Za-z0-9]{1,6}(?![A-Za-z0-9])|[^\\/:*?\"<>|\s`,;]*)"
)
_UNIX = re.compile(
    r"(?<![\w/.:~>\\)-])(?:~|/(?:etc|usr|var|tmp|opt|home|root|bin|sbin|dev|proc|lib|lib64|mnt|srv|boot|run|sys|"
    r"Library|Users|Applications|System|private|data/local))/[\w@+%~.$*{}-]+(?:/[\w@+%~.$*{}-]+){0,14}/?"
)
_ENDINGS = "|".join(sorted(_EXTENSIONS, key=lambda e: (-len(e), e)))
_FILE = re.compile(
    rf"(?<![\w\\/.@%-])(?:[\w$~][\w$~+&-]*(?:[.(][\w$~+&)-]+){{0,4}})\.(?P<end>{_ENDINGS})"
    r"(?![\w\\@(-]|\.\w|/\w)",
    re.IGNORECASE,
)
_QUOTED_FILE = re.compile(
    rf"(?<=[\"“‘'`])[^\"“”‘’'`\n\\/:*?<>|]{{1,80}}\.(?:{_ENDINGS})(?=[\"”’'`])",
    re.IGNORECASE,
)
_VERSION = re.compile(
    r"(?:\b(?:versions?|vers?\.?|v|builds?|release[ds]?|firmware|patch(?:ed)?|updates?|upgraded?|revisions?|rev|"
    r"fixed in|"
    r"prior to|earlier than|later than|FortiOS|iOS|Android|Chrome|Firefox|Safari|Edge|Gecko|Opera|Trident|Windows NT|"
    r"OpenSSL|Java|JRE|JDK|Flash(?: Player)?|Acrobat|Reader|WinRAR|Confluence|Exchange(?: Server)?|kernel|"
    r"OID|§|section)"
    r"\b[\s:=/(]*|(?<=[A-Za-z])/|\bv|[A-Za-z]-)(?:\d[\w.]*[\s,]*(?:and|or|to|through|[-–,/])?\s*){0,6}$",
    re.IGNORECASE,
)
_LATER = re.compile(r"\s*(?:and|or)\s(?:earlier|later|older|newer|below|above|prior|before)\b|\s*(?:SP|Patch|build)\b")
_SANDBOXES = re.compile(
    r"virustotal|hybrid-analysis|any\.run|malshare|bazaar|tria\.ge|alienvault|joesandbox|joesecurity|intezer|vmray|"
    r"inquest|urlscan|polyswarm|malwarebazaar|opentip|threatbook|qianxin",
    re.IGNORECASE,
)
_LIST_HEAD = re.compile(
    r"\b(?:indicators? of compromise|IOCs?|observables?|indicators|C2 (?:servers?|domains?|infrastructure)|"
    r"network indicators|"
    r"file hashes|hashes|sha-?(?:256|1|512)|md5|domains|IP addresses|URLs)\b[^\n]{0,40}$",
    re.IGNORECASE,
)


@cache
def _suffix() -> Callable[[str], str | None]:
    try:
        from publicsuffixlist import PublicSuffixList  # noqa: PLC0415 - of an extra
    except ModuleNotFoundError as error:
        raise MissingExtraError("publicsuffixlist", "read") from error
    registered = PublicSuffixList(accept_unknown=False, only_icann=True).privatesuffix

    def of(host: str) -> str | None:
        found: str | None = registered(host)
        return found

    return of


def find_indicators(text: str, *, own: Iterable[str] = ()) -> list[Indicator]:
    """Return the indicators of a text, in order of place.

    The host of a URL and the domain of a mail address are not repeated as domains.

    Args:
        text: The report.
        own: Domains of whoever publishes it.

    Raises:
        MissingExtraError: The Public Suffix List is not installed.
    """
    plain = refang(text)
    taken: list[tuple[int, int]] = []
    hits: list[_Hit] = []
    for find in (_urls, _registry, _mails, _paths, _addresses, _hashes, _cves, _files, _domains):
        for hit in find(plain):
            if _overlaps(taken, hit):
                continue
            hits.append(hit)
            if hit.covers:
                insort(taken, (hit.start, hit.end))
    sites = frozenset(d.casefold() for d in own)
    return sorted((_judged(plain, h, sites) for h in hits), key=lambda i: (i.start, i.end, i.kind))


def _overlaps(taken: list[tuple[int, int]], hit: _Hit) -> bool:
    k = bisect_left(taken, (hit.end, -1))
    return hit.covers and k > 0 and taken[k - 1][1] > hit.start


def _urls(plain: Plain) -> Iterator[_Hit]:
    text = plain.text
    at = 0
    while match := _URL.search(text, at):
        end = _joined_end(text, match.start(), _trimmed(text, match.start(), match.end()))
        at = max(end, match.start() + 1)
        value = re.sub(r"\s+", "", text[match.start() : end])
        host = _host_of(value)
        if not host or not (_is_address(host) or _suffix()(host.casefold()) or plain.is_changed(match.start(), end)):
            continue
        yield _Hit(kind="url", value=value, start=match.start(), end=end)
        if _SANDBOXES.search(host):
            for part in _HASH.finditer(text, match.start(), end):
                yield _hash_hit(part.group(), part.start(), part.end(), covers=False)
    for match in _BARE_URL.finditer(text):
        end = _trimmed(text, match.start(), match.end())
        value = text[match.start() : end]
        host = _host_of("http://" + value)
        rest = value.partition("/")[2]
        if not rest or (_is_address(host) and re.fullmatch(r"\d{1,2}", rest)):
            continue
        if _is_domain(plain, host, match.start()) or _is_address(host):
            yield _Hit(kind="url", value=value, start=match.start(), end=end)


def _trimmed(text: str, start: int, end: int) -> int:
    """Return where a URL ends without the punctuation of the sentence and brackets that it did not open."""
    closed = {")": "(", "]": "[", "}": "{"}
    for at in range(start, end):
        if text[at] in closed and text.count(closed[text[at]], start, at) < text.count(text[at], start, at + 1):
            end = at
            break
    while end > start and text[end - 1] in ".,;:!?'’‘*_~…\\":
        end -= 1
    return end


def _joined_end(text: str, start: int, end: int) -> int:
    """Return where a URL ends that goes on in the next line: it was cut behind a slash, a dash or an equals sign."""
    while text[end - 1] in "/-=&?%" and end - start > 24:
        match = re.compile(r"\r?\n[ \t]*([\w%./?=&+~#-]*[\w%/=&+~#])(?=\s|$)").match(text, end)
        if match is None or not re.search(r"[/=&%._\d-]", match[1]) or "://" in match[1]:
            return end
        end = match.end()
    return end


def _host_of(url: str) -> str:
    rest = url.partition("://")[2]
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority.partition(":")[0].strip(".")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _registry(plain: Plain) -> Iterator[_Hit]:
    for match in _REGISTRY.finditer(plain.text):
        hive = match["hive"].upper()
        end = match.end()
        while plain.text[end - 1] in ".-":
            end -= 1
        rest = re.sub(r"\\+", r"\\", plain.text[match.start("rest") : end])
        yield _Hit(kind="registry-key", value=_KEYS.get(hive.casefold(), hive) + rest, start=match.start(), end=end)


def _mails(plain: Plain) -> Iterator[_Hit]:
    for match in _EMAIL.finditer(plain.text):
        host = match.group().rpartition("@")[2].casefold()
        if _suffix()(host):
            yield _Hit(kind="email", value=match.group().casefold(), start=match.start(), end=match.end())


def _paths(plain: Plain) -> Iterator[_Hit]:
    for match in _WINDOWS.finditer(plain.text):
        end = match.end()
        while plain.text[end - 1] in ".,;:)]’' *_":
            end -= 1
        value = re.sub(r"(?<!^)\\{2,}", r"\\", plain.text[match.start() : end])
        if len(value.rstrip("\\")) > 3:
            yield _Hit(kind="path", value=value, start=match.start(), end=end)
    for match in _UNIX.finditer(plain.text):
        end = match.end()
        while plain.text[end - 1] in ".*-":
            end -= 1
        yield _Hit(kind="path", value=plain.text[match.start() : end], start=match.start(), end=end)


def _addresses(plain: Plain) -> Iterator[_Hit]:
    text = plain.text
    for match in _ADDRESS.finditer(text):
        start, end = match.span()
        changed = plain.is_changed(start, end)
        if not changed and (_VERSION.search(text, max(0, start - 60), start) or _LATER.match(text, end)):
            continue
        prefix = match["prefix"]
        if prefix is not None:
            yield _Hit(kind="network", value=f"{match['address']}/{prefix}", start=start, end=end)
            continue
        small = sum(int(part) < 10 for part in match["address"].split("."))
        known = address_reason(match["address"])
        doubt = "may be a version's number" if small >= 3 and not changed and not known else ""
        yield _Hit(kind="ipv4", value=match["address"], start=start, end=end, doubt=doubt)
    for match in _IPV6.finditer(text):
        written = match.group().rstrip(".")
        end = match.start() + len(written)
        if not re.search(r"\d", written) or len(written) < 6:
            continue
        try:
            if "/" in written:
                yield _Hit(kind="network", value=str(ip_network(written, strict=False)), start=match.start(), end=end)
            else:
                value = str(IPv6Address(written))
                yield _Hit(kind="ipv6", value=value, start=match.start(), end=end)
        except ValueError:
            continue


def _hashes(plain: Plain) -> Iterator[_Hit]:
    text = plain.text
    for match in _WRAPPED.finditer(text):
        yield from _wrapped(text, match.start(), match.end())
    for match in _HASH.finditer(text):
        if _is_hash(match.group()):
            yield _hash_hit(match.group(), match.start(), match.end())


def _wrapped(text: str, start: int, end: int) -> Iterator[_Hit]:
    """Yield hashes that go on in the next line: of parts that are none alone, or that a label says are one."""
    parts = list(re.finditer(r"[0-9a-fA-F]+", text[start:end]))
    k = 0
    while k < len(parts):
        size, last = 0, 0
        for j in range(k, len(parts)):
            size += len(parts[j].group())
            labelled = size == 128 and re.search(
                r"sha-?512\W*$", text[max(0, start - 40) : start + parts[k].start()], re.IGNORECASE
            )
            width = len(parts[k].group())
            if j > k and size in _HASHES and (labelled or len(parts[j].group()) not in _HASHES):
                last = j
                break
            if abs(len(parts[j].group()) - width) > _RAGGED:
                break
        if last:
            value = "".join(p.group() for p in parts[k : last + 1])
            if _is_hash(value):
                yield _hash_hit(value, start + parts[k].start(), start + parts[last].end())
        k = last + 1 if last else k + 1


_RAGGED = 6
"""By how many characters lines of one column of a table may differ in a proportional face."""


def _is_hash(value: str) -> bool:
    return len(set(value.casefold())) > 5 and not value.isdecimal() and not value.isalpha()


def _hash_hit(value: str, start: int, end: int, *, covers: bool = True) -> _Hit:
    return _Hit(kind=_HASHES[len(value)], value=value.casefold(), start=start, end=end, covers=covers)


def _cves(plain: Plain) -> Iterator[_Hit]:
    for match in _CVE.finditer(plain.text):
        first = match.start("more")
        yield _Hit(kind="cve", value=f"CVE-{match['year']}-{match['number']}", start=match.start(), end=first)
        for more in _MORE.finditer(plain.text, first, match.end()):
            value = f"CVE-{match['year']}-{more.group()}"
            yield _Hit(kind="cve", value=value, start=more.start(), end=more.end())


def _files(plain: Plain) -> Iterator[_Hit]:
    for match in _QUOTED_FILE.finditer(plain.text):
        value = match.group()
        if " " in value.strip() and not plain.is_changed(*match.span()) and "://" not in value:
            yield _Hit(
                kind="file", value=value.strip(), start=match.start() + value.index(value.strip()[0]), end=match.end()
            )
    for match in _FILE.finditer(plain.text):
        value, ending = match.group(), match["end"].casefold()
        if plain.is_changed(*match.span()) or value.casefold() in _PRODUCTS or value.startswith("."):
            continue
        if ending in _BOTH and (
            ending == "com" or value.count(".") > 1 or not _is_file(plain.text, match.start(), value)
        ):
            continue
        if value[: -len(ending) - 1].replace(".", "").isdecimal() and ending in {"app", "one", "z", "o"}:
            continue
        yield _Hit(kind="file", value=value, start=match.start(), end=match.end())


def _is_file(text: str, start: int, value: str) -> bool:
    """Tell whether a name whose ending is an Internet suffix as well is a file's, by case and the words around."""
    if value.casefold().startswith("www.") or value != value.casefold():
        return not value.casefold().startswith("www.")
    ending = value.rpartition(".")[2]
    if ending in {"sh", "py", "rs", "so", "zip", "ps", "pl", "mov", "app"}:
        return True
    near = text[max(0, start - 60) : start + len(value) + 40].casefold()
    return any(w in near for w in ("file", "script", "archive", "attachment", "document", "library", "named"))


def _domains(plain: Plain) -> Iterator[_Hit]:
    for match in _DOMAIN.finditer(plain.text):
        if _is_domain(plain, match["host"], match.start("host")):
            yield _Hit(kind="domain", value=match["host"].casefold(), start=match.start("host"), end=match.end("host"))


def _is_domain(plain: Plain, host: str, start: int) -> bool:
    """Tell whether dotted words name a host, and not a file, a product, or the end and the beginning of sentences."""
    low = host.casefold()
    changed = plain.is_changed(start, start + len(host))
    if _suffix()(low) is None:
        return (
            changed
            and low.count(".") >= 1
            and low.rpartition(".")[2] in {"onion", "bit", "i2p", "lib", "bazar", "coin", "emc"}
        )
    if changed:
        return True
    ending = host.rpartition(".")[2]
    if low in _PRODUCTS or (ending != ending.casefold() and host != host.upper()) or host.startswith("_"):
        return False
    if ending in _EXTENSIONS and ending not in _BOTH:
        return False
    return re.search(r"[a-z0-9]", host.partition(".")[0]) is not None or host == host.upper()


def _judged(plain: Plain, hit: _Hit, own: frozenset[str]) -> Indicator:
    defanged = plain.is_changed(hit.start, hit.end)
    reason = hit.doubt or _reason(hit, own)
    listed = defanged or _is_listed(plain.text, hit.start, hit.end)
    return Indicator(
        kind=hit.kind,
        value=hit.value,
        start=plain.origin(hit.start),
        end=plain.origin_end(hit.end),
        score=_score(hit.kind, listed=listed, defanged=defanged, doubted=bool(reason)),
        defanged=defanged,
        reason=reason or ("" if listed or hit.kind not in _BY_LIST else "named in running text, and clickable"),
    )


_BY_LIST = frozenset({"domain", "url", "email", "file"})
"""Kinds of which running text names many that are no indicators."""


def _score(kind: IndicatorKind, *, listed: bool, defanged: bool, doubted: bool) -> float:
    if doubted:
        return 0.5 if defanged else 0.3
    if defanged or kind in {"md5", "sha1", "sha256", "sha512", "cve"}:
        return 0.95
    return 0.85 if listed or kind not in _BY_LIST else 0.7


def _reason(hit: _Hit, own: frozenset[str]) -> str:
    if hit.kind in {"ipv4", "ipv6", "network"}:
        return address_reason(hit.value)
    if hit.kind in {"domain", "email", "url"}:
        host = hit.value.rpartition("@")[2] if hit.kind == "email" else hit.value
        if hit.kind == "url":
            host = _host_of(hit.value if "://" in hit.value else f"http://{hit.value}").casefold()
        if _is_address(host):
            return address_reason(host)
        registered = _suffix()(host)
        if registered in own or host in own:
            return "the report's own site"
        return host_reason(host)
    if hit.kind == "file":
        return file_reason(hit.value)
    return hash_reason(hit.value) if hit.kind in set(_HASHES.values()) else ""


def _is_listed(text: str, start: int, end: int) -> bool:
    """Tell whether an indicator stands in a list or table: alone in its line, or behind a heading for such a list."""
    begin = text.rfind("\n", 0, start) + 1
    stop = text.find("\n", end)
    line = text[begin : stop if stop >= 0 else len(text)]
    rest = (text[begin:start] + text[end : begin + len(line)]).strip(" \t-*•·|`>#,;:.'\"()[]0123456789")
    if len(rest.split()) <= 2 or line.count("|") >= 2:
        return bool(line.strip()) and len(line) < 400
    return bool(_LIST_HEAD.search(text[max(begin, start - 80) : start]))


def own_sites(text: str, *, by: str = "") -> frozenset[str]:
    """Return the domains of who publishes a report: those of its name, of its byline, and of most links.

    Args:
        text: The report.
        by: Who publishes it; empty if unknown.
    """
    name = re.sub(r"[^a-z0-9]", "", by.casefold())
    links: Counter[str] = Counter()
    signed: set[str] = set()
    for match in _URL.finditer(text):
        registered = _suffix()(_host_of(match.group()).casefold())
        if registered and text[match.start() - 1 : match.start()] in _LINKING:
            links[registered] += 1
        if registered and _is_byline(text, match.start(), match.end()):
            signed.add(registered)
    mine = {d for d in links if len(name) > 3 and d.partition(".")[0].replace("-", "") in {name, name[:-3], f"{name}s"}}
    most = links.most_common(1)
    if most and most[0][1] >= _OFTEN and most[0][1] * 2 > links.total():
        mine.add(most[0][0])
    return frozenset(mine | signed)


def _is_byline(text: str, start: int, end: int) -> bool:
    """Tell whether a link stands where a report says whose it is: behind `By` or `Source` at its head, `©` at its foot.

    Only links that may be clicked are asked, so one that the report warns of is not among them.
    """
    if _BYLINE_HEAD < start < len(text) - _BYLINE_FOOT:
        return False
    begin = text.rfind("\n", 0, start) + 1
    stop = text.find("\n", end)
    line = text[begin:start] + text[end : stop if stop >= 0 else len(text)]
    return len(line) < _BYLINE and bool(_SIGNED.search(line))


_LINKING = frozenset('(<"')
_BYLINE_HEAD, _BYLINE_FOOT, _BYLINE = 800, 600, 200
_SIGNED = re.compile(
    r"^\W*(?:by|authors?|source|url|link|published|posted|original(?:ly)?|report)\b|©|\(c\) (?:19|20)\d\d|copyright|"
    r"all rights reserved|read (?:the|our) full|first (?:published|appeared)",
    re.IGNORECASE,
)
"""A line that says whose a report is, or where it stood first."""
_OFTEN = 4
"""Links, none of them defanged, from which on most going to one site make it the report's own."""


def indicator_claims(text: str, *, own: Iterable[str] = ()) -> list[ReadClaim]:
    """Return a claim for each indicator of a text: that the report gives this value, at the first place it does so.

    Args:
        text: The report.
        own: Domains of whoever publishes it.

    Raises:
        MissingExtraError: The Public Suffix List is not installed.
    """
    best: dict[tuple[str, str], Indicator] = {}
    for found in find_indicators(text, own=own):
        key = (found.kind, found.value)
        if key not in best or best[key].score < found.score:
            best[key] = found
    return [_claim(text, found) for found in sorted(best.values(), key=lambda i: (i.start, i.end, i.kind))]


def _claim(text: str, found: Indicator) -> ReadClaim:
    quote = text[found.start : found.end]
    content = "\x1f".join((str(found.start), quote, "indicator", found.kind, found.value))
    return ReadClaim(
        id=f"read-{hashlib.sha256(content.encode()).hexdigest()[:16]}",
        kind="indicator",
        subject=Slot(text=found.value, written=quote, start=found.start, end=found.end),
        predicate="is-indicator",
        object=Slot(text=found.kind, how="implied"),
        quote=quote,
        start=found.start,
        end=found.end,
        score=found.score,
        accepted=found.score >= _ACCEPT,
        method=f"indicator:{found.kind}",
        reasons=(found.reason,) if found.reason else (),
    )


_ACCEPT = 0.8
"""As in :mod:`stillhunt.reading.claims`."""
