"""The layout of a call."""

from __future__ import annotations

import pytest

from meta_search.agent.info import Info
from meta_search.agent.prompt import messages_for

TASK = Info("task", "User", "How many?", -1)


def test_a_call_with_everything() -> None:
    mine = Info("answer", "Ann 1", "41", 0)
    theirs = Info("thinking", "Bob 2", "40 + 2", -1)
    messages = messages_for(
        [TASK, mine, theirs, "a note"],
        "Decide.",
        "judge",
        ["answer"],
        [("2 + 2?", "4")],
        {"": "Sums."},
        "Ann 1",
    )
    assert messages == [
        ["system", "You are a judge. Sums. Reply with the answer only."],
        ["user", "2 + 2?\n\nDecide."],
        ["assistant", "4"],
        [
            "user",
            "How many?\n\n### answer #1 by Ann 1 (yourself):\n41\n\n"
            "### thinking by Bob 2:\n40 + 2\n\na note\n\nDecide.",
        ],
    ]


@pytest.mark.parametrize(
    ("role", "told"),
    [
        ("expert", "You are an expert."),
        ("a careful judge.", "You are a careful judge."),
        ("The editor", "You are The editor."),
        ("You are brief", "You are brief."),
    ],
)
def test_roles(role: str, told: str) -> None:
    assert messages_for([TASK], "", role, [], [], {}, "")[0] == ["system", told]


@pytest.mark.parametrize(
    ("fields", "form"),
    [
        (["code"], "Reply with one Python code block only."),
        (["final_answer"], "Reply with the final answer only."),
        (["answer"], "Reply with a whole number."),
        (
            ["thinking", "answer"],
            "Reply with one JSON object, all values strings, with exactly these keys: "
            '{"thinking": your thinking; "answer": a whole number}.',
        ),
        ([], ""),
    ],
)
def test_forms_of_reply(fields: list[str], form: str) -> None:
    wording = {"answer": "a whole number"}
    assert messages_for([TASK], "", "", fields, [], wording, "")[0] == ["system", form]
