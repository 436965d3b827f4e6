"""What matchers and scorers say of a wrong answer: why, in one line, in one style."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from domains.domain import Item, Score
from domains.matching.registry import make, names
from domains.user_file import UserScorer, as_score
from meta_search.errors import DomainError
from meta_search.text import MOST_PASSAGE

CITIES = Item("x", "?", "B", data={"choices": ["Rome", "Paris"]})
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n", "m"]}
CASES: list[tuple[str, str, str, str]] = [
    ("numeric", "it is 7", "8", "read as 7, expected 8"),
    ("numeric", "45%", "0.5", "read as 45%, expected 0.5"),
    ("numeric", "7 or 8", "8", "several numbers: 7, 8; expected 8"),
    ("mixed", "7", "8", "read as 7, expected 8"),
    ("mixed", "Bob", "Eve", "read as Bob, expected Eve"),
    ("exact", "Rome", "Paris", "read as Rome, expected Paris"),
    ("exact", "Paris, on it", "Paris", "says more than the answer: Paris, on it; expected Paris alone"),
    ("exact", "It is not Paris", "Paris", "read as It is not Paris, expected Paris"),
    ("choice", "A", "B", "read as A (Rome), expected B (Paris)"),
    ("choice", "A or B", "B", "several choices: A, B; expected B (Paris)"),
    ("labels", "spam", "ham", "read as spam, expected ham"),
    ("labels", "spam and ham", "ham", "no label, or several; expected ham"),
    ("contains", "Rome", "Paris", "it does not hold Paris"),
    ("contains", "not Paris", "Paris", "it says only what the answer is not; expected Paris"),
    ("grid", "[[1, 2], [3, 5]]", "[[1, 2], [3, 4]]", "1 of 4 cells are wrong"),
    ("grid", "[[1]]", "[[1, 2], [3, 4]]", "the grid is 1×1, expected 2×2"),
    ("regex", "abc", r"v\d+", r"nothing in it matches v\d+"),
    ("list", "b, a", '["a", "b"]', "in another order; expected a, b"),
    ("set", "a, x", '["a", "b", "c"]', "missing: b, c; not wanted: x"),
    ("json", "hm", '{"a": 1}', "no JSON object in it; expected one"),
    ("json", '{"a": "1", "c": 0}', '{"a": 1, "b": []}', 'missing: b; not wanted: c; a is "1", expected 1'),
    ("json", "7", "8", "the whole is 7, expected 8"),
    ("json", '{"a": {"x": 1}}', '{"a": {"y": {"z": 1}}}', "missing: a.y; not wanted: a.x"),
    ("json_schema", '{"a": 2, "d": 0}', '{"a": 1, "c": []}', "missing: c; not wanted: d; a is 2, expected 1"),
    ("f1", "the quick fox jumps", "quick brown fox", "missing: brown; not wanted: jumps"),
    ("f1", "no", "yes indeed", "read as no, expected yes indeed"),
    ("drop", "Smith", '["Jones", "Smith"]', "missing: jones; expected Jones, Smith"),
    ("rouge", "a cat sat there", "a cat sat here", "missing: here; not wanted: there"),
    ("rouge", "b a", "a b", "in another order"),
    ("similarity", "colour", "color", "read as colour, expected color"),
]  # fmt: skip
OPTIONS: dict[str, dict[str, Any]] = {"labels": {"names": ("spam", "ham")}}
# Compared in a confined process: tests/test_domains_matchers.py; by a model: tests/test_domains_judge.py.
ELSEWHERE = {"bleu", "code", "judge", "math"}


@pytest.mark.parametrize(("name", "answer", "target", "said"), CASES)
def test_a_matcher_says_what_is_wrong(name: str, answer: str, target: str, said: str) -> None:
    score = make(name, OPTIONS.get(name, {})).score(answer, target, CITIES)
    assert score.value < 1
    assert score.feedback == said


def test_every_matcher_is_among_the_cases() -> None:
    assert {name for name, *_ in CASES} == set(names()) - ELSEWHERE


def test_what_a_schema_does_not_allow_is_all_told() -> None:
    said = make("json_schema", {"schema": SCHEMA}).score('{"n": "3"}', '{"n": 3, "m": 1}').feedback
    first, second = said.split("; ")
    assert first == "against the schema at n: '3' is not of type 'integer'"
    assert second == "against the schema: 'm' is a required property"


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("answer", ["\x1b[31m" + "x, " * 30_000, "<script>\n\u202e", "\ud800", '{"a":' * 200])
def test_feedback_is_one_short_printable_line(name: str, answer: str) -> None:
    matcher = make(name, OPTIONS.get(name, {}))
    for target in ("8", '["a", "b"]', '{"a": 1}'):
        if matcher.fault(target):
            continue
        score = matcher.score(answer, target, CITIES)
        if name == "regex" and score.value >= 1:  # "[…]" is a class of characters
            continue
        assert score.value < 1
        assert 0 < len(score.feedback) <= 700
        assert score.feedback.isprintable()


@pytest.mark.parametrize(
    ("value", "score"),
    [
        (True, Score(1.0)),
        (Score(0.5, "half"), Score(0.5, "half")),
        (Score(0.5, note="as it was once called"), Score(0.5, "as it was once called")),
        ((0.5, "half"), Score(0.5, "half")),
        ([0, None], Score(0.0)),
        ({"score": 0.5, "feedback": "half"}, Score(0.5, "half")),
        ({"score": 1}, Score(1.0)),
        (SimpleNamespace(score=0.5, feedback="half"), Score(0.5, "half")),
        (SimpleNamespace(score=True, feedback=None), Score(1.0)),
        ({"score": 0, "feedback": {"missing": ["n"]}}, Score(0.0, "{'missing': ['n']}")),
    ],
)
def test_a_scorer_may_say_it_in_any_of_the_usual_forms(value: Any, score: Score) -> None:
    assert as_score(value) == score


@pytest.mark.parametrize(
    "value", [None, "1", (1, 2), (1, "a", "b"), {"feedback": "x"}, ("1", "x"), SimpleNamespace(score="1")]
)
def test_what_is_no_score_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="must return a bool, a number, a Score, a pair"):
        as_score(value)


@pytest.mark.parametrize("value", [(1.5, "x"), Score(-1.0), {"score": float("nan")}])
def test_a_score_out_of_range_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"in 0\.\.1"):
        as_score(value)


def test_what_a_program_or_judge_said_stands_in_for_a_scorer_that_says_nothing() -> None:
    def by_program(item: Item, answer: str, run: Any) -> bool:
        ok, printed = run(answer)
        return bool(ok and printed == "4")

    def by_judge(item: Item, answer: str, ask: Any) -> tuple[float, str | None]:
        return 0.5, "mine" if "mine" in ask("Polite?") else None

    def careless(item: Item, answer: str, run: Any) -> Any:
        return run(answer)  # whether it ended well is no score

    path, item = Path("mine.py"), Item("x", "2 + 2?", "4")
    scorer = UserScorer(path, by_program)
    assert scorer(item, "a", run=lambda code: (True, "4")) == Score(1.0)
    assert scorer(item, "a", run=lambda code: (True, "5\n")) == Score(0.0, "the program printed: 5")
    assert (
        scorer(item, "a", run=lambda code: (False, "NameError: x")).feedback
        == "the program failed: NameError: x"
    )
    assert scorer(item, "a", run=lambda code: (False, "x" * 10**6)).feedback[-1] == "x"
    assert len(scorer(item, "a", run=lambda code: (False, "x" * 10**6)).feedback) <= MOST_PASSAGE
    judged = UserScorer(path, by_judge)
    assert judged(item, "a", ask=lambda *asked: "too short ") == Score(0.5, "the judge said: too short")
    assert judged(item, "a", ask=lambda *asked: "mine") == Score(0.5, "mine")
    with pytest.raises(DomainError, match="must return a bool"):
        UserScorer(path, careless)(item, "a", run=lambda code: (True, "4"))
