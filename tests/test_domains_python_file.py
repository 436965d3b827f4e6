"""The domain `python`: a file of the user's own."""

from __future__ import annotations

import importlib
import re
import textwrap
from pathlib import Path

import pytest

from domains import python_file, registry, user_file
from domains.domain import SPLITS, Item, Score
from domains.python_file import PythonDomain
from meta_search.config import DomainConfig
from meta_search.errors import DomainError

ITEMS = """
def items(split):
    return [(f"{split} {n}", str(n)) for n in range(5)]
"""


def make(tmp_path: Path, text: str, **keys: object) -> PythonDomain:
    path = tmp_path / "my_domain.py"
    path.write_text(text, encoding="utf-8")
    return PythonDomain(DomainConfig(name="python", path=str(path), **keys))  # type: ignore[arg-type]


def test_the_example_of_the_docstring_works_in_20_lines(tmp_path: Path) -> None:
    found = re.search(r'(?ms)^    """Sums.*?^    def score.*?\n\n', python_file.__doc__ or "")
    assert found
    source = textwrap.dedent(found.group())
    assert len(source.splitlines()) <= 20
    path = tmp_path / "sums.py"
    path.write_text(source)
    domain = registry.make(DomainConfig(name="python", path=str(path)))
    assert domain.name == "sums"
    assert domain.brief == "Sums of two numbers."
    assert domain.wording["answer"] == "only the number"
    assert [len(domain.items(split)) for split in SPLITS] == [60] * 4
    item = domain.items("test")[0]
    a, b = re.findall(r"\d+", item.question)
    assert domain.score(item, f" {int(a) + int(b)} ").value == 1
    assert domain.score(item, "1").value == 0


def test_without_a_scorer_answers_are_matched(tmp_path: Path) -> None:
    domain = make(tmp_path, '"""Numbers."""' + ITEMS)
    item = domain.items("test")[3]
    assert (item.id, item.target) == ("test-3", "3")
    assert domain.score(item, "it is 3.0").value == 1
    exactly = make(tmp_path, '"""Numbers."""' + ITEMS, match="exact")
    assert exactly.score(item, "it is 3.0").value == 0


def test_a_class_a_dataclass_dicts_items_and_graded_scores(tmp_path: Path) -> None:
    domain = make(
        tmp_path,
        """
        from dataclasses import dataclass
        from domains.domain import Domain as Protocol, Item, Score

        @dataclass
        class Case:
            n: int

        class Domain:
            name = "mine"
            brief = "Say how\\n many."
            def __init__(self):
                self.cases = [Case(n) for n in range(3)]
            def items(self, split):
                if split == "test":
                    return (Item(f"t{c.n}", f"test {c.n}", str(c.n)) for c in self.cases)
                if split != "examples":
                    return [{"id": f"{split}{c.n}", "question": f"{split}? {c.n}", "answer": c.n,
                             "kind": "k", "limit": 7} for c in self.cases]
            def score(self, item, answer):
                if answer == "half":
                    return 0.5
                return Score(1.0, "good") if answer == item.target else False
        """.replace("\n        ", "\n"),
    )
    assert domain.name == "mine"
    assert domain.brief == "Say how many."
    assert domain.items("examples") == ()
    assert domain.items("train")[2] == Item("train2", "train? 2", "2", "k", {"limit": 7})
    item = domain.items("test")[1]
    assert domain.score(item, "1") == Score(1.0, "good")
    assert domain.score(item, "half").value == 0.5
    assert domain.score(item, "x").value == 0


def test_an_imported_protocol_named_domain_is_not_the_users_class(tmp_path: Path) -> None:
    domain = make(tmp_path, '"""B."""\nfrom domains.domain import Domain\n' + ITEMS)
    assert len(domain.items("train")) == 5


def test_sizes_take_the_first_items(tmp_path: Path) -> None:
    domain = make(tmp_path, '"""B."""' + ITEMS, sizes={"train": 2, "examples": 0})
    assert [len(domain.items(split)) for split in SPLITS] == [0, 2, 5, 5]
    with pytest.raises(DomainError, match="has only 5 items there"):
        make(tmp_path, '"""B."""' + ITEMS, sizes={"train": 6})


def test_a_scorer_may_return_what_numpy_compares(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        '"""Sums."""\nimport numpy as np\ndef items(split):\n    return [(f"{split} 1+1?", "2")]\n'
        "def score(item, answer):\n"
        "    return np.float32(0.5) if answer == 'half' else np.bool_(answer == item.target)\n"
    )
    domain = registry.make(DomainConfig(name="python", path=str(path)))
    (item,) = domain.items("train")
    assert [domain.score(item, answer).value for answer in ("2", "3", "half")] == [1.0, 0.0, 0.5]


def test_a_scorer_that_fails_later_is_a_note_that_names_the_line(tmp_path: Path) -> None:
    text = (
        '"""B."""' + ITEMS + "def score(item, answer):\n    return 1 / int(answer) < 2 and int(answer) == 3\n"
    )
    domain = make(tmp_path, text.replace("range(5)", "range(1, 5)"))
    score = domain.score(domain.items("test")[0], "0")
    assert score == Score(0.0, "score failed: my_domain.py:5: ZeroDivisionError: division by zero")


