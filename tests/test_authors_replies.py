"""Replies of meta models, as models write them: read as meant, or refused with the right reason."""

from __future__ import annotations

import ast
import json
import textwrap
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meta_search.authors.replies.edits import EditFault, apply_edits
from meta_search.authors.replies.plans import read_plan
from meta_search.authors.replies.programs import program_in
from meta_search.authors.replies.reply import Reply, ReplyFault, read_reply
from tests.kits.model_replies import (
    ATOMS,
    CLASS,
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
    curly,
    edit,
)

PROGRAMS = {
    "plain": block(GOOD),
    "no language": block(GOOD, info=""),
    "Python3": block(GOOD, info="Python3"),
    "a title": block(GOOD, info='python title="agent.py"'),
    "braces": block(GOOD, info="{.python .numberLines}"),
    "tildes": block(GOOD, "~~~"),
    "four backticks": block(GOOD, "````"),
    "a wrapper": block("Name: A\n\n" + block(GOOD) + "\n", "````", "markdown"),
    "a wrapper of as many": block("Name: A\n\n" + block(GOOD) + "\n", "```", "markdown"),
    "a list": "1. The agent:\n" + textwrap.indent(block(GOOD), "   "),
    "a quotation": textwrap.indent(block(GOOD), "> ", lambda line: line.startswith("```")),
    "text before": "We could ask `forward` twice. Once is enough.\n\n" + block(GOOD),
    "shell before": block("pip install nothing\npython agent.py", info="bash") + "\n\n" + block(GOOD),
    "text in a block before": block("question -> answer; it's", info="text") + "\n\n" + block(GOOD),
    "a draft before": block(OTHER) + "\nBetter:\n" + block(GOOD),
    "its parent before": "The parent was\n\n"
    + block(OTHER)
    + "\n\nand the new one is\n\n"
    + block(GOOD)
    + "\nDone.",
    "usage behind": block(GOOD) + "\nUsed so:\n" + block("agent = forward(self, taskInfo)\nprint(agent)"),
    "shell behind": block(GOOD) + "\n\n" + block("meta-search run", info="sh"),
    "never closed": "```python\n" + GOOD,
    "never closed, prose behind": "```python\n" + GOOD + "\nThis agent's strength is that it's simple.\n",
    "closed in its last line": "```python\n" + GOOD.rstrip() + "```",
    "no fence": "Name: A\nThought: B.\n\n" + GOOD,
    "no fence, prose behind": GOOD + "\nThis agent asks once, and it's done.\n",
    "line ends": block(GOOD).replace("\n", "\r\n"),
    "tags": f"<thought>One call.</thought>\n<code>\n{GOOD}</code>",
    "tags and a fence": f"<answer>\n{block(GOOD)}\n</answer>",
    "JSON": json.dumps({"thought": "T", "name": "N", "code": GOOD}),
    "JSON in a fence": block(json.dumps({"thought": "T", "name": "N", "code": GOOD}, indent=1), info="json"),
    "JSON after thinking": "A set {a, b} of ideas.\n"
    + json.dumps({"thought": "T", "name": "N", "code": GOOD}),
    "JSON with lines in a string": '{"thought": "T", "name": "N", "code": "'
    + GOOD.replace('"', '\\"')
    + '"}',
    "JSON with bare quotes": '{"thought": "T", "name": "N", "code": "' + GOOD.replace("\n", "\\n") + '"}',
    "JSON with Python's quotes": '{"thought": "T", "name": "N", "code": """' + GOOD + '"""}',
    "JSON, fenced inside": json.dumps({"thought": "T", "code": block(GOOD)}),
    "curly quotes": block(curly(GOOD)),
    "no-break spaces": block(GOOD.replace("    ", "\u00a0\u00a0\u00a0 ")),
    "a zero-width space": block("\u200b" + GOOD),
    "indented as a whole": block(textwrap.indent(GOOD, "    ")),
    "tabs": block(GOOD.replace("    ", "\t")),
    "tabs and spaces": block(GOOD.replace("    ", "\t", 1)),
    "entities": block(GOOD.replace('"', "&quot;")),
    "labels inside": block("Name: A\n\nThought: B.\nMore.\n\n" + GOOD),
}


