"""Matchers by name: their options, what they score, what they say, and that no answer hurts them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from domains.domain import Item
from domains.matching.drop import alignment
from domains.matching.labels import macro_f1
from domains.matching.registry import MATCHERS, make, names
from domains.matching.scoring import choose
from domains.registry import make as make_domain
from domains.table import TableDomain
from meta_search.config import DomainConfig, SandboxConfig
from meta_search.errors import DomainError
from meta_search.run.domain_scorer import Scorer
from meta_search.run.target_check import target_check
from meta_search.types import SPLITS

OPTIONS: Mapping[str, Mapping[str, Any]] = {"labels": {"names": ["refund", "bug"]}}


def table(folder: Path, rows: Sequence[Mapping[str, Any]], **keys: Any) -> TableDomain:
    path = folder / "t.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    sizes = dict.fromkeys(SPLITS, len(rows) // 4)
    return TableDomain(DomainConfig(name="table", path=str(path), sizes=sizes, **keys))


def numbered(answers: Sequence[Any], count: int = 24) -> list[dict[str, Any]]:
    return [{"question": f"{n}?", "answer": answers[n % len(answers)]} for n in range(count)]


def items(domain: TableDomain) -> dict[str, Item]:
    return {item.question: item for split in SPLITS for item in domain.items(split)}


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("fuzzy", {}, "domain.matcher=fuzzy: must be one of auto, bleu, choice, code"),
        (
            "numeric",
            {"tolerence": 1},
            "domain.matcher_options.tolerence: numeric has no such option; it has tol",
        ),
        ("numeric", {"tolerance": "much"}, "domain.matcher_options.tolerance='much': must be a number"),
        ("numeric", {"tolerance": -1}, "domain.matcher_options: tolerance must be 0 or more"),
        ("numeric", {"decimals": ";"}, "domain.matcher_options: decimals must be auto, . or ,"),
        ("rouge", {"kind": "3"}, "domain.matcher_options: kind must be l, 1 or 2"),
        ("exact", {"case": True}, "domain.matcher_options.case: exact has no such option; it has none"),
        ("labels", {"names": "bug"}, "domain.matcher_options.names='bug': must be a list of texts"),
        ("json_schema", {"schema": {"type": 3}}, "domain.matcher_options: schema is no JSON schema"),
        ("auto", {"tolerance": 1}, "domain.matcher_options needs domain.matcher"),
    ],
)
def test_a_bad_name_or_option_is_one_line(
    name: str, options: Mapping[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DomainError) as caught:
        table(tmp_path, numbered([1, 2]), matcher=name, matcher_options=options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "answers", "message"),
    [
        ("numeric", ["1", "two"], "domain.matcher=numeric: the answer 'none' holds no number"),
        ("json", ["{}", "x"], "domain.matcher=json: the answer 'none' is not JSON"),
        ("regex", ["a+", "(a"], "is no pattern"),
        ("json_schema", [{"a": 1}, "1"], "is no JSON object or list"),
    ],
)
def test_a_target_that_cannot_be_compared_with_is_one_line(
    name: str, answers: Sequence[Any], message: str, tmp_path: Path
) -> None:
    answers = [answer if answer not in ("two", "x") else "none" for answer in answers]
    with pytest.raises(DomainError, match=r"use domain\.matcher=exact") as caught:
        table(tmp_path, numbered(answers), matcher=name)
    assert message in str(caught.value)


def test_the_former_name_of_the_key_still_counts(tmp_path: Path) -> None:
    rows = numbered(["1,000", "2,000"])
    assert items(table(tmp_path, rows, match="exact"))
    with pytest.raises(DomainError, match=r"use domain\.matcher alone"):
        table(tmp_path, rows, match="exact", matcher="numeric")


def test_one_odd_answer_among_many_numbers_is_named_and_compared_as_text(tmp_path: Path) -> None:
    rows = numbered([*range(100, 139), "none"], 40)
    domain = table(tmp_path, rows)
    (note,) = domain.notes
    assert "39 of 40 answers are numbers and are compared as numbers; line 40: 'none' as text" in note
    asked = items(domain)
    assert domain.score(asked["3?"], "It is 103.0").value == 1
    assert domain.score(asked["39?"], "None.").value == 1
    assert domain.score(asked["39?"], "0").value == 0
    assert table(tmp_path, numbered(["1", "2"])).notes == ()


def test_auto_goes_by_what_nearly_all_targets_are() -> None:
    assert choose(["1", "2,000", "3/4"]).name == "numeric"
    assert choose(["1", "two"]).name == "mixed"
    assert choose(["2020-01-02", "x"]).name == "exact"
    assert choose(["A", "C", "(B)", "D"]).name == "choice"
    assert choose(["A", "A"]).name == "exact"
    assert choose(["A", "J"]).name == "exact"  # grades of some kind, and no options
    assert choose(['{"a": 1}', "null"]).name == "json"
    assert choose(["1.234,50", "3,75", "12"]).options == {"decimals": ","}


def test_a_column_with_decimal_commas_is_read_as_such(tmp_path: Path) -> None:
    domain = table(tmp_path, numbered(["3,75", "12,500", "1.234,5"]))
    asked = items(domain)
    right = {
        "1?": ("12,5", "12.5", "12,500"),
        "2?": ("1234.5", "1.234,5", "1234,5"),
        "0?": ("3.75", "3,75 €"),
    }
    for question, answers in right.items():
        assert [domain.score(asked[question], answer).value for answer in answers] == [1] * len(answers)
    assert domain.score(asked["1?"], "12500").value == 0


def test_gsm8k_shows_the_number_and_scores_it(tmp_path: Path) -> None:
    rows = [
        {
            "question": f"{n} and {n}?",
            "answer": f"First <<{n}+{n}={2 * n}>>{2 * n}.\nSo 7 it is not.\n#### {2 * n}",
        }
        for n in range(24)
    ]
    domain = table(tmp_path, rows)
    assert {item.target for item in items(domain).values()} == {str(2 * n) for n in range(24)}
    example = domain.items("examples")[0]
    assert f"-> {example.target!r}" in domain.brief
    assert "a number" in domain.brief
    assert "<<" not in domain.brief
    assert any("an answer is what follows ####" in note for note in domain.notes)
    path = tmp_path / "own.py"
    path.write_text(
        '"""Sums."""\ndef items(split):\n'
        '    return [(f"{split} {n}?", f"It is {n}.\\n#### {n}") for n in range(3)]\n'
    )
    own = make_domain(DomainConfig(name="python", path=str(path)))
    assert [item.target for item in own.items("test")] == ["0", "1", "2"]


def test_rows_name_matchers_of_their_own(tmp_path: Path) -> None:
    rows = numbered(["10", "red", "a, b"])
    own: list[Any] = [{"name": "numeric", "tolerance": 2}, "contains", '{"name": "set"}']
    rows = [{**row, "matcher": own[n % 3]} for n, row in enumerate(rows)]
    domain = table(tmp_path, rows)
    asked = items(domain)
    assert domain.score(asked["0?"], "11.5").value == 1
    assert domain.score(asked["1?"], "It is a red one").value == 1
    assert domain.score(asked["2?"], "b and a").value == 1
    assert table(tmp_path, rows, matcher_column=None).score(asked["1?"], "red ones").value == 1
    rows[4]["matcher"] = "fuzzy"
    with pytest.raises(DomainError, match=r"^line 5: matcher=fuzzy: must be one of"):
        table(tmp_path, rows)
    rows[4]["matcher"] = "json"
    with pytest.raises(DomainError, match=r"^line 5: matcher json: the answer 'red' is not JSON"):
        table(tmp_path, rows)


def test_numeric_tolerances() -> None:
    assert make("numeric", {"tolerance": 0.5})("9.6", "10")
    assert not make("numeric", {"tolerance": 0.5})("9.4", "10")
    assert make("numeric", {"relative": 0.1})("9", "10")
    assert not make("numeric", {"relative": 0.1})("8.9", "10")
    assert not make("numeric")("9.9999999", "10")


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        ("7 or 8", "several numbers: 7, 8"),
        ("between 7 and 8", "a range: 7 and 8"),
        ("7-8", "a range: 7-8"),
        ("3 + 4", "a calculation without its result: 3 + 4"),
        ("not 7", "it says what the number is not"),
        ("7:30", "a time, no number"),
        ("none", "no number"),
        ("x = 7 or x = 8", "several numbers: 7, 8"),
    ],
)
def test_the_note_says_why_an_answer_is_no_number(answer: str, note: str) -> None:
    score = make("numeric").score(answer, "7")
    assert (score.value, score.feedback) == (0, f"{note}; expected 7")


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        ("A or B", "several choices: A, B"),
        ("B) Rome", "the letter B with the text of A"),
        ("It is not Paris", "it says only what the choice is not"),
        ("Hm", "no choice"),
    ],
)
def test_the_note_says_why_an_answer_is_no_choice(answer: str, note: str) -> None:
    item = Item("x", "?", "B", data={"choices": ["Rome", "Paris"]})
    score = make("choice").score(answer, "B", item)
    assert (score.value, score.feedback) == (0, f"{note}; expected B (Paris)")


@pytest.mark.parametrize(
    ("name", "answer", "target", "value"),
    [
        ("f1", "the quick fox", "quick brown fox", 0.8),
        ("f1", "no", "yes indeed", 0.0),
        ("f1", "Thinking: dog.\nAnswer: brown fox", "brown fox", 1.0),
        ("rouge", "the cat sat on the mat", "the cat lay on the mat", 5 / 6),
        ("rouge", "a b", "b a", 0.5),
        ("drop", "12 yards", "12", 0.67),
        ("drop", "13 yards", "12 yards", 0.0),
        ("drop", "Smith and Jones", '["Jones", "Smith"]', 1.0),
        ("drop", "Smith", '["Jones", "Smith"]', 0.5),
        ("similarity", "colour", "color", 0.67),
        ("json_schema", '{"a": 1, "b": "X "}', '{"a": 1.0, "b": "x", "c": [1, 2]}', 0.5),
        ("json_schema", '{"a": 1, "d": 2}', '{"a": 1}', 0.5),
        ("set", "a, b, x", '["a", "b", "c"]', 0.0),
    ],
)
def test_scores_between_nothing_and_all(name: str, answer: str, target: str, value: float) -> None:
    assert make(name).score(answer, target).value == pytest.approx(value, abs=0.01)


def test_partial_lists_and_the_notes_of_fields() -> None:
    assert make("set", {"partial": True}).score("a, b, x", '["a", "b", "c"]').value == pytest.approx(2 / 3)
    assert make("list").score("a, c", '["a", "b", "c"]').feedback == "missing: b"
    scored = make("json_schema").score(
        '{"total": 2, "to": {"name": "B"}}', '{"total": 1, "to": {"name": "A"}}'
    )
    assert scored.feedback == 'total is 2, expected 1; to.name is "B", expected "A"'
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    strict = make("json_schema", {"schema": schema})
    assert strict.score('{"n": 3}', '{"n": 3}').value == 1
    assert "against the schema at n" in strict.score('{"n": "3"}', '{"n": 3}').feedback


def test_macro_f1_counts_rare_labels_as_much_as_common_ones() -> None:
    pairs = [("a", "a")] * 9 + [("a", "b")]
    assert macro_f1(pairs) == pytest.approx((18 / 19 + 0) / 2)
    assert macro_f1([]) == 0


def test_a_table_of_labels_measures_macro_f1(tmp_path: Path) -> None:
    domain = table(tmp_path, numbered(["bug", "refund", "bug"]), matcher="labels")
    answered = [(item, "This is a bug.") for item in domain.items("test")]
    score = sum(domain.score(item, answer).value for item, answer in answered) / len(answered)
    assert 0 < domain.measures(answered)["macro_f1"] < score
    assert domain.measures([(item, item.target) for item, _ in answered]) == {"macro_f1": 1}
    assert table(tmp_path, numbered([1, 2])).measures(answered) == {}


def test_alignment_finds_the_greatest_sum() -> None:
    assert alignment([]) == []
    values = [[0.9, 0.8, 0.0], [0.9, 0.1, 0.0]]
    assert sorted(alignment(values)) == [(0, 1), (1, 0)]
    assert sorted(alignment(list(zip(*values, strict=True)))) == [(0, 1), (1, 0)]


@pytest.mark.slow
def test_formulas_programs_and_bleu_are_compared_in_a_confined_process(tmp_path: Path) -> None:
    own = [
        (
            "\\frac{x^2+1}{2}",
            "math",
            ("(x^2+1)/2", "\\boxed{\\frac{1}{2}(1+x^2)}"),
            ("x^2", "9**9**9**9", "(" * 60_000),
        ),
        ("2\\sqrt{2}", "math", ("\\sqrt{8}",), ("2", "(x+1)^999")),
        ("the cat sat on the mat", "bleu", ("the cat sat on the mat",), ("a dog",)),
        (
            [["2 3", "5"], ["1 1", "2"]],
            "code",
            ("print(sum(map(int, input().split())))",),
            ("print(5)", "1/0"),
        ),
        ("7", "numeric", ("7.0",), ("8",)),
        ("11\\sqrt2", "math", ("11\\sqrt{2}", "$$\\boxed{11\\sqrt{2}}$$"), ("11", "\\sqrt{2}")),
        ("1,-2", "math", ("-2, 1", "\\boxed{-2} and $\\boxed{1}$"), ("1", "1, 2", "\\boxed{1}")),
        ("[0,9)", "math", ("[0, 9)", "So it is $[0,9)$."), ("(0,9)", "0.9", "[0,9]")),
        ("x^2+1", "math", ("1+x^2",), ("x^2 = 0", "\\sqrt" * 400, "\\frac{" * 300)),
        ("\\text{Evelyn}", "math", ("Evelyn", "\\boxed{\\text{Evelyn}}"), ("Carla",)),
    ]
    rows = [
        {
            "question": f"{n}?",
            "answer": json.dumps(target) if isinstance(target, list) else target,
            "matcher": matcher,
        }
        for n, (target, matcher, _, _) in enumerate(own * 4)
    ]
    domain = table(tmp_path, rows)
    asked = items(domain)
    assert domain.score(asked["1?"], "\\sqrt{8}").value == 0  # nothing is evaluated here
    scorer = Scorer(domain, SandboxConfig(cpu_s=4))
    try:
        for n, (_, _, right, wrong) in enumerate(own):
            for answer in right:
                assert scorer.score(asked[f"{n}?"], answer).value == 1, answer[:40]
            for answer in wrong:
                started = time.process_time()
                assert scorer.score(asked[f"{n}?"], answer).value < 1, answer[:40]
                assert time.process_time() - started < 1
        assert "printed '5'" in scorer.score(asked["3?"], "print(5)").feedback
        assert target_check(domain, scorer).lines == []  # a program's output is no answer, and not tried
    finally:
        scorer.close()


DOUBLE = "def double(n):\n    return 2 * n"
FORGED = (
    "import os, sys\nprint('ok'); sys.stdout.flush()\nos._exit(0)",
    "def double(n):\n    return type('X', (), {'__eq__': lambda a, b: True})()",
    "class Same(int):\n    __eq__ = lambda a, b: True\ndef double(n):\n    return Same()",
    "def double(n):\n    import sys\n    sys.exit(0)",
    "def double(n):\n    print(chr(30) + 'passed True')\n    raise SystemExit",
    "def double(n):\n    raise AssertionError",
    "def double(n):\n    import inspect\n    return [s.frame.f_locals for s in inspect.stack()]",
    "def double(n):\n    return n + 2",  # right of the first test alone
    "def other(n):\n    return 2 * n",
    "I cannot do that.",
)


def test_tests_run_where_the_program_is_not_and_cannot_be_forged(tmp_path: Path) -> None:
    check = "def check(candidate):\n    assert candidate(2) == 4\n    assert candidate(f(3)) == 8"
    human = {
        "prompt": 'def f(n):\n    return n + 1\n\n\ndef double(n):\n    """Twice n."""\n',
        "test": check,
        "entry_point": "double",
    }
    targets = [["assert double(2) == 4", "import math\nassert double(math.floor(3.5)) == 6"], human]
    rows = [{"question": f"{n}?", "answer": targets[n % 2], "matcher": "code"} for n in range(20)]
    domain = table(tmp_path, rows, matcher="code")
    asked = items(domain)
    scorer = Scorer(domain, SandboxConfig(cpu_s=4))
    try:
        for place in ("0?", "1?"):
            fenced = f"Here it is:\n```python\n{DOUBLE}\n```\nIt doubles n."
            assert scorer.score(asked[place], fenced).value == 1
            for answer in FORGED:
                assert scorer.score(asked[place], answer).value == 0, answer
        assert scorer.score(asked["1?"], "    return n + n").value == 1  # the rest of the prompt's function
        assert "double(math.floor(3.5)) == 6" in scorer.score(asked["0?"], FORGED[-3]).feedback
    finally:
        scorer.close()


HOSTILE = (
    *(
        "9",
        "1,",
        "(",
        "[",
        "{",
        '"',
        "\\boxed{",
        "\\frac{",
        "answer is ",
        "A) ",
        "B or ",
        "9**9**9 ",
        "1\n",
        "x = 1, ",
    ),
    *('{"a":', "hundred and ", "1 or ", "\ufdfa", "a", "<think>", "aa", "a, ", "`"),
)
QUESTION = "?\n" + "\n".join(f"{letter}) option {letter}" for letter in "ABCDEFGHIJ")
TARGETS = ("5", "B", '["a", "b"]', '{"a": 1}', "(a+)+$")


@pytest.mark.parametrize("name", names())
def test_no_answer_takes_long_or_raises(name: str) -> None:
    matcher = make(name, OPTIONS.get(name, {}))
    for target in TARGETS:
        if matcher.fault(target):
            continue
        item = Item("x", QUESTION, target)
        for unit in HOSTILE:
            started = time.process_time()
            score = matcher.score((unit * 65_536)[:65_536], target, item)
            assert time.process_time() - started < 1, (unit, target)
            assert 0 <= score.value <= 1


def test_many_accepted_answers_do_not_multiply_the_time_of_a_hostile_one(tmp_path: Path) -> None:
    domain = table(tmp_path, numbered([[f"w{n}" for n in range(100)]]))
    started = time.process_time()
    assert domain.score(domain.items("test")[0], "\ufdfa" * 65_536).value == 0
    assert time.process_time() - started < 1


def test_every_matcher_says_what_it_is() -> None:
    for name in MATCHERS:
        matcher = make(name, OPTIONS.get(name, {}))
        assert matcher.name == name
        assert matcher.how
        assert type(matcher).__doc__
