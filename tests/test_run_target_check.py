"""Before anything is paid: items whose own answer is wrong, the README's example among the right ones."""

from __future__ import annotations

import itertools
import random
import re
from pathlib import Path

import pytest

from domains import registry
from domains.reasoning_families import FAMILIES
from meta_search import cli
from meta_search.config import DomainConfig, SandboxConfig
from meta_search.errors import DomainError
from meta_search.run.domain_scorer import Scorer, ScorerFault
from meta_search.run.target_check import TargetCheck, target_check
from meta_search.testing import CountingEndpoint
from tests.kits.answers import always
from tests.kits.searches import overrides, sums

ITEMS = '''"""Numbers."""
def items(split):
    return [(f"{split} {n}?", f"{n}") for n in range(1, 9)]
'''


def checked(folder: Path, source: str) -> TargetCheck:
    path = folder / "mine.py"
    path.write_text(source)
    return of(DomainConfig(name="python", path=str(path)))


def of(config: DomainConfig) -> TargetCheck:
    domain = registry.make(config)
    scorer = Scorer(domain, SandboxConfig())
    try:
        return target_check(domain, scorer)
    finally:
        scorer.close()


def words(folder: Path) -> Path:
    """A list of words as systems have it: names with capitals, possessives, anagrams."""
    letters = ["".join(w) for w in itertools.product("bcdlmnrst", "aeiou", "bdlmnprst", "aeo")]
    drawn = random.Random(1).sample(letters, 600)
    path = folder / "words"
    lines = [*drawn, *(w.capitalize() + "s" for w in drawn[:300]), *(w[::-1] for w in drawn[300:400]), "it's"]
    path.write_text("\n".join(lines))
    return path


def readme(root: Path, folder: Path) -> str:
    text = (root / "README.md").read_text()
    found = re.search(r"```python\n(\"\"\"Anagrams.*?)```", text, re.DOTALL)
    assert found
    return found[1].replace("/usr/share/dict/words", str(words(folder)))


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine meets as many items."""
    monkeypatch.setattr("meta_search.run.target_check.SECONDS", 60.0)


@pytest.mark.usefixtures("unhurried")
def test_the_example_of_the_readme_takes_its_own_answers(root: Path, tmp_path: Path) -> None:
    found = checked(tmp_path, readme(root, tmp_path))
    assert found.checked == {"test": 48, "validation": 48, "train": 48, "examples": 48}
    assert found.lines == []


@pytest.mark.usefixtures("unhurried")
def test_what_it_was_before_is_told(root: Path, tmp_path: Path) -> None:
    """Words with capitals, which the scorer compares in small letters."""
    source = readme(root, tmp_path).replace(" and word.islower()", "")
    found = checked(tmp_path, source)
    (line,) = found.lines
    assert re.match(
        rf"{found.wrong['test']} of 48 test, \d+ of 48 validation, .* are wrong by their own", line
    )
    assert "scores 0" in line


def test_items_that_make_the_scorer_raise_are_told_with_its_line(tmp_path: Path) -> None:
    source = (
        ITEMS + "def score(item, answer):\n    return {'8': 1 / (int(answer) - 8)}.get(answer, 1) and True\n"
    )
    found = checked(
        tmp_path,
        source.replace("{'8': 1 / (int(answer) - 8)}.get(answer, 1) and True", "1 / (8 - int(answer)) >= 0"),
    )
    (line,) = found.lines
    assert line.startswith(
        "the scorer fails on the own answer of 1 of 8 test, 1 of 8 validation, 1 of 8 train"
    )
    assert "mine.py:5: ZeroDivisionError" in line


def test_a_scorer_that_hangs_on_an_own_answer_is_told_and_the_item_left_out(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    hangs = (
        "import time\ndef score(item, answer):\n    time.sleep(9 * (item.id == 'test-1'))\n    return True\n"
    )
    path.write_text(ITEMS + hangs)
    domain = registry.make(DomainConfig(name="python", path=str(path)))
    scorer = Scorer(domain, SandboxConfig(wall_s=0.4))
    try:
        (line,) = target_check(domain, scorer).lines
        with pytest.raises(ScorerFault, match="longer than"):
            scorer.score(domain.items("test")[1], "another answer")
    finally:
        scorer.close()
    assert line == "the scorer fails on the own answer of 1 of 8 test items (scoring took longer than 0.4 s)"


def test_where_every_one_is_wrong_nothing_begins(tmp_path: Path) -> None:
    with pytest.raises(
        DomainError, match="every item is wrong by its own answer, as test-0, whose '1' scores 0"
    ):
        checked(tmp_path, ITEMS + "def score(item, answer):\n    return answer == item.target + '.'\n")


@pytest.mark.parametrize(
    "source",
    [
        # The answer is for people, the scorer goes by more.
        ITEMS.replace(
            '(f"{split} {n}?", f"{n}")', '{"question": f"{split} {n}?", "answer": "a|b", "any": "ab"}'
        )
        + "def score(item, answer):\n    return answer in item.data['any']\n",
    ],
)
def test_it_is_an_alarm_only_where_items_have_more_than_an_answer(tmp_path: Path, source: str) -> None:
    (line,) = checked(tmp_path, source).lines
    assert line.startswith("8 of 8 test, 8 of 8 validation")


@pytest.mark.parametrize(
    "source",
    [
        ITEMS + "def score(item, answer, run):\n    return run(answer)[1].strip() == item.target\n",
        ITEMS.replace('f"{n}")', '"")') + "def score(item, answer):\n    return len(answer) > 3\n",
        ITEMS,
    ],
)
def test_targets_that_are_no_answers_are_left_alone(tmp_path: Path, source: str) -> None:
    assert checked(tmp_path, source).lines == []


def test_a_judge_is_asked_for_two_items_only(tmp_path: Path) -> None:
    counted = tmp_path / "counted"
    source = ITEMS + (
        "confined = False\ndef score(item, answer):\n"
        f"    open({str(counted)!r}, 'a').write('x')\n    return 0.4\n"
    )
    found = checked(tmp_path, source)
    assert sum(found.checked.values()) == 2
    assert len(counted.read_text()) == 3  # and one when the file was loaded
    assert found.lines == []  # a reference may earn less than full marks of a judge


def test_no_family_of_reasoning_gym_is_wrong_by_its_own_answer() -> None:
    sizes = {"examples": 0, "train": len(FAMILIES), "validation": 1, "test": len(FAMILIES)}
    for families in ((), tuple(FAMILIES)):
        found = of(DomainConfig(families=families, sizes=sizes))
        assert found.lines == [], families
        assert found.checked["test"] == len(FAMILIES)


def test_a_table_is_silent_and_few_test_items_are_not(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with CountingEndpoint(always("3")) as endpoint:
        more = ("author=composer", "search.candidates=0", "search.seeds=[direct]", "search.finalists=1")
        words = overrides(sums(folder), endpoint, *more, "evaluate.items=4", "evaluate.test_items=15")
        assert cli.main(["run", *words]) == 0
    shown = capsys.readouterr().out
    assert "own answer" not in shown
    assert "with 15 test items only a gain of 34 points or more can be significant" in shown