@pytest.mark.parametrize("reply", PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_is_read_as_it_was_meant(reply: str) -> None:
    read = read_reply(reply, "program")
    assert ast.dump(ast.parse(read.source)) == ast.dump(ast.parse(GOOD))
    assert read.plan is None


@pytest.mark.parametrize("before", ["", block("question -> answer", info="text") + "\n\n"])
@pytest.mark.parametrize("after", ["\n```\nThat is all.", ""])
def test_a_fence_in_a_string_does_not_end_a_program(before: str, after: str) -> None:
    assert program_in(f"Name: A\n\n{before}```python\n{FENCED}{after}") == FENCED


def test_helpers_in_a_block_of_their_own_belong_to_it() -> None:
    constants = "LIMIT = 100\n\n\ndef cut(text):\n    return text[:LIMIT]\n"
    wanted = HELPER.replace("text[:100]", "cut(text)")
    for order in ([constants, wanted, USING], [wanted, constants, USING]):
        source = program_in("\nand\n".join(map(block, [*order[:-1], "print(1)", order[-1]])))
        names = [n.name for n in ast.parse(source).body if isinstance(n, ast.FunctionDef)]
        assert (sorted(names), names[-1]) == (["cut", "forward", "short"], "forward")
        assert "print" not in source
    assert program_in(block(HELPER) + "\n" + block(GOOD)) == GOOD.rstrip()  # it uses none


def test_a_class_is_taken_apart() -> None:
    tree = ast.parse(read_reply(block(CLASS), "program").source)
    assert [n.name for n in tree.body if isinstance(n, ast.FunctionDef)] == ["short", "forward"]
    assert "self.short" not in ast.unparse(tree)
    assert "short(self, solver(" in ast.unparse(tree)
    kept = CLASS.replace("super().__init__()", "self.n = 3")
    assert ast.dump(ast.parse(read_reply(block(kept), "program").source)) == ast.dump(ast.parse(kept))


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        ("", "the reply is empty"),
        ("I cannot help with that.", "there is no ```python block with a function forward"),
        (block("print(1)"), "there is no ```python block with a function forward"),
        (block(HELPER), "there is no ```python block with a function forward"),
    ],
)
def test_what_holds_no_program_is_refused(reply: str, says: str) -> None:
    with pytest.raises(ReplyFault, match=says):
        read_reply(reply, "program")


@pytest.mark.parametrize("reply", ["```python\n{}", "{}", "```python\n{}\n```"])
def test_a_program_that_was_cut_is_not_made_whole(reply: str) -> None:
    cut = GOOD + "\n\ndef helper(text):\n    return text.replace('a"
    source = read_reply(reply.format(cut), "program").source
    assert source.strip() == cut.strip()
    with pytest.raises(SyntaxError):
        ast.parse(source)


@pytest.mark.parametrize(
    ("head", "name", "thought"),
    [
        ("Name: One\nThought: It asks.\n", "One", "It asks."),
        ("### Name: One\n\n#### Thought:\nIt asks.\n\n", "One", "It asks."),
        ("## Name\nOne\n\n## Thought\nIt asks.\n\n", "One", "It asks."),
        ("**Name:** One\n\n**Thought**: It asks.\n", "One", "It asks."),
        ('{"name": "One", "thought": "It asks."}\n', "One", "It asks."),
        ("name: `One`\n", "One", ""),
        ("", "Unnamed", ""),
    ],
)
def test_name_and_thought(head: str, name: str, thought: str) -> None:
    read = read_reply(head + block(GOOD), "program")
    assert (read.name, read.thought) == (name, thought)


def test_a_docstring_names_an_agent_without_a_label() -> None:
    read = read_reply(block('"""Ask once\n\nOne call is enough.\n"""\n' + GOOD), "program")
    assert (read.name, read.thought) == ("Ask once", "One call is enough.")
    assert read_reply(block("@dataclass\nclass A:\n    name: str\n\n" + GOOD), "program").name == "Unnamed"


# -- edits

