"""Options and facts in another order, and what no rule knows to be safe."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from domains.domain import Item
from domains.matching.options import CHOICES, options_of
from domains.matching.scoring import ANY_OF
from domains.perturb.choices import other_options, permuted_options
from domains.perturb.order import other_order, sentences
from domains.perturb.outcome import LeftOut
from domains.perturb.registry import by_rule, check
from domains.table import TableDomain
from meta_search.config import DomainConfig
from meta_search.errors import DomainError

LINES = "Which is a fruit?\nA) apple\nB) stone\nC) wheel\nD) river"
INLINE = "Which is a fruit? (A) stone (B) apple (C) wheel"


def test_options_move_and_the_letter_with_them() -> None:
    orders = set()
    for seed in range(8):
        made = permuted_options(Item("i", LINES, "A"), seed)
        options = options_of(made)
        assert options[made.target] == "apple"
        assert sorted(options.values()) == ["apple", "river", "stone", "wheel"]
        assert re.fullmatch(r"Which is a fruit\?(\n[A-D]\) \w+){4}", made.question)
        orders.add(tuple(options.values()))
    assert len(orders) > 2
    assert ("apple", "stone", "wheel", "river") not in orders
    inline = permuted_options(Item("i", INLINE, "(B)"), 0)
    assert options_of(inline)[inline.target] == "apple"
    assert re.fullmatch(r"Which is a fruit\? \(A\) \w+ \(B\) \w+ \(C\) \w+", inline.question)


def test_an_answer_by_its_text_stays_and_further_answers_move_too() -> None:
    assert permuted_options(Item("i", LINES, "apple"), 0).target == "apple"
    data = {CHOICES: ["apple", "stone", "wheel", "river"], ANY_OF: ("D",)}
    made = permuted_options(Item("i", LINES, "A", data=data), 1)
    options = options_of(made)
    assert [options[made.target], options[made.data[ANY_OF][0]]] == ["apple", "river"]
    assert list(made.data[CHOICES]) == list(options.values())


def test_numbers_get_one_more_option_that_is_none_of_them() -> None:
    item = Item("i", "What is 3 + 4?\n(A) 6\n(B) 7\n(C) 9", "B")
    for seed in range(12):
        made = other_options(item, seed)
        options = options_of(made)
        assert list(options) == ["A", "B", "C", "D"]
        assert len(set(options.values())) == 4
        assert options[made.target] == "7"
        assert made.question.count("\n(") == 4
    assert (
        len(options_of(other_options(Item("i", LINES, "A"), 0))) == 4
    )  # of texts, no rule knows a wrong one


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is it?\nA) one\nB) two\nC) all of the above", "A"),
        ("What is it?\nA) one\nB) two\nC) A and B", "A"),
        ("What is it?\nA) one\nB) one\nC) two", "A"),
        ("What is it?\nA) one\nB) two", "three"),
        ("What is it?", "A"),
    ],
)
def test_options_that_cannot_move_safely_are_left_out(question: str, answer: str) -> None:
    with pytest.raises(LeftOut):
        other_options(Item("i", question, answer), 0)


def test_a_scorer_that_knows_more_keeps_the_options_where_they_are() -> None:
    with pytest.raises(LeftOut, match="scorer"):
        other_options(Item("i", LINES, "A", data={"entry": 1}), 0)


def test_facts_move_and_stories_do_not() -> None:
    facts = "Ann has 3 cats. Ben has 5 dogs. Cleo owns 2 birds. Who has most?"
    made = other_order(Item("i", facts, "Ben"), 0)
    assert sorted(sentences(made.question)[0]) == sorted(sentences(facts)[0])
    assert made.question != facts
    assert made.question.endswith("Who has most?")
    for story in (
        "Ann has 3 cats. She buys 2 more. How many has she?",
        "Tom has 5 apples. Tom eats 2 apples. How many has Tom?",
        "Ann has 3 cats. Ben has twice as many. How many has Ben?",
    ):
        with pytest.raises(LeftOut):
            other_order(Item("i", story, "5"), 0)


def test_titled_paragraphs_move() -> None:
    text = "Alpha: a town.\n\nBeta: a river by it.\n\nGamma: a hill.\n\nWhich one is wet?"
    made = other_order(Item("i", text, "Beta"), 3)
    assert made.question.endswith("\n\nWhich one is wet?")
    assert sorted(made.question.split("\n\n")) == sorted(text.split("\n\n"))
    assert made.question != text


def test_names_are_checked() -> None:
    assert check(["order", "numbers", "order"]) == ("order", "numbers")
    with pytest.raises(DomainError, match="there are paraphrase, context, choices, numbers, order"):
        check(["colour"])


def test_a_table_knows_its_workings(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(
        "\n".join(
            f'{{"question": "Ann has {n} cats and {n + 13} dogs. How many?", '
            f'"answer": "<<{n}+{n + 13}={2 * n + 13}>>\\n#### {2 * n + 13}"}}'
            for n in range(20, 60)
        )
    )
    domain = TableDomain(DomainConfig(name="table", path=str(path)))
    item = domain.items("test")[0]
    made = by_rule(domain, item, "numbers", 0)
    assert made.id == f"{item.id}~numbers"
    assert domain.score(made, made.target).value == 1
    assert domain.score(made, item.target).value == 0
    named = tmp_path / "named.csv"
    named.write_text(
        "question,answer,Equation\n"
        + "".join(f"{n} and {n + 13}?,{2 * n + 13},{n}+{n + 13}\n" for n in range(20, 60))
    )
    domain = TableDomain(DomainConfig(name="table", path=str(named), working="Equation"))
    assert by_rule(domain, domain.items("test")[0], "numbers", 0).target != domain.items("test")[0].target
    with pytest.raises(DomainError, match=r"no column 'Formula'.*set domain.working"):
        TableDomain(DomainConfig(name="table", path=str(named), working="Formula"))
