"""Indicators of reports beside other extractors: reading_indicators.py FILE.jsonl... [--python P] [--show].

A file holds one report a line, its words in `text`. Nobody has marked indicators in them, so each tool is judged, as in
GoodFATR (Caballero and others, 2023), against what at least half of the other tools find, ours among them when others
are judged. `--python` names an interpreter of an environment of its own where ttprism, iocparser-tool, iocsearcher,
ioc-finder, iocextract and iocide are installed; those that are not there are left out and said so. Micro-F over kinds.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from stillhunt.reading.extract.indicators import find_indicators

KINDS = ("cve", "domain", "email", "ipv4", "md5", "sha1", "sha256", "url")

OTHERS = r"""
import json, sys, time
texts = json.load(sys.stdin)
def ttprism():
    from ttprism import extract
    def run(text):
        out = []
        for i in extract.extract_iocs(text).values() if hasattr(extract, "extract_iocs") else []: out.append(i)
        return out
    return run
def ttprism_run():
    from ttprism.analyze import analyze_text, AnalysisOptions
    import dataclasses
    def run(text):
        return [(str(getattr(i.type, "value", i.type)), i.value) for i in analyze_text(text).iocs]
    return run
def iocsearcher_run():
    from iocsearcher.searcher import Searcher
    s = Searcher()
    return lambda text: [(i.name, i.value) for i in s.search_data(text)]
def ioc_finder_run():
    from ioc_finder import find_iocs
    return lambda text: [(k, v) for k, vs in find_iocs(text).items() if isinstance(vs, list) for v in vs]
def iocparser_run():
    from iocparser import extract_iocs_from_text
    def run(text):
        got = extract_iocs_from_text(text, check_warnings=False)
        got = got[0] if isinstance(got, tuple) else got
        return [(k, v) for k, vs in got.items() for v in vs]
    return run
def iocextract_run():
    import iocextract as x
    def run(text):
        out = [("url", v) for v in x.extract_urls(text, refang=True)]
        out += [("ipv4", v) for v in x.extract_ipv4s(text, refang=True)]
        out += [("email", v) for v in x.extract_emails(text, refang=True)]
        for k in ("md5", "sha1", "sha256"): out += [(k, v) for v in getattr(x, f"extract_{k}_hashes")(text)]
        return out
    return run
def iocide_run():
    from iocide import cli
    return lambda text: [(k, str(v)) for k, vs in cli.extract_all(text, refang=True).items() for v in vs]
found, missing = {}, {}
for name, make in (("ttprism", ttprism_run), ("iocparser-tool", iocparser_run), ("iocsearcher", iocsearcher_run),
                   ("ioc-finder", ioc_finder_run), ("iocextract", iocextract_run), ("iocide", iocide_run)):
    try:
        run = make()
        t = time.process_time()
        found[name] = [[list(p) for p in run(text)] for text in texts], time.process_time() - t
    except Exception as error:
        missing[name] = f"{type(error).__name__}: {error}"
