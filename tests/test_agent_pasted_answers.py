"""Answers that are pasted as text are found in prompts, and nothing else is."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meta_search.agent.pasted_answers import Background, Text, pasted_calls

TASK = "A farmer has 3 dogs and 2 birds. How many legs have they got in all? Choices: A) 12 B) 16 C) 18"
AGENT = """
ROLES = ["Math Professor", "A", "B"]
def forward(self, taskInfo):
    critic([taskInfo], f"Here is what was said: {x} Answer: {y}. Reply with True or False, no more.")
    judge([taskInfo], "Given {} and the vote of %s, decide which of them is right.".format(a) % b)
"""
BACKGROUND = Background(compile(AGENT, "agent.py", "exec"), [TASK])
LONG = (
    "First we count the dogs' legs: each has four of them, so it's \"twelve\".\n"
    "Then the birds add four more; the sum is 16.\n- No animal was forgotten."
)
OTHER = (
    "First we count the dogs' legs: each has four of them, which makes twelve so far.\n"
    "Birds have two legs each, so all of them together have 17."
)


def found(*pieces: str, **reads: str) -> str:
    """Names of the answers that stand in the pieces, in the order in which they were read."""
    return "".join(pasted_calls(pieces, [Text(text, [name]) for name, text in reads.items()], BACKGROUND))


@pytest.mark.parametrize(
    "paste",
    [
        lambda x: x,
        lambda x: f"Here is what was said: {x} Answer: 4. Reply with True or False, no more.",
        lambda x: f"Given {x} and the vote of 7, decide which of them is right.",
        lambda x: TASK + "\n\n" + x,
        lambda x: x.strip().upper(),
        lambda x: " ".join(x.split()),
        lambda x: str([x, "4"]),
        lambda x: repr({"reply": x}),
        lambda x: json.dumps({"replies": [x]}),
        lambda x: x[:70],
        lambda x: x[30:],
        lambda x: f"Attempt 2: {x[10:90]}...",
        lambda x: x.replace("four", "4").replace("\n", "<br>"),
        lambda x: "\n".join(f"> {line}" for line in x.splitlines()),
        lambda x: "\n".join(reversed(x.splitlines())),
        lambda x: x.splitlines()[1],
        lambda x: x.splitlines()[-1],
    ],
)
def test_a_long_answer_is_found_however_it_is_pasted(paste: Callable[[str], str]) -> None:
    assert found(paste(LONG), a=LONG, b=OTHER) == "a"
    assert found(paste(OTHER), a=LONG, b=OTHER) == "b"
    both = found(paste(LONG), paste(OTHER), a=LONG, b=OTHER)
    assert both == "ab"


@pytest.mark.parametrize(
    ("pieces", "reads", "names"),
    [
        (["16"], {"a": "16", "b": "12"}, "a"),
        (
            ["Given 16 and the vote of 7, decide which of them is right."],
            {"a": "16", "b": "7", "c": "6"},
            "ab",
        ),
        (["16, 12, 12"], {"a": "16", "b": "12", "c": "12", "d": "1"}, "abc"),
        (["['16', '7 legs']"], {"a": "16", "b": "7 legs", "c": "7", "d": "legs"}, "ab"),
        (["B"], {"a": "A", "b": "B"}, "b"),
        (["Answer: B."], {"b": "B"}, "b"),
        (["42"], {"a": "The answer is 42.", "b": "41"}, "a"),
        (["1,042"], {"a": "That makes $1,042 in all.", "b": "1"}, "a"),
        (["add the legs"], {"a": "1. count them\n2. add the legs\n3. done"}, "a"),
        (["Physics"], {"a": "Mathematics, Physics"}, "a"),
        (["add 3, twice"], {"a": '{"steps": ["add 3", "times 2"], "how": "twice"}'}, "a"),
        (["+"], {"a": "+", "b": "-"}, "a"),
        (["因此答案是十六"], {"a": "因此答案是十六", "b": "十七"}, "a"),
        (["我认为十六正确"], {"a": "十六", "b": "十七"}, "a"),
        (["Sechzehn Füße"], {"a": "sechzehn füße"}, "a"),
    ],
)
def test_short_answers_are_found(pieces: list[str], reads: dict[str, str], names: str) -> None:
    assert found(*pieces, **reads) == names


@pytest.mark.parametrize(
    ("pieces", "reads"),
    [
        ([TASK], {"a": "3", "b": "A", "c": "How many legs have they got in all?"}),
        ([TASK + "\nTry anew."], {"a": "16", "b": "12", "c": "birds"}),
        ([TASK[:60]], {"a": "3", "b": "dogs"}),
        (["Choices: 12"], {"b": "2"}),
        (["Math Professor"], {"a": "math"}),
        (
            ["Given x and the vote of y, decide which of them is right."],
            {"a": "right", "b": "vote", "c": "n"},
        ),
        (["Here is what was said:  Answer: . Reply with True or False, no more."], {"a": "True", "b": "No"}),
        (["Attempt 3"], {"a": "13", "b": "So it is 3 of 13"}),
        ([""], {"a": "", "b": " "}),
        ([], {"a": LONG}),
    ],
)
def test_what_else_explains_a_prompt_is_no_edge(pieces: list[str], reads: dict[str, str]) -> None:
    assert found(*pieces, **reads) == ""


def test_of_equal_answers_those_of_calls_that_are_there_anyway_come_first() -> None:
    reads = [
        Text("A", ["old"]),
        Text(LONG, ["new"]),
        Text("A", ["new"]),
        Text(OTHER, ["other"]),
        Text("A", ["other"]),
    ]
    assert pasted_calls([f"{LONG} So A."], reads, BACKGROUND) == ["new"]
    assert pasted_calls([f"{LONG} So A. And A."], reads, BACKGROUND) == ["old", "new", "other"]
    assert pasted_calls(["A"], reads, BACKGROUND) == ["old", "new", "other"]
    assert pasted_calls(["A"], reads, BACKGROUND, ["other"]) == ["other"]


def test_a_short_answer_within_a_pasted_long_one_is_no_edge() -> None:
    assert found(LONG, a=LONG, b="16", c="twelve", d="four") == "a"
    assert found(f"{LONG} {OTHER}", a=LONG, b=OTHER, c="17") == "ab"
    assert found(LONG + "\nAnswer: 16", a=LONG, b="16") == "ab"


def test_a_literal_passed_as_it_is_was_chosen_and_not_pasted() -> None:
    code = compile('R = "Math Professor"', "agent.py", "exec")
    scope: dict[str, str] = {}
    exec(code, scope)
    background = Background(code, [])
    reads = [Text("Math Professor", ["router"])]
    assert pasted_calls([scope["R"]], reads, background) == []
    assert pasted_calls(["".join(["Math ", "Professor"])], reads, background) == ["router"]


def test_texts_without_a_call_explain_words_and_make_no_edge() -> None:
    printed = Text("6 times 7 is exactly 42 and nothing else", [])
    assert pasted_calls([f"It printed: {printed.text}"], [Text("42", ["a"]), printed], BACKGROUND) == []
    printed = Text(printed.text, ["coder"])
    assert pasted_calls([f"It printed: {printed.text}"], [Text("42", ["a"]), printed], BACKGROUND) == [
        "coder"
    ]


words = st.lists(st.sampled_from("ant bee cat dog elk fox gnu hen ibis jay 1 2 3 17".split()), min_size=1)


@settings(max_examples=200, deadline=None)
@given(st.lists(words, min_size=1, max_size=6), st.data())
def test_an_answer_pasted_whole_between_any_texts_is_found(
    answers: list[list[str]], data: st.DataObject
) -> None:
    reads = {str(n): " ".join(answer) for n, answer in enumerate(answers)}
    chosen = data.draw(st.sets(st.sampled_from(sorted(reads)), min_size=1))
    piece = " | ".join(f"Reply: {reads[name]}." for name in sorted(chosen))
    names = set(found(piece, **{f"n{name}": text for name, text in reads.items()}).split("n")) - {""}
    alike = {name for name, text in reads.items() if text in {reads[c] for c in chosen}}
    # A short one may hide in the words of a longer one, and is then no edge of its own.
    longest = max(chosen, key=lambda name: len(reads[name]))
    assert longest in names
    assert names <= alike


def test_it_costs_little() -> None:
    """113 calls that all paste the last answers of 500 words: as much as any published agent, or more."""
    texts = [" ".join(f"w{n * 7 % 97} says{n} so{i}" for n in range(170)) for i in range(113)]
    reads = [Text(text, [i]) for i, text in enumerate(texts)]
    start = time.process_time()
    for i in range(3, 113):
        assert pasted_calls(["\n".join(texts[i - 3 : i])], reads[:i], BACKGROUND) == [i - 3, i - 2, i - 1]
    assert time.process_time() - start < 5


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=4), st.lists(st.text(max_size=60), max_size=4))
def test_no_text_breaks_it(pieces: list[str], answers: list[str]) -> None:
    calls = pasted_calls(pieces, [Text(text, [n]) for n, text in enumerate(answers)], BACKGROUND)
    assert sorted(calls) == calls
