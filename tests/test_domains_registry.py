"""The registry of domains, and one conformance suite for all of them."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from domains import registry
from domains.domain import SPLITS, Domain
from meta_search.config import DomainConfig
from meta_search.errors import DomainError

HOSTILE = (
    "",
    " \n\t",
    "\x00",
    "None",
    "nan",
    "-inf",
    "1e99999999",
    "9" * 5000,
    "9" * 1_000_000,
    "1/0",
    "\ud800",
    "\u202e\u0301" * 3000,
    "\u0327\u0301" * 30_000,
    "٣٤",
    "[" * 20_000,
    "{'a': " * 3000,
    "__import__('os').abort()",
    "lambda: 0",
    "\\boxed{" * 2000,
    "answer is " * 5000,
    "$" * 50_000,
    "1," * 30_000,
    "* " * 30_000,
    "x" * 10_000_000,
    "7" * 10_000_000,
    "5\x00",
    "²⅗Ⅷ",
    "(" * 100_000 + ")" * 100_000,
    "1e99999999/1e-99999999",
    "__import__('os').system('true') or 10**10**10",
    "a" * 60_000 + "!",
    "$1" + ",000" * 20_000,
    "\\frac{" * 20_000,
)

PYTHON_DOMAIN = '''"""Double a number."""
def items(split):
    start = {"examples": 0, "train": 10, "validation": 20, "test": 30}[split]
    return [(f"double {n}", str(2 * n)) for n in range(start, start + 10)]
'''


@pytest.fixture(scope="module", params=registry.names())
def domain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Domain:
    folder = tmp_path_factory.mktemp("domain")
    path = None
    if request.param == "table":
        path = folder / "table.csv"
        path.write_text("question,answer\n" + "".join(f"capital {n}?,city {n}\n" for n in range(40)))
    if request.param == "python":
        path = folder / "mine.py"
        path.write_text(PYTHON_DOMAIN)
    if request.param == "mgsm":
        path = folder
        for language, word in (("en", "is"), ("de", "ist")):
            lines = [f"What {word} {n} + {n}?\t{2 * n}\n" for n in range(100, 160)]
            (folder / f"mgsm_{language}.tsv").write_text("".join(lines))
    return registry.make(DomainConfig(name=request.param, path=str(path) if path else None))


def test_splits_are_disjoint_and_ids_unique(domain: Domain) -> None:
    ids = [item.id for split in SPLITS for item in domain.items(split)]
    assert len(ids) == len(set(ids)) > 10
    questions = [item.question for split in SPLITS for item in domain.items(split)]
    assert len(questions) == len(set(questions))
    assert all(domain.items(split) for split in SPLITS[1:])


def test_items_are_a_stable_sequence_of_picklable_values(domain: Domain) -> None:
    for split in SPLITS:
        items = domain.items(split)
        assert list(items) == list(domain.items(split))
        assert pickle.loads(pickle.dumps(list(items))) == list(items)
        assert all(item.question == item.question.strip() != "" for item in items)


def test_the_stored_answer_is_right_and_others_are_wrong(domain: Domain) -> None:
    for split in SPLITS:
        for item in domain.items(split):
            assert domain.score(item, item.target).value == 1
            assert domain.score(item, f"  {item.target}\n").value == 1
            assert domain.score(item, "no idea").value < 1


def test_the_scorer_never_raises_and_hostile_answers_are_wrong(domain: Domain) -> None:
    first_of_kind = {item.kind: item for item in domain.items("train")}
    for item in first_of_kind.values():
        for answer in (*HOSTILE, None, 5, ["x"]):
            score = domain.score(item, answer)  # type: ignore[arg-type]
            assert score.value < 1, (item, str(answer)[:40])
            assert "\n" not in score.feedback


def test_brief_and_wording_hold_no_scored_item(domain: Domain) -> None:
    assert domain.name
    assert domain.brief.strip()
    assert "answer" in domain.wording
    shown = domain.brief + " ".join(domain.wording.values())
    assert not any(item.question in shown for split in SPLITS[1:] for item in domain.items(split))


def test_an_unknown_split_is_an_error(domain: Domain) -> None:
    with pytest.raises(DomainError, match="no such split"):
        domain.items("dev")


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(
        DomainError, match=r"^domain=gsm8k: no such domain; there are mgsm, python, reasoning, table$"
    ):
        registry.make(DomainConfig(name="gsm8k"))


@pytest.mark.parametrize(("sizes", "message"), [({"dev": 3}, "no such split"), ({"test": 0}, "at least 1")])
def test_bad_sizes(sizes: dict[str, int], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        registry.make(DomainConfig(sizes=sizes))


def test_importing_costs_nothing() -> None:
    code = (
        "import sys; import domains.registry, domains.reasoning, domains.table, domains.python_file;"
        "domains.registry.names();"
        "print([m for m in ('reasoning_gym', 'sympy', 'numpy', 'matplotlib') if m in sys.modules])"
    )
    root = Path(registry.__file__).parents[1]
    out = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
