from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile

import pytest

from stillhunt.detection.sigma import files
from stillhunt.detection.sigma.load import load_rules
from stillhunt.errors import RuleError

RULE = """\
title: A rule
id: {id}
description: Says what it looks for.
logsource:
    product: windows
    category: process_creation
tags:
    - attack.credential-access
    - attack.execution
    - attack.t1003.001
    - attack.s0002
    - attack.g0016
    - cve.2021-1
detection:
    selection:
        Image|endswith: '\\a.exe'
    condition: selection
falsepositives:
    - Backups
level: high
"""
ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"


@pytest.fixture
def write(tmp_path):
    def put(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    put("sound.yml", RULE.format(id=ONE))
    return put


def refused(folder):
    rules = load_rules([folder])
    assert [rule.detector.id for rule in rules.rules] == [ONE]
    (state,) = rules.refused
    assert state.status == "inert"
    return state


def test_a_rule_becomes_a_detector_with_its_tags_by_kind(write, tmp_path):
    (rule,) = load_rules([tmp_path]).rules
    assert rule.detector.tactics == ("execution", "credential-access")
    assert rule.detector.techniques == ("T1003.001",)
    assert rule.detector.software == ("S0002",)
    assert rule.detector.groups == ("G0016",)
    assert rule.detector.false_positives == ("Backups",)
    assert str(rule.source) == "windows/process_creation"
    assert rule.detector.path == str(tmp_path / "sound.yml")


@pytest.mark.parametrize(
    ("change", "line", "reason"),
    [
        (("Image|endswith", "Image|endswit"), 16, "Unknown modifier 'endswit'"),
        (("condition: selection", "condition: selektion"), 17, "`selektion`, which the rule does not define"),
        (("condition: selection", "condition: selection and"), 17, "Expected"),
        (("condition: selection", "condition: 1 of sel*ect"), 17, ""),
        (("condition: selection", "condition: selection | count() > 5"), 17, "pipe syntax"),
        (("Image|endswith: '\\a.exe'", "Image|re: 'a(?=b)'"), 16, "invalid perl operator"),
        (("Image|endswith: '\\a.exe'", "Image|cidr: '10.0.0.1/8'"), 16, "Invalid CIDR"),
        (("Image|endswith: '\\a.exe'", "Image|expand: '%admins%'"), 16, "placeholder `%admins%` has no list of values"),
        (("Image|endswith: '\\a.exe'", "Image|cidr:\n        - 10.0.0.0/8\n        - nonsense"), 18, "Invalid CIDR"),
        (("    product: windows\n    category: process_creation", "    - windows"), 4, "log ?source"),
        (("title: A rule", "title: [A rule"), 2, "is not valid YAML"),
        (("detection:\n", "detection:\n    x: {a: [}\n"), 15, "is not valid YAML"),
        (("    condition: selection\n", ""), 14, "at least one condition"),
    ],
)
def test_a_broken_rule_names_its_line_and_reason_and_stops_nothing(write, tmp_path, change, line, reason):
    path = write("broken.yml", RULE.format(id=TWO).replace(*change))
    state = refused(tmp_path)
    assert state.path == f"{path}:{line}"
    assert re.search(reason, state.reason)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("title: f\nfilter: {rules: [a]}\nlogsource: {product: windows}", "exactly one condition"),
        ("action: global\ntitle: g\nlogsource: {product: windows}", "no rule follows it"),
        ("action: globule\ntitle: g\nlogsource: {product: windows}", "`action: globule` is unknown"),
    ],
)
def test_what_stands_for_no_rule_is_said(write, tmp_path, text, reason):
    write("other.yml", text)
    assert reason in refused(tmp_path).reason


def test_of_rules_with_the_same_id_the_first_by_path_is_kept(write, tmp_path):
    write("z.yml", RULE.format(id=ONE).replace("a.exe", "b.exe"))
    state = refused(tmp_path)
    assert state.path == f"{tmp_path / 'z.yml'}:2"
    assert state.reason == f"has the same id as {tmp_path / 'sound.yml'}, which is kept"


def test_the_same_rule_twice_is_said_to_be_the_same(write, tmp_path):
    write("z.yml", RULE.format(id=ONE))
    assert refused(tmp_path).reason == f"is the same rule as {tmp_path / 'sound.yml'}, which is kept"


def test_rules_without_an_id_are_told_apart_by_place(write, tmp_path):
    text = RULE.replace("id: {id}\n", "")
    path = write("two.yaml", f"{text}---\n{text}")
    assert [r.detector.id for r in load_rules([path]).rules] == [str(path), f"{path}#2"]


def test_careless_metadata_is_a_problem_but_the_rule_runs(write, tmp_path):
    write("sound.yml", RULE.format(id=ONE) + "date: yesterday\n")
    rules = load_rules([tmp_path])
    assert len(rules.rules) == 1
    assert "the rule runs nevertheless" in rules.problems[0].message


