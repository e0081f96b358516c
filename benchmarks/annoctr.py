"""Names, linking, dates and techniques on AnnoCTR: python benchmarks/annoctr.py [dev|train] [--show].

AnnoCTR (Lange and others, LREC-COLING 2024; CC BY-SA 4.0) is read from `reading/annoctr` below STILLHUNT_DATA. A name
counts if its words and its type are right; a link if the page it goes to is; a date if its words overlap and its value
is the same. Names are found in the sentences as they are tokenised, by the packaged knowledge base.
"""

import argparse
import json
import os
import re
import subprocess
import time
from collections import Counter, defaultdict
from pathlib import Path

from stillhunt.knowledge.attack import load_knowledge, technique_texts
from stillhunt.knowledge.resolve import resolve
from stillhunt.reading.extract.techniques import find_techniques
from stillhunt.reading.names import Names
from stillhunt.reading.times import dates_in
from stillhunt.workflows import know

TYPES = ("GROUP", "MALWARE", "TOOL")


def lines(name):
    folder = Path(os.environ["STILLHUNT_DATA"]) / "reading" / "annoctr"
    return [json.loads(line) for line in (folder / name).read_text("utf-8").split("\n") if line]


def prf(hit, said, true):
    p, r = hit / max(1, said), hit / max(1, true)
    return f"P {p:.3f} R {r:.3f} F {2 * p * r / max(1e-9, p + r):.3f} ({hit} of {true} right, {said} said)"


def spans(tags):
    found, begun = [], None
    for n, tag in enumerate([*tags, "O"]):
        if begun is not None and not tag.startswith("I-"):
            found.append((begun[0], n, begun[1]))
            begun = None
        if tag.startswith("B-"):
            begun = (n, tag[2:])
    return found


def document(sentences):
    """Text of the sentences of a report, one a line, and where each token lies in it."""
    text, places = "", []
    for sentence in sentences:
        row = []
        for n, token in enumerate(sentence["tokens"]):
            text += " " if n else ""
            row.append((len(text), len(text) + len(token)))
            text += token
        places.append(row)
        text += "\n"
    return text, places


def names_of(split, known, *, show):
    docs = defaultdict(list)
    for sentence in lines(f"ner_{split}.jsonl"):
        docs[sentence["doc"]].append(sentence)
    hit, said, true = Counter(), Counter(), Counter()
    wrong, spent, size = Counter(), 0.0, 0
    for number in sorted(docs):
        text, places = document(docs[number])
        begun = time.process_time()
        found = known.mentions(text)
        spent += time.process_time() - begun
        size += sum(len(s["tokens"]) for s in docs[number])
        gold = {
            (row[a][0], row[b - 1][1], kind)
            for sentence, row in zip(docs[number], places, strict=True)
            for a, b, kind in spans(sentence["cyber"])
            if kind in TYPES
        }
        mine = {(m.start, m.end, m.kind.upper()) for m in found if m.kind.upper() in TYPES}
        hit.update(k for *_, k in mine & gold)
        said.update(k for *_, k in mine)
        true.update(k for *_, k in gold)
        wrong.update(("too much", k, text[a:b]) for a, b, k in mine - gold)
        wrong.update(("missed", k, text[a:b]) for a, b, k in gold - mine)
    print(f"names, {split}: {prf(hit.total(), said.total(), true.total())}, {size / spent:,.0f} tokens a second")
    for kind in TYPES:
        print(f"  {kind:8} {prf(hit[kind], said[kind], true[kind])}")
    for what, n in wrong.most_common(110) if show else []:
        print("   ", n, *what)


PAGE = re.compile(r"attack\.mitre\.org/(?:groups|software)/([GS]\d{4})")


