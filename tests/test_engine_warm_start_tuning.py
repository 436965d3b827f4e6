"""Tuning begins with what is known of the agent and its ancestors, and is restored so."""

from __future__ import annotations

from collections import Counter
from typing import Any

from meta_search.engine.warm_start import known_settings
from meta_search.guide.guide import Guide, Snapshot
from meta_search.run.members import Member, Members
from meta_search.types import Agent, Brief, Candidate, ItemResult, Parameter, Usage, agent_id

VOTES = Parameter("votes", "int", 1, 1.0, 9.0)
SHOWN = Parameter("shown", "int", 0, 0.0, 3.0)
HEAT = Parameter("heat", "float", 0.1, 0.0, 1.0)
WIDER = Parameter("heat", "float", 0.1, 0.0, 2.0)


def member(
    source: str,
    space: tuple[Parameter, ...],
    parents: tuple[Member, ...] = (),
    right: int = 1,
    stopped: str = "",
    **values: Any,
) -> Member:
    """An agent evaluated on four items, at 10 tokens and a call each."""
    agent = Agent.of(source, source, values)
    brief = Brief(0, "mutate", "composer", tuple(p.agent.id for p in parents))
    made = Member(Candidate(agent, brief, "", 1, space), done=True, stopped=stopped)
    for n in range(4):
        score, used = float(n < right), Usage(1, 10)
        made.add(ItemResult(agent.id, "train", f"i{n}", 0, "ok", "x", score=score, used=used))
    return made


def family() -> tuple[Member, Members]:
    """A child, with its parent, who was tuned twice, a grandparent, and a stranger."""
    members = Members()
    grand = member("a", (VOTES,), right=2)
    parent = member("b", (VOTES, WIDER), (grand,))
    tuned = member("b", (VOTES, WIDER), (parent,), right=4, votes=7)
    stopped = member("b", (VOTES, WIDER), (parent,), right=3, votes=8, stopped="behind")
    child = member("c", (VOTES, SHOWN, HEAT), (parent,), right=3, shown=2)
    for one in (grand, parent, tuned, stopped, member("d", (VOTES,), right=4, votes=9), child):
        members.add(one)
    return child, members


def test_what_is_known_is_of_its_own_and_its_ancestors_sources() -> None:
    child, members = family()
    assert known_settings(child, members) == [
        [{"votes": 1}, 0.5, 11.0],  # grandparent, as declared
        [{"votes": 1}, 0.25, 11.0],  # parent; its heat has another range
        [{"votes": 7}, 1.0, 11.0],  # the parent tuned; not one that was stopped, and no stranger
        [{"votes": 1, "shown": 2, "heat": 0.1}, 0.75, 11.0],
    ]


def guide(guided: bool = True) -> Guide:
    return Guide(3, ("tune",), ("composer",), ("plan",), guided)


def asked(guide: Guide, source: str, trials: int) -> list[dict[str, Any]]:
    found = []
    for number in range(trials):
        trial, values = guide.tune(source, (VOTES, SHOWN))
        assert trial == number  # what was known has no numbers
        guide.tell_tuning(source, trial, 0.5, 20.0)
        found.append(values)
    return found


def test_a_study_that_begins_warm_asks_for_what_was_good() -> None:
    known = [[{"votes": v}, v / 9, 10.0] for v in range(1, 10)] * 2
    source, warm, cold = agent_id("c"), guide(), guide()
    warm.begin_tuning(source, (VOTES, SHOWN), known)
    first, unaided = asked(warm, source, 8), asked(cold, source, 8)
    assert first != unaided
    high = Counter(v["votes"] >= 7 for v in first)
    assert high[True] > Counter(v["votes"] >= 7 for v in unaided)[True]
    unguided = guide(guided=False)
    unguided.begin_tuning(source, (VOTES, SHOWN), known)
    assert asked(unguided, source, 4) == asked(guide(guided=False), source, 4)


def test_a_study_is_restored_with_what_it_began_with() -> None:
    known = [[{"votes": v}, v / 9, 10.0] for v in range(1, 10)]
    source, whole = agent_id("c"), guide()
    whole.begin_tuning(source, (VOTES, SHOWN), known)
    rows = []
    for _ in range(6):
        number, _ = whole.tune(source, (VOTES, SHOWN))
        whole.tell_tuning(source, number, 0.5, 20.0)
        rows.append((number, whole.tuning(source).export(number), [0.5, 20.0]))
    again = guide()
    again.restore(Snapshot({f"tuning/{source}": rows}, warm={source: ((VOTES, SHOWN), known)}))
    without = guide()
    without.restore(Snapshot({f"tuning/{source}": rows}))
    coming = [whole.tune(source, (VOTES, SHOWN)) for _ in range(3)]
    assert [again.tune(source, (VOTES, SHOWN)) for _ in range(3)] == coming
    assert [without.tune(source, (VOTES, SHOWN)) for _ in range(3)] != coming


def test_what_the_space_does_not_hold_is_not_taken() -> None:
    made = guide()
    made.begin_tuning("s", (VOTES,), [[{"votes": 12}, 1.0, 1.0], [{"votes": 3}, 1.0, 1.0]])
    assert made.tune("s", (VOTES,))[0] == 0
