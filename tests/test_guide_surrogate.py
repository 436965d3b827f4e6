"""The surrogate: its posterior against plain regression, what it expects, and hostile results."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Mapping

import numpy as np
import pytest

from meta_search.guide.prior import Prior, SlotEffect
from meta_search.guide.surrogate import Surrogate, Uses
from meta_search.guide.surrogate_features import MOST, Features, Scales
from meta_search.guide.surrogate_posterior import Posterior
from meta_search.types.designs import Cell, Slot, Space

KINDS = ("sums", "words", "dates")
SPACE = Space(
    (
        Slot("way", ("direct", "program", "think"), per_kind=True),
        Slot("votes", (1, 3)),
        Slot("shown", (0, 1, 2)),
    ),
    KINDS,
)
EARLIER = Space((Slot("way", ("direct", "program"), per_kind=True), Slot("votes", (1, 3))), ("a",))
ITEMS = {f"{kind}-{n}": kind for kind in KINDS for n in range(6)}


def surrogate(difficulty: bool = False) -> Surrogate:
    return Surrogate(SPACE, ITEMS, Uses(items=difficulty))


def designs(seed: int, n: int) -> list[dict[str, object]]:
    rng = random.Random(seed)
    return [{name: rng.choice(choices) for name, choices in SPACE.parameters().items()} for _ in range(n)]


def run(model: Surrogate, agent: str, scores: Mapping[str, float], cost: float = 10.0) -> None:
    for item, score in scores.items():
        model.learn(agent, item, score, cost)


def refitted(observed: list[tuple[Mapping[str, float], float, float]], sds: Mapping[str, float]):
    """Mean and covariance of effects by plain linear algebra: (features, precision, value), prior sds."""
    names = list(sds)
    rows = np.array([[features.get(name, 0.0) for name in names] for features, _, _ in observed])
    weights = np.array([precision for _, precision, _ in observed])
    values = np.array([value for _, _, value in observed])
    inverse = np.diag([1 / sds[name] ** 2 for name in names]) + rows.T @ (weights[:, None] * rows)
    covariance = np.linalg.inv(inverse)
    return names, covariance @ rows.T @ (weights * values), covariance


def test_what_is_kept_is_what_a_refit_gives() -> None:
    rng, posterior, sds = random.Random(1), Posterior(), {f"f{n}": 0.1 + n / 20 for n in range(8)}
    now: dict[int, tuple[dict[str, float], float, float]] = {}
    for _ in range(60):  # observations come, and change: more precise, less precise, other values
        place = rng.randrange(12)
        features = (
            now[place][0] if place in now else {f: rng.uniform(-1, 1) for f in rng.sample(list(sds), 3)}
        )
        precision, value = rng.uniform(0.5, 90), rng.uniform(-1, 1)
        before = now.get(place, (features, 0.0, 0.0))
        row = posterior.row({(f,): (v, sds[f]) for f, v in features.items()})
        posterior.change(row, precision - before[1], precision * value - before[1] * before[2])
        now[place] = features, precision, value
    names, mean, covariance = refitted(list(now.values()), sds)
    order = [posterior.place((name,)) for name in names]
    assert np.allclose(posterior.mean[order], mean, atol=1e-9)
    assert np.allclose(posterior.covariance[np.ix_(order, order)], covariance, atol=1e-9)
    root = posterior.root()
    assert np.allclose(root @ root.T, posterior.covariance, atol=1e-9)


def test_a_design_is_expected_as_by_a_gaussian_process_over_cells() -> None:
    model, rng = surrogate(), random.Random(2)
    tried = designs(3, 6)
    for n, design in enumerate(tried):
        model.meet(f"a{n}", design)
        run(model, f"a{n}", {item: float(rng.random() < 0.6) for item in list(ITEMS)[: 6 + 2 * n]})
    features, scales = Features(SPACE, Scales()), Scales()
    observed = []
    for n, design in enumerate(tried):
        for kind, cell in model.cells(design).items():
            tally = model._agents[f"a{n}"].tallies.get(kind)
            if tally is not None:
                value = tally.weighted / tally.precision
                noise = 1 / tally.precision - scales.left**2
                observed.append((f"a{n}", features.of(kind, cell), noise, value, kind))

    def kernel(one, other, same: bool) -> float:  # of the function over cells, with what is left of an agent
        shared = sum(sd**2 for f, sd in one.items() if f in other)
        return shared + (scales.left**2 if same else 0.0)

    gram = np.array([[kernel(a[1], b[1], a[0] == b[0] and a[4] == b[4]) for b in observed] for a in observed])
    noise = np.diag([o[2] for o in observed])
    values = np.array([o[3] for o in observed])
    new = designs(9, 1)[0]
    cells = {k: features.of(k, c) for k, c in model.cells(new).items()}
    across = np.array(
        [sum(model.shares[k] * kernel(c, o[1], False) for k, c in cells.items()) for o in observed]
    )
    prior = sum(
        model.shares[a] * model.shares[b] * kernel(cells[a], cells[b], a == b)
        for a, b in itertools.product(cells, cells)
    )
    solved = np.linalg.solve(gram + noise, across)
    found = model.design_score(new)
    assert found.mean == pytest.approx(0.5 + float(solved @ values), abs=1e-9)
    assert found.sd == pytest.approx(math.sqrt(prior - float(solved @ across)), abs=1e-9)


def test_an_agent_is_expected_as_by_that_process_too() -> None:
    """What is left of an agent is worked out apart from the posterior of effects: the two must agree."""
    model = surrogate()
    for n, design in enumerate(designs(4, 2)):
        model.meet(f"a{n}", design)
    run(model, "a0", dict.fromkeys(ITEMS, 1.0))
    run(model, "a1", dict.fromkeys(list(ITEMS)[:9], 0.0))
    known = model._agents["a0"]
    free, fixed = model.design_score(known.design or {}), model.agent_score("a0")
    assert fixed.mean > free.mean
    assert fixed.sd < free.sd


def test_every_design_learns_from_every_other() -> None:
    model = surrogate()
    for n, way in enumerate(("direct", "program", "think")):
        model.meet(way, {**{f"way:{kind}": way for kind in KINDS}, "votes": 1, "shown": 0})
        run(model, way, {item: float(kind == KINDS[n]) for item, kind in ITEMS.items()})
    routed = {"way:sums": "direct", "way:words": "program", "way:dates": "think", "votes": 1, "shown": 0}
    wrong = {"way:sums": "think", "way:words": "direct", "way:dates": "program", "votes": 1, "shown": 0}
    assert model.design_score(routed).mean > 0.75
    assert model.design_score(wrong).mean < 0.25


def test_a_child_is_expected_to_be_as_its_parents_are() -> None:
    model = surrogate()
    for name, score in (("good", 1.0), ("bad", 0.0)):
        model.meet(name)
        run(model, name, dict.fromkeys(ITEMS, score))
        model.meet(f"{name}'s", parents=(name,))
    model.meet("nobody's")
    good, bad, none = (model.agent_score(a).mean for a in ("good's", "bad's", "nobody's"))
    assert good > none + 0.05
    assert none > bad + 0.05


def test_who_ran_on_hard_items_first_is_not_taken_for_bad() -> None:
    easy = {item: float(int(item[-1]) >= 3) for item in ITEMS}
    hard_first = [item for item in ITEMS if int(item[-1]) < 4]
    found = {}
    for difficulty in (False, True):
        model = surrogate(difficulty)
        for n in range(8):
            model.meet(f"a{n}")
            run(model, f"a{n}", easy)
        model.meet("new")
        run(model, "new", {item: easy[item] for item in hard_first})
        found[difficulty] = model.agent_score("new").mean
    assert found[True] > found[False] + 0.02


def test_costs_are_learned_by_choice() -> None:
    model = surrogate()
    for n, design in enumerate(designs(7, 12)):
        model.meet(f"a{n}", design)
        run(model, f"a{n}", dict.fromkeys(ITEMS, 1.0), cost=100.0 * (3 if design["votes"] == 3 else 1))
    base = {**{f"way:{kind}": "direct" for kind in KINDS}, "shown": 0}
    one, three = model.cost({**base, "votes": 1}), model.cost({**base, "votes": 3})
    assert 80 < one < 140
    assert 220 < three < 380


def test_intervals_hold_what_they_say() -> None:
    """Worlds drawn from the prior: about 68 % of true scores lie within one standard deviation."""
    inside = total = 0
    for world in range(12):
        rng, gauss = random.Random(world), np.random.default_rng(world)
        features, effects = Features(SPACE, Scales()), {}

        def truth(design, features=features, effects=effects, gauss=gauss) -> dict[str, float]:
            chance = {}
            for kind in KINDS:
                cell = features.of(kind, SPACE.cell(design, kind))
                for feature, sd in cell.items():
                    effects.setdefault(feature, gauss.normal(0, 0.5 * sd))
                chance[kind] = 0.5 + sum(effects[f] for f in cell)
            return {kind: min(1.0, max(0.0, c)) for kind, c in chance.items()}

        model = surrogate()
        for n, design in enumerate(designs(100 + world, 14)):
            model.meet(f"a{n}", design)
            chance = truth(design)
            run(model, f"a{n}", {item: float(rng.random() < chance[kind]) for item, kind in ITEMS.items()})
        for design in designs(200 + world, 25):
            found, real = model.design_score(design), truth(design)
            total += 1
            inside += abs(found.mean - sum(real.values()) / len(KINDS)) <= found.sd
    assert 0.6 < inside / total < 0.97


def test_hostile_results_do_no_harm() -> None:
    one_kind = Surrogate(Space(SPACE.slots), {f"i{n}": "" for n in range(400)}, Uses())
    one_kind.meet("a", {"way": "direct", "votes": 1, "shown": 0})
    for n in range(400):
        one_kind.learn("a", f"i{n}", 0.37 + (n % 7) / 70, math.nan)
    assert one_kind.agent_score("a").mean == pytest.approx(0.4, abs=0.03)
    assert one_kind.cost({"way": "direct", "votes": 1, "shown": 0}) == 1.0
    one_kind.learn("a", "i0", math.nan)
    one_kind.learn("a", "no such item", 1.0)
    one_kind.learn("a", "i1", 7.0, math.inf)
    one_kind.learn("a", "i1", -7.0, -3.0)
    assert 0.0 <= one_kind.agent_score("a").mean <= 1.0
    nothing = Surrogate(Space(()), {}, Uses())
    nothing.meet("b")
    assert nothing.agent_score("b").mean == 0.5
    assert nothing.agent_score("b").sd > 0
    each = Surrogate(SPACE, {f"i{n}": f"kind {n}" for n in range(60)}, Uses())  # a kind an item tells nothing
    each.meet("c", designs(1, 1)[0])
    each.learn("c", "i0", 1.0, 5.0)
    assert len(each.shares) == 1
    assert each.agent_score("c").mean > 0.5


def test_a_wide_space_leaves_the_finest_interactions_out() -> None:
    wide = Space(
        tuple(Slot(f"s{n}", tuple("abcd"), per_kind=n < 6) for n in range(9)), tuple(map(str, range(16)))
    )
    model, rng = Surrogate(wide, {f"i{n}": str(n % 16) for n in range(32)}, Uses()), random.Random(0)
    for n in range(40):
        model.meet(f"a{n}", {name: rng.choice(c) for name, c in wide.parameters().items()})
        run(model, f"a{n}", {f"i{k}": float(k % 2) for k in range(0, 32, 5)})
    assert len(model.posterior) <= MOST


def test_what_choices_brought_in_earlier_runs_is_expected_until_this_one_says_otherwise() -> None:
    """A right prior helps from the start, a wrong one is outvoted; other domains count less."""
    here = Prior(
        slots=(SlotEffect("way", "program", 0.2, 20, True), SlotEffect("way", "unheard of", 0.9, 9, True))
    )
    there = Prior(slots=(SlotEffect("way", "program", 0.2, 20, False),))
    gains = []
    for prior in (Prior(), there, here):
        model = Surrogate(EARLIER, {str(n): "a" for n in range(18)}, Uses())
        for (slot, choice), (effect, sd) in prior.effects().items():
            model.recall(slot, choice, effect, sd)
        programs, direct = ({"way:a": way, "votes": 1} for way in ("program", "direct"))
        gains.append(model.design_score(programs).mean - model.design_score(direct).mean)
        model.meet("p", programs)
        model.meet("d", direct)
        for n in range(18):
            model.learn("p", str(n), float(n < 2))
            model.learn("d", str(n), float(n < 16))
        assert model.design_score(programs).mean < model.design_score(direct).mean
    nothing, little, much = gains
    assert nothing == pytest.approx(0.0)
    assert 0.01 < little < much < 0.2


def test_costs_are_foretold_until_they_are_seen() -> None:
    def votes(cell: Cell) -> float:
        return float(dict(cell)["votes"])

    model = Surrogate(SPACE, ITEMS, Uses(), foretold=votes)
    plain = {f"way:{kind}": "direct" for kind in KINDS}
    assert model.cost({**plain, "votes": 3}) == pytest.approx(3 * model.cost({**plain, "votes": 1}))
    for agent, n in (("one", 1), ("three", 3)):  # in tokens: what was foretold was in calls, and is wrong
        model.meet(agent, {**plain, "votes": n})
        run(model, agent, dict.fromkeys(ITEMS, 1.0), cost=100.0)
    assert model.cost({**plain, "votes": 3}) == pytest.approx(100, rel=0.2)
    other = {f"way:{kind}": "program" for kind in KINDS}
    assert 60 < model.cost({**other, "votes": 3}) < 180  # of which nothing was seen