def test_an_id_that_is_no_uuid_still_names_the_rule(write, tmp_path):
    path = write("mine.yml", RULE.format(id="mine-1"))
    rules = load_rules([path])
    assert rules.rules[0].detector.id == "mine-1"
    assert rules.problems


def test_yaml_that_is_no_rule_is_counted(write, tmp_path):
    write("pipeline.yml", "name: x\npriority: 10\n")
    write("list.yml", "- a\n- b\n")
    (problem,) = load_rules([tmp_path]).problems
    assert problem.message == "2 YAML documents hold no Sigma rule"


def test_a_rule_without_level_is_medium(write, tmp_path):
    path = write("sound.yml", RULE.format(id=ONE).replace("level: high\n", ""))
    assert load_rules([path]).rules[0].detector.level == "medium"


def test_of_a_release_only_rules_meant_to_run_are_loaded_and_the_rest_is_counted(tmp_path):
    release = tmp_path / "sigma.zip"
    with zipfile.ZipFile(release, "w") as archive:
        archive.writestr("rules/windows/a.yml", RULE.format(id=ONE))
        archive.writestr("rules-emerging-threats/2021/b.yml", RULE.format(id=TWO))
        archive.writestr("deprecated/windows/c.yml", "title: old\ndetection: {}\n")
        archive.writestr("README.md", "rules")
    rules = load_rules([release])
    assert [r.detector.path for r in rules.rules] == [
        f"{release}!rules-emerging-threats/2021/b.yml",
        f"{release}!rules/windows/a.yml",
    ]
    assert [p.message for p in rules.problems] == [
        "1 files of `deprecated` are not loaded: not meant to run as they are"
    ]


def test_a_release_may_lie_in_one_folder_of_its_archive(tmp_path):
    release = tmp_path / "sigma.zip"
    with zipfile.ZipFile(release, "w") as archive:
        archive.writestr("sigma-1/rules/a.yml", RULE.format(id=ONE))
        archive.writestr("sigma-1/unsupported/b.yml", RULE.format(id=TWO))
    assert [r.detector.id for r in load_rules([release]).rules] == [ONE]


def test_the_order_of_paths_changes_nothing(write, tmp_path):
    other = write("more/b.yml", RULE.format(id=TWO))
    one, two = load_rules([tmp_path, other]), load_rules([other, tmp_path])
    assert [r.detector.path for r in one.rules] == [r.detector.path for r in two.rules]
    assert one.refused == two.refused == ()


def test_a_wrong_path_is_one_clear_line(tmp_path):
    with pytest.raises(RuleError, match=r"no such file or folder of rules"):
        load_rules([tmp_path / "nowhere"])


def test_a_damaged_archive_is_one_clear_line(tmp_path):
    path = tmp_path / "sigma.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("rules/a.yml", RULE.format(id=ONE))
    content = bytearray(path.read_bytes())
    content[10:40] = b"\xff" * 30
    path.write_bytes(content)
    with pytest.raises(RuleError, match=r"sigma\.zip"):
        load_rules([path])


def test_a_folder_without_one_sound_rule_is_refused_with_the_first_reason(tmp_path):
    (tmp_path / "a.yml").write_text("title: x\ndetection: {}\nlogsource: {product: windows}\n")
    with pytest.raises(RuleError, match=r"not one rule can run: .*a\.yml"):
        load_rules([tmp_path])


def test_a_rule_file_out_of_all_proportion_is_left_unread(write, tmp_path):
    write("huge.yml", "#" * (2 << 20) + RULE.format(id=TWO))
    rules = load_rules([tmp_path])
    assert len(rules.rules) == 1
    assert "is longer than" in rules.problems[0].message


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x]\nb: &b [*a, *a]\ndetection: {x: *b, condition: x}\nlogsource: {product: windows}",
        "detection: " + "[" * 5_000,
        "? [a, b]\n: c\n",
        "detection: 2021-13-45\n",
        "title: \x00\n",
        "!!python/object/apply:os.system [id]\n",
        "detection: {sel: {1: 2, null: [{}]}, condition: 7}\nlogsource: {product: [1]}\nid: []\ntags: 5\n",
        "a0: &a0 [x, x]\n"
        + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
        + "title: *a39\nlogsource: {product: windows}\ndetection: {x: *a39, condition: x}\n",
        "detection: {sel: {Image|re: [[a]], 5|contains: x}, condition: sel}\nlogsource: {product: windows}\n",
        "detection: " + "[" * 900 + "]" * 900 + "\nlogsource: {product: windows}\n",
        "detection: {sel: {Image: x}, condition: " + "(" * 400 + "sel" + ")" * 400 + "}\nlogsource: {product: windows}",
        "detection: &d\n  x: *d\n  condition: x\nlogsource: {}\n",
        "detection: " + "[" * 400_000,
        "detection: " + "{a: " * 200_000,
        "- " * 100_000,
        "detection: {sel: {Image: x}, condition: " + "not " * 5_000 + "sel}\nlogsource: {product: windows}\n",
        "---\ndetection: 5\n" * 5_000,
        "action: global\ndetection: {a: 1}\n---\ndetection: {a: {b: c}, condition: a}\nlogsource: {product: x}\n",
        "action: repeat\nlogsource: 5\n",
        "action: [a]\n",
        "filter: 5\n---\nfilter: {rules: 5, condition: x}\nlogsource: 5\n---\ncorrelation: 5\n",
    ],
)
def test_hostile_yaml_ends_in_the_ledger(write, tmp_path, text):
    write("hostile.yml", text)
    rules = load_rules([tmp_path])
    assert len(rules.rules) <= 2
    assert all(len(state.reason) < 500 for state in rules.refused)
    assert len(rules.rules) + len(rules.refused) + len(rules.problems) >= 2


