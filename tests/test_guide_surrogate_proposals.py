"""Proposals: legal, new, aware of what is under way and of cost, better than chance; and their sampler."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest

from meta_search.guide.studies import Study
from meta_search.guide.surrogate import Surrogate, Uses, key_of
from meta_search.guide.surrogate_proposals import propose
from meta_search.types import Scalar
from meta_search.types.designs import Design, Slot, Space

KINDS = ("sums", "words", "dates", "codes")
WAY = Slot("way", ("direct", "program", "think"), per_kind=True)
SPACE = Space((WAY, Slot("votes", (1, 3)), Slot("shown", (0, 1, 2))), KINDS)
STAGED = Space(
    (
        WAY,
        Slot("check", ("", "again"), per_kind=True, when=(("way", ("program", "think")),)),
        Slot("votes", (1, 3)),
        Slot("judge", ("length", "model"), when=(("votes", (3,)),)),
    ),
    KINDS[:2],
)
GOOD = {"sums": "program", "words": "direct", "dates": "think", "codes": "program"}


def items(space: Space, each: int = 6) -> dict[str, str]:
    return {f"{kind}-{n}": kind for kind in space.kinds for n in range(each)}


def chance(space: Space, design: Design) -> float:
    right = [dict(cell).get("way") == GOOD[kind] for kind, cell in space.cells(design).items()]
    return sum(0.85 if one else 0.25 for one in right) / len(right)


def evaluated(
    model: Surrogate, agent: str, design: Design, rng: random.Random, cost: float = 10.0, more: float = 0.0
) -> None:
    model.meet(agent, design)
    cells = model.space.cells(design)
    for item, kind in model.items.items():
        right = rng.random() < more + (0.85 if dict(cells[kind]).get("way") == GOOD[kind] else 0.25)
        model.learn(agent, item, float(right), cost)
    model.end(agent, True)


@pytest.mark.parametrize("space", [SPACE, STAGED], ids=["plain", "staged"])
@pytest.mark.parametrize("aim", ["improvement", "draw", "both"])
def test_proposals_are_legal_and_new(space: Space, aim: str) -> None:
    model, rng, known = Surrogate(space, items(space), Uses(aim=aim)), random.Random(0), set()
    for n in range(12):
        made = propose(model, random.Random(n), left=1 - n / 12)
        assert made is not None
        assert made == space.reduced(made)
        assert all(value in space.parameters()[name] for name, value in made.items())
        assert key_of(made) not in known
        known.add(key_of(made))
        evaluated(model, f"a{n}", made, rng)


def test_a_space_that_is_used_up_proposes_nothing() -> None:
    space = Space((Slot("way", ("direct", "program"), per_kind=True), Slot("votes", (1, 3))), KINDS[:2])
    model, rng, found = Surrogate(space, items(space), Uses()), random.Random(0), set()
    for n in range(8):
        made = propose(model, random.Random(n))
        assert made is not None
        found.add(key_of(made))
        evaluated(model, f"a{n}", made, rng)
    assert len(found) == 8
    assert propose(model, random.Random(9)) is None


def test_the_same_state_proposes_the_same() -> None:
    def made() -> list[Design | None]:
        model, rng = Surrogate(SPACE, items(SPACE), Uses()), random.Random(3)
        for n in range(5):
            evaluated(
                model, f"a{n}", {"way:sums": ("direct", "program", "think")[n % 3], "shown": n % 3}, rng
            )
        return [propose(model, random.Random(n)) for n in range(3)]

    assert made() == made()


def test_what_is_written_or_evaluated_now_is_not_proposed_again() -> None:
    model, rng, written = Surrogate(SPACE, items(SPACE), Uses()), random.Random(5), []
    evaluated(model, "a", {"way:sums": "program"}, rng)
    for n in range(6):
        made = propose(model, random.Random(0), in_flight=written)  # the same starts each time
        assert made is not None
        assert key_of(made) not in {key_of(w) for w in written}
        written.append(made)
        if n == 2:  # one of them is evaluated meanwhile, and has shown nothing yet
            model.meet("running", written.pop(0))
    ways = {tuple(w[f"way:{kind}"] for kind in KINDS) for w in written}
    assert len(ways) > 1  # not the same ways with another number of votes


def test_what_cannot_be_carried_out_is_not_proposed() -> None:
    model = Surrogate(SPACE, items(SPACE), Uses())
    for n in range(6):
        made = propose(model, random.Random(n), allowed={"shown": (0,), "way": ("direct", "think")})
        assert made is not None
        assert made["shown"] == 0
        assert "program" not in made.values()
        model.meet(f"a{n}", made)


def test_what_is_dear_and_a_little_better_comes_late() -> None:
    votes: dict[bool, int] = {}
    for costs in (True, False):
        model, rng = Surrogate(SPACE, items(SPACE), Uses(costs=costs)), random.Random(7)
        for n in range(10):
            dear = n % 2 > 0
            design = {**{f"way:{k}": rng.choice(WAY.choices) for k in KINDS}, "votes": 3 if dear else 1}
            evaluated(model, f"a{n}", design, rng, cost=300.0 if dear else 10.0, more=0.15 * dear)
        made = [propose(model, random.Random(n)) for n in range(8)]
        votes[costs] = sum(m is not None and m["votes"] == 3 for m in made)
    assert votes[True] == 0
    assert votes[False] > 0


@pytest.mark.slow
def test_it_finds_the_best_design_where_chance_does_not() -> None:
    def best(proposed: bool, seed: int) -> float:
        model, rng, _found = Surrogate(SPACE, items(SPACE), Uses()), random.Random(seed), 0.0
        for n in range(14):
            drawn = {name: rng.choice(choices) for name, choices in SPACE.parameters().items()}
            design: Mapping[str, Scalar] | None = drawn
            if proposed and n >= 2:
                design = propose(model, random.Random(seed * 100 + n), left=1 - n / 14)
            assert design is not None
            evaluated(model, f"a{n}", design, rng)
        ranked = sorted(model.over(), key=model.mean)
        return chance(SPACE, model.designs()[ranked[-1]])

    ours, theirs = ([best(proposed, seed) for seed in range(6)] for proposed in (True, False))
    assert sum(ours) / 6 > 0.8
    assert sum(ours) > sum(theirs)


def suggested(asked: Any) -> dict[str, Scalar]:
    for kind in KINDS:
        asked.suggest_categorical(f"way:{kind}", list(WAY.choices))
    asked.suggest_categorical("votes", [1, 3])
    asked.suggest_int("bootstrap_shown", 0, 9)
    return dict(asked.params)


PROPOSAL = {
    "way:sums": "program",
    "way:words": "think",
    "way:dates": "direct",
    "way:codes": "think",
    "votes": 3,
}


def test_a_trial_takes_the_proposal_and_tpe_says_the_rest() -> None:
    study, plain = Study("designs", 4, ["maximize"]), Study("designs", 4, ["maximize"])
    asked = study.ask_apart((PROPOSAL, SPACE.parameters()))
    found, other = suggested(asked), suggested(plain.ask_apart())
    assert {name: found[name] for name in PROPOSAL} == PROPOSAL
    assert 0 <= int(found["bootstrap_shown"] or 0) <= 9
    assert {name: other[name] for name in PROPOSAL} != PROPOSAL
    study.tell(asked.number, [0.5])
    assert study.rows()[0][1] == found


def test_a_trial_that_is_asked_for_again_suggests_the_same() -> None:
    study = Study("designs", 4, ["maximize"])
    rows = []
    for n in range(6):
        asked = study.ask_apart((PROPOSAL, SPACE.parameters()))
        suggested(asked)
        study.tell(asked.number, [n / 6])
        rows.append((n, study.export(n), [n / 6]))
    late = study.ask_apart((PROPOSAL, SPACE.parameters()))
    again = Study("designs", 4, ["maximize"])
    again.restore(rows, 7, again={6: {}}, proposals={6: (PROPOSAL, SPACE.parameters())})
    assert suggested(again.under_way(6)) == suggested(late)


def test_without_guidance_designs_are_uniform() -> None:
    counts = dict.fromkeys(WAY.choices, 0)
    study = Study("designs", 1, ["maximize"], guided=False)
    for _ in range(150):
        counts[str(suggested(study.ask_apart())["way:sums"])] += 1
    assert min(counts.values()) > 30
