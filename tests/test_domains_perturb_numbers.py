"""Other numbers in word problems: the answer recomputed, the text else as it was; what is left out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domains.domain import Item
from domains.perturb.mentions import constants, mentions
from domains.perturb.numbers import other_numbers, trace
from domains.perturb.outcome import LeftOut
from domains.perturb.working import Unreadable, read_working
from tests.kits.published import SHARED, skip_without

GSM8K = SHARED / "gsm8k_test.jsonl"
NUMBERS = re.compile(r"\d[\d,]*(?:\.\d+)?|\.\d+")
WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split()


def perturbed(question: str, working: str, answer: str, seed: int = 0) -> Item:
    return other_numbers(Item("i", question, answer), working, seed)


def numbers_of(text: str) -> list[Fraction]:
    return [Fraction(found.replace(",", "")) for found in NUMBERS.findall(text)]


Problem = tuple[str, str, Callable[..., Fraction]]
PROBLEMS: list[Problem] = [
    (
        "Ann buys {0} pens and Ben buys {1} pens. Cleo buys {2} pens. How many pens do they buy?",
        "<<{0}+{1}={3}>> then <<{3}+{2}={4}>>",
        lambda a, b, c: a + b + c,
    ),
    (
        "A hall has {0} rows of {1} seats. {2} seats are broken. How many seats are left of the {0} rows?",
        "<<{0}*{1}={3}>><<{3}-{2}={4}>>",
        lambda a, b, c: a * b - c,
    ),
]


@given(st.integers(30, 400), st.integers(13, 29), st.integers(401, 900), st.integers(0, 9), st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_answer_follows_and_the_text_stays(a: int, b: int, c: int, seed: int, second: bool) -> None:
    text, working, formula = PROBLEMS[second]
    values = (a, b, c) if not second else (a, b, min(c, a * b - 1))
    if second and values[2] in (a, b):
        return
    middle = a + b if not second else a * b
    answer = formula(*values)
    question = text.format(*values)
    why = ""
    try:
        made = perturbed(question, working.format(*values, middle, answer), str(answer), seed)
    except LeftOut as error:
        why = str(error)
    if why:
        assert "safely" in why or "no other numbers" in why
        return
    assert NUMBERS.sub("#", made.question) == NUMBERS.sub("#", question)
    before, after = numbers_of(question), numbers_of(made.question)
    new = dict(zip(before, after, strict=True))
    assert [new[n] for n in before] == after  # all occurrences of a number are replaced alike
    assert Fraction(made.target) == formula(*(new[Fraction(n)] for n in values))
    assert made.target != str(answer)
    assert made.target.isdecimal()
    order = sorted(range(len(before)), key=before.__getitem__)
    assert sorted(after) == [after[i] for i in order]
    again = perturbed(question, working.format(*values, middle, answer), str(answer), seed)
    assert again == made


def test_numbers_in_words_and_digits_are_one_number() -> None:
    question = (
        "Ann has seven boxes. Each of the 7 boxes holds forty pens. She loses 25 pens. How many are left?"
    )
    made = perturbed(question, "<<7*40=280>> <<280-25=255>>", "255")
    found = re.fullmatch(
        r"Ann has ([a-z-]+) boxes\. Each of the (\d+) boxes holds ([a-z-]+) pens\. "
        r"She loses (\d+) pens\. How many are left\?",
        made.question,
    )
    assert found is not None
    assert found[1] == (WORDS[int(found[2])] if int(found[2]) < len(WORDS) else found[1])
    [boxes, lost] = [int(found[2]), int(found[4])]
    assert (int(made.target) + lost) % boxes == 0


def test_forms_are_kept() -> None:
    question = "A house costs $80,000. A fee of $1.50 a day is due for 13 days. What is due in all?"
    made = perturbed(question, "<<1.5*13=19.5>><<80000+19.5=80019.5>>", "80019.5")
    assert re.fullmatch(
        r"A house costs \$\d+,000\. A fee of \$\d\.\d\d a day is due for \d+ days\. What is due in all\?",
        made.question,
    )
    price, fee, days = numbers_of(made.question)
    assert Fraction(made.target) == price + fee * days
    point = perturbed("A bean weighs .15 grams. How much do 60 beans weigh?", ".15*60", "9")
    assert re.match(r"A bean weighs \.\d\d grams\. How much do \d+ beans weigh\?", point.question)


@pytest.mark.parametrize(
    ("question", "working", "answer", "kept"),
    [
        ("Born in 1980, Ann had 14 cats and 25 dogs. How many pets?", "<<14+25=39>>", "39", "in 1980,"),
        ("On the 3rd day Ann sold 14 cats and 25 dogs. How many?", "<<14+25=39>>", "39", "On the 3rd day"),
        ("At 5:30 pm Ann had 14 cats and 25 dogs. How many pets?", "<<14+25=39>>", "39", "At 5:30 pm"),
        ("On May 5 Ann had 14 cats and 25 dogs. How many pets?", "<<14+25=39>>", "39", "On May 5 "),
        ("In Room 12 Ann had 14 cats and 25 dogs. How many pets?", "<<14+25=39>>", "39", "In Room 12 "),
        ("Of 40 cats 25% are red. How many are red?", "<<40*.25=10>>", "10", " 25% are red"),
        ("Of 40 cats 1/4 are red. How many are red?", "<<40*1/4=10>>", "10", " 1/4 are red"),
        ("Half of 40 cats are red. How many are red?", "<<40/2=20>>", "20", "Half of "),
        (
            "Ann runs 3 miles a day. How far in two weeks of 7 days?",
            "<<3*7=21>><<21*2=42>>",
            "42",
            "two weeks of 7",
        ),
        ("An 8-foot rope and an 11-foot rope. How long are they?", "<<8+11=19>>", "19", "An "),
    ],
)
def test_what_is_no_amount_stays(question: str, working: str, answer: str, kept: str) -> None:
    for seed in range(5):
        made = perturbed(question, working, answer, seed)
        assert kept in made.question
        assert made.question != question
        for number in re.findall(r"[Aa]n (\d+)", made.question):
            assert number[0] == "8" or number in ("11", "18")


@pytest.mark.parametrize(
    ("question", "working", "answer", "why"),
    [
        ("Ann has 14 cats. How many legs?", "<<14*4=56>>", "57", "last step"),
        ("Ann has 14 cats. How many?", "", "14", "no working"),
        ("Ann has 14 cats and 25 dogs. How many?", "<<14+25=40>>", "40", "rounded or wrong"),
        ("Ann has 14 cats and 25 dogs. How many?", "<<14+26=40>>", "40", "not in the question"),
        (
            "Ann has 14 cats, 25 dogs and 31 birds. How many cats and dogs?",
            "<<14+25=39>>",
            "39",
            "not in its",
        ),
        ("There are 14 cats and 25 dogs, 39 pets in all. How many dogs?", "<<39-14=25>>", "25", "not in its"),
        ("From 1980 to 2020, how many years?", "<<2020-1980=40>>", "40", "safely"),
        ("Ann has 14 cats. What is she? A) old B) new", "<<14+14=28>>", "28", "option"),
        ("Ann has 14 cats and 25 dogs. How many?", "<<14+25=39>>", "39 pets", "no number"),
        ("Ann has 14 cats and 25 dogs.", "<<__import__('os')=39>>", "39", "no sum"),
    ],
)
def test_what_cannot_be_traced_is_left_out(question: str, working: str, answer: str, why: str) -> None:
    with pytest.raises(LeftOut, match=why):
        perturbed(question, working, answer)


def test_a_number_that_may_come_from_two_places_stays() -> None:
    # Three people who are not counted: the second 3 is not that of the text.
    question = "Tom, Ann and Bob have 30 apples each. Each gives away 3. How many are left?"
    made = perturbed(question, "<<3*30=90>><<3*3=9>><<90-9=81>>", "81")
    assert "Each gives away 3." in made.question
    apples = numbers_of(made.question)[0]
    assert Fraction(made.target) == 3 * apples - 9


def test_formulas_leave_other_numbers_of_the_question_alone() -> None:
    question = (
        "A pack costs 76 dollars. It has 5 discs. A discount of 30 dollars is given. What is to be paid?"
    )
    made = perturbed(question, "( 76.0 - 30.0 )", "46.0")
    assert "It has 5 discs." in made.question
    price, _, discount = numbers_of(made.question)
    assert Fraction(made.target) == price - discount
    assert read_working("x = 7 + 2", Fraction(9)).steps[0].result == 9
    assert read_working("7+2=9", Fraction(9)).steps[0].result == 9
    with pytest.raises(Unreadable):
        read_working("7+2=8", Fraction(9))


def test_constants_are_those_of_the_words() -> None:
    assert Fraction(7) in constants("How many a week?")
    assert Fraction(7) not in constants("How many are there?")
    assert Fraction(3, 4) in constants("A quarter is gone.")
    assert [m.fixed for m in mentions("5-10 cats, 20% of 30, 1.2.3")][:4] == ["name", "name", "part", ""]


def test_rounded_steps_are_not_taken_for_exact() -> None:
    with pytest.raises(LeftOut):
        trace("Ann cuts 10 yards in 3 parts.", "<<10/3=3.33>>", Fraction("3.33"))


def test_published_problems_recomputed_by_python() -> None:
    skip_without(GSM8K)
    rows = [json.loads(line) for line in GSM8K.read_text().splitlines()[:80]]
    right = 0
    for n, row in enumerate(rows):
        answer = row["answer"].rpartition("####")[2].strip()
        try:
            made = other_numbers(Item(f"q{n}", row["question"], answer), row["answer"], 0)
        except LeftOut:
            continue
        assert NUMBERS.sub("#", made.question).count("#") == NUMBERS.sub("#", row["question"]).count("#")
        new = dict(zip(numbers_of(row["question"]), numbers_of(made.question), strict=True))
        new |= _of_words(row["question"], made.question)
        assert _by_python(row["answer"], new) == pytest.approx(float(Fraction(made.target)))
        right += 1
    assert right > len(rows) // 4


def _of_words(old: str, new: str) -> dict[Fraction, Fraction]:
    pairs = zip(mentions(old), mentions(new), strict=True)
    return {a.value: b.value for a, b in pairs if a.value != b.value}


def _by_python(working: str, new: dict[Fraction, Fraction]) -> float:
    """The working with other numbers, by `eval` of its own text; our test data alone comes here."""
    known: dict[Fraction, float] = {}
    result = 0.0
    for step in re.findall("<<([^<>]*)>>", working):
        expression, _, said = step.rpartition("=")

        def put(found: re.Match[str]) -> str:
            value = Fraction(found[0].replace(",", ""))
            return repr(known.get(value, float(new.get(value, value))))

        result = float(eval(NUMBERS.sub(put, expression.replace("$", ""))))
        known[Fraction(said.replace(",", "").strip("$% "))] = result
    return result
