"""What components are worth: by hand on small graphs, by a judge, by leaving them out in the real sandbox."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_search.authors.leave_out import LeftOut, leave_out, whole
from meta_search.importance import (
    by_judge,
    by_ratings,
    components,
    flow,
)
from meta_search.report import graphs
from meta_search.types import Agent, CallReply, CallRequest, ItemResult, TeamNetwork, TraceCall, Usage
from tests.kits.panel import CHATTER, PANEL, PanelRuns
from tests.kits.sandboxed_agents import House, fields_of


def call(index: int, inputs: Sequence[int] = (), final: bool = False, **more: object) -> TraceCall:
    made = TraceCall(
        index, f"c{index}", "", ("answer",), f"p{index}", "t", tuple(inputs), 10, 0.1, final=final
    )
    return replace(made, **more)


def test_importance_flows_backwards_through_any_graph() -> None:
    """Two readers of the first call, a judge who weighs them 3 to 1, and the first call itself."""
    trace = [call(1), call(2, [1]), call(3, [1]), call(4, [1, 2, 3], final=True)]
    # The judge's answer is the item's: 1. It gives 1/5, 3/5, 1/5; the readers hand theirs on to the first.
    worth = flow(trace, {4: [0.2, 0.6, 0.2]})
    assert worth == pytest.approx({4: 1.0, 3: 0.2, 2: 0.6, 1: 0.2 + 0.6 + 0.2})
    # Without ratings all sources of a call weigh the same.
    assert flow(trace, {})[1] == pytest.approx(1.0)
    # A vote of two, of whom nobody hears anything.
    assert flow([call(1, final=True), call(2), call(3, final=True)], {}) == {1: 0.5, 2: 0.0, 3: 0.5}
    assert flow([call(1), call(2)], {}) == {1: 0.0, 2: 0.0}


@given(st.lists(st.sets(st.integers(1, 8)), min_size=1, max_size=8))
def test_what_is_handed_on_is_conserved(sources: list[set[int]]) -> None:
    """Calls that hear nothing get, together, all that the final one has."""
    n = len(sources)
    trace = [call(i, sorted(s for s in heard if s < i), i == n) for i, heard in enumerate(sources, 1)]
    worth = flow(trace, {})
    assert sum(worth[c.index] for c in trace if not c.inputs) == pytest.approx(1.0)


def test_importance_of_a_team_is_averaged_over_items() -> None:
    def network(scores: tuple[float, ...]) -> TeamNetwork:
        return TeamNetwork(("a", "b"), ((0, 1),), (("1", "2"),), ((),), (scores,), "1", 2)

    def item(*networks: TeamNetwork) -> ItemResult:
        trace = (call(1, component="a", author="a"), call(2, component="b", author="b"))
        return ItemResult("x", "train", "i", 0, "ok", trace=trace, networks=networks)

    rows = by_ratings("x", [item(network((1.0, 0.0))), item(network((0.25, 0.75))), item()])
    assert [(r.component, r.value, r.items, r.calls, r.tokens) for r in rows] == [
        ("a", (1.0 + 0.25) / 2, 2, 1.0, 10.0),
        ("b", (0.0 + 0.75) / 2, 2, 1.0, 10.0),
    ]
    assert by_ratings("x", [item()]) == []


def test_a_judge_is_asked_only_where_there_is_something_to_weigh() -> None:
    trace = (call(1), call(2), call(3, [1, 2]), call(4, [3], final=True))
    asked: list[CallRequest] = []

    def judge(request: CallRequest) -> CallReply:
        asked.append(request)
        return CallReply("Worker 1: 4/5\nWorker 2: 1/5", paid=Usage(len(asked) % 2))

    results = [ItemResult("x", "train", str(n), 0, "ok", trace=trace) for n in range(2)]
    rows = {r.component: r for r in by_judge("x", results, ["q1", "q2"], judge, 9)}
    assert [(r.purpose, r.model, r.item, "q" in r.messages[1][1]) for r in asked] == [
        ("judge", "meta", "0", True),
        ("judge", "meta", "1", True),
    ]
    assert {name: r.value for name, r in rows.items()} == pytest.approx(
        {"c1": 0.8, "c2": 0.2, "c3": 1, "c4": 1}
    )
    assert {(r.method, r.replayed, r.asked) for r in rows.values()} == {("judge", 1, 1)}
    # Beyond the budget all weigh the same.
    few = {r.component: r.value for r in by_judge("x", results, ["q1", "q2"], judge, 1)}
    assert few["c1"] == pytest.approx((0.8 + 0.5) / 2)


def left_out(bench: PanelRuns, source: str = PANEL, most: int = 99) -> LeftOut:
    agent = Agent.of("panel", source)
    before = whole(agent, bench.probe, range(2))
    bench.paid = 0
    return leave_out(agent, bench.probe, before, most)


def test_components_are_named_by_author_role_and_number(house: House) -> None:
    [result] = PanelRuns(house).probe(Agent.of("panel", PANEL), [0], ())
    names = ["Helper", CHATTER, "Voter", "Voter #2", "Voter #3", f"{CHATTER} #2"]
    assert [c.component for c in result.trace] == names
    assert [(c.name, c.items, c.calls) for c in components([result])] == [(n, 1, 1) for n in names]
    graph = graphs.team([result.trace])
    assert {(a, b): w["weight"] for a, b, w in graph.edges(data=True)} == {
        **{("Helper", voter): 1 for voter in names[2:5]},
        (CHATTER, f"{CHATTER} #2"): 1,
    }


def test_components_within_a_map_are_told_apart(house: House) -> None:
    ask = "lambda n: LLMAgentBase(['answer'], 'Solver')([taskInfo], f'{n}')[0].content"
    body = f"return self.map({ask}, [1, 2])[0]"
    result = house.body(body, lambda request: "7")
    assert [c.component for c in result.trace] == ["Solver #0.0/1", "Solver #0.1/1"]
    muted = house.body(body, lambda request: "7", mute=("Solver #0.0/1",))
    assert (muted.answer, [c.component for c in muted.trace]) == ("", ["Solver #0.1/1"])


def test_leaving_out_tells_who_matters_and_what_it_took(house: House) -> None:
    bench = PanelRuns(house)
    found = left_out(bench)
    values = {r.component: (r.value, r.replayed, r.asked) for r in found.rows}
    assert values == {
        # Without the hint three new prompts an item, and none of the voters knows the answer.
        "Helper": (1.0, 4, 6),
        # Without the first remark, the second one is prompted otherwise.
        CHATTER: (0.0, 8, 2),
        "Voter": (0.0, 10, 0),
        "Voter #2": (0.0, 10, 0),
        "Voter #3": (0.0, 10, 0),
        f"{CHATTER} #2": (0.0, 10, 0),
    }
    assert (found.replayed, found.asked) == (52, 8)
    assert bench.paid == 8  # what a ledger counts
    assert {(r.agent, r.method, r.items) for r in found.rows} == {
        (Agent.of("panel", PANEL).id, "leave_out", 2)
    }


def test_leaving_out_keeps_to_its_budget_and_says_what_it_left(house: House) -> None:
    bench = PanelRuns(house)
    found = left_out(bench, most=8)
    assert "Helper" in found.unmeasured  # five further calls in each of two items may change
    assert bench.paid <= 8
    assert {r.component for r in found.rows} | set(found.unmeasured) == {
        c.name for c in components(found.before)
    }


def test_items_that_never_ask_a_component_are_not_run_without_it(house: House) -> None:
    source = """