def links_of(known, view, *, show):
    """Links of marked names to ATT&CK; names that the corpus found no page for are left out."""
    right = total = none = 0
    for row in lines("link_dev.jsonl"):
        page = PAGE.search(row["link"])
        if row["type"] not in TYPES or row["cls"] != "CE":
            continue
        ids = pages(view, known.entities(row["mention"]), row["mention"])
        if page is None:
            none += 1
            continue
        total += 1
        right += ids == {page[1]} or (len(ids) > 1 and page[1] in ids and best(row["mention"], ids) == page[1])
        if show and page[1] not in ids:
            print("    not linked", row["mention"], row["title"], ids)
    print(f"linking, dev: {right / total:.3f} ({right} of {total} right; {none} marked names have no page in ATT&CK)")


def pages(view, entities, written):
    members = {m for c in resolve(view, written) for m in c.identity.members} | set(entities)
    told = {
        c.subject: c.value for c in view.about(sorted(members), "external-id") if re.fullmatch(r"[GS]\d{4}", c.value)
    }
    mine = {told[e] for e in entities if e in told}
    return mine or set(told.values())


def best(written, ids):
    """The page whose own name is the one written."""
    base = load_knowledge()
    named = {i: (base.groups.get(i) or base.software.get(i)) for i in ids}
    same = sorted(i for i, e in named.items() if e is not None and e.name.casefold() == written.casefold())
    return same[0] if same else min(ids)


def dates_of(split, *, show):
    hit = said = true = 0
    for row in lines(f"time_{split}.jsonl"):
        found = [d for d in dates_in(row["text"], published=row["published"]) if d.first]
        mine = [(d.start, d.end, value(d)) for d in found]
        # AnnoCTR's places are off by a few characters behind some characters of Unicode
        gold = [(t["start"], t["end"], t["value"]) for t in row["timex"]]
        used = set()
        for a, b, v in mine:
            match = next(
                (n for n, (c, d, w) in enumerate(gold) if n not in used and a < d + 3 and c - 3 < b and v == w), None
            )
            if match is None:
                if show:
                    print("    too much", v, repr(row["text"][max(0, a - 40) : b + 20]), row["published"])
            else:
                used.add(match)
        hit += len(used)
        said += len(mine)
        true += len(gold)
        for n, (a, b, w) in enumerate(gold):
            if n not in used and show:
                print("    missed", w, repr(row["text"][max(0, a - 40) : b + 20]), row["published"])
    print(f"date values, {split}: {prf(hit, said, true)}")


SVM = r"""
import json, re, sys
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_union
from sklearn.svm import LinearSVC
train, tune, test = json.load(sys.stdin)
words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
chars = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=3, max_features=120000)
both = make_union(words, chars)
x = both.fit_transform([t for t, _ in train])
counts = {}
for _, labels in train:
    for label in labels: counts[label] = counts.get(label, 0) + 1
classes = sorted(c for c, n in counts.items() if n >= 5)
fitted = [LinearSVC().fit(x, np.array([c in labels for _, labels in train])) for c in classes]
w = np.array([m.coef_[0] for m in fitted]); b = np.array([m.intercept_[0] for m in fitted])
def scores(docs): return [np.asarray(both.transform(d) @ w.T + b).max(0) for d, _ in docs]
def pick(rows, cut): return [[classes[i] for i in np.where(r > cut)[0]] for r in rows]
def f(p, g): return 2 * len(set(p) & set(g)) / max(1, len(p) + len(g))
rows = scores(tune)
cut = max(np.arange(-1.2, 0.8, 0.05), key=lambda c: np.mean([f(p, g) for p, (_, g) in zip(pick(rows, c), tune) if g]))
json.dump({"cut": float(cut), "found": pick(scores(test), cut)}, sys.stdout)
"""


