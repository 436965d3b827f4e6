"""Further forms in which models reply: programs, edits, plans, several agents, ideas, `keep`."""

from __future__ import annotations

import ast
import json
import textwrap
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meta_search.authors.replies.remarks import read_ideas, says_keep
from meta_search.authors.replies.reply import Reply, ReplyFault, read_reply
from meta_search.authors.replies.several import read_replies
from tests.kits.model_replies import (
    ATOMS,
    FENCED,
    GOOD,
    HELPER,
    LINE,
    MORE,
    NEW,
    OTHER,
    PARENT,
    PLAN,
    USING,
    WARM,
    block,
    edit,
)

TEXT = json.dumps(PLAN)
DOC = '"""Ask once\n\nOne call.\n"""\n\n'
ONE_LINE = json.dumps({"reflection": "Fine.", "thought": "T", "name": "N", "code": GOOD})
DIFFERENT = GOOD.replace("Solver", "Expert")


def same(source: str, other: str) -> bool:
    return ast.dump(ast.parse(source)) == ast.dump(ast.parse(other))


# -- programs

PROGRAMS = {
    "a title in the fence": block(GOOD, info="python:agent.py"),
    "a file name above": "**agent.py**\n" + block(GOOD),
    "five backticks": block(GOOD, "`````"),
    "tildes with a language": block(GOOD, "~~~", "py"),
    "tildes around backticks": "~~~markdown\n" + block(GOOD) + "\n~~~",
    "a thinking draft before": "<scratchpad>\n" + block(OTHER) + "\n</scratchpad>\n\n" + block(GOOD),
    "a draft that is cut before": block("def forward(self, taskInfo):\n    solver = LLM(")
    + "\n"
    + block(GOOD),
    "JSON in text before": 'The scorer says {"score": 0}. So:\n' + block(GOOD),
    "a table before": "| a | b |\n|---|---|\n| 1 | 2 |\n\n" + block(GOOD),
    "sums in a shell before": block("$ python -c 'print(1)'\n1", info="console") + "\n" + block(GOOD),
    "a heading": "# Agent\n\n## Source\n\n" + block(GOOD),
    "a details tag": "<details><summary>Source</summary>\n\n" + block(GOOD) + "\n\n</details>",
    "tags in capitals": f"<CODE>\n{GOOD}</CODE>",
    "a tag with a language": f'<code language="python">\n{GOOD}</code>',
    "tags around a fence without language": f"<program>\n{block(GOOD, info='')}\n</program>",
    "an answer tag": f"<answer>{GOOD}</answer>",
    "JSON as ADAS has it": ONE_LINE,
    "JSON as ADAS has it, in a fence": block(ONE_LINE, info="json"),
    "JSON, two objects": json.dumps({"name": "N"}) + "\n" + ONE_LINE,
    "JSON with a comment": ONE_LINE.replace("{", "{\n// an agent\n", 1),
    "JSON in a list": f"[{ONE_LINE}]",
    "JSON with a comma at the end": ONE_LINE[:-1] + ",}",
    "JSON with code named program": json.dumps({"name": "N", "program": GOOD}),
    "a docstring above": block(DOC + GOOD).replace(DOC, "", 1),
    "german quotes": block(GOOD.replace('"Answer."', "„Answer.“")),
    "a byte order mark": "\ufeff" + block(GOOD),
    "carriage returns alone": block(GOOD).replace("\n", "\r"),
    "blanks behind the fence": block(GOOD).replace("```python", "```python   "),
    "an indented fence in a list": "- The agent:\n\n" + textwrap.indent(block(GOOD), "  "),
    "a quotation as a whole": textwrap.indent(block(GOOD), "> ", lambda line: True),
    "not closed, text behind a blank line": "```python\n" + GOOD + "\n\nIt is cheap: one call.\n",
    "REPL marks of nobody": "Here is the agent.\n\n" + block(GOOD) + "\n\n>>> forward(None, task)",
    "entities in the fence": block(GOOD.replace('"', "&#34;")),
    "a narrow no-break space": block(GOOD.replace("= LLM", "=\u202fLLM")),
}


