"""The domain `reasoning`: its mixture, its scorers under attack, and whether its answers are true."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable

import pytest

from domains.domain import SPLITS, Item
from domains.reasoning import MAX_ANSWER, ReasoningDomain
from domains.reasoning_families import DEFAULT_FAMILIES, FAMILIES, REFUSED
from meta_search.config import DomainConfig
from meta_search.errors import DomainError

PER_FAMILY = 50


@pytest.fixture(scope="module")
def default() -> ReasoningDomain:
    return ReasoningDomain(DomainConfig())


@pytest.fixture(scope="module")
def every() -> ReasoningDomain:
    """All admitted families, fifty test items each."""
    sizes = {"examples": 0, "train": 1, "validation": 1, "test": PER_FAMILY * len(FAMILIES)}
    return ReasoningDomain(DomainConfig(families=tuple(FAMILIES), sizes=sizes, seed=3))


def of(domain: ReasoningDomain, family: str) -> list[Item]:
    return [item for item in domain.items("test") if item.kind == family]


def content(item: Item) -> str:
    return " ".join(sorted(re.findall(r"\w+", item.question.casefold())))


def test_sizes_and_balance_of_every_prefix(default: ReasoningDomain) -> None:
    assert [len(default.items(split)) for split in SPLITS] == [24, 48, 48, 120]
    for split in SPLITS:
        kinds = [item.kind for item in default.items(split)]
        for n in range(1, len(kinds) + 1):
            counts = [kinds[:n].count(family) for family in DEFAULT_FAMILIES]
            assert max(counts) - min(counts) <= 1
    assert default.items("validation")[7].id == "letter_counting-validation-1"


def test_an_uneven_size_is_met_exactly() -> None:
    sizes = {"examples": 0, "train": 7, "validation": 1, "test": 8}
    domain = ReasoningDomain(DomainConfig(sizes=sizes))
    assert {split: len(domain.items(split)) for split in SPLITS} == sizes


def test_the_same_seed_gives_the_same_items_and_another_gives_others(default: ReasoningDomain) -> None:
    again, other = ReasoningDomain(DomainConfig()), ReasoningDomain(DomainConfig(seed=1))
    for split in SPLITS:
        assert default.items(split) == again.items(split)
        assert default.items(split) != other.items(split)


def test_splits_are_disjoint_by_content_where_collisions_are_sure() -> None:
    # 174 numbers of 1023, and pairs of numbers up to 30 in either order: draws collide many times.
    sizes = {"examples": 60, "train": 100, "validation": 60, "test": 120}
    domain = ReasoningDomain(DomainConfig(families=("count_bits", "lcm"), sizes=sizes))
    everything = [content(item) for split in SPLITS for item in domain.items(split)]
    assert len(everything) == sum(sizes.values()) == len(set(everything))


def test_sentences_of_the_cipher_are_not_shared_between_splits() -> None:
    sizes = {"examples": 8, "train": 8, "validation": 8, "test": 20}
    domain = ReasoningDomain(DomainConfig(families=("caesar_cipher",), sizes=sizes))
    targets = [item.target for split in SPLITS for item in domain.items(split)]
    assert len(targets) == len(set(targets)) == sum(sizes.values())


def test_a_larger_training_split_does_not_change_the_test_items(default: ReasoningDomain) -> None:
    larger = ReasoningDomain(DomainConfig(sizes={"train": 90, "examples": 90}))
    assert larger.items("test") == default.items("test")


def test_too_few_distinct_items_is_one_clear_line() -> None:
    with pytest.raises(DomainError, match=r"count_bits has only \d+ distinct items left"):
        ReasoningDomain(DomainConfig(families=("count_bits",), sizes={"test": 2000}))


@pytest.mark.parametrize("family", sorted(REFUSED))
def test_refused_families_say_why(family: str) -> None:
    assert family not in FAMILIES
    with pytest.raises(DomainError, match=f"{family} is refused: {re.escape(REFUSED[family])}"):
        ReasoningDomain(DomainConfig(families=("gcd", family)))


def test_an_unknown_family_lists_the_admitted() -> None:
    with pytest.raises(DomainError, match="sudoku is not admitted; there are chain_sum, gcd"):
        ReasoningDomain(DomainConfig(families=("sudoku",)))


@pytest.mark.parametrize("family", FAMILIES)
def test_fifty_stored_answers_score_right_and_variations_wrong(every: ReasoningDomain, family: str) -> None:
    items = of(every, family)
    assert len(items) == PER_FAMILY
    for item in items:
        assert every.score(item, item.target).value == 1
        for forgiven in (f"\n {item.target} ", f"**{item.target}**", f"`{item.target}`", f"{item.target}."):
            assert every.score(item, forgiven).value == 1, forgiven
        for wrong in (
            f"{item.target}x",
            f"{item.target}, and more",
            f"{item.target}, {item.target}",
            f"{item.target} {item.target}",
            f"{item.target}\n{item.target}",
            f"x{item.target}",
            f"not {item.target}",
            item.target + " " * 3000 + "x",
        ):
            assert every.score(item, wrong).value == 0, wrong


@pytest.mark.parametrize("family", FAMILIES)
def test_one_answer_for_all_items_gains_little(every: ReasoningDomain, family: str) -> None:
    """No string is right whatever the item (nan was, in complex_arithmetic)."""
    items = of(every, family)
    for answer in ("nan", "NaN", "sNaN", "inf", "1e400", "True", "[]", "0x1", "١", "1_0", "\u200b"):
        right = sum(every.score(item, answer).value for item in items)
        usual = Counter(item.target for item in items).most_common(1)[0][1]
        assert right <= usual
        assert right < PER_FAMILY


def test_an_answer_that_is_too_long_is_wrong_and_says_so(default: ReasoningDomain) -> None:
    item = default.items("train")[0]
    assert default.score(item, item.target + " " * MAX_ANSWER).feedback.startswith("an answer of")


def test_partial_credit_is_dropped(every: ReasoningDomain) -> None:
    item = of(every, "chain_sum")[0]
    assert every.score(item, f"{item.target} or so").value == 0
    assert every.score(item, item.target + ".00").value == 1  # the scorer compares decimals


def words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]


def primes(low: int, high: int) -> int:
    return sum(n > 1 and all(n % d for d in range(2, math.isqrt(n) + 1)) for n in range(low, high + 1))


def in_base(number: int, base: int) -> str:
    digits = ""
    while number:
        digits = "0123456789abcdef"[number % base] + digits
        number //= base
    return digits or "0"


def solve_base(q: str) -> str:
    names = {"binary": 2, "hexadecimal": 16}
    found = re.search(r"Convert the (\S+) number (\w+) to (base-\d+|\w+)\.", q)
    assert found
    source, digits, target = found.groups()
    bases = [names.get(b) or int(b.removeprefix("base-")) for b in (source, target)]
    return in_base(int(digits, bases[0]), bases[1])


def solve_equation(q: str) -> str:
    found = re.search(r"\b([a-z])\b[^:]*: (.*) = (-?\d+)$", q) or re.search(r"(): (.*) = (-?\d+)$", q)
    assert found
    left, right = found.group(2), int(found.group(3))
    letter = re.search(r"[a-z]", left)
    assert letter
    roots = [x for x in range(-500, 500) if eval(left.replace(letter.group(), f"({x})")) == right]
    assert len(roots) == 1
    return str(roots[0])


def solve_filter(q: str) -> str:
    found = re.match(r"(Keep|Remove) all numbers (larger|smaller) than (\S+) in this list: (.*)\n", q)
    assert found
    verb, order, bound, listed = found.groups()
    kept = [
        n
        for n in re.findall(r"'([^']*)'", listed)
        if (float(n) > float(bound) if order == "larger" else float(n) < float(bound)) == (verb == "Keep")
    ]
    return str(kept)


def solve_cipher(q: str) -> set[str]:
    text = q.split(": ")[1].split(".")[0]
    shift = {
        n: "".join(chr((ord(c) - 65 - n) % 26 + 65) if c.isalpha() else c for c in text) for n in (1, 2, 3)
    }
    return set(shift.values())


def solve_needle(q: str) -> str:
    found = re.search(r"Who (.*)\? Reply", q)
    assert found
    name = re.search(r"(?:^|\. )([^.]*?) " + re.escape(found.group(1)) + r"\.", q)
    assert name
    return name.group(1)


def solve_letters(q: str) -> str:
    found = re.search(r'letter "(.)" appear in the text: "(.*)"', q)
    assert found
    return str(found.group(2).lower().count(found.group(1)))


def solve_sorting(q: str) -> str:
    return ", ".join(sorted(words(q.rpartition(": ")[2]), reverse="descending" in q))


def numbers(q: str) -> list[int]:
    return [int(n) for n in re.findall(r"\d+", q)]


def value(expression: str) -> str:
    from fractions import Fraction

    exact = re.sub(r"\d+(?:\.\d+)?", lambda n: f"Fraction('{n.group()}')", expression)
    result = eval(exact, {"Fraction": Fraction})
    return str(int(result)) if result.denominator == 1 else str(float(result))


SOLVERS: dict[str, Callable[[str], str | set[str]]] = {
    "chain_sum": lambda q: value(q.split(": ")[1].rstrip("= ")),
    "gcd": lambda q: str(math.gcd(*numbers(q))),
    "letter_counting": solve_letters,
    "spell_backward": lambda q: q.rpartition(": ")[2][::-1],
    "needle_haystack": solve_needle,
    "count_bits": lambda q: str(numbers(q)[-1].bit_count()),
    "word_sorting": solve_sorting,
    "lcm": lambda q: str(math.lcm(*numbers(q))),
    "products": lambda q: str(math.prod(numbers(q))),
    "count_primes": lambda q: str(primes(*numbers(q))),
    "base_conversion": solve_base,
    "simple_equations": solve_equation,
    "basic_arithmetic": lambda q: value(q.removeprefix("Calculate ").rstrip(".")),
    "word_sequence_reversal": lambda q: ", ".join(reversed(words(q.rpartition(": ")[2]))),
    "number_filtering": solve_filter,
    "caesar_cipher": solve_cipher,
    "decimal_chain_sum": lambda q: value(q.split(": ")[1].rstrip("= ")),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_answers_are_true_and_the_public_question_is_enough(every: ReasoningDomain, family: str) -> None:
    """Solved from the (shortened) question alone, by code that shares nothing with reasoning-gym."""
    for item in of(every, family):
        solved = SOLVERS[family](item.question)
        attempts = solved if isinstance(solved, set) else {solved}
        assert any(every.score(item, attempt).value == 1 for attempt in attempts), (item.question, solved)


@pytest.mark.parametrize("family", [name for name in FAMILIES if FAMILIES[name].shorten])
def test_long_templates_are_shortened(every: ReasoningDomain, family: str) -> None:
    for item in of(every, family):
        assert len(item.question) < 170
        assert "Your task" not in item.question
        assert not any(long in item.question for long, _ in FAMILIES[family].shorten if len(long) > 1)


def test_the_brief_describes_each_family(default: ReasoningDomain) -> None:
    assert all(f"{family}: {FAMILIES[family].brief}" in default.brief for family in DEFAULT_FAMILIES)
    assert "lcm" not in default.brief
