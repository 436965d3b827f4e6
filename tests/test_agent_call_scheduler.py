"""Lazy answers: what is sent when, and that an agent cannot tell them from strictly sequential ones."""

from __future__ import annotations

import json
import threading
import zlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meta_search.agent import call_scheduler, system
from meta_search.agent.calls import Call
from meta_search.agent.info import Info
from meta_search.agent.request_shape import PLACEHOLDER, shape_of
from meta_search.sandbox.trusted import messages
from meta_search.sandbox.trusted.messages import read
from meta_search.sandbox.trusted.trace import trace_of
from meta_search.types import CallReply, TraceCall, Usage
from tests.kits.agent_pipe import Stage, Wire, any_order, prompt_of

TASK = Info("task", "User", "How many?", -1)


def yes(call: dict[str, Any]) -> str:
    return "yes"


# -- what is sent when


def test_independent_calls_are_sent_before_any_answer_is_read() -> None:
    wire = Wire(yes)
    stage = Stage(wire)
    answers = [stage.agent(["answer"], f"A{i}")([TASK], "Solve.")[0] for i in range(5)]
    assert [kind for kind, _ in wire.log] == ["send"] * 5
    assert [answer.content for answer in answers] == ["yes"] * 5
    assert [kind for kind, _ in wire.log] == ["send"] * 5 + ["answer"] * 5


def test_a_dependent_call_is_sent_when_its_input_arrives() -> None:
    wire = Wire(yes)
    stage = Stage(wire)
    first = stage.agent(["answer"], "first")([TASK], "Solve.")
    slow = stage.agent(["answer"], "slow")([TASK], "Take your time.")
    stage.agent(["answer"], "next")([TASK, *first], "Check.")
    assert wire.authors() == ["first", "slow"]
    assert slow[0].content == "yes"  # reading the slow one is what lets the first one's answer in
    assert wire.log[:4] == [("send", "first"), ("send", "slow"), ("answer", "first"), ("send", "next")]
    assert wire.calls[2]["inputs"] == [1]


def test_an_instruction_may_be_an_answer_under_way() -> None:
    wire = Wire(lambda call: "Add them." if call["author"] == "planner" else "5")
    stage = Stage(wire)
    [plan] = stage.agent(["plan"], "planner")([TASK], "Plan.")
    [answer] = stage.agent(["answer"], "solver")([TASK], plan)
    assert answer.content == "5"
    assert prompt_of(wire.calls[1]).endswith("Add them.")
    assert wire.calls[1]["inputs"] == [1]


def test_what_nobody_reads_is_completed() -> None:
    wire = Wire(yes)
    stage = Stage(wire)
    first = stage.agent(["answer"], "first")([TASK], "Solve.")
    stage.agent(["answer"], "unread")([TASK, *first], "Check.")
    stage.scheduler.finish()
    assert wire.log == [("send", "first"), ("answer", "first"), ("send", "unread"), ("answer", "unread")]


def test_a_loop_of_votes_costs_one_latency_and_a_chain_as_many_as_it_is_deep() -> None:
    wire = Wire(yes)
    stage = Stage(wire)
    rounds = [stage.agent(["answer"], "A", temperature=0.1 * i) for i in range(3)]
    infos = [TASK]
    for agent in rounds:
        infos += agent(infos, "Improve.")
    assert len(wire.calls) == 1
    stage.scheduler.finish()
    assert [kind for kind, _ in wire.log] == ["send", "answer"] * 3


def test_inputs_are_taken_as_they_are_at_the_call() -> None:
    wire = Wire(yes)
    stage = Stage(wire)
    [first] = stage.agent(["answer"], "first")([TASK], "Solve.")
    notes = ["one"]
    infos: list[Any] = [TASK, first, Info("notes", "me", notes, 0)]
    stage.agent(["answer"], "second")(infos, "Go on.")
    notes.append("two")
    infos.append("three")
    stage.scheduler.finish()
    assert "['one']" in prompt_of(wire.calls[1])
    assert "three" not in prompt_of(wire.calls[1])


# -- occurrences


def occurrences(wire: Wire) -> dict[int, str]:
    return {call["id"]: call["occurrence"] for call in wire.calls}


