"""Measure how fast text is read and what a dump of chats costs: python benchmarks/reading_speed.py [--mib 5 50].

Writes made-up chats of some sizes, reads each in a process of its own as ``stillhunt read --queue`` does, and prints
pages a minute (3,000 letters each), the peak of memory, and whether a reading that was killed half way gives the claims
of one in one go. Then it reads TEXT, if one is given, over and over as a report.
"""

import argparse
import hashlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from stillhunt.reading.claims import claims_in
from stillhunt.workflows import read as reading

PAGE = 3_000
_PEOPLE = ["lao wang", "xiao chen", "boss", "li", "zhang wei", "qiang", "support02", "sales-a"]
_SMALL = [
    "ok",
    "did you eat?",
    "the meeting is at three, bring the contract",
    "haha no way, he never pays on time",
    "can you send me the invoice again? the last one had the wrong number on it",
    "I am still in the office, the train is late and the boss wants the slides tonight",
    "好的,明天再说",
    "the printer on the second floor does not work, ask support",
    "the salary was late again, two colleagues want to leave before the spring festival",
]
_TELLING = [
    "{group} targeted the ministry of foreign affairs of {place} in {month} {year}.",
    "The customer says that {group} is subordinate to the bureau of {place}.",
    "We allegedly stole {n} GB of call records from a telecom in {place} in {year}.",
    "According to the police, {group}, also known as Grey {bird}, used malware called {bird}RAT against hospitals.",
    "The company {bird} Technology Limited works for the ministry of state security.",
    "He was charged with hacking by prosecutors in {place} in {month} {year}.",
]
_PLACES = ["Norway", "Kazakhstan", "Vietnam", "India", "Mongolia", "Taiwan", "Thailand", "Nepal"]
_BIRDS = ["Heron", "Stork", "Ibis", "Curlew", "Plover", "Dunlin"]
_MONTHS = ["January", "March", "June", "October"]


def write_chat(path, n_bytes, seed=7):
    """Write a chat: small talk, and in one of twelve messages something that a reader should find."""
    rng = random.Random(seed)
    second = 1_600_000_000
    size = 0
    with path.open("w", encoding="utf-8") as out:
        while size < n_bytes:
            second += rng.randrange(5, 600)
            when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(second))
            words = rng.choice(_TELLING if rng.random() < 1 / 12 else _SMALL).format(
                group=f"APT{rng.randrange(60, 99)}",
                place=rng.choice(_PLACES),
                month=rng.choice(_MONTHS),
                year=rng.randrange(2015, 2024),
                n=rng.randrange(2, 900),
                bird=rng.choice(_BIRDS),
            )
            line = f"[{when}] {rng.choice(_PEOPLE)}: {words}\n"
            out.write(line)
            size += len(line.encode())


def read(path, folder, *, kill_after=0.0):
    """Read a dump into a queue in another process; return what it says of itself, or None if it was killed."""
    command = [sys.executable, __file__, "--one", str(path), "--into", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    if kill_after:
        time.sleep(kill_after)
        process.send_signal(signal.SIGKILL)
        process.wait()
        return None
    out, _ = process.communicate()
    return json.loads(out) if process.returncode == 0 else sys.exit(process.returncode)


def one(path, folder):
    queue = reading.own_queue(str(folder / "know.db"))
    n_letters = n_claims = n_messages = n_known = 0
    begun = None
    for each in reading.read_documents([path], base=os.environ.get("BASE"), journals=reading.journals_of(queue)):
        begun = time.process_time() if begun is None else begun
        reading.enqueue(queue, each)
        n_letters += len(each.document.text)
        n_messages += len(each.document.messages)
        n_claims += len(each.claims)
        n_known += each.was_known
    seconds = time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {"letters": n_letters, "messages": n_messages, "claims": n_claims, "known": n_known}
    print(json.dumps(told | {"cpu_s": round(seconds, 1), "peak_mib": round(peak), "queued": _hash(queue)}))


def _hash(queue):
    lines = sorted(line for line in (queue.folder / "queue.jsonl").read_bytes().splitlines() if b'"claim"' in line)
    return hashlib.sha256(b"\n".join(lines)).hexdigest()[:16]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=float, nargs="+", default=[5, 50])
    parser.add_argument("--text", type=Path, help="a report to read over and over")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(options.one, options.into)
        return
    for number, mib in enumerate(options.mib):
        with tempfile.TemporaryDirectory() as folder:
            chat = Path(folder) / "chat.txt"
            write_chat(chat, int(mib * (1 << 20)))
            (Path(folder) / "whole").mkdir()
            found = read(chat, Path(folder) / "whole")
            pages = found["letters"] / PAGE / (found["cpu_s"] / 60)
            print(f"{mib:g} MiB: {found}, {pages:,.0f} pages a minute", flush=True)
            if number == 0:
                (Path(folder) / "killed").mkdir()
                read(chat, Path(folder) / "killed", kill_after=3 + found["cpu_s"] / 2)
                again = read(chat, Path(folder) / "killed")
                same = again["queued"] == found["queued"] and again["claims"] == found["claims"]
                verdict = "the same" if same else "OTHERS"
                print(f"killed half way: {again['known']} parts were known, the claims are {verdict}")
    if options.text:
        text = options.text.read_text("utf-8")
        begun = time.process_time()
        n = 0
        while time.process_time() - begun < 5:
            claims_in(text)
            n += 1
        pages = n * len(text) / PAGE / ((time.process_time() - begun) / 60)
        print(f"report: {pages:,.0f} pages a minute")


if __name__ == "__main__":
    main()
