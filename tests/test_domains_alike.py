"""What is found to say the same, and what is not."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from domains import alike
from domains.alike import find_alike
from domains.content import PARTED, SPLIT, content_key, words_of
from tests.kits import near_questions as made

DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is 1,234 + 5.0?", "what  is 1234 + 5"),
        ("What is 1\u202f234 + 5", "What is 1'234 + 5.00 ?"),
        ("“It’s” well‑known – isn’t it?", "\"It's\" well-known - isn't it"),
        ("Ｗｉｄｅ ｔｅｘｔ １２", "wide text 12"),
        ("zero\u200bwidth, soft\u00adhyphen\ufeff", "zerowidth softhyphen"),
        ("STRASSE", "straße"),
        ("cafe\u0301", "café"),
        ("東京は、どこ？", "東京はどこ"),
        ("Nice!", "nice"),
    ],
)
def test_the_same_words_are_one_content(one: str, other: str) -> None:
    assert content_key(one) == content_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is 3 + 5?", "What is 3 - 5?"),
        ("What is 3 * 5?", "What is 3 / 5?"),
        ("What is 1.5?", "What is 15?"),
        ("What is 1,2?", "What is 12?"),
        ("What is 10³?", "What is 103?"),
        ("What is 5!?", "What is 5?"),
        ("What is n!?", "What is n?"),
        ("Is x < y?", "Is x > y?"),
        ("5 %", "5 €"),
        ("???", "!!!"),
        ("100", "10"),
        ("No. 10.50", "No. 10.5.0"),
    ],
)
def test_what_asks_something_else_is_another_content(one: str, other: str) -> None:
    assert content_key(one) != content_key(other)


def shares(change: Callable[[str, random.Random], str], questions: int = 300) -> tuple[float, int]:
    """The share of changed questions that are found alike to their originals; and others that are."""
    draw = random.Random(7)
    asked = list(dict.fromkeys(made.problem(draw) for _ in range(questions)))
    changed = [change(text, draw) for text in asked[:100]]
    group = find_alike([*asked, *changed]).group
    found = sum(group[len(asked) + n] == group[n] for n in range(100))
    wrong = sum(group[n] != n for n in range(len(asked)))
    return found / 100, wrong


@pytest.mark.parametrize(
    "change", [made.edited(0.01), made.edited(0.02), made.edited(0.05), made.reordered, made.rewritten]
)
def test_near_duplicates_are_found(change: Callable[[str, random.Random], str]) -> None:
    found, wrong = shares(change)
    assert found >= 0.97
    assert wrong <= 2


def test_a_tenth_of_other_words_is_found_in_half_of_all_cases() -> None:
    assert shares(made.edited(0.1))[0] >= 0.4


@pytest.mark.parametrize("change", [made.renumbered, made.one_number_changed])
def test_a_template_with_other_numbers_is_no_duplicate(change: Callable[[str, random.Random], str]) -> None:
    assert shares(change)[0] <= 0.02


def test_all_pairs_are_found_that_a_comparison_of_all_finds() -> None:
    draw = random.Random(3)
    asked = [made.problem(draw) for _ in range(60)]
    texts = [*asked, *(made.edited(share)(text, draw) for share in (0.03, 0.1, 0.2) for text in asked[:40])]
    near = alike._Near(texts)
    list(near.pairs())
    told = dict(near._by_place({n for n in range(len(texts)) if near.same[n] == n}))
    pairs = {
        (a, b) for a in told for b in told if a < b and min(len(told[a][0]), len(told[b][0])) >= alike.FEWEST
    }
    every = {(a, b) for a, b in pairs if near._alike(told[a], told[b])}
    group = find_alike(texts).group
    assert len(every) >= 50
    assert all(group[a] == group[b] for a, b in every)
    joined = alike.Joined(len(texts))
    for a, b in every:
        joined.join(a, b)
    assert [joined.first(near.same[n]) for n in range(len(texts))] == list(group)


def test_a_long_instruction_before_each_is_no_likeness() -> None:
    told = "Read the message of a customer with care, decide which team should have it, reply with its name. "
    draw = random.Random(1)
    messages = list(dict.fromkeys(made.problem(draw) for _ in range(80)))
    found = find_alike([told + text for text in messages])
    assert not found.groups()
    again = find_alike([told + text for text in (*messages, made.edited(0.04)(messages[3], draw))])
    assert list(again.groups().values()) == [[3, 80]]


def test_a_template_whose_rows_are_all_alike_is_not_taken_for_duplicates() -> None:
    text = "The little {} went over the long stony bridge to see the grey town by the river and its clock"
    found = find_alike(
        [text.format(name) for name in made.NAMES] + ["Something quite different is asked here, once."]
    )
    assert not found.groups()
    few = find_alike(
        [text.format(name) for name in made.NAMES[:3]] + [made.problem(random.Random(n)) for n in range(40)]
    )
    assert [len(places) for places in few.groups().values()] == [3]


def test_short_and_odd_texts() -> None:
    assert find_alike([]).group == []
    texts = ["", "?", "\0", "a", "A.", "\n", "\ud800", "\u200b", "x" * 100_000, "x " * 50_000]
    assert find_alike(texts).group == [0, 1, 2, 3, 3, 5, 6, 7, 8, 9]


def test_the_same_in_every_process() -> None:
    script = (
        "import json, random\n"
        "from domains.alike import find_alike\n"
        "from tests.kits import near_questions as made\n"
        "draw = random.Random(5); asked = [made.problem(draw) for _ in range(200)]\n"
        "more = [made.edited(0.08)(text, draw) for text in asked]\n"
        "print(json.dumps(list(find_alike(asked + more).group)))"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            cwd=Path(__file__).parents[1],
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1
    assert len(set(json.loads(printed.pop()))) < 400


def test_published_questions() -> None:
    if not DATA.is_dir():
        pytest.skip("shared data is not there; it is no part of this repository")
    asked = [json.loads(line)["question"] for line in (DATA / "gsm8k_test.jsonl").read_text().splitlines()]
    assert not find_alike(asked).groups()
    drop = [json.loads(line)["context"] for line in (DATA / "drop_dev_600.jsonl").read_text().splitlines()]
    found = find_alike(drop)
    alike_rows = sum(map(len, found.groups().values()))
    assert 350 < alike_rows < 500  # questions on one passage
    for places in found.groups().values():
        passages = {drop[place].partition("\nQuestion:")[0][:200] for place in places}
        assert len(passages) <= 2


def test_a_number_of_any_length_takes_no_time() -> None:
    """An agent's source may hold one of 60,000 digits, and is compared with all items."""
    began = time.process_time()
    assert words_of(["9" * 60_000]) == [b"9" * 60_000, SPLIT]
    assert time.process_time() - began < 1.0


def test_numbers_are_found_as_if_every_place_were_tried() -> None:
    drawn, plain = random.Random(1), re.compile(rb"[0-9]+(?:[.,'][0-9]+)+")
    for _ in range(3000):
        text = bytes(drawn.choices(b"012.,'a ", k=drawn.randint(0, 12)))
        assert [m.span() for m in PARTED.finditer(text)] == [m.span() for m in plain.finditer(text)], text
