"""Author `agentic`: the meta agent works in steps, with tools over the archive, until it hands an agent in.

The idea is Meta-Harness's (an author that reads sources, scores and traces of all candidates does better than
one that is told a summary), within a budget for each brief: `author.steps` replies, `author.tries` runs of
items and prompts. All that it asks goes through ledger, budget and journal; what it reads was fixed when the
brief was handed out (`authors.knowledge`), so that kill, resume and replay come to the same conversation.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from meta_search.authors.agentic_tools import DoingTools
from meta_search.authors.archive_lines import summary
from meta_search.authors.archive_tools import ArchiveTools
from meta_search.authors.asking import request
from meta_search.authors.author import Context, Written
from meta_search.authors.conversation import Conversation
from meta_search.authors.drafts import attempt, lost
from meta_search.authors.knowledge import Knowledge
from meta_search.authors.lessons import with_lesson
from meta_search.authors.prompts import system, task_of
from meta_search.authors.registry import by_operator
from meta_search.authors.replies.reply import ReplyFault, read_reply
from meta_search.authors.sight.quoting import NUMBERED
from meta_search.authors.sight.runtime import runtime_text
from meta_search.authors.templating import render
from meta_search.authors.tool_specs import PAYING, TOOLS
from meta_search.authors.tool_text import BadArguments, arguments_of
from meta_search.text import one_line
from meta_search.types import Attempt, CallReply, CallRequest, Candidate, ToolCall

__all__ = ["AgenticAuthor"]

MOST_CALLS = 16  # of one reply
MOST_LOST = 2  # replies in a row that were cut
MOST_SILENT = 4  # replies in a row that called nothing
SILENT = (
    f"the meta model called no tool in {MOST_SILENT} replies: author=agentic is for models that call tools, "
    "author=llm for the others"
)
MOST_NAME = 60
EVERY = 4  # steps between two lines for whoever watches
CUT = "(a reply that was cut)"
FORM = '{"tool": "…", "arguments": {…}}'


class AgenticAuthor:
    """Author `agentic`; one for each brief."""

    def write(self, context: Context) -> Written:
        """Carry a brief out in steps, where its operator has no other way."""
        context = with_lesson(context)
        return by_operator("agentic", context) or _Work(context).carry_out()


class _Work:
    """One brief at work."""

    def __init__(self, context: Context) -> None:
        self._context, self._bench = context, context.bench
        self._known = context.knowledge or Knowledge()
        lesson = context.findings.lesson
        self._archive = ArchiveTools(
            self._known, self._bench.look, lesson.text if lesson else "", context.config.feedback
        )
        self._tools = {tool.name: tool for tool in TOOLS if context.config.tries or tool not in PAYING}
        self._doing = DoingTools(context, self._archive)
        self._silent = 0
        self._used: Counter[str] = Counter()
        self._talk = Conversation(context)

    def carry_out(self) -> Written:
        """Step by step, until an agent is handed in or nothing is left."""
        self._talk.open(system(self._context.config.prompts), self._opening())
        steps, cut = self._context.config.steps, 0
        for step in range(steps):
            reply = self._bench.ask(self._request(step))
            cut = cut + 1 if reply.fault == "cut" else 0
            if reply.fault == "cut" and cut < MOST_LOST:
                self._talk.heard(CallReply(CUT))
                self._talk.say(f"Your reply was {reply.message}: keep it shorter.{self._left(step)}")
            elif reply.fault == "context" and self._talk.shorten():
                continue
            elif reply.fault:
                return self._ended(lost(self._context, reply))
            else:
                self._answer(reply, step)
            self._tell(step)
            if self._doing.made is not None:
                return Written(self._doing.made, tuple(self._doing.failed))
            if self._silent >= MOST_SILENT:
                return replace(self._ended(attempt(self._context, "draft", SILENT)), note=SILENT)
        why = f"the {steps} steps (author.steps) ended before an agent was handed in"
        return self._ended(attempt(self._context, "draft", why))

    def _request(self, step: int) -> CallRequest:
        asked = request(self._context, self._talk.messages(), f"step{step}")
        return replace(asked, tools=tuple(self._tools.values()))

    def _opening(self) -> str:
        context, known = self._context, self._known
        agents = {a.candidate.agent.id: a for a in known.agents}
        parents = [summary(agents[p]) for p in context.brief.parents if p in agents]
        counts = Counter(item.kind for item in known.items if item.kind)
        kinds = ", ".join(f"{n} {one_line(kind, MOST_NAME)}" for kind, n in sorted(counts.items()))
        return render(
            context.config.prompts,
            "agentic",
            domain=context.domain,
            runtime=runtime_text(context),
            task=task_of(context, "novel"),
            items=len(known.items),
            kinds=f" ({kinds})" if kinds else "",
            parents=parents,
            notes=context.config.notes,
            steps=context.config.steps,
            tries=context.config.tries,
            material=NUMBERED,
        )

    # -- a step

    def _answer(self, reply: CallReply, step: int) -> None:
        """Do what a reply calls for, and tell what came of it."""
        self._doing.said = reply.text or self._doing.said
        self._talk.heard(reply)
        self._silent = 0 if reply.tool_calls else self._silent + 1
        if not reply.tool_calls:
            self._talk.say(self._uncalled(reply.text) + self._left(step))
            return
        told = []
        for number, call in enumerate(reply.tool_calls):
            if self._doing.made is not None:
                text = "Left out: the agent is handed in."
            elif number >= MOST_CALLS:
                text = f"Left out: at most {MOST_CALLS} calls a reply."
            else:
                text = self._use(call)
            told.append((call, text))
        self._talk.tell(told, self._left(step))

    def _uncalled(self, text: str) -> str:
        """What is made of a reply without a call: one that holds an agent hands it in."""
        try:
            read = read_reply(text, "program", "")
        except ReplyFault:
            return f"You called no tool. Call one, or reply with a JSON object: {FORM}"
        return self._doing.hand_in({"name": read.name, "thought": read.thought, "source": read.source})

    def _use(self, call: ToolCall) -> str:
        """What a call comes to, as text; whatever it holds, it is no fault of ours."""
        tool = self._tools.get(call.name)
        if tool is None:
            known = ", ".join(self._tools)
            return (
                f"Error: there is no tool {one_line(call.name, MOST_NAME) or '(no name)'}; there are {known}"
            )
        self._used[tool.name] += 1
        try:
            given = arguments_of(call.arguments, tool)
            if tool.name in self._doing:
                return self._doing.use(tool.name, given)
            return self._archive.use(tool.name, given)
        except BadArguments as error:
            return f"Error: {error}"

    def _left(self, step: int) -> str:
        """What is left after a step; it stands at the end of what the step is told."""
        steps = self._context.config.steps - step - 1
        tries = f", {self._doing.tries} tries" if self._context.config.tries else ""
        last = " This is the last one: hand in now." if steps == 1 else ""
        return f"\n\n[Left: {steps} step{'s' * (steps != 1)}{tries}.{last}]"

    def _tell(self, step: int) -> None:
        """A line for whoever watches, every few steps."""
        if (step + 1) % EVERY == 0 and self._doing.made is None:
            used = ", ".join(f"{name} {n}" if n > 1 else name for name, n in self._used.items())
            self._bench.say(f"step {step + 1} of {self._context.config.steps}: {used or 'no tool'}")
            self._used.clear()

    def _ended(self, last: Attempt) -> Written:
        """No agent was handed in: the last one that was tried is taken, if there is one."""
        if self._doing.valid is not None:
            made = self._doing.checked(self._doing.valid)
            if isinstance(made, Candidate):
                return Written(made, tuple(self._doing.failed))
        return Written(None, (*self._doing.failed, last))
