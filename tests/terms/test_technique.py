"""ATT&CK ids are read from Sigma's tags."""

from __future__ import annotations

import pytest

from stillhunt.terms.technique import TACTICS, parse_tag, tactic_rank, tactic_title


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("attack.T1059.001", ("technique", "T1059.001")),
        ("attack.g0128", ("group", "G0128")),
        ("attack.defense-evasion", ("tactic", "defense-evasion")),
        ("attack.command_and_control", ("tactic", "command-and-control")),
        ("car.2016-03-001", None),
        ("attack.", None),
    ],
)
def test_a_tag_is_split_into_kind_and_id(tag, expected):
    assert parse_tag(tag) == expected


def test_tactics_are_ranked_as_in_the_matrix_and_unknown_ones_come_last():
    assert sorted(["impact", "nonsense", "execution"], key=tactic_rank) == ["execution", "impact", "nonsense"]


def test_every_tactic_has_a_printed_name():
    assert all(tactic_title(t).replace(" ", "-").lower() == t for t in TACTICS)
