"""A scripted model: a function in this process answers the calls."""

from __future__ import annotations

from collections.abc import Callable

from meta_search.types import CallReply, CallRequest, Usage

__all__ = ["ScriptedLLM", "count_tokens"]


def count_tokens(text: str) -> int:
    """Tokens of a text as `meta_search.testing` counts them: one for every four characters, rounded up."""
    return (len(text) + 3) // 4


class ScriptedLLM:
    """Stands in for `Gateway.call`: answers by a function, never sleeps, costs no money.

    Args:
        script: Request -> text of the answer, or a whole `CallReply` (to script a fault). An exception that
            it raises reaches the caller: it is a fault of the test.

    Attributes:
        requests: Every request, in order of arrival.
    """

    def __init__(self, script: Callable[[CallRequest], str | CallReply]) -> None:
        self._script = script
        self.requests: list[CallRequest] = []

    @property
    def calls(self) -> int:
        """Number of requests."""
        return len(self.requests)

    async def __call__(self, request: CallRequest) -> CallReply:
        self.requests.append(request)
        answer = self._script(request)
        if isinstance(answer, CallReply):
            return answer
        prompt = sum(count_tokens(content) for _, content in request.messages)
        usage = Usage(1, prompt, count_tokens(answer), 0.0)
        return CallReply(text=answer, used=usage, paid=usage)