def test_refused_expressions_say_nothing_on_the_screen(write, tmp_path, capfd):
    write("broken.yml", RULE.format(id=TWO).replace("Image|endswith: '\\a.exe'", "Image|re: 'a(?=b)'"))
    load_rules([tmp_path])
    assert capfd.readouterr() == ("", "")


def test_nesting_beyond_all_proportion_names_its_line(write, tmp_path):
    path = write("deep.yml", "title: x\ndetection:\n  " + "[" * 300_000)
    state = refused(tmp_path)
    assert (state.path, state.reason) == (f"{path}:3", "is not valid YAML: nested more than 100 levels deep")


COLLECTION = """\
action: global
title: Shared
id: {id}
logsource: {{product: windows, category: process_creation}}
detection:
    condition: sel
level: high
---
detection:
    sel: {{Image: a}}
---
detection:
    sel: {{Image: b}}
---
action: repeat
title: Repeated
id: {other}
detection:
    sel: {{CommandLine: c}}
---
action: reset
---
title: Alone
detection:
    sel: {{Image: d}}
    condition: sel
"""


def test_shared_parts_of_a_collection_are_merged_as_pysigma_does(write, tmp_path):
    path = write("many.yml", COLLECTION.format(id=TWO, other="33333333-3333-4333-8333-333333333333"))
    rules = load_rules([path])
    assert [(r.detector.title, r.detector.id) for r in rules.rules] == [
        ("Shared", f"{TWO}#2"),
        ("Shared", f"{TWO}#3"),
        ("Repeated", "33333333-3333-4333-8333-333333333333"),
    ]
    assert [p.field for p in predicates(rules.rules[2].condition)] == ["Image", "CommandLine"]
    (state,) = rules.refused
    assert (state.title, "log source" in state.reason) == ("Alone", True)


def predicates(node):
    yield from node.predicates
    for child in node.children:
        yield from predicates(child)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_member_of_an_archive_is_a_problem_and_the_others_are_read(tmp_path, method):
    path = tmp_path / "rules.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a.yml", RULE.format(id=ONE))
        archive.writestr("b.yml", RULE.format(id=TWO) + "#" * 50)
        place = archive.getinfo("b.yml").header_offset
    content = bytearray(path.read_bytes())
    content[place + 60 : place + 90] = b"\xff" * 30
    path.write_bytes(content)
    rules = load_rules([path])
    assert [rule.detector.id for rule in rules.rules] == [ONE]
    (problem,) = rules.problems
    assert problem.where == f"{path}!b.yml"
    assert "cannot be read" in problem.message


def test_an_archive_that_unpacks_to_gigabytes_is_read_up_to_a_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_MOST_BYTES", 2_000)
    path = tmp_path / "rules.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.yml", RULE.format(id=ONE))
        archive.writestr("b.yml", RULE.format(id=TWO) + "#" * 5_000)
    rules = load_rules([path])
    assert [rule.detector.id for rule in rules.rules] == [ONE]
    assert "nothing is read from" in rules.problems[0].message


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("nowhere")])
def test_what_is_no_regular_file_is_left_alone_and_named(write, tmp_path, make):
    make(tmp_path / "odd.yml")
    (problem,) = load_rules([tmp_path]).problems
    assert problem.where == str(tmp_path / "odd.yml")


def test_names_that_are_no_text_are_shown_as_escapes(write, tmp_path):
    name = os.fsdecode(b"\xffodd.yml")
    (tmp_path / name).write_text(RULE.format(id=TWO).replace("endswith", "endswit"))
    state = refused(tmp_path)
    assert state.path == f"{tmp_path}/\\udcffodd.yml:16"


def test_importing_the_loader_imports_neither_pysigma_nor_yaml():
    script = "import sys, stillhunt.detection.sigma.load; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"sigma", "yaml"} & set(loaded)


@pytest.mark.slow
def test_every_rule_of_a_whole_release_runs_or_says_why_not(shared_data):
    rules = load_rules([shared_data / "sigma" / "sigma_8eaafff1f.zip"], cache="off")
    assert len(rules.rules) + len(rules.refused) == 3_754
    assert len(rules.refused) <= 25
    assert all(re.search(r":\d+$", state.path) and state.reason for state in rules.refused)