@pytest.mark.parametrize("reply", PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_is_read_as_it_was_meant(reply: str) -> None:
    [read] = read_replies(reply, "program")
    assert isinstance(read, Reply), read
    assert same(read.source, GOOD)


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        ("   \n\n", "the reply is empty"),
        ("I'd rather not.", "there is no ```python block"),
        (block("class Agent:\n    pass"), "there is no ```python block"),
        ('{"name": "N", "code": ""}', "there is no ```python block"),
        (edit((LINE, NEW)), "there is no ```python block"),
        ("<code>\nprint(1)\n</code>", "there is no ```python block"),
    ],
)
def test_what_holds_no_program_is_refused(reply: str, says: str) -> None:
    [fault] = read_replies(reply, "program", most=2)
    assert isinstance(fault, ReplyFault)
    assert says in str(fault)


# -- edits

EDITS = {
    "eight marks": (edit((LINE, NEW), opens="<" * 8 + " SEARCH", closes=">" * 8 + " REPLACE"), WARM),
    "marks without words": (edit((LINE, NEW), opens="<<<<<<<", closes=">>>>>>>"), WARM),
    "a colon": (edit((LINE, NEW), opens="<<<<<<< SEARCH:", closes=">>>>>>> REPLACE:"), WARM),
    "tabs for spaces": (edit(("\t" + LINE.strip(), "\t" + NEW.strip())), WARM),
    "a fence for each": ("\n\n".join(block(edit(pair)) for pair in [(LINE, NEW)]), WARM),
    "never closed": (edit((LINE, NEW)).replace("\n>>>>>>> REPLACE", ""), WARM),
    "text between edits": (
        edit((LINE, NEW)) + "\n\nand then\n\n" + edit(("LIMIT = 3", "LIMIT = 4")),
        WARM.replace("= 3", "= 4"),
    ),
    "a whole program in a tag": (f"<code>\n{WARM}</code>", WARM),
    "a whole program in JSON": (json.dumps({"name": "Warm", "code": WARM}), WARM),
    "a diff named patch": (block(f"@@\n-{LINE}\n+{NEW}", info="patch"), WARM),
    "a diff with wrong numbers": (block(f"@@ -99,3 +99,3 @@\n-{LINE}\n+{NEW}", info="diff"), WARM),
    "a diff without a language": (block(f"@@ -6 +6 @@\n-{LINE}\n+{NEW}", info=""), WARM),
    "a blank line at either end": (edit((f"\n{LINE}\n", f"\n{NEW}\n")), WARM),
    "an import put in front": (edit(("import re", "import re\nimport json")), "import json\n" + PARENT),
}


@pytest.mark.parametrize(("reply", "source"), EDITS.values(), ids=EDITS)
def test_an_edit_is_read_as_it_was_meant(reply: str, source: str) -> None:
    [read] = read_replies("Name: Warm\n\n" + reply, "edit", PARENT)
    assert isinstance(read, Reply), read
    assert sorted(ast.dump(n) for n in ast.parse(read.source).body) == sorted(
        ast.dump(n) for n in ast.parse(source).body
    )


# -- plans

PLANS = {
    "in tags": f"<plan>\n{TEXT}\n</plan>",
    "a wrapper of several": json.dumps({"plans": [PLAN]}),
    "an agent around it": json.dumps({"agent": PLAN}),
    "a list in a fence": block(f"[{TEXT}]", info="json"),
    "labels above": "Name: P\nThought: T.\n\n" + block(TEXT, info="json"),
    "single quotes and True": repr({**PLAN, "extra": True}),
    "lines": json.dumps(PLAN, indent=2),
    "a comment behind a value": json.dumps(PLAN, indent=1).replace("3", "3 // votes"),
}


@pytest.mark.parametrize("most", [1, 2])
@pytest.mark.parametrize("reply", PLANS.values(), ids=PLANS)
def test_a_plan_is_read_as_it_was_meant(reply: str, most: int) -> None:
    [read] = read_replies(reply, "plan", most=most)
    assert isinstance(read, Reply), read
    assert read.plan is not None
    assert (read.plan.name, read.plan.way, read.plan.samples) == ("P", "program", 3)


# -- several agents


def named(name: str, code: str) -> str:
    return f"Name: {name}\nThought: {name} it is.\n\n{block(code)}\n"