THRICE = PARENT.replace("            return answer\n", "            return answer\n        LAST = answer\n")
INNER = "        if answer.content:\n            return answer"
PUT = INNER + "\n        LAST = answer"
LOOP = PARENT.split("\n")[8:11]
EDITS: dict[str, tuple[str, str]] = {
    "to the letter": (edit((LINE, NEW)), WARM),
    "a part of a line": (edit(("temperature=0.1", "temperature=0.7")), WARM),
    "in a fence": (block(edit((LINE, NEW))), WARM),
    "in fences": (edit((block(LINE), block(NEW))), WARM),
    "a file name": ("agent.py\n" + edit((LINE, NEW)), WARM),
    "other words": (edit((LINE, NEW), opens="<<<<<<< ORIGINAL", closes=">>>>>>> UPDATED"), WARM),
    "shorter marks": (edit((LINE, NEW), opens="<<<< SEARCH", closes=">>>> REPLACE"), WARM),
    "no indentation": (edit((LINE.strip(), NEW.strip())), WARM),
    "less indentation": (edit((textwrap.dedent(INNER), textwrap.dedent(PUT))), THRICE),
    "more indentation": (edit((textwrap.indent(INNER, "    "), textwrap.indent(PUT, "    "))), THRICE),
    "all indentation lost": (
        edit(
            (
                "\n".join(map(str.strip, LOOP)),
                "\n".join(map(str.strip, LOOP)).replace("content:", "content.strip():"),
            )
        ),
        PARENT.replace("content:", "content.strip():"),
    ),
    "blanks at line ends": (edit((LINE + "  ", NEW)), WARM),
    "line ends": (edit((INNER, PUT)).replace("\n", "\r\n"), THRICE),
    "blank lines left out": (
        edit((LINE + "\n    for n in range(LIMIT):", NEW + "\n\n    for n in range(LIMIT):")),
        WARM,
    ),
    "two": (edit((LINE, NEW), ("LIMIT = 3", "LIMIT = 4")), WARM.replace("LIMIT = 3", "LIMIT = 4")),
    "a later one on the first": (
        edit(("LIMIT = 3", "LIMIT = 4"), ("LIMIT = 4", "LIMIT = 5")),
        PARENT.replace("= 3", "= 5"),
    ),
    "a whole program": (block(WARM), WARM),
    "a whole program and edits that fit nowhere": (edit(("nothing", "x")) + "\n" + block(WARM), WARM),
    "a diff": (
        block(
            "--- a/agent.py\n+++ b/agent.py\n@@ -5,3 +5,3 @@\n def forward(self, taskInfo):\n"
            f"-{LINE}\n+{NEW}\n \n",
            info="diff",
        ),
        WARM,
    ),
    "a diff without a head": (block(f"-{LINE}\n+{NEW}", info="diff"), WARM),
    "a bare diff": (f"@@ -6 +6 @@\n-{LINE}\n+{NEW}\n", WARM),
}


@pytest.mark.parametrize(("reply", "source"), EDITS.values(), ids=EDITS)
def test_an_edit_is_read_as_it_was_meant(reply: str, source: str) -> None:
    read = read_reply("Name: Warm\n\n" + reply, "edit", PARENT)
    assert ast.dump(ast.parse(read.source)) == ast.dump(ast.parse(source))
    assert read.name == "Warm"


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        ("talk", "edit: there is no SEARCH/REPLACE block, and no whole program"),
        (edit(("c = 1", "")), "edit: the SEARCH text is not in the source: `c = 1`"),
        (edit(("LIMIT = 30", "")), "is not in the source: `LIMIT = 30`; nearest is line 3: `LIMIT = 3`"),
        (edit(("answer", "")), r"stands 4 times in the source: `answer`; add lines around it"),
        (edit(("", "x")), "the SEARCH text is empty"),
        (edit(('def forward(self, taskInfo):\n    ...\n    return ""', "x")), "leaves lines out"),
        (edit((LINE, LINE)), "the edits change nothing"),
        (edit((LINE, NEW), ("c = 1", "")), "edit 2 of 2: the SEARCH text is not in the source"),
    ],
)
def test_an_edit_that_cannot_be_placed_is_refused_with_its_reason(reply: str, says: str) -> None:
    with pytest.raises(ReplyFault, match=says):
        read_reply(reply, "edit", PARENT)