def test_equal_requests_are_numbered_in_program_order_though_answers_come_in_another() -> None:
    """The third call is ready before the second, which might turn out equal: it has to wait for it."""
    wire = Wire(lambda call: "same" if call["author"].startswith("source") else "42", choose=max)
    stage = Stage(wire)
    slow = stage.agent(["answer"], "source 1")([TASK], "One.")
    fast = stage.agent(["answer"], "source 2")([TASK], "Two.")
    # Names are not part of a request, so these two are equal.
    stage.agent(["answer"], "B")([TASK, slow[0]._replace(author="x")], "Check.")
    stage.agent(["answer"], "C")([TASK, fast[0]._replace(author="x")], "Check.")
    stage.scheduler.finish()
    third, fourth = (call for call in wire.calls if call["id"] > 2)
    assert third["messages"] == fourth["messages"]
    assert occurrences(wire) == {1: "0", 2: "0", 3: "0", 4: "1"}


def test_a_known_text_waits_for_one_under_way_that_may_become_the_same() -> None:
    wire = Wire(lambda call: "Think." if call["author"] == "planner" else "42")
    stage = Stage(wire)
    [plan] = stage.agent(["plan"], "planner")([TASK], "Plan.")
    stage.agent(["answer"], "A")([TASK], plan)
    stage.agent(["answer"], "B")([TASK], "Think.")
    assert wire.authors() == ["planner"]
    stage.scheduler.finish()
    assert [(c["author"], c["occurrence"]) for c in wire.calls[1:]] == [("A", "0"), ("B", "1")]


def test_a_call_that_cannot_be_equal_does_not_wait() -> None:
    wire = Wire(yes)
    stage = Stage(wire)
    solver = stage.agent(["answer"], "solver")
    for question in ("one", "two", "three"):
        answer = solver([TASK, question], "Solve.")
        solver([TASK, *answer], "Check.")
    assert len(wire.calls) == 3


def test_equal_samples_are_sent_together() -> None:
    wire = Wire(yes)
    stage = Stage(wire)
    for _ in range(4):
        stage.agent(["answer"], "A")([TASK], "Solve.")
    assert [call["occurrence"] for call in wire.calls] == ["0", "1", "2", "3"]


@settings(deadline=None)
@given(st.lists(st.sampled_from(["", " ", "a", "ab", "\n\n"]), min_size=1, max_size=3), st.data())
def test_shapes_are_compatible_with_all_that_they_can_become(parts: list[str], data: st.DataObject) -> None:
    def message(texts: list[str]) -> dict[str, Any]:
        text = "\n\n".join(t for t in texts if t)
        rest = {"temperature": 0.5, "max_tokens": None, "fields": []}
        return {**rest, "messages": [["user", text]]}

    holes = [data.draw(st.booleans()) for _ in parts]
    shape = shape_of(
        message([PLACEHOLDER if hole else part for part, hole in zip(parts, holes, strict=True)])
    )
    whole = shape_of(message(parts))
    assert shape.may_equal(whole)
    assert whole.may_equal(shape)


# -- the property: no agent can tell

Step = tuple[Any, ...]


def steps(depth: int = 2) -> st.SearchStrategy[list[Step]]:
    """Programs of an agent: asks, pastes, loops, conditions on contents, votes, try, maps, draws."""
    index = st.integers(0, 5)
    ask = st.tuples(st.just("ask"), st.integers(0, 3), st.lists(index, max_size=3), st.integers(0, 2))
    leaf = st.one_of(
        ask,
        ask,
        st.tuples(st.just("ask by"), st.integers(0, 3), index),
        st.tuples(st.just("paste"), st.integers(0, 3), st.lists(index, min_size=1, max_size=3)),
        st.tuples(st.just("as role"), index),
        st.tuples(st.just("vote"), st.lists(index, min_size=1, max_size=3)),
        st.just(("draw",)),
    )
    if depth == 0:
        return st.lists(leaf, min_size=1, max_size=4)
    inner = steps(depth - 1)
    branch = st.one_of(
        st.tuples(st.just("loop"), st.integers(1, 3), inner),
        st.tuples(st.just("if"), index, inner, inner),
        st.tuples(st.just("try"), index, inner),
        st.tuples(st.just("map"), st.integers(0, 3), inner),
    )
    return st.lists(st.one_of(leaf, leaf, branch), min_size=1, max_size=4)