SEVERAL = {
    "one after the other": named("A", GOOD) + "\n" + named("B", DIFFERENT),
    "with a rule between": named("A", GOOD) + "\n---\n\n" + named("B", DIFFERENT),
    "bold labels": (named("A", GOOD) + named("B", DIFFERENT)).replace("Name:", "**Name:**"),
    "headings above the names": "## Agent 1\n" + named("A", GOOD) + "## Agent 2\n" + named("B", DIFFERENT),
    "headings alone": f"## Agent A\n{block(GOOD)}\n\n## Agent B\n{block(DIFFERENT)}",
    "thought first": "\n".join(
        f"Thought: {n} it is.\nName: {n}\n{block(code)}" for n, code in (("A", GOOD), ("B", DIFFERENT))
    ),
    "names within the blocks": block("Name: A\nThought: A it is.\n\n" + GOOD)
    + "\n\n"
    + block("Name: B\nThought: B it is.\n\n" + DIFFERENT),
    "comments within the blocks": block("# Name: A\n# Thought: A it is.\n" + GOOD)
    + "\n\n"
    + block("# Name: B\n# Thought: B it is.\n" + DIFFERENT),
    "a list": "1. "
    + named("A", GOOD).replace("\n", "\n   ")
    + "\n2. "
    + named("B", DIFFERENT).replace("\n", "\n   "),
    "JSON": json.dumps([{"name": n, "thought": n, "code": c} for n, c in (("A", GOOD), ("B", DIFFERENT))]),
    "JSON in an object": json.dumps(
        {"agents": [{"name": n, "thought": n, "code": c} for n, c in (("A", GOOD), ("B", DIFFERENT))]}
    ),
    "JSON in two fences": block(json.dumps({"name": "A", "code": GOOD}), info="json")
    + "\n"
    + block(json.dumps({"name": "B", "code": DIFFERENT}), info="json"),
    "tags": f"Name: A\n<code>\n{GOOD}</code>\n\nName: B\n<code>\n{DIFFERENT}</code>\n",
    "no fences": f"Name: A\nThought: x\n\n{GOOD}\nName: B\nThought: y\n\n{DIFFERENT}",
    "line ends": (named("A", GOOD) + "\n" + named("B", DIFFERENT)).replace("\n", "\r\n"),
    "prose before": "Two ideas, then.\n\n" + named("A", GOOD) + "\n" + named("B", DIFFERENT) + "\nDone.",
}


@pytest.mark.parametrize("reply", SEVERAL.values(), ids=SEVERAL)
def test_several_agents_are_told_apart(reply: str) -> None:
    found = read_replies(reply, "program", most=3)
    assert [read.name.removeprefix("Agent ") if isinstance(read, Reply) else read for read in found] == [
        "A",
        "B",
    ]
    assert all(
        isinstance(read, Reply) and same(read.source, code)
        for read, code in zip(found, (GOOD, DIFFERENT), strict=True)
    )


def test_only_so_many_are_read_and_of_one_the_last() -> None:
    reply = "\n".join(named(n, GOOD.replace("Solver", n)) for n in "ABCD")
    assert [r.name for r in read_replies(reply, "program", most=2) if isinstance(r, Reply)] == ["A", "B"]
    [last] = read_replies(reply, "program")
    assert isinstance(last, Reply)
    assert (last.name, '"D"' in last.source) == ("D", True)


ONE = {
    "its parent before": "The parent was\n\n" + block(OTHER) + "\n\n" + named("A", GOOD),
    "a draft, then the better one": named("A", OTHER) + "\nBetter:\n\n" + block(GOOD),
    "a draft and the better one of the same name": named("A", OTHER)
    + "\nOn second thoughts:\n"
    + named("A", GOOD),
    "usage behind": named("A", GOOD) + "\n" + block("forward(self, task)"),
}


@pytest.mark.parametrize("reply", ONE.values(), ids=ONE)
def test_two_programs_of_one_name_are_one_agent(reply: str) -> None:
    [read] = read_replies(reply, "program", most=3)
    assert isinstance(read, Reply)
    assert (read.name, same(read.source, GOOD)) == ("A", True)


