"""The domain `mgsm`, and the published agents on it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from domains.domain import SPLITS
from domains.mgsm import INSTRUCTION, MgsmDomain
from domains.rows import shuffled
from meta_search import cli
from meta_search.config import DomainConfig
from meta_search.errors import DomainError
from meta_search.testing import CountingEndpoint
from tests.kits.answers import always
from tests.kits.published import ADAS_ARCHIVE, MGSM_PROBLEMS, skip_without
from tests.kits.searches import overrides

LANGUAGES = ("de", "en", "sw")


def make(path: Path | None, **keys: Any) -> MgsmDomain:
    return MgsmDomain(DomainConfig(name="mgsm", path=None if path is None else str(path), **keys))


def lines(language: str, count: int = 60) -> str:
    return "".join(f"{language} {n} “+” {n}?\t{2 * n}\n" for n in range(count))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for language in LANGUAGES:
        (tmp_path / f"mgsm_{language}.tsv").write_text(lines(language), encoding="utf-8")
    (tmp_path / "README.md").write_text("not a problem")
    return tmp_path


def places(domain: MgsmDomain, split: str) -> list[str]:
    return [item.id.partition("-")[2] for item in domain.items(split)]


def test_a_file_is_one_language(folder: Path) -> None:
    domain = make(folder / "mgsm_sw.tsv")
    items = [item for split in SPLITS for item in domain.items(split)]
    assert {item.kind for item in items} == {"sw"}
    item = next(item for item in items if item.id == "sw-8")
    assert (item.question, item.target) == (f"{INSTRUCTION}\n\nsw 7 “+” 7?", "14")
    assert "in the language sw" in domain.brief
    assert "integer" in domain.wording["answer"]


def test_no_problem_is_in_two_splits_in_whatever_language(folder: Path) -> None:
    for sizes in ({}, {"test": 90}, {"train": 60, "test": 60, "validation": 20, "examples": 12}):
        domain = make(folder, sizes=sizes)
        held = [set(places(domain, split)) for split in SPLITS]
        assert sum(map(len, held)) == len(set().union(*held)) <= 60
        assert {split: len(domain.items(split)) for split in sizes} == sizes
    assert len({item.id for split in SPLITS for item in domain.items(split)}) == 152


def test_languages_take_turns_and_problems_come_once_before_they_come_again(folder: Path) -> None:
    domain = make(folder, sizes={"test": 60})
    items = domain.items("test")
    kinds = Counter(item.kind for item in items[:12])
    assert max(kinds.values()) - min(kinds.values()) <= 1
    different = len(set(places(domain, "test")))
    assert len(set(places(domain, "test")[:different])) == different
    assert different >= 20


def test_no_agent_can_tell_its_split_from_its_place(folder: Path) -> None:
    """Whoever knows the problems by heart knows the place, and the seed is 0."""
    sizes = dict.fromkeys(SPLITS, 15)
    by_hash = shuffled(map(str, range(60)), 0)
    shares = {}
    for dealing in ("row", "file"):
        domain = make(folder, sizes=sizes, dealing=dealing, families=["en"])
        found = [str(int(place) - 1) for split in SPLITS for place in places(domain, split)]
        shares[dealing] = sum(map(lambda a, b: a == b, found, by_hash)) / 60
    assert shares["row"] == 1.0
    assert shares["file"] < 0.2


def test_a_problem_is_in_the_same_split_in_every_language(folder: Path) -> None:
    dealt = [make(folder, families=[language]) for language in ("en", "sw")]
    for split in SPLITS:
        assert len({tuple(places(domain, split)) for domain in dealt}) == 1


def test_the_order_depends_on_the_seed_only(folder: Path) -> None:
    first, again, other = make(folder), make(folder), make(folder, seed=1)
    for split in SPLITS:
        assert first.items(split) == again.items(split) != other.items(split)
    alone = make(folder / "mgsm_en.tsv")
    assert alone.items("test")[0].id in {f"en-{place}" for place in range(1, 61)}


def test_families_name_languages(folder: Path) -> None:
    domain = make(folder, families=("sw", "en"))
    assert {item.kind for item in domain.items("test")} == {"sw", "en"}
    with pytest.raises(DomainError, match=r"no fr at .*; there are de, en, sw"):
        make(folder, families=("fr",))


def test_answers_are_matched_as_numbers(tmp_path: Path) -> None:
    rows = [(f"q{n}", str(n)) for n in range(10)] + [("big", "114,200"), ("less", "-3")]
    (tmp_path / "mine.tsv").write_text("".join(f"{q}\t{a}\r\n" for q, a in rows) + "\n\n")
    domain = make(tmp_path / "mine.tsv")
    items = {item.question.rpartition("\n")[2]: item for split in SPLITS for item in domain.items(split)}
    big = items["big"]
    assert (big.target, big.kind) == ("114200", "mine")
    for right in ("114200", "114,200", "$114,200.00", "He pays 7 and 8.\nAnswer: 114200 dollars", "114200.0"):
        assert domain.score(big, right).value == 1, right
    for wrong in ("", "114,201", "114.200", "114200 or 5", "1142e5", "none", "nan", "1e99999999"):
        assert domain.score(big, wrong).value == 0, wrong
    assert domain.score(items["less"], "It is −3").value == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("a question without an answer\n", "line 61: must be a question, a tab and an integer, not 1 cells"),
        ("a\tb\t3\n", "line 61: must be a question, a tab and an integer, not 3 cells"),
        ("\t3\n", "line 61: the question is empty"),
        ("half?\t2.5\n", "line 61: the answer '2.5' is not an integer"),
        ("digits?\t٣\n", "line 61: the answer '٣' is not an integer"),
        ("commas?\t1,00\n", "line 61: the answer '1,00' is not an integer"),
        ("none?\t\n", "line 61: the answer '' is not an integer"),
        ("question\tanswer\n", "line 61: the answer 'answer' is not an integer"),
        ("en 5 “+”  5?\t7\n", "rows 6 and 61 ask the same question with different answers"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mgsm_en.tsv"
    path.write_text(text and lines("en") + text, encoding="utf-8")
    with pytest.raises(DomainError) as caught:
        make(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_paths_that_do_not_fit(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "mgsm_fr.tsv").write_text(lines("fr").replace("\t2\n", "\t3\n"))
    (tmp_path / "few.tsv").write_text("a?\t1\n")
    for path, message in (
        (None, "needs a file or a folder"),
        (tmp_path / "none.tsv", "no such file or folder"),
        (tmp_path / "empty", "holds no file named like mgsm_en.tsv"),
        (tmp_path, "problem 2 has the answer 2 in de and 3 in fr"),
        (tmp_path / "few.tsv", "too few rows: 1 different questions"),
    ):
        with pytest.raises(DomainError, match=message):
            make(path)
    (tmp_path / "mgsm_fr.tsv").unlink()
    sizes = {"test": 99, "train": 51, "validation": 15, "examples": 15}
    assert len(make(folder, sizes=sizes).items("test")) == 99
    with pytest.raises(DomainError, match="too few problems: 60 in 3 languages, 62 are needed"):
        make(folder, sizes={"test": 100, "train": 49, "validation": 16, "examples": 15})


@pytest.mark.slow
def test_all_published_agents_run_on_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    skip_without(ADAS_ARCHIVE, MGSM_PROBLEMS)
    monkeypatch.chdir(tmp_path)
    with CountingEndpoint(always("18")) as endpoint:
        words = overrides(MGSM_PROBLEMS, endpoint, "evaluate.items=2", domain="mgsm")
        status = cli.main(["evaluate", str(ADAS_ARCHIVE), *words, "--json", "rows.json"])
    rows = json.loads(Path("rows.json").read_text())
    assert status == 0
    assert [row["outcomes"] for row in rows] == [{"ok": 2}] * 36
    assert {row["score"] for row in rows} <= {0.0, 0.5, 1.0}
    sent = endpoint.requests[0].messages
    assert "only the final answer: one integer in digits" in sent[0][1]
    assert INSTRUCTION in sent[-1][1]


def test_any_number_of_problems_can_be_dealt_without_naming_sizes(tmp_path: Path) -> None:
    for count in range(8, 60, 7):
        for language in LANGUAGES:
            (tmp_path / f"mgsm_{language}.tsv").write_text(lines(language, count), encoding="utf-8")
        domain = make(tmp_path)
        found = [{item.id.rpartition("-")[2] for item in domain.items(split)} for split in SPLITS]
        assert all(found[1:])
        assert len(set().union(*found)) == sum(map(len, found))