class Play:
    """Carries a program out on a stage."""

    INSTRUCTIONS = ("Solve.", "Check.", "")

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        kinds = [(["answer"], "Ann"), (["answer"], "Bob"), (["thinking", "answer"], "Ann"), (["code"], "Eve")]
        self.agents = [stage.agent(fields, name) for fields, name in kinds]

    def run(self, program: list[Step], infos: list[Info]) -> list[Info]:
        for step in program:
            infos = self.step(step, infos)
        return infos

    def step(self, step: Step, infos: list[Info]) -> list[Info]:
        def at(index: int) -> Info:
            return infos[-1 - index % len(infos)]

        kind, *rest = step
        if kind == "ask":
            agent, indices, instruction = rest
            return [
                *infos,
                *self.agents[agent]([at(i) for i in indices] or [TASK], self.INSTRUCTIONS[instruction]),
            ]
        if kind == "ask by":
            return [*infos, *self.agents[rest[0]]([TASK], at(rest[1]))]
        if kind == "paste":
            told = ", then ".join(str(at(i).content)[: 60 - i] for i in rest[1])
            return [*infos, *self.agents[rest[0]]([TASK], f"They said: {told}. Who is right?")]
        if kind == "as role":
            return [*infos, *self.stage.agent(["answer"], "Expert", role=at(rest[0]).content)([TASK])]
        if kind == "try":
            try:
                tried = self.run(rest[1], infos)
                int(str(at(rest[0]).content))  # an answer that is no number ends it
            except ValueError:
                return infos
            return tried
        if kind == "vote":
            votes = Counter(at(i).content for i in rest[0])
            return [*infos, Info("vote", "me", votes.most_common(1)[0][0], 0)]
        if kind == "draw":
            return [*infos, Info("draw", "me", str(self.stage.scheduler.branch.random.randrange(3)), 0)]
        if kind == "loop":
            for _ in range(rest[0]):
                infos = self.run(rest[1], infos)
            return infos
        if kind == "if":
            return self.run(rest[1] if at(rest[0]).content in ("0", "How many?") else rest[2], infos)
        found = self.stage.system.map(
            lambda i: self.run(rest[1], [*infos, Info("i", "me", i % 2, 0)])[-1], range(rest[0])
        )
        return [*infos, *found]


def reply(call: dict[str, Any]) -> str:
    """Few different texts, a function of the request and its occurrence: requests often turn out equal."""
    told = {key: call[key] for key in ("messages", "temperature", "fields", "occurrence")}
    number = zlib.crc32(json.dumps(told).encode()) % 5
    long = f"I counted everything that has legs and got {number}, which I am sure of."
    value = str(number) if number < 2 else long
    return json.dumps({"thinking": long, "answer": number % 2}) if len(call["fields"]) > 1 else value


def trace(wire: Wire) -> tuple[TraceCall, ...]:
    """The trace that the broker makes of it."""
    rows = [(read(json.dumps(message).encode()), reply(message)) for message in wire.calls]
    return trace_of(
        [
            (call, CallReply(text, Usage(1, len(text))))
            for call, text in rows
            if isinstance(call, messages.Call)
        ]
    )


def play(program: list[Step], choose: Callable[[list[int]], int]) -> tuple[list[str], Any, Any]:
    """What the agent saw, the requests that it made, and their trace."""
    wire = Wire(reply, choose)
    stage = Stage(wire, seed=7)
    infos = Play(stage).run(program, [TASK])
    seen = [info.content for info in infos]
    stage.scheduler.finish()
    asked = Counter(json.dumps([c["messages"], c["fields"], c["occurrence"]]) for c in wire.calls)
    return seen, asked, trace(wire)


def play_in_sequence(program: list[Step]) -> tuple[list[str], Any, Any]:
    """The same with every call answered before the next step, branches one after another."""
    with pytest.MonkeyPatch.context() as patch:
        call = call_scheduler.CallScheduler.call

        def at_once(self: call_scheduler.CallScheduler, *args: Any) -> Call:
            made = call(self, *args)
            self.wait(made)
            return made

        patch.setattr(call_scheduler.CallScheduler, "call", at_once)
        patch.setattr(system, "MAP_THREADS", 1)
        return play(program, min)


@settings(max_examples=200, deadline=None)
@given(steps(), st.integers(0, 10_000))
def test_no_agent_can_tell_lazy_answers_from_sequential_ones(program: list[Step], seed: int) -> None:
    assert play(program, any_order(seed)) == play_in_sequence(program)


def test_the_property_sees_pastes_maps_and_equal_requests() -> None:
    """What is generated above is no empty case: one program with all of it."""
    ask, paste = ("ask", 0, [], 0), ("paste", 1, [0, 1])
    program: list[Step] = [ask, ask, paste, ("map", 2, [ask, ("paste", 2, [0])]), ("try", 0, [paste])]
    seen, asked, calls = play(program, any_order(1))
    assert (seen, asked, calls) == play_in_sequence(program)
    assert [call.index for call in calls] == list(range(1, 9))
    assert sorted(call.author for call in calls) == ["Ann"] * 6 + ["Bob"] * 2
    assert [bool(call.pasted) for call in calls] == [False, False, True, False, True, False, True, True]
    assert max(asked.values()) == 1


# -- what is pasted


