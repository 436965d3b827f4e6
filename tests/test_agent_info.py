"""`Info` behaves as the published runtime's named tuple, and reads answers as late as it can."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from meta_search.agent.info import Info, content_of
from tests.kits.agent_pipe import Stage, Wire

PLAIN = Info("answer", "Ann 1", "42", 0)


def test_it_is_built_positionally_and_unpacks_into_four() -> None:
    name, author, content, iteration = PLAIN
    assert (name, author, content, iteration) == ("answer", "Ann 1", "42", 0)
    assert (len(PLAIN), PLAIN[2], PLAIN[-1], PLAIN[:2]) == (4, "42", 0, ("answer", "Ann 1"))
    assert Info("a", "b", "c").iteration_idx == -1
    with pytest.raises(IndexError):
        PLAIN[4]


def test_it_compares_and_hashes_by_value() -> None:
    assert Info("answer", "Ann 1", "42", 0) == PLAIN
    assert PLAIN == ("answer", "Ann 1", "42", 0)
    assert Info("answer", "Ann 1", "43", 0) != PLAIN
    assert PLAIN != "42"
    assert len({PLAIN, Info("answer", "Ann 1", "42", 0)}) == 1
    assert isinstance(PLAIN, Info)


def test_it_is_copied_with_changes_and_not_changed() -> None:
    assert PLAIN._replace(content="7", name="x") == ("x", "Ann 1", "7", 0)
    assert PLAIN.content == "42"
    with pytest.raises(AttributeError):
        PLAIN.content = "7"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (PLAIN, "42"), (3, "3"), (Info("n", "a", 2.5), "2.5"), (None, "None")]
)
def test_the_text_of_what_agents_pass(value: Any, text: str) -> None:
    assert content_of(value) == text


def test_an_answer_is_fetched_when_its_content_is_read() -> None:
    wire = Wire(lambda call: "42")
    [answer] = Stage(wire).agent(["answer"], "Ann")([PLAIN])
    assert answer.pending is not None
    assert (answer.name, answer.author, answer.iteration_idx) == ("answer", "Ann 1", -1)
    copied = copy.deepcopy({"history": [answer]})["history"][0]
    renamed = copy.copy(answer)._replace(name="draft")
    assert [kind for kind, _ in wire.log] == ["send"]
    assert "42" in repr(answer)
    assert [kind for kind, _ in wire.log] == ["send", "answer"]
    assert (copied.content, renamed.content, PLAIN.pending) == ("42", "42", None)
    assert isinstance(answer.content, str)


def test_fields_come_in_order_with_the_iteration() -> None:
    wire = Wire(lambda call: '{"answer": 42, "thinking": "40 + 2"}')
    thinking, answer = Stage(wire).agent(["thinking", "answer"], "Ann")([PLAIN], "Solve.", 3)
    assert (thinking.name, thinking.content, thinking.iteration_idx) == ("thinking", "40 + 2", 3)
    assert (answer.name, answer.content) == ("answer", "42")