def test_helpers_belong_to_their_agent_or_to_all() -> None:
    own = f"Name: A\n{block(HELPER)}\n{block(USING)}\n\n{named('B', GOOD)}"
    found = read_replies(own, "program", most=2)
    assert [isinstance(r, Reply) and "def short" in r.source for r in found] == [True, False]
    shared = (
        f"Both use this:\n{block(HELPER)}\n\n{named('A', USING)}\n{named('B', USING.replace('Solver', 'B'))}"
    )
    found = read_replies(shared, "program", most=2)
    assert [isinstance(r, Reply) and "def short" in r.source for r in found] == [True, True]


def test_one_that_cannot_be_read_does_not_hide_the_other() -> None:
    broken = GOOD.replace("return", "retrun x")
    found = read_replies(named("A", broken) + "\n" + named("B", GOOD), "program", most=2)
    assert [r.name for r in found if isinstance(r, Reply)] == ["A", "B"]
    with pytest.raises(SyntaxError):
        ast.parse(found[0].source if isinstance(found[0], Reply) else "")
    edits = "Name: A\n" + edit(("nowhere", "x")) + "\nName: B\n" + edit((LINE, NEW))
    first, second = read_replies(edits, "edit", PARENT, most=2)
    assert isinstance(first, ReplyFault)
    assert "is not in the source" in str(first)
    assert isinstance(second, Reply)
    assert same(second.source, WARM)


def test_a_fence_in_a_string_does_not_part_agents() -> None:
    found = read_replies(named("A", FENCED) + "\n" + named("B", GOOD), "program", most=2)
    assert [r.source.strip() for r in found if isinstance(r, Reply)] == [FENCED.strip(), GOOD.strip()]
    label = GOOD.replace('"Answer."', '"""Answer as:\nName: x\n"""')
    [read] = read_replies(named("A", label), "program", most=2)
    assert isinstance(read, Reply)
    assert same(read.source, label)


def test_edits_of_one_agent_stay_together() -> None:
    for label in ("Thought: and more", "Name: A"):
        reply = "Name: A\n" + edit((LINE, NEW)) + f"\n{label}\n" + edit(("LIMIT = 3", "LIMIT = 4"))
        [read] = read_replies(reply, "edit", PARENT, most=2)
        assert isinstance(read, Reply)
        assert same(read.source, WARM.replace("= 3", "= 4"))


@pytest.mark.parametrize(
    ("reply", "names"),
    [
        (json.dumps({"plans": [PLAN, {**PLAN, "name": "Q", "way": "direct"}]}), ["P", "Q"]),
        (json.dumps([PLAN, {**PLAN, "name": "Q"}]), ["P", "Q"]),
        (block(TEXT, info="json") + "\n" + block(json.dumps({**PLAN, "name": "Q"}), info="json"), ["P", "Q"]),
        ('First {"way": "direct"} came to mind, but then:\n' + TEXT, ["P"]),
        (json.dumps({"plans": [{"name": "R"}, PLAN]}), ["P"]),
        (TEXT + "\n" + TEXT.replace("program", "think", 1), ["P"]),
    ],
)
def test_several_plans(reply: str, names: list[str]) -> None:
    assert [r.name for r in read_replies(reply, "plan", most=2) if isinstance(r, Reply)] == names


# -- that all stays as it is, and ideas


@pytest.mark.parametrize(
    "said",
    [
        "keep",
        "KEEP",
        "`keep`",
        '"keep"',
        "**Keep**.",
        "Keep\n\nThe draft asks once and shows examples.",
        "I looked at the prompt and it is fine. Keep.",
        '{"decision": "keep"}',
        block("keep", info=""),
        "The draft is good as it is.",
        "No changes are needed.",
        "There is nothing to improve.",
        "I am keeping it unchanged.",
        "> keep",
    ],
)
def test_keep_is_read_generously(said: str) -> None:
    assert says_keep(said)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "I would not keep it.",
        "Don't keep the second call.",
        "Keep the first call, but:\n" + block(GOOD),
        edit((LINE, NEW)) + "\nKeep the rest.",
        TEXT.replace("T.", "keep it short"),
        json.dumps({"plans": [PLAN]}).replace("T.", "keep"),
        "The prompt should be shorter.",
        "keep " * 2000,
    ],
)
def test_what_is_no_keep(said: str) -> None:
    assert not says_keep(said)


