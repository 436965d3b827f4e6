"""What earlier runs tell the bandit: bounded, the same domain more than others, and what designs brought."""

from __future__ import annotations

import json
from typing import Any

import pytest

from meta_search.guide.guide import Guide, Snapshot
from meta_search.guide.opening import Choices
from meta_search.guide.prior import (
    BETWEEN_DOMAINS,
    BETWEEN_RUNS,
    MEASURED,
    Elsewhere,
    Prior,
    elsewhere,
    slot_effects,
)
from meta_search.guide.worth import VALUE_OF_NOTHING, Worth, share_gained

MUTATE = {"operator": "mutate", "author": "llm", "parents": "best", "format": "edit"}


def told(gain: float, cost: float = 1.0, **params: Any) -> tuple[dict[str, Any], float]:
    worth = Worth(gain / cost, gain, cost)
    return {**MUTATE, **params, "_told": worth.told()}, worth.value


def learned(prior: Prior) -> list[Any]:
    return prior.tried()[len(MEASURED) :]


def test_however_many_briefs_there_were_they_count_for_so_much_and_no_more() -> None:
    few, many = (sum(r.weight for r in learned(Prior((told(0.2),) * n, 1))) for n in (2, 500))
    assert few == pytest.approx(1 / (1 / 2 + BETWEEN_RUNS**2))
    assert few < many < 1 / BETWEEN_RUNS**2
    other = [Elsewhere("mutate", "llm", 0.1, 1.0, 500)]
    (once,), (often,) = (learned(Prior((), n, ((*other,),) * n)) for n in (1, 50))
    assert once.weight < often.weight < 1 / BETWEEN_DOMAINS**2 < many


def test_of_other_domains_only_differences_between_arms_count() -> None:
    """Everything gains in the first domain, hardly anything in the second; `mutate` is the better in both."""
    groups = [
        [told(0.6), told(0.6), told(0.4, operator="novel"), told(0.4, operator="novel")],
        [told(0.2), told(0.2), told(0.0, operator="novel"), told(0.0, operator="novel")],
    ]
    for group in groups:
        found = {row.operator: row.gain for row in elsewhere(group)}
        assert found == {"mutate": pytest.approx(0.1), "novel": pytest.approx(-0.1)}


def test_briefs_of_earlier_versions_have_their_value_alone() -> None:
    prior = Prior(((MUTATE, 0.3), (MUTATE, VALUE_OF_NOTHING), (MUTATE, -0.1)), 1)
    assert [row.gain for row in learned(prior)] == [0.3, 0.0, 0.0]
    assert [row.cost for row in learned(prior)] == [1.0] * 3


def test_what_choices_of_designs_brought_is_kept_by_slot() -> None:
    designs = [
        ({"way:a": "program", "way:b": "direct", "votes": 1, "_x": 9}, 0.8),
        ({"way:a": "direct", "way:b": "direct", "votes": 3}, 0.4),
    ]
    found = {(s.slot, s.choice): (s.effect, s.designs) for s in slot_effects(designs, True)}
    assert found[("way", "program")] == (pytest.approx(0.2), 1)
    assert found[("way", "direct")] == (pytest.approx((0.5 * 0.2 - 0.2) / 1.5, abs=1e-6), 2)
    assert found[("votes", 3)] == (pytest.approx(-0.2), 1)
    assert {slot for slot, _ in found} == {"way", "votes"}
    assert slot_effects([], True) == ()


def test_all_of_it_survives_the_journal() -> None:
    prior = Prior(
        (told(0.2),), 3, (elsewhere([told(0.1)]),), slot_effects([({"votes": 1, "shown": 0}, 0.5)], False)
    )
    assert Prior.from_json(json.loads(json.dumps(prior.to_json()))) == prior
    assert prior.line == "prior: 1 brief and 1 of other domains of 3 earlier runs"
    assert Prior((), 1, prior.elsewhere).line == "prior: 1 brief of other domains of 1 earlier run"
    assert not Prior()
    assert Prior().to_json() == {}


def test_a_guide_learns_from_other_domains() -> None:
    def asked(prior: Prior) -> int:
        found = 0
        for seed in range(4):
            made = Guide(seed, Choices(("novel", "mutate", "simplify"), ("llm",), ("program",)))
            made.restore(Snapshot(prior=prior))
            for _ in range(10):
                order = made.ask()
                made.tell(order.brief.number, 0.0)
                found += order.brief.operator == "simplify"
        return found

    rows = (Elsewhere("simplify", "llm", 0.2, 1.0, 20), Elsewhere("novel", "llm", -0.1, 1.0, 20))
    assert asked(Prior((), 1, (rows,))) > asked(Prior()) + 8


def test_the_share_that_was_gained() -> None:
    theirs = {"a": 1.0, "b": 0.0, "c": 0.0}
    assert share_gained({"a": 1.0, "b": 1.0, "c": 1.0}, theirs) == 0.5  # two of two, and two for doubt
    assert share_gained({"a": 0.0, "b": 1.0}, theirs) == 0.0  # one gained, one lost
    assert share_gained({"a": 0.0}, theirs) == 0.0
    assert share_gained({}, theirs) == 0.0
    assert share_gained({"a": 1.0}, {"a": 1.0}) == 0.0


def test_a_run_of_a_version_with_fewer_parent_rules_goes_on() -> None:
    choices = Choices(("novel", "mutate"), ("llm",), ("program",))
    before, rows = Guide(3, choices, briefs="tpe"), []
    for _ in range(6):
        number = before.ask().brief.number
        before.tell(number, 0.1)
        rows.append((number, json.loads(json.dumps(before.briefs.export(number))), [0.1]))
    made = Guide(3, choices)
    made.restore(Snapshot({"briefs": rows}))
    assert [made.ask().brief.number for _ in range(3)] == [6, 7, 8]
