"""Replies that were written before the reader was looked at, each with what it means: `reply_forms.jsonl`.

Keys of a line: `form`, `parent`, `most` as `read_replies` takes them; `n` replies are meant, of the last one
`has` and `lacks` texts of the source, `name`, `plan` and `fault` (a pattern). `want` tells what else
would do.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from meta_search.authors.check import check_source
from meta_search.authors.replies.instructions import causes_in, instruction_in, instructions_in
from meta_search.authors.replies.remarks import read_ideas, says_keep
from meta_search.authors.replies.reply import Reply, ReplyFault
from meta_search.authors.replies.several import LONGEST, read_replies

LINES = (Path(__file__).parent / "data/reply_forms.jsonl").read_text(encoding="utf-8").splitlines()
CASES = [json.loads(line) for line in LINES]
REPLIES = [case for case in CASES if "kind" not in case]
REMARKS = [case for case in CASES if "kind" in case]
READERS = {
    "keep": says_keep,
    "ideas": lambda text: [len(read_ideas(text)[0]), read_ideas(text)[1]],
    "instruction": instruction_in,
    "instructions": lambda text: len(instructions_in(text, 8)),
    "causes": lambda text: len(causes_in(text)),
}
SECONDS = 1.0
PARENT = next(case["parent"] for case in REPLIES if case["id"] == "edit-plain")
UNITS = (
    *("```python\n", "```\n", "````\n", "~~~\n", "> ", "- ", "+ x\n", "1 | def forward\n", ">>> x\n"),
    *(
        "{",
        "[{",
        '{"a": [',
        '"',
        '"""',
        "/*",
        "\\",
        "“",
        "－",
        "\u200b",
        " ",
        "\t",
        "&amp;",
        "&lt;&lt;&lt; \n",
    ),
    *("<think>", "</think>\n", "<code>def forward(\n", "<<<<<<< SEARCH\n", "=======\n", ">>>>>>> REPLACE\n"),
    *("@@ -1 +1 @@\n-a\n+b\n", "1. **A b** c\n", "keep ", "name: ", "def forward(self, taskInfo):\n"),
    *("x = (", "not ", "&lt;&lt;&lt; \n", "# ...\n"),
    '{"search": "a", "replace": "b"}\n',
    '{"name": "A", "code": "def forward(self, t): return 1"}\n',
    "Name: A\n```python\ndef forward(self, taskInfo):\n    return 1\n```\n",
)


@pytest.mark.parametrize("case", REPLIES, ids=[case["id"] for case in REPLIES])
def test_a_reply_is_read_as_meant_or_refused_for_what_is_wrong(case: dict[str, Any]) -> None:
    text, form, parent = case["text"], case.get("form", "program"), case.get("parent", "")
    read = read_replies(text, form, parent, case.get("most", 1))
    assert len(read) == case.get("n", 1)
    last, want = read[-1], case.get("want", "")
    if isinstance(last, ReplyFault):
        assert "fault" in case, last
        assert re.search(case["fault"], str(last))
    elif "plan" in case or want == "fault-or-plan":
        _is_plan(last, case.get("plan", {}))
    else:
        _is_program(last, case, want)


def _is_plan(read: Reply, meant: dict[str, Any]) -> None:
    assert read.plan is not None
    told = {"routes": len(read.plan.routes), "words": read.plan.routes[0].words if read.plan.routes else ""}
    assert {key: told.get(key, getattr(read.plan, key, None)) for key in meant} == meant


def _is_program(read: Reply, case: dict[str, Any], want: str) -> None:
    checked = check_source(read.source) or ""
    if "fault" in case and not want.startswith("fault-or-has"):
        assert re.search(case["fault"], checked)
        return
    has = [want.partition(":")[2]] if want.startswith("fault-or-has") else case.get("has", [])
    assert [text for text in has if text not in read.source] == []
    assert [text for text in case.get("lacks", []) if text in read.source] == []
    assert read.name == case.get("name", read.name)
    if want.startswith("check:"):
        assert re.search(want.removeprefix("check:"), checked)
    elif checked:
        assert re.search({"async": "without async", "ok|class": "at the top level"}.get(want, "^$"), checked)


@pytest.mark.parametrize("case", REMARKS, ids=[case["id"] for case in REMARKS])
def test_a_remark_is_read_as_meant(case: dict[str, Any]) -> None:
    assert READERS[case["kind"]](case["text"]) == case["want"]


def test_nothing_of_a_reply_has_run() -> None:
    assert not Path("pwned").exists()


@pytest.mark.parametrize("unit", UNITS, ids=range(len(UNITS)))
def test_no_reply_takes_long(unit: str) -> None:
    text = (unit * (LONGEST // len(unit)))[: LONGEST - 1]
    readers = [lambda form=form: read_replies(text, form, PARENT, 3) for form in ("edit", "program", "plan")]
    for read in (*readers, *(lambda r=r: r(text) for r in READERS.values())):
        begun = time.process_time()
        read()
        assert time.process_time() - begun < SECONDS


def test_a_reply_without_end_is_refused_at_once() -> None:
    begun = time.process_time()
    [fault] = read_replies("```python\n" * 100_000, "edit", PARENT)
    assert isinstance(fault, ReplyFault)
    assert "200,000 characters" in str(fault)
    assert time.process_time() - begun < SECONDS
