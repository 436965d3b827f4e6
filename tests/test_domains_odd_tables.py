"""Tables that a newcomer brings: units, slips, labels with an odd one, letters of more languages."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest

from domains.domain import Item
from domains.matching.drop import Drop
from domains.matching.scoring import choose
from domains.matching.units import units_of
from domains.table import TableDomain
from meta_search.config import DomainConfig
from meta_search.errors import DomainError
from meta_search.types import SPLITS

WORDS = "river stone lantern velvet copper meadow signal orchard puzzle anchor thunder garden".split()


def table(folder: Path, answers: Sequence[str], question: str = "", encoding: str = "utf-8") -> TableDomain:
    path = folder / "t.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("question", "answer"))
        for n, answer in enumerate(answers):
            asked = f"{WORDS[n % 12]} {WORDS[n // 12 % 12]} {WORDS[n * 7 % 12]} {n}? {question}"
            writer.writerow((asked, answer))
    return TableDomain(DomainConfig(name="table", path=str(path)))


def score(domain: TableDomain, answer: str, target: str) -> float:
    item = next(item for split in SPLITS for item in domain.items(split) if item.target == target)
    return domain.score(item, answer).value


def test_numbers_with_one_unit_are_compared_as_numbers(tmp_path: Path) -> None:
    domain = table(tmp_path, [f"{n + 3} km" for n in range(24)])
    assert domain.compared == "numeric"
    assert any("numbers with the unit 'km'" in note for note in domain.notes)
    for answer in ("7 km", "7", "It is 7.0 km.", "7 kilometers"):
        assert score(domain, answer, "7 km") == 1.0, answer
    assert score(domain, "8 km", "7 km") == 0.0


def test_numbers_with_several_units_are_text_and_a_line_says_so(tmp_path: Path) -> None:
    domain = table(tmp_path, [f"{n + 3} {('days', 'weeks')[n % 2]}" for n in range(24)])
    assert any("with words behind them (days, weeks)" in note for note in domain.notes)
    assert score(domain, "8 days", "8 weeks") == 0.0
    assert score(domain, "8 weeks", "8 weeks") == 1.0


@pytest.mark.parametrize(
    ("targets", "units"),
    [
        (("52 km", "1,200 km", "7"), ("km",)),
        (("2 stars", "1 star"), ("stars",)),
        (("20 °C", "3 °C"), ("°C",)),
        (("$5.50 per hour", "$3 per hour"), ("per hour",)),
        (("5 apples", "3 dogs"), ("apples", "dogs")),
        (("3 pm", "4 pm"), ()),
        (("5 March", "6 April"), ()),
        (("1st", "2nd"), ()),
        (("Section 5", "Section 6"), ()),
        (("3 to 4", "5 to 6"), ()),
        (("100 BC", "200 AD"), ()),
        (("5 km", "far"), ()),
        (("1", "2", "3 km"), ()),
    ],
)
def test_what_is_a_unit(targets: tuple[str, ...], units: tuple[str, ...]) -> None:
    assert units_of(targets) == units


def test_numbers_without_units_are_chosen_as_before() -> None:
    assert choose(["1", "2", "3"]) == ("numeric", {}, "")
    assert choose(["3 pm", "4 pm"]).name == "exact"


def test_a_label_of_one_row_and_words_for_nothing_are_told(tmp_path: Path) -> None:
    answers = [("spam", "ham")[n % 2] for n in range(40)]
    assert table(tmp_path, answers).notes == ()
    answers[5] = "7"
    [note] = table(tmp_path, answers).notes
    assert note == "t.csv: line 7: the answer '7' is in this row only, 2 labels have many: is it a slip?"
    answers[5], answers[6], answers[9] = "ham", "NA", "na"
    [note] = table(tmp_path, answers).notes
    assert note.startswith("t.csv: line 8 (and 1 more): the answer 'NA' is compared as text;")


def test_ratings_and_yes_and_no_have_no_slips(tmp_path: Path) -> None:
    assert table(tmp_path, ["3", *[str(n % 2 + 1) for n in range(39)]]).notes == ()
    assert table(tmp_path, [("None", "some")[n % 2] for n in range(40)]).notes == ()


@pytest.mark.parametrize(
    "question",
    [
        "Qual é a posição da informação na educação?",
        "für die Größe und Füße",
        "määrä ja pää tänään yö",
        "é créée",
    ],
)
def test_pairs_of_western_letters_are_western(tmp_path: Path, question: str) -> None:
    domain = table(tmp_path, [str(n) for n in range(24)], question, "latin-1")
    assert question in domain.items("train")[0].question
    assert any("was read as Windows-1252" in note for note in domain.notes)


@pytest.mark.parametrize("encoding", ["koi8-r", "cp1251"])
def test_other_letters_are_still_not_western(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(DomainError, match="save it as UTF-8"):
        table(tmp_path, [str(n) for n in range(24)], "Сколько здесь всего яблок", encoding)


def test_a_line_that_is_cut_short_is_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"question": "a", "answer": "b"}\n{"question": "x", "ans')
    with pytest.raises(DomainError, match="line 2: is not JSON: a text has no closing quote, or"):
        TableDomain(DomainConfig(name="table", path=str(path)))


def test_numbers_in_feedback_are_as_people_write_them() -> None:
    said = Drop().score("99", "4", Item("i", "?", "4")).feedback
    assert said == "missing: 4; not wanted: 99; expected 4"
