"""How a call is put to its endpoint: in the endpoint's dialect, with how much room, and what is asked anew.

What an endpoint does not take is no failure: the call is sent again without it, and so are all later ones.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from meta_search.config import LLMConfig
from meta_search.llm import structured, takes, tools
from meta_search.llm.calls import AGENTS, PROBE, Call, Shape
from meta_search.llm.faults import Failure
from meta_search.llm.ledger import Entry
from meta_search.llm.replies import Answer
from meta_search.llm.takes import Messages, SchemaMode
from meta_search.types import Usage

__all__ = ["Form"]

GROWS = 4  # times the room that a cut answer is given when it is asked for again
MOST_ROOM = 32_768  # tokens; of those who write agents, where their model thinks
ONCE_MORE = 16_384  # up to here also where it does not


@dataclass(slots=True, eq=False)
class Form:
    """One call as it is put to its endpoint, attempt after attempt. A probe's refusals and answers tell what
    the endpoint takes; those of other calls are doubts, which a probe looks into.

    Attributes:
        call: The call.
        config: `llm.*`.
        say: Gets a line on what was learned.
        mode: How the next attempt's schema is sent; `None` takes what the route knows.
        guessed: Whether it was assumed that the schema was what the endpoint refused.
        cut: The last answer, where that was cut and there may be room for a whole one.
        thrifty: Whether the budget has room for what was asked for only, and none for thinking.
        doubts: Fields of `Takes` that the last answer speaks against.
        sent_at: When the last attempt was sent; monotonic seconds.
        refused_at: When the first of the latest attempts was sent that were all refused.
        limited_at: When the last attempt was sent that was asked to wait as all are.
        took: What the endpoint was known to take when the last attempt was sent.
    """

    call: Call
    config: LLMConfig
    say: Callable[[str], None]
    mode: SchemaMode | None = None
    guessed: bool = False
    cut: Entry | None = None
    thrifty: bool = False
    doubts: set[str] = field(default_factory=set)
    sent_at: float = 0.0
    refused_at: float | None = None
    limited_at: float = float("inf")
    took: takes.Takes | None = None
    _thinks: bool = False
    _room: int = 0  # asked for after a cut
    _left: int = 0  # what the model's context leaves beside this prompt
    _changed: set[str] = field(default_factory=set)  # each is learned once in a call
    _sent: tuple[Messages, dict[str, Any]] = ((), {})
    _sent_limit: int = 0
    _untooled: bool = False  # a probe was refused with tools, and sent again without

    @property
    def limit(self) -> int:
        """Most tokens of the next attempt's answer. A model that thinks does so within this limit: it is not
        held to what an agent allows for its answer alone."""
        known, limit = self.call.route.takes, self.call.max_tokens
        if self.thinks and not self.call.route.endpoint.free:
            room = max(known.room, self.call.route.rooms.get(self._whose, 0))
            room = min(room, self._most()) if self._thrifty_kind else room
            limit = limit if self.thrifty else max(limit, self.config.max_tokens, room)
        limit = max(limit, self._room)
        limits = (limit, self._left or limit, known.most or limit)
        return max(1, min(limits))

    @property
    def thinks(self) -> bool:
        """Whether the model thinks before it answers, always or for this call."""
        return self.call.route.takes.thinks or self._thinks

    @property
    def is_probe(self) -> bool:
        """Whether the call is the gateway's own."""
        return self.call.request.purpose == PROBE

    @property
    def offers_tools(self) -> bool:
        """Whether the next attempt offers tools."""
        return bool(self.call.request.tools) and self.call.route.takes.tools

    @property
    def is_hopeless(self) -> bool:
        """Whether the call is about tools, which its endpoint is known not to take."""
        return bool(self.call.request.tools) and not self.offers_tools and not self.is_probe

    @property
    def shape(self) -> Shape:
        """What a probe of the same form takes over."""
        request = self.call.request
        system = any(role == "system" for role, _ in request.messages)
        mode = (self.mode or self.call.route.schema) if request.schema else None
        limit = max(self.config.max_tokens, self._sent_limit)
        return Shape(system, request.seed is not None, mode, limit, bool(request.tools))

    @property
    def _whose(self) -> str:
        """Whose answers have room in common."""
        request = self.call.request
        return request.agent if request.purpose in AGENTS else f"for {request.purpose}"

    @property
    def _thrifty_kind(self) -> bool:
        """Whether an answer's room is bounded by `llm.max_tokens`."""
        return self.is_probe or self.call.request.purpose in AGENTS

    @property
    def estimate(self) -> Usage:
        """Upper bound of the next attempt's usage."""
        return self.call.route.price.usage(self.call.estimate.prompt_tokens, self.limit)

    def written(self, limit: int) -> tuple[Messages, dict[str, Any]]:
        """Messages and settings as they are sent now, with this limit of tokens."""
        request, schema, mode = self.call.request, self.call.request.schema, self.mode
        settings: dict[str, Any] = {"temperature": request.temperature, "max_tokens": limit}
        if request.seed is not None:
            settings["seed"] = request.seed
        if self.offers_tools:
            settings["tools"] = tools.specs(request.tools)
        messages = request.messages
        if schema and mode == "object":
            settings["response_format"] = {"type": "json_object"}
        elif schema and mode != "instruct":
            settings["response_format"] = structured.response_format(schema, self.call.route.endpoint.free)
        if schema and mode in ("instruct", "both", "object"):
            messages = structured.with_instructions(messages, schema)
        self._sent_limit, self.took = limit, self.call.route.takes
        self._sent = takes.sent_form(messages, settings, self.call.route.takes)
        return self._sent

    def suspects(self, failure: Failure) -> bool:
        """Whether a refusal may be about what the endpoint takes of anybody, so that a probe is worth it."""
        if failure.kind in ("transient", "limited"):
            self.refused_at = None
        elif self.refused_at is None:
            self.refused_at = self.sent_at
        changes = self._blamed_fields(failure)
        if any(not self._holds(name, value) for name, value in changes.items()):
            return True
        return not self.call.route.is_known and self._blames_schema(failure)

    def follows(self, failure: Failure) -> bool:
        """Whether the call is sent again at once: as the endpoint takes it, by what is known now, or
        in another form of its own."""
        changes = self._blamed_fields(failure)
        known = [name for name, value in changes.items() if self._holds(name, value)]
        self._changed.update(known)
        if known or self._fits(failure):
            return True
        if not self._blames_schema(failure):
            return False
        mode = self.call.route.schema
        if mode not in ("instruct", "object", "both") or mode == self.mode:
            mode = takes.refuses_schema(failure.status, failure.said or failure.message) or "instruct"
            mode = "instruct" if self.mode == "object" else mode
        self.mode = mode
        return True

    def learns(self, failure: Failure) -> bool:
        """Whether a failure of a probe tells what to leave out, so that it is sent again at once."""
        changes = self._blamed_fields(failure)
        if changes:
            self._changed.update(changes)
            self.note(changes)
            return True
        return self._fits(failure) or self._learns_tools(failure) or self._learns_schema(failure)

    def _blamed_fields(self, failure: Failure) -> dict[str, Any]:
        """What a refusal says that the endpoint does not take; each counts once in a call."""
        messages, settings = self._sent
        changes = takes.learned(messages, settings, failure.status, failure.said or failure.message)
        return {name: value for name, value in changes.items() if name not in self._changed}

    def _holds(self, name: str, value: Any) -> bool:
        """Whether something is known of the endpoint by now."""
        known = getattr(self.call.route.takes, name)
        return bool(0 < known < self._sent_limit) if name == "most" else bool(known == value)

    def _blames_schema(self, failure: Failure) -> bool:
        """Whether it may be the schema that was refused."""
        asked = failure.kind == "request" or failure.status == 404
        return asked and bool(self.call.request.schema) and self.mode not in ("instruct", None)

    def _fits(self, failure: Failure) -> bool:
        """Whether a smaller answer would fit into the context beside the prompt."""
        left = takes.room_left(failure.said or failure.message, self.limit)
        if left and "left" not in self._changed:
            self._changed.add("left")
            self._left = left
            return True
        return False

    def blamed(self, failure: Failure) -> Failure:
        """A refusal, with where a field of the user's own comes from that it names."""
        extra = self.call.route.endpoint.extra
        named = [name for name in (json.loads(extra) if extra else ()) if name in failure.message]
        if failure.kind != "request" or not named:
            return failure
        whence = f"; {named[0]} comes from llm.extra_body, llm.meta.extra or llm.task.extra: leave it out"
        return dataclasses.replace(failure, message=failure.message + whence)

    def _learns_tools(self, failure: Failure) -> bool:
        """Perhaps the endpoint takes no tools, where it does not say why it refused a probe."""
        asked = failure.kind == "request" or failure.status == 404
        if not (self.call.request.tools and asked):
            return False
        if self.offers_tools:
            self._untooled = True
            self.note({"tools": False})
            return True
        if self._untooled:  # it was not the tools
            self.call.route.takes = dataclasses.replace(self.call.route.takes, tools=True)
        return False

    def _learns_schema(self, failure: Failure) -> bool:
        """Perhaps the endpoint takes no schemas (or, where it took others, not this one)."""
        route = self.call.route
        if self._blames_schema(failure):
            instead = takes.refuses_schema(failure.status, failure.said or failure.message) or "instruct"
            if self.mode == "object":
                instead = "instruct"
            if self.mode == "unknown" or (self.guessed and self.mode == "object"):
                route.schema, self.guessed = instead, True
            self.mode = instead
            return True
        if self.guessed and (failure.kind == "request" or failure.status == 404):
            route.schema = "unknown"  # it was not the schema
        return False

    def note(self, changes: dict[str, Any]) -> None:
        """Keep something that was learned of the endpoint, and say it if it is new."""
        if line := self.call.route.learns(changes):
            self.say(line)

    def tells(self, name: str, value: Any) -> None:
        """What an answer shows of its endpoint: noted of a probe, a doubt of any other call."""
        route = self.call.route
        if self.is_probe:
            self.note({name: value})
        elif getattr(route.takes, name) != value and name not in route.doubted:
            self.doubts.add(name)

    def met(self, answer: Answer) -> None:
        """Take note of what an answer shows beside its words."""
        route = self.call.route
        if answer.thinks and not route.endpoint.free:
            self._thinks = True
            self.tells("thinks", True)
        if not self.call.request.schema or self.mode is None:
            return
        if self.is_probe and route.schema == "unknown":
            route.schema = "format" if self.mode == "unknown" else self.mode
        elif self.mode in ("unknown", "format") and not self.is_probe:
            if not answer.is_cut and not structured.is_object(answer.text):
                self.tells("schema", "both")
            elif route.schema == "unknown":
                route.schema = "format"

    def rewords(self, entry: Entry) -> bool:
        """Whether the call is asked again with its schema in words, which the endpoint needs as is known
        now."""
        ignored = self.mode in ("unknown", "format") and self._is_ignored(entry)
        if not ignored or self.is_probe or self.call.route.schema != "both":
            return False
        self.mode = "both"
        return True

    def is_cut(self, answer: Answer) -> bool:
        """Whether an answer was stopped before it was whole. Some models fill up with blanks after an
        object by schema."""
        return answer.is_cut and not (self.call.request.schema and structured.is_object(answer.text))

    def answered(self, entry: Entry) -> Entry | None:
        """An entry that settles the call; `None` to ask again: the schema was not heeded, or the answer was
        cut and there may be room for a whole one."""
        if self.cut is not None:  # both were sent
            entry = dataclasses.replace(entry, used=self.cut.used + entry.used)
        if entry.fault == "cut":
            return None if self._grows(entry) else entry
        if self._room and self.thinks:
            self._keep_room()
        if self.is_probe and self._is_ignored(entry):
            self.note({"schema": "both"})
            if self.mode == "unknown":
                self.mode = "both"
                return None
        return entry

    def _keep_room(self) -> None:
        """An answer has needed so much room: of a probe, that holds for all; else for its agent's calls."""
        route = self.call.route
        if self.is_probe:
            self.note({"room": max(self._room, route.takes.room)})
        else:
            route.rooms[self._whose] = max(self._room, route.rooms.get(self._whose, 0))

    def _is_ignored(self, entry: Entry) -> bool:
        """Whether the endpoint took a schema and did not heed it."""
        sent = self.call.request.schema and self.mode in ("unknown", "format")
        return bool(sent) and not structured.is_object(entry.text)

    def _grows(self, entry: Entry) -> bool:
        """Whether a cut answer is asked for again, with more room."""
        route, now = self.call.route, self.limit
        if route.endpoint.free:  # an embedded model rambles, and another answer takes seconds
            return False
        agents = self._thrifty_kind
        if self.thinks:
            most = self._most() if agents else MOST_ROOM
        elif agents:
            most = self.config.max_tokens
        else:
            most = MOST_ROOM if now < ONCE_MORE else now
        most = min(most, route.takes.most or most, self._left or most)
        if self._sent_limit >= most:  # not `now`: others may have found out meanwhile how much room it takes
            return False
        self._room, self.cut = min(GROWS * now, most), entry
        return True

    def _most(self) -> int:
        """The most tokens that an agent's call may have, where its model thinks."""
        return GROWS * self.config.max_tokens
