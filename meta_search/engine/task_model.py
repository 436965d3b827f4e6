"""What an author is told of the model that agents call."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from itertools import islice

from meta_search.agent.prompt import messages_for
from meta_search.authors.views import TaskModel
from meta_search.config import Config
from meta_search.engine.pool import teachable
from meta_search.engine.traces import Traced
from meta_search.run.members import Members
from meta_search.types import ItemResult

__all__ = ["first_request", "task_model"]

SHOWING = ("demonstrations", "examples")  # what stands in the source of an agent that shows some
MOST_LOOKED_AT = 16  # agents: some ask no model


def task_model(config: Config, request: tuple[tuple[str, str], ...], window: int = 0) -> TaskModel:
    """The task model.

    Args:
        config: The configuration.
        request: See `first_request`.
        window: Tokens that it can read and write in one call, where the endpoint is known for them.
    """
    llm = config.llm
    return TaskModel(
        name=llm.task.model,
        window=llm.local.context if llm.provider == "local" else window,
        reply_tokens=llm.max_tokens,
        request=request,
        teachable=teachable(config),
    )


def first_request(
    members: Members,
    items: Collection[str],
    wording: Mapping[str, str],
    trace: Callable[[ItemResult], Traced],
) -> tuple[tuple[str, str], ...]:
    """The first request of the first agent that has run on one of these items, as it arrived.

    Traces hold the last message of each call. What stands before it is made again as the runtime made it; so
    agents that show worked examples, which stand there too, are passed over.

    Args:
        members: All agents of the run.
        items: Train items that may be shown, in order.
        wording: The domain's.
        trace: Reads the trace of a result.
    """
    plain = (m for m in members if not any(word in m.agent.source for word in SHOWING))
    for member in islice(plain, MOST_LOOKED_AT):
        rows = {row.item: row for row in reversed(member.rows("train")) if row.item in items}
        row = next((rows[item] for item in items if item in rows), None)
        calls = () if row is None else trace(row)[0]
        if calls:
            call = calls[0]
            # Without inputs and instruction: the message that they make stands in the trace.
            before = messages_for([], "", call.role, call.fields, (), wording, "")[:-1]
            return (*((role, text) for role, text in before), ("user", call.prompt))
    return ()
