"""Instructions in agent source: found by what models were told, and put anew with all else to the letter."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_search.authors.compiler import compile_plan
from meta_search.authors.instructions import (
    Instruction,
    instructions,
    prompts_of,
    reworded,
    told_by,
    tunable,
)
from meta_search.authors.plan import Plan, Route
from meta_search.types import TraceCall
from tests.kits.adas_text_agents import DROP, GPQA, MMLU
from tests.kits.author_contexts import SOURCES
from tests.kits.sandboxed_agents import House

TEXT = "Reply with only the number."


def found(source: str, *prompts: str) -> list[Instruction]:
    return instructions(source, prompts or (f"A question?\n\n{TEXT}",))


def solo(literal: str = repr(TEXT), before: str = "", after: str = "", body: str = "") -> str:
    return (
        f'"""Solo"""{before}\n\ndef forward(self, taskInfo):\n{body}'
        f'    agent = LLMAgentBase(["answer"], "A")\n    return agent([taskInfo], {literal})[0]{after}\n'
    )


@pytest.mark.parametrize("name", [n for n in SOURCES if n != "dylan"])
def test_every_seed_has_instructions_that_a_dry_run_tells(house: House, name: str) -> None:
    source = SOURCES[name]
    result = house.run(source, dry=True)
    parts = instructions(source, prompts_of([result]))
    assert parts
    assert all(any(part.text in call.prompt for call in result.trace) for part in parts)
    for part in parts:
        again = reworded(source, part, "Say blue whale, and no more.")
        told = house.run(again, dry=True)
        assert any("Say blue whale" in call.prompt for call in told.trace)


def test_plans_keep_their_instructions_in_a_table(house: House) -> None:
    source = compile_plan(Plan("p", way="direct", routes=(Route("letter", "program"),), hint="Be right."))
    prompts = prompts_of([house.run(source, dry=True), house.run(source, dry=True, question="A letter?")])
    texts = [part.text for part in instructions(source, prompts)]
    assert texts[0] == "Reply with only the final answer. Be right."
    assert texts[1].startswith("Write a short Python program")
    assert all(part.tunable for part in instructions(source, prompts)[:2])


def test_what_is_no_instruction() -> None:
    assert not found(solo('f"Reply with only {1}."'), "Q\n\nReply with only 1.")
    assert not found(solo('"Answer"'), "Q\n\nAnswer")  # a word says nothing
    assert not found(solo(), "Q\n\nSomething else.")
    assert not found('"""Reply with only the number."""\n' + solo("taskInfo"))  # a docstring
    longer = "Reply with only the number. And be brave."
    source = solo(repr(longer), body=f"    short = {TEXT!r}\n")
    assert [part.text for part in found(source, f"Q\n\n{longer}")] == [longer]


def test_a_text_that_is_written_twice_is_one_instruction() -> None:
    source = solo(body=f"    first = {TEXT!r}\n")
    [part] = found(source)
    assert len(part.nodes) == 2
    assert reworded(source, part, "Say it in words.").count("'Say it in words.'") == 2


def test_where_the_search_cannot_choose() -> None:
    [part] = found(f"TOLD = {TEXT!r}\n" + solo("TOLD"))
    assert not part.tunable  # `self` is not known there
    [part] = found(solo(f'self.tune.choice("told", [{TEXT!r}, "Another one."])'))
    assert not part.tunable  # it is a choice already
    [part] = found(solo())
    assert part.tunable


def test_whose_call_it_is() -> None:
    long, short = (
        Instruction("Reply with only the number, twice.", (), True),
        Instruction("only the number", (), True),
    )

    def call(prompt: str) -> TraceCall:
        return TraceCall(0, "A", "", ("answer",), prompt, "", (), 0, 0.0)

    assert told_by(long, [long, short], call("Q\n\nReply with only the number, twice."))
    assert not told_by(short, [long, short], call("Q\n\nReply with only the number, twice."))
    assert told_by(short, [long, short], call("Q\n\nonly the number"))


HEAD = "def forward(self, taskInfo):\n"
CALL = 'return LLMAgentBase(["answer"], "A")([taskInfo], '
ODD = {
    "one line": f'def forward(self, taskInfo): {CALL}"{TEXT}")[0]\n',
    "touching": f"{HEAD}    told = None or'{TEXT}'if 1 else 2\n    {CALL}told)[0]\n",
    "pieces": f"{HEAD}    told = ('Reply with '  # first\n     \"only the number.\")\n    {CALL}told)[0]\n",
    "docstring": f'{HEAD}    """Says it."""\n    {CALL}"{TEXT}")[0]\n',
    "nested": "def forward(me, taskInfo):\n    @str\n    def told():\n        return 1\n"
    f'    def ask(x="{TEXT}"):\n        {CALL}x)\n    return ask()[0]\n',
    "windows": f'{HEAD}\t# é\n\t{CALL}"{TEXT}")[0]\n'.replace("\n", "\r\n"),
    "names": f'instruction_1 = 3\n{HEAD}    x = "instruction_2"\n    {CALL}"{TEXT}")[0]\n',
}


@pytest.mark.parametrize("kind", ODD)
def test_choices_work_wherever_an_instruction_stands(house: House, kind: str) -> None:
    source = ODD[kind]
    [part] = found(source)
    assert part.tunable
    made, names = tunable(source, {TEXT: ["Say 'it' in \"words\"\\.", "Twö\nlines."]})
    name = names[TEXT]
    for value in (TEXT, "Say 'it' in \"words\"\\.", "Twö\nlines."):
        result = house.run(made, values={name: value})
        assert result.kind == "ok", result.detail
        assert result.trace[0].prompt.endswith(value)
    [declared] = house.run(made).space
    assert (declared.name, declared.kind, declared.default) == (name, "choice", TEXT)
    assert house.run(made).trace[0].prompt.endswith(TEXT)
    assert name not in source


# Pieces of source as people write it; none of them holds the instruction.
REMARKS = st.lists(
    st.text(
        st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\u2028\u2029"), max_size=20
    ),
    max_size=3,
)
WORDING = st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=80)
LITERALS = (
    repr,
    lambda t: f'"""{t}"""',
    lambda t: f"({t[:9]!r}\n     {t[9:]!r})",
    lambda t: f"u{t!r}",
    ascii,
)


@given(REMARKS, st.sampled_from(LITERALS), WORDING)
def test_all_else_stays_to_the_letter(remarks: list[str], literal: object, new: str) -> None:
    said = "".join(f"    # {remark}\n    word = {remark!r}\n" for remark in remarks)
    written = literal(TEXT)  # type: ignore[operator]
    source = solo(written, body=said, after=f"  # {''.join(remarks)}")
    before, after = source.rsplit(written, 1)
    [part] = found(source)
    inner = written.strip("()") if written.startswith("(") else written
    assert reworded(source, part, new) == source[: len(before)] + written.replace(inner, repr(new)) + after

    made, names = tunable(source, {TEXT: [new]})
    ast.parse(made)
    name = names[TEXT]
    start = made.index(f"    {name} = self.tune")
    end = made.index("    ])\n", start) + len("    ])\n")
    assert made[:start] + made[end:] == before + written.replace(inner, name) + after
    assert made[start:end].count("\n") == 4  # two options, each in a line


def test_published_agents_are_rewritten_as_they_are(house: House) -> None:
    done = 0
    for source in (*DROP.values(), *GPQA.values(), *MMLU.values()):
        result = house.run(source, dry=True)
        if result.kind != "ok":
            continue
        parts = instructions(source, prompts_of([result]))
        for part in parts:
            ast.parse(reworded(source, part, "Say it plainly."))
            done += 1
        choices = {part.text: ["Say it plainly."] for part in parts if part.tunable}
        if choices:
            made, names = tunable(source, choices)
            again = house.run(made, dry=True)
            assert (again.kind, {*names.values()}) == (
                "ok",
                {p.name for p in again.space if p.name in names.values()},
            )
    assert done >= 10