json.dump({"found": found, "missing": missing}, sys.stdout)
"""

NAMES = {
    "cves": "cve", "domains": "domain", "fqdn": "domain", "hostname": "domain", "hostnames": "domain", "host": "domain",
    "hosts": "domain", "emails": "email", "email_addresses": "email", "email_address": "email",
    "email_addresses_complete": "", "ip4": "ipv4", "ipv4s": "ipv4", "ips": "ipv4", "ip": "ipv4",
    "ipv4_addresses": "ipv4",
    "md5s": "md5", "sha1s": "sha1", "sha256s": "sha256", "urls": "url", "ipv4addr": "ipv4", "domain_name": "domain",
}  # fmt: skip


def normal(kind, value):
    kind = NAMES.get(kind.lower(), kind.lower())
    if kind not in KINDS:
        return None
    value = re.sub(r"\\([_.])", r"\1", value.strip())
    value = re.sub(r"[\[({]\.[\])}]|\[dot\]|\(dot\)|\[\.|\.\]", ".", value)
    value = re.sub(r"(?i)^h(?:xx|tt)p(s?)(?:\[:\]|:)//", r"http\1://", value)
    if kind == "url":
        value = re.sub(r"(?i)^[a-z]+://", "", value).rstrip("/)].,*_'\"")
        host, slash, rest = value.partition("/")
        if not rest:  # an address of nothing but a host is that host, whatever its port
            host = host.partition(":")[0]
            return normal("ipv4" if re.fullmatch(r"[\d.]+", host) else "domain", host)
        value = host.casefold() + slash + rest
    else:
        value = value.casefold().rstrip(".")
    return (kind, value) if value else None


def cleaned(pairs):
    """Values of one report, without domains and addresses that only repeat the host of a URL or mail address."""
    values = {n for n in (normal(k, v) for k, v in pairs) if n}
    hosts = {v.split("/")[0].split(":")[0].rpartition("@")[2] for k, v in values if k == "url"}
    hosts |= {v.rpartition("@")[2] for k, v in values if k == "email"}
    return {(k, v) for k, v in values if not (k in {"domain", "ipv4"} and v in hosts)}


def judged(tools, n_texts, able):
    """Scores of each tool against what at least half of the others find."""
    told = {}
    for name, runs in tools.items():
        gold = []
        for n in range(n_texts):
            votes = Counter(v for other, all_runs in tools.items() if other != name for v in all_runs[n])
            needed = {k: sum(k in able[o] for o in tools if o != name) / 2 for k in KINDS}
            gold.append(
                {v for v, c in votes.items() if c > needed[v[0]] and (name == "stillhunt" or v[0] in able[name])}
            )
        told[name] = (gold, *scores(runs, gold))
    return told


def without_parts(tools, n_texts):
    """Tools without the hashes that only stand in a URL, such as the commit in a link to a repository."""
    urls = [
        "\n".join(v for runs in tools.values() for k, v in runs[n] if k == "url").casefold() for n in range(n_texts)
    ]
    hashes = {"md5", "sha1", "sha256"}
    return {
        name: [{(k, v) for k, v in found if k not in hashes or v not in urls[n]} for n, found in enumerate(runs)]
        for name, runs in tools.items()
    }


def scores(mine, gold):
    hit, said, true = Counter(), Counter(), Counter()
    for a, b in zip(mine, gold, strict=True):
        hit.update(k for k, _ in a & b)
        said.update(k for k, _ in a)
        true.update(k for k, _ in b)
    p, r = hit.total() / max(1, said.total()), hit.total() / max(1, true.total())
    each = {k: 2 * hit[k] / max(1, said[k] + true[k]) for k in KINDS}
    return p, r, 2 * p * r / max(1e-9, p + r), each


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--show", action="store_true", help="print where we differ from the majority")
    options = parser.parse_args()
    # Markdown's escapes are the corpus's markup; some tools stop at a backslash
    texts = [
        json.loads(line)["text"].replace("\\_", "_")
        for f in options.files
        for line in f.read_text("utf-8").split("\n")
        if line
    ]
    begun = time.process_time()
    ours = [[(i.kind, i.value) for i in find_indicators(text)] for text in texts]
    ours = [[("ipv4", v.partition("/")[0]) if k == "network" else (k, v) for k, v in r] for r in ours]
    spent = time.process_time() - begun
    ran = subprocess.run(
        [options.python, "-c", OTHERS], input=json.dumps(texts), capture_output=True, text=True, check=False
    )
    if ran.returncode:
        sys.exit(ran.stderr)
    told = json.loads(ran.stdout[ran.stdout.index('{"found"') :])
    for name, why in told["missing"].items():
        print(f"left out: {name}: {why}")
    tools = {"stillhunt": ([cleaned(r) for r in ours], spent)}
    tools |= {n: ([cleaned(map(tuple, r)) for r in runs], t) for n, (runs, t) in told["found"].items()}
    able = {n: {k for r in runs for k, _ in r} for n, (runs, _) in tools.items()}
    size = sum(map(len, texts)) / 1000
    every = {n: runs for n, (runs, _) in tools.items()}
    plain = judged(every, len(texts), able)
    apart = without_parts(every, len(texts))
    print(f"{len(texts)} reports, {size:,.0f} kB; P, R, F* and kinds: without hashes that only stand in a URL")
    print(f"{'tool':16}    P    R    F*     F   ms/kB  " + " ".join(f"{k:>7}" for k in KINDS))
    for name, (gold, p, r, f, each) in judged(apart, len(texts), able).items():
        runs, took = apart[name], tools[name][1]
        print(
            f"{name:16} {p:.3f} {r:.3f} {f:.3f} {plain[name][3]:.3f} {took * 1000 / size:6.2f}  "
            + " ".join(f"{each[k]:7.3f}" for k in KINDS)
        )
        if options.show and name == "stillhunt":
            for n, (a, b) in enumerate(zip(runs, gold, strict=True)):
                for v in sorted(a - b):
                    print("  only we:", n, *v)
                for v in sorted(b - a):
                    print("  we miss:", n, *v)


if __name__ == "__main__":
    main()
