"""An agent of which some components matter and others do not, and what runs it as an author's probe does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from meta_search.types import Agent, CallReply, CallRequest, ItemResult, Usage
from tests.kits.sandboxed_agents import House

PANEL = """
def forward(self, taskInfo):
    hint = LLMAgentBase(["hint"], "Helper")([taskInfo], "Give a hint.")[0]
    chatter = LLMAgentBase(["word"], "Chatter", role="chatterbox")([taskInfo], "Say something.")[0]
    voters = [LLMAgentBase(["answer"], "Voter") for _ in range(3)]
    answers = [voter([taskInfo, hint], "Answer.")[0].content for voter in voters]
    LLMAgentBase(["word"], "Chatter", role="chatterbox")([taskInfo, chatter], "Go on.")
    return Counter(a for a in answers if a).most_common(1)[0][0]
"""
CHATTER = "Chatter (chatterbox)"


def panel(request: CallRequest) -> str:
    """Voters know the answer, 7, where they see the hint; the third never does."""
    if request.author != "Voter":
        return "hint: seven" if request.author == "Helper" else "blah"
    return "7" if "seven" in request.messages[-1][1] and request.occurrence != "2" else "9"


class Ledger:
    """Answers by a script, and counts what a ledger would not have had: the real gateway's key, in short."""

    def __init__(self) -> None:
        self.known: set[tuple[object, ...]] = set()

    def __call__(self, request: CallRequest) -> CallReply:
        key = (request.item, request.messages, request.schema is None, request.occurrence)
        new, _ = key not in self.known, self.known.add(key)
        return CallReply(panel(request), used=Usage(1, 5, 5), paid=Usage(1, 5, 5) if new else Usage())


class PanelRuns:
    """Runs agents as `Workbench.probe` does, on items that are right if the answer is 7."""

    def __init__(self, house: House) -> None:
        self.house, self.ledger, self.runs = house, Ledger(), []
        self.paid = 0

    def probe(self, agent: Agent, places: Sequence[int], mute: Sequence[str]) -> list[ItemResult]:
        found = []
        for place in places:
            self.runs.append((place, tuple(mute)))
            result = self.house.run(agent.source, self.ledger, item=f"i{place}", mute=tuple(mute))
            found.append(replace(result, score=float(result.answer == "7")))
            self.paid += result.paid.calls
        return found
