"""The tools that `author=agentic` offers: what the model is told of each, and what it takes."""

from __future__ import annotations

from meta_search.authors.tool_text import parameters
from meta_search.types import Tool

__all__ = ["HAND_IN", "PAYING", "PLACES", "READING", "TOOLS"]

PLACES = ("all", "sources", "thoughts", "items", "answers", "traces")

_AGENT = ("string", "Id or name of an agent.")
_PAGE = ("integer?", "Which page, from 1; null is the first.")

READING: tuple[Tool, ...] = (
    Tool(
        "list",
        "All agents of the run so far, a line each: id, name, score, cost, how they came to be, what became "
        "of them.",
        parameters(order=("string?", "`score` (default), `cost` or `newest`."), page=_PAGE),
    ),
    Tool(
        "show",
        "One agent: idea, parents, children, score by kind of item, which items it got wrong, parameters.",
        parameters(agent=_AGENT),
    ),
    Tool("source", "An agent's Python source.", parameters(agent=_AGENT, page=_PAGE)),
    Tool(
        "diff",
        "What changed in the source from one agent to another.",
        parameters(agent=_AGENT, other=("string?", "The later agent is compared with this one; null is its "
        "first parent."), page=_PAGE),
    ),
    Tool(
        "item",
        "One train item: question, right answer, and what agents answered. With an agent: its answer whole, "
        "and what the scorer says of it. Without an item: all items.",
        parameters(
            item=("string?", "Id or number of a train item; null lists them."),
            agent=("string?", "Id or name of an agent; null is all."),
            page=_PAGE,
        ),
    ),
    Tool(
        "trace",
        "How an agent came to its answer on a train item: call by call what was asked and what came back.",
        parameters(agent=_AGENT, item=("string", "Id or number of the item."), page=_PAGE),
    ),
    Tool(
        "grep",
        "Where a text stands in what agents and models wrote; upper and lower case are the same, `*` stands "
        "for anything within a line, `|` between texts for either. It takes no regular expressions.",
        parameters(
            pattern=("string", "The text."),
            where=("string?", f"One of {', '.join(PLACES)}; null is all but traces."),
            page=_PAGE,
        ),
    ),
    Tool("lessons", "What the meta agent wrote down of earlier briefs.", parameters(page=_PAGE)),
)  # fmt: skip

PAYING = (
    Tool(
        "try",
        "Run a source on some train items with the real model. Each item costs one try. The source gets a "
        "name, by which `trace`, `item` and `source` know it.",
        parameters(
            source=("string", "A whole agent: Python source with `forward(self, taskInfo)`."),
            items=("list", "Ids or numbers of train items."),
        ),
    ),
    Tool(
        "ask",
        "Send one prompt to the model that agents call, and see what it says. Costs one try.",
        parameters(prompt=("string", "The prompt.")),
    ),
)
HAND_IN = Tool(
    "hand_in",
    "Hand in the agent and end the work. It is checked and run dry first, free of charge.",
    parameters(
        name=("string", "What it is called: a few words."),
        thought=("string", "The idea behind it, in a sentence or two."),
        source=("string", "The whole agent: Python source with `forward(self, taskInfo)`."),
    ),
)

TOOLS = (*READING, *PAYING, HAND_IN)