def test_a_scorer_of_ones_own_is_confined_unless_it_says_not(tmp_path: Path) -> None:
    text = '"""B."""' + ITEMS + "def score(item, answer): return answer == item.target\n"
    confined = make(tmp_path, text).confined
    assert confined is not None
    module, name = confined.factory.split(":")
    scorer = getattr(importlib.import_module(module), name)(**confined.arguments)
    assert scorer(Item("x", "?", "7"), "7", None) == Score(1.0)
    assert make(tmp_path, text + "confined = False").confined is None
    assert make(tmp_path, '"""B."""' + ITEMS).confined is None
    a_class = 'class Domain:\n    """B."""\n' + textwrap.indent(text.removeprefix('"""B."""'), "    ")
    a_class = a_class.replace("(item,", "(self, item,").replace("items(split)", "items(self, split)")
    assert make(tmp_path, a_class).confined is not None
    assert make(tmp_path, a_class + "    confined = False").confined is None


def test_a_scorer_that_runs_code_is_handed_run_and_not_tried_here(tmp_path: Path) -> None:
    text = '"""B."""' + ITEMS + "def score(item, answer, run): return run(answer) == (True, item.target)\n"
    domain = make(tmp_path, text)
    assert domain.confined is not None
    scorer = user_file.make_scorer(**domain.confined.arguments)
    assert scorer(Item("x", "?", "7"), "code", lambda code: (True, "7" if code == "code" else "")).value == 1


def test_an_answer_that_is_no_code_is_told_by_the_line_of_the_scorer(tmp_path: Path) -> None:
    source = '"""B."""' + ITEMS + "\n\ndef score(item, answer):\n    return eval(answer) == 3\n"
    domain = make(tmp_path, source.replace("str(n)", "'3'"))
    for answer, error in (("1 +", "SyntaxError: invalid syntax"), ("exit()", "SystemExit: None")):
        note = domain.score(domain.items("test")[0], answer).feedback
        assert note == f"score failed: my_domain.py:7: {error}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = = 1", "my_domain.py:1: SyntaxError: invalid syntax"),
        ("import nothing_of_that_name", "my_domain.py:1: ModuleNotFoundError"),
        ("\n1 / 0", "my_domain.py:2: ZeroDivisionError"),
        ("raise SystemExit(3)", "my_domain.py:1: SystemExit: 3"),
        ('"""B."""', "defines no items(split)"),
        ("items = 3", "defines no items(split)"),
        (ITEMS, "needs a brief"),
        ('"""B."""\ndef items(split): return []', "items('train') is empty"),
        (
            '"""B."""\ndef items(split):\n    yield 1 / 0',
            "items('examples') failed: my_domain.py:3: ZeroDivisionError",
        ),
        ('"""B."""\ndef items(): return []', "items('examples') failed: my_domain.py: TypeError"),
        (
            '"""B."""\ndef items(split): return ["x"]',
            "item 0 of items('examples') is neither a dict, a pair nor",
        ),
        ('"""B."""\ndef items(split): return [{"answer": "x"}]', "has no 'question'"),
        ('"""B."""\ndef items(split): return [(" ", "x")]', "the question must be a text"),
        ('"""B."""\ndef items(split): return [("q", "x")]', "examples and train share the question 'q'"),
        (
            '"""B."""\ndef items(split): return [{"id": 1, "question": split, "answer": 2}]',
            "two items have the id '1'",
        ),
        ('"""B."""\ndef items(split): return [{"question": split}]', "items without an answer need a score"),
        (
            '"""B."""' + ITEMS + "def score(item, answer): return item.nothing",
            "score failed: my_domain.py:4: Attr",
        ),
        (
            '"""B."""' + ITEMS + "def score(item, answer): return None",
            "must return a bool, a number or a Score",
        ),
        ('"""B."""' + ITEMS + "def score(item, answer): return 2", "score must be in 0..1, not 2.0"),
        ('"""B."""' + ITEMS + "wording = 'short'", "wording must be a dict"),
        (
            '"""B."""' + ITEMS + "confined = 'no'\ndef score(item, answer): return True",
            "confined must be True or False, not 'no'",
        ),
        (
            '"""B."""' + ITEMS + "confined = False\ndef score(item, answer, run): return True",
            "score(item, answer, run) needs confinement",
        ),
        (
            '"""B."""\ndef items(split): return [{"question": split, "check": lambda: 1}]\n'
            "def score(item, answer): return True",
            "item examples-0 cannot be sent to the scorer's process",
        ),
        (
            'class Domain:\n    def __init__(self):\n        raise ValueError("a\\nb")',
            "my_domain.py:3: ValueError: a b",
        ),
    ],
)
def test_bad_files_are_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DomainError) as caught:
        make(tmp_path, text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_path_no_file_and_another_kind_of_file(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("x")
    for path, message in (
        (None, "needs a file"),
        (str(tmp_path / "none.py"), "no such file"),
        (str(tmp_path), "no such file"),
        (str(tmp_path / "x.txt"), r"must be a \.py file"),
    ):
        with pytest.raises(DomainError, match=message):
            PythonDomain(DomainConfig(name="python", path=path))


TOLD = ITEMS + "brief = 'numbers'\n"


def test_helpers_are_those_that_the_file_names(tmp_path: Path) -> None:
    assert make(tmp_path, TOLD).helpers == ()
    assert make(tmp_path, TOLD + "helpers = ['get_test_output_from_code']\n").helpers == (
        "get_test_output_from_code",
    )
    with pytest.raises(DomainError, match="helpers must be a list of names"):
        make(tmp_path, TOLD + "helpers = 'get_test_output_from_code'\n")
