"""`simplify` for agents without a plan: the smallest that scores the same, in the real sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from meta_search.authors.author import Context, Parent
from meta_search.authors.composer import Composer
from meta_search.authors.llm import LLMAuthor
from meta_search.authors.simplify import simplify
from meta_search.config import AuthorConfig
from meta_search.types import Agent, CallReply, CallRequest, Demonstration, Importance, Usage
from tests.kits.author_contexts import Desk, made
from tests.kits.panel import CHATTER, PANEL, PanelRuns
from tests.kits.sandboxed_agents import House


def context(house: House, bench: PanelRuns, source: str, noted: list[Importance], **more: object) -> Context:
    parent = Parent(Agent.of("panel", source, {}, [Demonstration("q", "r")]), 1.0, 100.0)
    config = AuthorConfig(
        probe_items=2, probe_calls=more.pop("probe_calls", 99), reflexions=0, debug_rounds=0
    )
    return Desk(house).context(
        "simplify", [parent], probe=bench.probe, record_importance=noted.extend, config=config, **more
    )


def test_the_smallest_agent_that_scores_the_same(house: House) -> None:
    bench, noted = PanelRuns(house), []
    candidate = made(Composer().write(context(house, bench, PANEL, noted)))
    # The chatterbox goes, and two voters: one of those who see the hint is enough.
    [result] = bench.probe(candidate.agent, [0], ())
    assert (result.answer, [c.author for c in result.trace]) == ("7", ["Helper", "Voter"])
    assert candidate.agent.demonstrations == (Demonstration("q", "r"),)
    assert "calls an item 6.0 to 2.0" in candidate.thought
    assert "a mean score of 1.00 before and 1.00 after" in candidate.thought
    assert candidate.brief.parents == (context(house, bench, PANEL, []).parents[0].agent.id,)
    assert "range(1)" in candidate.agent.source  # fewer voters are a smaller number
    assert CHATTER in candidate.agent.source  # and what stands in no literal is told as left out
    assert {(row.component, row.value) for row in noted} >= {("Helper", 1.0), (CHATTER, 0.0)}


def test_what_cannot_be_made_smaller_is_no_candidate(house: House) -> None:
    source = """
def forward(self, taskInfo):
    hint = LLMAgentBase(["hint"], "Helper")([taskInfo], "Give a hint.")[0]
    return LLMAgentBase(["answer"], "Voter")([taskInfo, hint], "Answer.")[0]
"""
    bench = PanelRuns(house)
    [attempt] = simplify(context(house, bench, source, [])).attempts
    assert attempt.message == "no component can go: Helper +1.00, Voter +1.00"
    # The composer then writes something else; why stays on record.
    written = Composer().write(context(house, bench, source, []))
    assert made(written).thought == "Works by direct."
    assert [a.message for a in written.attempts] == [attempt.message]


def test_an_agent_that_breaks_without_an_entry_keeps_a_silent_component(house: House) -> None:
    """The clean rewriting crashes (a list of two is indexed), so the source with a silent one is taken."""
    source = """
ROLES = ["talker", "seven sayer"]

def forward(self, taskInfo):
    said = [LLMAgentBase(["answer"], role, role=role)([taskInfo], "")[0] for role in ROLES]
    return said[1]
"""
    bench = PanelRuns(house)

    class Seven(type(bench.ledger)):
        def __call__(self, request: CallRequest) -> CallReply:
            reply: CallReply = super().__call__(request)
            return replace(reply, text="7")

    bench.ledger = Seven()
    candidate = made(Composer().write(context(house, bench, source, [])))
    assert "LEFT_OUT = ('talker',)" in candidate.agent.source
    assert '"talker", "seven sayer"' in candidate.agent.source
    [result] = bench.probe(candidate.agent, [0], ())
    assert (result.answer, result.used.calls) == ("7", 1)


def test_without_budget_nothing_is_asked(house: House) -> None:
    bench = PanelRuns(house)
    given = context(house, bench, PANEL, [], probe_calls=0)
    bench.probe(given.parents[0].agent, [0, 1], ())
    bench.paid = 0
    Composer().write(given)
    assert bench.paid == 0


def test_a_judge_spares_the_runs_without_what_matters(house: House) -> None:
    bench, noted = PanelRuns(house), []
    asked: list[CallRequest] = []

    def judge(request: CallRequest) -> CallReply:
        asked.append(request)
        return CallReply("[5, 1]", paid=Usage(1, 1, 1))

    given = context(house, bench, PANEL, noted, ask=judge, questions=("q", "q"))
    made(Composer().write(replace(given, config=replace(given.config, judge=True))))
    left_out = {mute[0] for _, mute in bench.runs if len(mute) == 1}
    assert "Helper" not in left_out  # all that the voters said came from it
    assert {row.method for row in noted} == {"judge", "leave_out"}


def test_the_llm_author_leaves_out_before_it_asks(house: House) -> None:
    bench = PanelRuns(house)
    given = context(house, bench, PANEL, [], texts=["never used"])
    candidate = made(LLMAuthor().write(given))
    assert "Chatter" not in _authors(bench, candidate.agent)


def _authors(bench: PanelRuns, agent: Agent) -> Sequence[str]:
    [result] = bench.probe(agent, [0], ())
    return [call.author for call in result.trace]