FIVE = ["ask twice", "run a program", "vote among five", "translate it first", "check the units"]
LISTS = {
    "numbers": "\n".join(f"{n}. {idea}" for n, idea in enumerate(FIVE, 1)),
    "brackets": "\n".join(f"{n}) {idea}" for n, idea in enumerate(FIVE, 1)),
    "both brackets": "\n".join(f"({n}) {idea}" for n, idea in enumerate(FIVE, 1)),
    "bold": "\n".join(f"**{n}. {idea}**" for n, idea in enumerate(FIVE, 1)),
    "headings": "\n\n".join(f"### {n}. {idea}" for n, idea in enumerate(FIVE, 1)),
    "the word idea": "\n".join(f"Idea {n}: {idea}" for n, idea in enumerate(FIVE, 1)),
    "bold words": "\n".join(f"- **Idea {n}:** {idea}" for n, idea in enumerate(FIVE, 1)),
    "bullets": "\n".join(f"- {idea}" for idea in FIVE),
    "stars": "\n".join(f"* {idea}" for idea in FIVE),
    "a table": "| # | idea |\n|---|---|\n" + "\n".join(f"| {n} | {idea} |" for n, idea in enumerate(FIVE, 1)),
    "JSON": json.dumps({"ideas": FIVE}),
    "a JSON list": json.dumps(FIVE),
    "a list before it": "1. hmm hmm\n2. no no\n\nSo:\n"
    + "\n".join(f"{n}. {i}" for n, i in enumerate(FIVE, 1)),
    "line ends": "\r\n".join(f"{n}. {idea}" for n, idea in enumerate(FIVE, 1)),
}


@pytest.mark.parametrize("text", LISTS.values(), ids=LISTS)
def test_ideas_are_read_as_they_were_meant(text: str) -> None:
    assert read_ideas(text) == (FIVE, [])


@pytest.mark.parametrize(
    ("end", "places"),
    [
        ("Pick: 3", [2]),
        ("**Pick: 3**", [2]),
        ("Pick: 3, 5", [2, 4]),
        ("Picks: 5 and 3", [4, 2]),
        ("Pick: idea 3 (it is the farthest)", [2]),
        ("Pick: #3", [2]),
        ("My pick: 3", [2]),
        ("Choice: 3", [2]),
        ("I choose number 3.", [2]),
        ("The farthest from what was tried is idea 3.", [2]),
        ("Pick: 9", []),
        ("None of them.", []),
        ("Pick: 3, 3", [2]),
    ],
)
def test_a_pick_is_read_generously(end: str, places: list[int]) -> None:
    assert read_ideas(f"{LISTS['numbers']}\n\n{end}") == (FIVE, places)


def test_what_holds_no_ideas() -> None:
    assert read_ideas("") == ([], [])
    assert read_ideas("I have none.") == ([], [])
    assert read_ideas("1. only") == ([], [])
    assert len(read_ideas("\n".join(f"{n}. an idea" for n in range(1, 99)))[0]) == 12


# -- what replies say is not trusted

NEWER = ("Name: A\n", "## Agent 1\n", '{"plans": [', "1. an idea\n", "Pick: 1\n", "keep", "- b c\n", "> ")
WORDS = (*ATOMS, *MORE, *NEWER)
FORMS = ("plan", "edit", "program")
AGENT = "Name: A\n```python\ndef forward(self, taskInfo):\n    return 1\n```\n"


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from(WORDS), max_size=30).map("".join), st.sampled_from(FORMS))
def test_reading_never_fails_in_another_way(text: str, form: str) -> None:
    found = read_replies(text, form, "a = 1\nb = 1\n", 3)
    assert 1 <= len(found) <= 3
    assert all("\n" not in str(fault) for fault in found if isinstance(fault, ReplyFault))
    ideas, picks = read_ideas(text)
    assert all(0 <= pick < len(ideas) for pick in picks)
    assert says_keep(text) in (True, False)


@pytest.mark.slow
@pytest.mark.parametrize("atom", [*WORDS, AGENT])
def test_a_long_reply_is_read_in_little_work(atom: str) -> None:
    text = atom * (200_000 // len(atom))
    for form in FORMS:
        read_replies(text, form, PARENT, 3)
    read_ideas(text)
    says_keep(text)
    with suppress(ReplyFault):
        read_reply(text, "program")
