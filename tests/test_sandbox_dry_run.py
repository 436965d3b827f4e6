"""Dry runs: answers that a model might give, the same every time, and of the domain's form."""

from __future__ import annotations

import json

from meta_search.sandbox.trusted import dry_run
from meta_search.sandbox.trusted.messages import Call
from meta_search.types import Agent, ItemJob

AGENT = Agent.of("a", "def forward(self, taskInfo):\n    return '1'\n")
EXAMPLES = (("Is it warm?", "yes"), ("Is it far?", "no"), ("Is it late?", "perhaps"))


def job(question: str = "How many?", **more: object) -> ItemJob:
    return ItemJob(AGENT, "train", "i", 0, question, dry=True, **more)  # type: ignore[arg-type]


def call(*fields: str, occurrence: str = "0", prompt: str = "Solve.") -> Call:
    return Call(1, "a", "r", (("user", prompt),), 0.5, None, fields, occurrence, ())


def answers(of: ItemJob, *fields: str) -> set[str]:
    return {dry_run.reply(call(*fields, occurrence=str(n)), of).text for n in range(40)}


def test_answers_have_the_form_of_the_domains_own() -> None:
    assert answers(job(examples=EXAMPLES), "answer") == {"yes", "no", "perhaps"}
    assert answers(job("What is 17 + 4?"), "answer") == {"17", "4"}
    assert answers(job(), "answer") == {"42"}


def test_no_constant_gives_a_dry_run_away() -> None:
    for field in ("thinking", "feedback", "confidence", "plan", "choice", "expert"):
        assert len(answers(job(examples=EXAMPLES), field)) > 1, field
    assert len(answers(job(examples=EXAMPLES), "code")) == 3


def test_every_field_of_a_schema_is_answered() -> None:
    text = dry_run.reply(call("thinking", "answer"), job(examples=EXAMPLES)).text
    assert set(json.loads(text)) == {"thinking", "answer"}
    assert json.loads(text)["answer"] in {"yes", "no", "perhaps"}


def test_it_is_the_same_every_time_and_another_in_another_run() -> None:
    asked = [call("thinking", occurrence=str(n)) for n in range(9)]
    one, again, other = (
        [dry_run.reply(c, job(examples=EXAMPLES, salt=salt)).text for c in asked] for salt in "aab"
    )
    assert one == again != other


def test_its_programs_run_and_print_an_answer() -> None:
    text = dry_run.reply(call("code"), job(examples=(("q", "it's {1}"),))).text
    assert 'print("it\'s {1}")' in text
    compile(text.removeprefix("```python").removesuffix("```"), "program", "exec")


def test_tokens_are_counted_as_a_model_would() -> None:
    used = dry_run.reply(call("answer", prompt="x" * 400), job()).used
    assert (used.calls, used.prompt_tokens) == (1, 100)