def forward(self, taskInfo):
    if "second" in taskInfo.content:
        LLMAgentBase(["word"], "Chatter")([taskInfo], "Say something.")
    return LLMAgentBase(["answer"], "Voter")([taskInfo], "seven")[0]
"""
    bench = PanelRuns(house)
    agent = Agent.of("some", source)
    run = bench.probe

    def probe(agent: Agent, places: Sequence[int], mute: Sequence[str]) -> list[ItemResult]:
        texts = ("the first", "the second")
        rows = [
            house.run(agent.source, bench.ledger, question=texts[p], item=str(p), mute=tuple(mute))
            for p in places
        ]
        bench.runs += [(p, tuple(mute)) for p in places]
        return [replace(r, score=1.0) for r in rows]

    assert run is not probe
    leave_out(agent, probe, whole(agent, probe, range(2)), 9)
    assert bench.runs == [(0, ()), (1, ()), (0, ("Voter",)), (1, ("Voter",)), (1, ("Chatter",))]


def test_a_member_of_a_team_can_be_left_out(house: House) -> None:
    body = "return Team([('A', 'one'), ('B', 'two'), ('C', 'three')], 2)(taskInfo)"

    def script(request: CallRequest) -> str:
        person = re.search("one|two|three", request.messages[0][1])
        assert person is not None
        return json.dumps(dict.fromkeys(fields_of(request), person[0]))

    loud, quiet = (house.body(body, script, mute=mute) for mute in ((), ("B",)))
    assert {c.component for c in loud.trace} == {"A", "B", "C"}
    assert {c.component for c in quiet.trace} == {"A", "C"}
    assert quiet.kind == "ok"
    assert len(loud.trace) - len(quiet.trace) == 2
