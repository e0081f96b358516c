"""What a sighting is worth follows from who else is known to use it, and how much is written."""

from __future__ import annotations

import math

from stillhunt.attribution.calibrate import probabilities_of
from stillhunt.attribution.profile import Usage, table_of


def test_a_rare_item_speaks_louder_than_a_common_one():
    usage = Usage({"a": {"rare": 1, "common": 1}, "b": {"common": 1}, "c": {"common": 1}})
    assert usage.weights("rare")["a"] > usage.weights("common")["a"] > 0


def test_more_reports_on_an_edge_count_more_but_not_in_proportion():
    usage = Usage({"a": {"x": 1, "y": 3}, "b": {"x": 3, "y": 1}})
    once, thrice = usage.weights("x")["a"], usage.weights("x")["b"]
    assert once < thrice < 3 * once


def test_a_group_known_for_everything_gets_less_from_each_item():
    usage = Usage({"narrow": {"x": 1}, "broad": {"x": 1, **{f"other{i}": 1 for i in range(50)}}})
    assert usage.weights("x")["broad"] < usage.weights("x")["narrow"]


def test_the_weight_is_okapi_bm25_with_a_frequency_of_reports():
    usage = Usage({"a": {"x": 2}, "b": {"y": 2}})
    rarity = math.log(1 + (2 - 1 + 0.5) / (1 + 0.5))
    assert math.isclose(usage.weights("x")["a"], rarity * 2 * 2.2 / (2 + 1.2))


def test_what_nobody_uses_has_no_weight():
    usage = Usage({"a": {"x": 1}})
    assert usage.users("z") == ()
    assert usage.weights("z") == {}


def test_the_table_of_a_base_is_built_once_and_counts_every_edge_at_least_once(knowledge):
    table = table_of(knowledge)
    assert table is table_of(knowledge)
    assert min(n for p in table.profiles.values() for n in (*p.techniques.values(), *p.software.values())) == 1
    assert table.profiles["G0016"].n_reports == len(knowledge.reports_of("G0016"))


def test_equal_scores_get_equal_shares_however_large():
    assert probabilities_of({"a": 1e4, "b": 1e4}) == {"a": 0.5, "b": 0.5}