def test_edits_in_place_of_a_program_are_taken_where_there_is_a_parent() -> None:
    assert read_reply(edit((LINE, NEW)), "program", PARENT).source == WARM
    with pytest.raises(ReplyFault, match="there is no ```python block"):
        read_reply(edit((LINE, NEW)), "program")


# -- plans

TEXT = json.dumps(PLAN)
PLANS = {
    "plain": TEXT,
    "in a fence": f"Here it is:\n{block(TEXT, info='json')}\nGood luck!",
    "thought aloud before": 'First {"way": "direct"} came to mind, but then:\n' + TEXT,
    "braces in prose": "The set {a, b}.\n" + TEXT + "\n(or {c})",
    "a wrapper": json.dumps({"plan": PLAN}),
    "in a list": f"[{TEXT}]",
    "a comma at the end": TEXT[:-1] + ",}",
    "commas at the end": json.dumps(PLAN, indent=1)
    .replace("\n", ",\n")
    .replace("{,", "{")
    .replace("[,", "[")
    .replace(",,", ","),
    "Python's quotes": repr(PLAN),
    "comments": json.dumps(PLAN, indent=1).replace("{\n", "{\n // the plan\n", 1),
    "other case": json.dumps({key.title(): value for key, value in PLAN.items()}),
}


@pytest.mark.parametrize("reply", PLANS.values(), ids=PLANS)
def test_a_plan_is_read_as_it_was_meant(reply: str) -> None:
    plan = read_plan(reply)
    assert not isinstance(plan, str), plan
    assert (plan.name, plan.way, plan.samples, [r.words for r in plan.routes]) == ("P", "program", 3, ["who"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("none", "no JSON object"),
        ('{"way": "direct" name}', "cannot be read"),
        ('{"name": "x"}', 'needs "way"'),
        ('{"a":' * 2000 + "1" + "}" * 2000, "cannot be read"),
    ],
)
def test_what_is_no_plan(text: str, message: str) -> None:
    found = read_plan(text)
    assert isinstance(found, str)
    assert message in found


@pytest.mark.parametrize(
    "text", ['{"way": "direct", "samples": 1e999}', '{"way": 3, "routes": 7, "temperature": "x"}']
)
def test_odd_values_do_not_matter(text: str) -> None:
    assert not isinstance(read_plan(text), str)


def test_another_form_than_the_one_asked_for_is_taken() -> None:
    assert read_reply(TEXT, "program").plan is not None
    assert read_reply(block(GOOD), "plan").source == GOOD
    assert read_reply(block(GOOD), "edit", PARENT).source == GOOD


# -- what replies say is not trusted


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.sampled_from(ATOMS + MORE), max_size=30).map("".join),
    st.sampled_from(["plan", "edit", "program"]),
)
def test_reading_never_fails_in_another_way(text: str, form: str) -> None:
    fault = ""
    try:
        assert isinstance(read_reply(text, form, "a = 1\nb = 1\n"), Reply)
    except ReplyFault as told:
        fault = str(told)
    assert "\n" not in fault
    with suppress(EditFault):
        apply_edits("a = 1\nb = 1\n", text)


@pytest.mark.parametrize(
    "atom", [*ATOMS, *MORE, "{" * 9, "((((", "```\nx\n", 'a"', "<code>def forward", "def forward\n"]
)
def test_a_long_reply_is_read_in_little_work(atom: str) -> None:
    text = atom * (200_000 // len(atom))
    for form in ("plan", "edit", "program"):
        with suppress(ReplyFault):
            read_reply(text, form, PARENT)


def test_conversations_of_a_strong_model() -> None:
    folder = Path(__file__).parent.parent.parent / "shared" / "data" / "meta_talks"
    if not folder.exists():
        pytest.skip("../shared/data/meta_talks is not here")
    for file in sorted(folder.glob("*.json")):
        for talk in json.loads(file.read_text()):
            text = talk["reply"]
            form = (
                "plan"
                if talk.get("schema")
                else "edit"
                if "SEARCH" in talk["messages"][1]["content"]
                else "program"
            )
            if "SEARCH" in text:
                continue  # its parent is within the prompt's text
            assert read_reply(text, form).name != "Unnamed", text
