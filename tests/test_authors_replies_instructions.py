"""Replies that are instructions: one, or a list of them, in all the forms that models write."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_search.authors.replies.instructions import (
    MOST_INSTRUCTION,
    causes_in,
    instruction_in,
    instructions_in,
)

SAID = "Count each letter, then reply with the number only."
LONG = 'Count each letter.\n\n- one by one\n- then "say" the number'


@pytest.mark.parametrize(
    "reply",
    [
        f"```\n{SAID}\n```",
        f"Here is the new instruction:\n```text\n{SAID}\n```\nIt is better since it counts.",
        f"~~~\n{SAID}\n~~~",
        f"```\nNew instruction: {SAID}\n```",
        f"```\n> {SAID}\n```",
        f"An old one:\n```\nDo it.\n```\nThe new one:\n```\n{SAID}\n```",
        f'"{SAID}"',
        f"“{SAID}”",
        f'The new instruction is: "{SAID}"',
        f"Instruction: {SAID}",
        f"**New instruction:** {SAID}",
        f"**{SAID}**",
        f"`{SAID}`",
        SAID,
        f"  \n{SAID}\n\n",
        f"<think>\nIt never counts. ```\nno\n```\n</think>\n{SAID}",
        f"<new_instruction>{SAID}</new_instruction>",
        json.dumps({"instruction": SAID}),
        "```json\n" + json.dumps({"thought": "it never counts", "new_instruction": SAID}) + "\n```",
        f"```\n{SAID}",  # cut before the fence
    ],
)
def test_one_instruction(reply: str) -> None:
    assert instruction_in(reply) == SAID


def test_an_instruction_of_several_lines_keeps_them_and_what_it_quotes() -> None:
    assert instruction_in(f"```\n{LONG}\n```") == LONG
    assert instruction_in(f"Instruction:\n{LONG}") == LONG
    said = 'Reply with "yes, it is so" or with "no, it is not so", and nothing else at all, ever.'
    assert instruction_in(said) == said


@pytest.mark.parametrize("reply", ["", "```\n```", "<think>hm", f"```\n{'word ' * MOST_INSTRUCTION}\n```"])
def test_no_instruction(reply: str) -> None:
    assert instruction_in(reply) == ""


MANY = ["Count each letter.", "Say it, in words: 'so'.", "You are a careful counter."]


@pytest.mark.parametrize(
    "reply",
    [
        "\n".join(f"{n}. {text}" for n, text in enumerate(MANY, 1)),
        "Here are three:\n\n"
        + "\n\n".join(f"{n}) {text}" for n, text in enumerate(MANY, 1))
        + "\n\nGood luck!",
        "\n".join(f"**{n}.** {text}" for n, text in enumerate(MANY, 1)),
        "\n".join(f'{n}. "{text}"' for n, text in enumerate(MANY, 1)),
        "\n".join(f"{n}. **{text}**" for n, text in enumerate(MANY, 1)),
        "\n".join(f"Instruction {n}: {text}" for n, text in enumerate(MANY, 1)),
        "```\n" + "\n".join(f"{n}. {text}" for n, text in enumerate(MANY, 1)) + "\n```",
        "\n".join(f"- {text}" for text in MANY),
        "\n".join(MANY),
        json.dumps(MANY),
        json.dumps({"instructions": MANY}),
        "```json\n" + json.dumps([{"instruction": text} for text in MANY]) + "\n```",
        "<think>1. no\n</think>" + "\n".join(f"{n}. {text}" for n, text in enumerate(MANY, 1)),
        "1. Count\neach letter.\n2. Say it, in words: 'so'.\n3. You are a\ncareful counter.",
        "\n".join(f"{n}. {text}" for n, text in enumerate([*MANY, MANY[0]], 1)),
    ],
)
def test_several_instructions(reply: str) -> None:
    assert instructions_in(reply, 8) == MANY


def test_headings_of_a_list_are_plain_and_powers_stay() -> None:
    reply = "1. **Count words.**\n   - Say 2**3 or 3**2.\n\n2. Be **very** careful."
    assert instructions_in(reply, 8) == ["Count words. - Say 2**3 or 3**2.", "Be very careful."]


def test_no_more_than_were_asked_for() -> None:
    assert instructions_in("\n".join(f"{n}. Say {n} now" for n in range(1, 30)), 4) == [
        f"Say {n} now" for n in range(1, 5)
    ]
    assert instructions_in("", 4) == []


def test_causes() -> None:
    reply = "Cause 1: it does not count\n**Cause 2:** the form is lost\n- Cause (3) - too long"
    reply += "\ncause: it does not count"
    assert causes_in(reply) == ["it does not count", "the form is lost", "too long"]
    assert causes_in(json.dumps({"causes": ["a b", 3, "c"], "way": "direct"})) == ["a b", "c"]
    assert causes_in("The cause of it is unknown.") == []
    assert len(causes_in("\n".join(f"Cause {n}: {'x' * 999}{n}" for n in range(99)))[0]) <= 120


@given(st.text(max_size=400))
def test_whatever_comes_is_bounded_and_printable(text: str) -> None:
    for said in (instruction_in(text), *instructions_in(text, 8), *causes_in(text)):
        assert len(said) <= MOST_INSTRUCTION
        assert all(c.isprintable() or c in "\n\t" for c in said)


@pytest.mark.parametrize(
    "piece",
    ["1.", '"', "<instruction>", "**a ", "instruction ", "[[[", '{"a":', "here ", "Cause ", "“", "'" * 3],
)
def test_long_replies_are_read_in_good_time(piece: str) -> None:
    """Their end is read, and nothing in it twice over."""
    reply = piece * (200_000 // len(piece))
    begun = time.process_time()
    for said in (instruction_in(reply), *instructions_in(reply, 8), *causes_in(reply)):
        assert len(said) <= MOST_INSTRUCTION
    assert time.process_time() - begun < 3