def test_a_paste_counts_only_if_it_was_read_before_the_call() -> None:
    wire = Wire(lambda call: "Forty-two legs have they got in all, I am sure." if call["id"] < 3 else "no")
    stage = Stage(wire)
    agent = stage.agent(["answer"], "A")
    [first] = agent([TASK], "One.")
    [second] = agent([TASK], "Two.")
    [third] = agent([TASK], f"Is it so? {first.content}")
    agent([TASK, third], "Well?")
    agent([TASK, second, first.content])
    stage.scheduler.finish()
    assert [(c["inputs"], c["pasted"]) for c in sorted(wire.calls, key=lambda c: c["place"])] == [
        ([], []),
        ([], []),
        ([], [1]),  # the second says the same, but nobody has read it
        ([3], []),
        ([2], [1]),
    ]


def test_branches_know_what_was_read_before_them_and_hand_on_what_they_read() -> None:
    texts = {1: "alpha says that it is one", 2: "beta says that it is two", 3: "gamma says that it is three"}
    wire = Wire(lambda call: texts.get(call["id"], "so"))
    stage = Stage(wire)
    agent = stage.agent(["answer"], "A")
    [first] = agent([TASK])
    text = first.content
    found = stage.system.map(lambda i: agent([text, str(i)])[0].content, range(2))
    agent(["; ".join(found)])
    stage.scheduler.finish()
    assert [c["pasted"] for c in sorted(wire.calls, key=lambda c: c["place"])] == [[], [1], [1], [2, 3]]


# -- the limit of calls


def test_one_call_too_many_is_sent_last() -> None:
    """Whatever answers come first, the calls that are paid are the first ones."""
    wire = Wire(yes, choose=max)
    stage = Stage(wire)
    stage.scheduler.limit = 3
    agent = stage.agent(["answer"], "A")
    first = agent([TASK])
    agent([TASK, *first], "second")
    agent([TASK], "third")
    agent([TASK], "fourth")
    assert [prompt_of(call).rpartition("\n")[2] for call in wire.calls][-1] == "fourth"
    assert len(wire.calls) == 4


# -- map, and threads


def test_branches_of_map_overlap_and_come_back_in_order() -> None:
    wire = Wire(prompt_of, choose=max, fewest=3)
    stage = Stage(wire)
    agent = stage.agent(["answer"], "A")

    def branch(text: str) -> str:
        [first] = agent([text])
        [second] = agent([first.content, "!"])
        return str(second.content)

    assert stage.system.map(branch, "abc") == ["a\n\n!", "b\n\n!", "c\n\n!"]
    assert [kind for kind, _ in wire.log[:4]] == ["send"] * 3 + ["answer"]
    assert sorted({call["occurrence"] for call in wire.calls}) == ["0.0/0", "0.1/0", "0.2/0"]


def test_map_nests_and_takes_more_items_than_threads() -> None:
    stage = Stage(Wire(yes))
    agent = stage.agent(["answer"], "A")

    def outer(i: int) -> list[str]:
        return stage.system.map(lambda j: f"{i}{j}{agent([TASK], str(j))[0].content}", range(2))

    assert stage.system.map(outer, range(20)) == [[f"{i}0yes", f"{i}1yes"] for i in range(20)]
    assert stage.system.map(outer, []) == []


def test_the_first_exception_of_a_map_is_raised() -> None:
    stage = Stage(Wire(yes))

    def branch(i: int) -> float:
        stage.agent(["answer"], "A")([TASK], str(i))[0].content  # noqa: B018
        return 1 / (i - 2) / (i - 3)

    with pytest.raises(ZeroDivisionError):
        stage.system.map(branch, range(5))
    assert stage.agent(["answer"], "A")([TASK])[0].content == "yes"


def test_threads_of_an_agents_own_are_told_of_map() -> None:
    stage = Stage(Wire(yes))
    [answer] = stage.agent(["answer"], "A")([TASK])
    faults: list[BaseException] = []

    def work(read: Callable[[], object]) -> None:
        try:
            read()
        except RuntimeError as error:
            faults.append(error)

    for job in (lambda: stage.agent(["answer"], "B")([TASK]), lambda: answer.content):
        thread = threading.Thread(target=work, args=(job,))
        thread.start()
        thread.join()
    assert ["self.map" in str(fault) for fault in faults] == [True, True]
    assert answer.content == "yes"


def test_a_broken_pipe_leaves_no_branch_waiting() -> None:
    class Broken(Wire):
        def recv(self) -> dict[str, Any]:
            raise EOFError

    stage = Stage(Broken(yes))
    with pytest.raises(EOFError):
        stage.system.map(lambda i: stage.agent(["answer"], "A")([TASK])[0].content, range(3))