def reports(split):
    """Reports with their sentences and the techniques marked in them, sub-techniques as their parents."""
    if split == "train":
        docs = defaultdict(lambda: ([], set()))
        for row in lines("techniques_train.jsonl"):
            docs[row["doc"]][0].append(row["sentence"])
            docs[row["doc"]][1].update(label[:5] for label in row["labels"] if re.match(r"T\d", label))
        return [(s, g) for s, g in docs.values() if g]
    sentences, links = defaultdict(list), defaultdict(list)
    for row in lines("ner_dev.jsonl"):
        sentences[row["doc"]].append(" ".join(row["tokens"]))
    for row in lines("link_dev.jsonl"):
        links[row["doc"]].append(row)
    squeezed = {n: re.sub(r"\s", "", " ".join(s)) for n, s in sentences.items()}
    pairs = sorted(
        ((sum(re.sub(r"\s", "", r["left"][:30] + r["mention"]) in text for r in rows) / len(rows), n, doc)
         for n, text in squeezed.items() for doc, rows in links.items()),
        reverse=True,
    )  # fmt: skip
    of = {}
    for _, n, doc in pairs:
        if n not in of and doc not in of.values():
            of[n] = doc
    pages = {
        d: {m[1] for r in rows if (m := re.search(r"techniques/(T\d{4})", r["link"]))} for d, rows in links.items()
    }
    return [(sentences[n], pages[of[n]]) for n in sorted(of) if pages[of[n]]]


def techniques_of(split, python):
    test = reports(split)
    ours, spent, size = [], 0.0, 0
    find_techniques("PowerShell")
    for sentences, _ in test:
        text = "\n\n".join(sentences)
        begun = time.process_time()
        ours.append({t.id[:5] for t in find_techniques(text)})
        spent += time.process_time() - begun
        size += len(text)
    told("techniques, ours", ours, test)
    print(f"  {size / spent:,.0f} characters a second")
    if not python:
        print("  name an interpreter with scikit-learn to run TF-IDF + linear SVM beside it: --python PATH")
        return
    examples = [
        [t, [i[:5]]] for i, whole in technique_texts() for t in re.split(r"(?<=[.!?])\s+", whole) if len(t) > 25
    ]
    folder = Path(os.environ["STILLHUNT_DATA"]) / "reading" / "tram2" / "train.jsonl"
    tram = [json.loads(line) for line in folder.read_text("utf-8").split("\n") if line]
    tram = [[row["sentence"], sorted({label[:5] for label in row["labels"]})] for row in tram]
    tune = [[s, sorted(g)] for s, g in reports("train")]
    wanted = [[s, sorted(g)] for s, g in test]
    for name, train in (
        ("ATT&CK's texts", examples + [r for r in tram if not r[1]][:4000]),
        ("the same and TRAM 2", examples + tram),
    ):
        ran = subprocess.run(
            [python, "-c", SVM], input=json.dumps([train, tune, wanted]), capture_output=True, text=True, check=True
        )
        told(f"techniques, TF-IDF + linear SVM on {name}", [set(p) for p in json.loads(ran.stdout)["found"]], test)


def told(name, found, test):
    each = [2 * len(p & g) / max(1, len(p) + len(g)) for p, (_, g) in zip(found, test, strict=True)]
    hit = sum(len(p & g) for p, (_, g) in zip(found, test, strict=True))
    said, true = sum(map(len, found)), sum(len(g) for _, g in test)
    print(f"{name}: mean F by report {sum(each) / len(each):.3f}; over all {prf(hit, said, true)}")


def value(date):
    if date.precision == "year":
        return date.first[:4]
    return date.first[:7] if date.precision == "month" else date.first


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("split", nargs="?", default="dev", choices=("dev", "train"))
    parser.add_argument("--show", action="store_true", help="print what is wrong")
    parser.add_argument("--python", help="interpreter of an environment with scikit-learn")
    options = parser.parse_args()
    techniques_of(options.split, options.python)
    dates_of(options.split, show=options.show)
    with know.looked_at(None) as view:
        known = Names(view.names())
        if options.split == "dev":
            links_of(known, view, show=options.show)
    names_of(options.split, known, show=options.show)


if __name__ == "__main__":
    main()
