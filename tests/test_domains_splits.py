"""Splits share no content, hold every kind in proportion, and say what was left out."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domains import splits
from domains.domain import Item
from domains.given import Parted
from domains.given_rows import GivenItems
from domains.mgsm import MgsmDomain
from domains.python_file import PythonDomain
from domains.row_facts import Facts
from domains.rows import apportion, in_order
from domains.splits import deal_rows, disjoint, folds_of
from domains.stratify import REST, deal_units, proportions
from domains.table import TableDomain
from meta_search.config import DomainConfig
from meta_search.errors import DomainError
from meta_search.types import SPLITS
from tests.kits import near_questions as made

Record = Mapping[str, Any]


def problems(count: int, seed: int = 0) -> list[str]:
    """Different word problems."""
    draw = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        found[made.problem(draw)] = None
    return list(found)


def table(folder: Path, rows: Iterable[Record], **keys: Any) -> TableDomain:
    path = folder / "t.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return TableDomain(DomainConfig(name="table", path=str(path), **keys))


def where(domain: Any) -> dict[str, str]:
    """Question -> split."""
    return {item.question: split for split in SPLITS for item in domain.items(split)}


# -- proportions


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=12),
    st.lists(st.integers(0, 30), min_size=1, max_size=4),
)
@settings(max_examples=100, deadline=None)
def test_every_cell_is_its_share_rounded(rows: list[int], parts: list[int]) -> None:
    total = sum(rows)
    columns = [min(part, total // len(parts)) for part in parts]
    columns.append(total - sum(columns))
    shares = [[row * column / max(1, total) for column in columns] for row in rows]
    cells = proportions(rows, columns, shares)
    assert [sum(row) for row in cells] == rows
    assert [sum(column) for column in zip(*cells, strict=True)] == columns
    for row, share in zip(cells, shares, strict=True):
        assert all(abs(cell - wanted) < 1 for cell, wanted in zip(row, share, strict=True))


@given(
    st.lists(st.tuples(st.integers(1, 9), st.sampled_from("abcdefg")), min_size=1, max_size=40),
    st.integers(1, 5),
)
@settings(max_examples=100, deadline=None)
def test_no_group_is_torn_and_none_is_dealt_twice(groups: list[tuple[int, str]], parts: int) -> None:
    units: list[list[int]] = []
    strata: list[str] = []
    for size, kind in groups:
        units.append(list(range(len(strata), len(strata) + size)))
        strata += [kind] * size
    each = len(strata) // (parts + 1)
    sizes = {**{str(n): each for n in range(parts)}, REST: len(strata) - parts * each}
    dealt = deal_units(units, strata, sizes, last=min(2, len(units)))
    places = [row for part in dealt.values() for row in part]
    assert len(places) == len(set(places))
    found = {row: part for part, rows in dealt.items() for row in rows}
    for unit in units:
        assert len({found[row] for row in unit if row in found and found[row] != REST}) <= 1
    assert all(len(rows) <= sizes[part] for part, rows in dealt.items())


@pytest.mark.parametrize("kinds", [1, 2, 5, 40, 400])
@pytest.mark.parametrize("rows", [60, 400])
def test_kinds_are_dealt_in_proportion(tmp_path: Path, kinds: int, rows: int) -> None:
    asked = problems(rows)
    draw = random.Random(1)
    kind = [f"k{int(draw.random() ** 2 * kinds)}" for _ in asked]
    domain = table(tmp_path, ({"question": q, "answer": n, "kind": kind[n]} for n, q in enumerate(asked)))
    counts = Counter(kind)
    for split in SPLITS:
        items = domain.items(split)
        met = Counter(item.kind for item in items)
        for name, count in counts.items():
            assert abs(met[name] - len(items) * count / rows) <= 1, (split, name)
        for size in range(1, len(items) + 1):  # and so does what `evaluate.items` takes of it
            first = Counter(item.kind for item in items[:size])
            assert all(abs(first[name] - met[name] * size / len(items)) <= 2 for name in met)


def test_labels_are_dealt_in_proportion_where_that_is_asked_for(tmp_path: Path) -> None:
    rows = [
        {"question": q, "answer": "rare" if n % 10 == 0 else "common"} for n, q in enumerate(problems(120))
    ]
    for stratify, most in (("answer", 1.0), ("kind", 99.0)):
        domain = table(tmp_path, rows, stratify=stratify)
        off = [
            abs(sum(item.target == "rare" for item in domain.items(s)) - len(domain.items(s)) / 10)
            for s in SPLITS
        ]
        assert max(off) <= most


# -- tables without splits


def test_what_says_the_same_stays_in_one_split_and_is_told(tmp_path: Path) -> None:
    asked = problems(100)
    draw = random.Random(2)
    again = [made.edited(0.03)(text, draw) for text in asked[:20]] + [
        made.rewritten(t, draw) for t in asked[20:30]
    ]
    rows = [{"question": text, "answer": 1} for text in (*asked, *again)]
    for seed in range(5):
        domain = table(tmp_path, rows, seed=seed)
        split = where(domain)
        pairs = [(asked[n], text) for n, text in enumerate(again)]
        torn = [
            pair
            for pair in pairs
            if pair[0] in split and pair[1] in split and split[pair[0]] != split[pair[1]]
        ]
        assert not torn
        assert len(split) == 130
        (note,) = (line for line in domain.notes if "nearly the same" in line)
        assert note.startswith(
            "t.jsonl: 30 rows say nearly the same as another (as rows 1 and 101): such stay"
        )
    alone = table(tmp_path, rows, duplicates="keep")
    split = where(alone)
    assert any(split[one] != split[other] for one, other in pairs)
    assert not any("nearly" in line for line in alone.notes)


def test_duplicates_are_dropped_or_refused_where_that_is_asked_for(tmp_path: Path) -> None:
    asked = problems(60)
    rows = [{"question": t, "answer": 1} for t in (*asked, made.edited(0.03)(asked[7], random.Random(1)))]
    dropped = table(tmp_path, rows, duplicates="drop")
    assert set(where(dropped)) == set(asked)
    assert any(
        "1 row says nearly the same as another (as rows 8 and 61): left out" in n for n in dropped.notes
    )
    with pytest.raises(
        DomainError, match=r"1 row says nearly the same as another \(as rows 8 and 61\): leave it out"
    ):
        table(tmp_path, rows, duplicates="refuse")
    assert where(table(tmp_path, rows[:-1], duplicates="refuse"))


def test_a_column_of_groups_is_kept_together(tmp_path: Path) -> None:
    rows = [
        {"question": f"{text} ({language})", "answer": n, "kind": language, "id": n}
        for n, text in enumerate(problems(40))
        for language in ("de", "fr", "sw")
    ]
    domain = table(
        tmp_path, rows, group="id", sizes={"examples": 9, "train": 30, "validation": 30, "test": 45}
    )
    of = {row["question"]: row["id"] for row in rows}
    split: dict[Any, set[str]] = {}
    for question, name in where(domain).items():
        split.setdefault(of[question], set()).add(name)
    assert all(len(names) == 1 for names in split.values())
    assert [len(domain.items(s)) for s in SPLITS] == [9, 30, 30, 45]
    assert len({domain.groups[i.id] for i in domain.items("test")}) == 15
    with pytest.raises(DomainError, match=r"no column 'ident', there are: .*; set domain\.group"):
        table(tmp_path, rows, group="ident")
    with pytest.raises(DomainError, match="its rows are 1 groups"):
        table(tmp_path, [{**row, "id": 1} for row in rows], group="id")


def test_neither_order_nor_added_rows_deal_anew_with_kinds_and_groups(tmp_path: Path) -> None:
    asked = problems(300)
    rows = [{"question": q, "answer": n, "kind": "abc"[n % 3]} for n, q in enumerate(asked)]
    sizes = {"examples": 20, "train": 80, "validation": 80, "test": 100}
    before = table(tmp_path, rows, sizes=sizes)
    assert [before.items(s) for s in SPLITS] == [
        table(tmp_path, rows[::-1], sizes=sizes).items(s) for s in SPLITS
    ]
    kept = 0
    for seed in range(4):
        added = [{"question": q, "answer": 1, "kind": "a"} for q in problems(3, seed=50 + seed)]
        after = where(table(tmp_path, [*rows, *added], sizes=sizes))
        kept += sum(after.get(q) == split for q, split in where(before).items()) > 250
    assert kept >= 3  # three of 300 rows take the place of an anchor now and then


def test_ids_are_those_of_the_content(tmp_path: Path) -> None:
    rows = [{"question": q, "answer": 1} for q in problems(40)]
    ids = {
        dealing: {i.question: i.id for s in SPLITS for i in table(tmp_path, rows, dealing=dealing).items(s)}
        for dealing in ("groups", "file", "row")
    }
    shared = set(ids["groups"]) & set(ids["file"]) & set(ids["row"])
    assert len(shared) > 30
    assert all(ids["groups"][q] == ids["file"][q] == ids["row"][q] for q in shared)


def test_a_large_table_is_dealt_by_a_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splits, "POOL", 100)
    facts = [Facts(f"question {n}", n + 1, "ab"[n % 10 == 0]) for n in range(5000)]
    read: list[int] = []

    def question(n: int) -> str:
        read.append(n)
        return f"question {n}"

    dealt = deal_rows("t.jsonl", "t.jsonl", facts, question, DomainConfig())
    assert [len(dealt.splits[s]) for s in SPLITS] == [24, 48, 48, 120]
    assert len(set(read)) == 960  # four times as many as are dealt
    assert sum(facts[n].kind == "b" for n in dealt.splits["test"]) == 12


def test_splits_that_share_a_part_of_a_source_are_dealt_from_it() -> None:
    asked, draw = problems(120), random.Random(3)
    asked += [made.edited(0.03)(text, draw) for text in asked[:12]]
    parts = ["test"] * 40 + ["examples+train+validation"] * 92
    facts = [Facts(q, n + 1, "ab"[n % 2], split=parts[n], part=parts[n][:5]) for n, q in enumerate(asked)]
    dealt = deal_rows("hf:x", "x", facts, asked.__getitem__, DomainConfig(sizes={"validation": 20}))
    counts = {split: len(rows) for split, rows in dealt.splits.items()}
    assert (counts["test"], counts["validation"], counts["examples"] + counts["train"]) == (40, 20, 60)
    assert {parts[n] for s in ("examples", "train", "validation") for n in dealt.splits[s]} == {parts[-1]}
    assert not {n for rows in dealt.splits.values() for n in rows if n >= 120}  # they repeat test rows
    assert list(dealt.notes) == [
        "x: 12 of examples and train and validation say nearly the same as one of test "
        "(as rows 121 of examp and 1 of test): left out"
    ]
    with pytest.raises(
        DomainError, match=r"domain\.sizes\.train=90: hf:x has 80 rows for examples and train"
    ):
        deal_rows("hf:x", "x", facts, asked.__getitem__, DomainConfig(sizes={"train": 90}))


# -- splits that a file, a Python file or a caller names


def rows_with_splits() -> tuple[list[Record], dict[str, str]]:
    """Rows of four splits; examples and train repeat some of test and validation in other words."""
    asked, draw = problems(100), random.Random(4)
    names = ["test"] * 40 + ["validation"] * 20 + ["train"] * 30 + ["examples"] * 10
    rows = [
        {"question": q, "answer": n, "split": s} for n, (q, s) in enumerate(zip(asked, names, strict=True))
    ]
    again = {
        made.edited(0.03)(asked[n], draw): split
        for n, split in ((3, "examples"), (5, "train"), (45, "train"))
    }
    again[made.rewritten(asked[7], draw)] = "examples"
    return rows + [{"question": q, "answer": 1, "split": s} for q, s in again.items()], again


def test_what_stands_in_two_splits_of_a_file_stays_in_the_more_precious(tmp_path: Path) -> None:
    rows, again = rows_with_splits()
    domain = table(tmp_path, rows)
    assert not set(again) & set(where(domain))
    assert Counter(where(domain).values()) == {"test": 40, "validation": 20, "train": 30, "examples": 10}
    (note,) = (line for line in domain.notes if "nearly" in line)
    assert note == (
        "t.jsonl: 2 of train and 2 of examples say nearly the same as one of test or validation "
        "(as rows 101 and 4): left out"
    )
    with pytest.raises(DomainError, match="4 rows say nearly the same as another"):
        table(tmp_path, rows, duplicates="refuse")
    assert set(again) <= set(where(table(tmp_path, rows, duplicates="keep")))
    assert set(again) <= set(where(table(tmp_path, rows, dealing="file")))  # as a resumed run had it
    exact = [*rows, {**rows[0], "split": "examples"}]
    assert where(table(tmp_path, exact[::-1]))[str(rows[0]["question"])] == "test"


def test_a_split_that_repeats_another_is_one_line(tmp_path: Path) -> None:
    draw = random.Random(1)
    rows = [{"question": q, "answer": 1, "split": "test"} for q in problems(20)]
    rows += [{**row, "question": made.edited(0.03)(row["question"], draw), "split": "train"} for row in rows]
    with pytest.raises(DomainError, match="no row is in the split train alone"):
        table(tmp_path, rows)


def test_rows_from_python_are_parted_likewise() -> None:
    rows, again = rows_with_splits()
    given_rows = GivenItems(rows, DomainConfig())
    assert not set(again) & set(where(given_rows))
    assert any("left out" in line for line in given_rows.notes)
    asked, draw = problems(60), random.Random(4)
    twice = [
        {"question": q, "answer": 1} for q in (*asked, *(made.edited(0.03)(q, draw) for q in asked[:20]))
    ]
    split = where(GivenItems(twice, DomainConfig()))
    assert all(
        split[str(twice[n]["question"])] == split[str(twice[60 + n]["question"])]
        for n in range(20)
        if str(twice[n]["question"]) in split and str(twice[60 + n]["question"]) in split
    )


PYTHON = '''"""Problems."""
import json
ROWS = json.loads(r"""{}""")

def items(split):
    return [row for row in ROWS if row["split"] == split]
'''


def python_domain(folder: Path, rows: Sequence[Record], **keys: Any) -> PythonDomain:
    path = folder / "mine.py"
    path.write_text(PYTHON.format(json.dumps(rows)))
    return PythonDomain(DomainConfig(name="python", path=str(path), **keys))


def test_items_of_a_python_file_are_parted_likewise(tmp_path: Path) -> None:
    rows, again = rows_with_splits()
    domain = python_domain(tmp_path, [{**row, "answer": str(row["answer"])} for row in rows])
    assert not set(again) & set(where(domain))
    (note,) = (line for line in domain.notes if "nearly" in line)
    assert "mine.py: 2 of train and 2 of examples say nearly the same" in note
    assert "(as items train-30 and test-5)" in note
    with pytest.raises(DomainError, match=r"mine\.py: 4 items say nearly the same"):
        python_domain(tmp_path, [{**row, "answer": "1"} for row in rows], duplicates="refuse")
    with pytest.raises(DomainError, match="share the question"):
        python_domain(tmp_path, [*({**row, "answer": "1"} for row in rows), {**rows[0], "split": "examples"}])


def test_a_scored_split_of_nothing_but_duplicates_is_one_line(tmp_path: Path) -> None:
    draw = random.Random(1)
    asked = problems(10)
    rows = [{"question": q, "answer": "1", "split": "test"} for q in asked[:5]]
    rows += [{"question": q, "answer": "1", "split": "train"} for q in asked[5:]]
    rows += [
        {"question": made.edited(0.03)(q, draw), "answer": "1", "split": "validation"} for q in asked[:5]
    ]
    with pytest.raises(DomainError, match="every item of validation says nearly the same as one of test"):
        python_domain(tmp_path, rows)


def test_items_are_grouped_by_a_key_of_their_data() -> None:
    items = {s: [Item(f"{s}{n}", f"{s} {n}", "1", data={"passage": n}) for n in range(6)] for s in SPLITS}
    items["test"], items["validation"] = items["test"][:2], items["validation"][:4]
    found, _, notes = disjoint("mine", items, DomainConfig(group="passage"))
    assert [[i.data["passage"] for i in found[s]] for s in ("test", "validation")] == [[0, 1], [2, 3]]
    assert [i.data["passage"] for i in found["train"]] == [4, 5]
    assert not found["examples"]
    assert "left out" in notes[0]


def test_problems_of_mgsm_that_say_the_same_are_parted(tmp_path: Path) -> None:
    asked = problems(60)
    asked += [made.edited(0.03)(q, random.Random(1)) for q in asked[:20]]
    (tmp_path / "mgsm_en.tsv").write_text("".join(f"{q}\t{n % 7}\n" for n, q in enumerate(asked)))
    domain = MgsmDomain(DomainConfig(name="mgsm", path=str(tmp_path / "mgsm_en.tsv")))
    split = {i.id: s for s in SPLITS for i in domain.items(s)}
    both = [(f"mgsm_en-{n}", f"mgsm_en-{61 + n - 1}") for n in range(1, 21)]
    ids = [(one.replace("mgsm_en", "en"), other.replace("mgsm_en", "en")) for one, other in both]
    assert all(split[a] == split[b] for a, b in ids if a in split and b in split)
    assert any("20 rows say nearly the same" in line and "stay together" in line for line in domain.notes)


# -- few rows


@pytest.mark.parametrize("rows", [3, 7])
def test_too_few_rows_are_one_line(tmp_path: Path, rows: int) -> None:
    with pytest.raises(
        DomainError, match=rf"too few rows: {rows} different questions, at least 8 are needed"
    ):
        table(tmp_path, [{"question": f"{n}?", "answer": n} for n in range(rows)])


@pytest.mark.parametrize("rows", [8, 12, 30])
def test_few_rows_are_dealt_whole(tmp_path: Path, rows: int) -> None:
    domain = table(tmp_path, [{"question": q, "answer": 1} for q in problems(rows)])
    assert len(where(domain)) == rows
    assert len(domain.items("test")) == apportion(tmp_path, rows, {})["test"]


# -- folds


@given(st.integers(2, 6), st.integers(6, 60), st.integers(0, 3))
@settings(max_examples=50, deadline=None)
def test_folds_share_items_and_kinds(folds: int, count: int, grouped: int) -> None:
    items = [Item(f"i{n}", str(n), "1", kind="ab"[n % 3 == 0]) for n in range(count)]
    groups = {f"i{n}": f"g{n // 3}" for n in range(3 * grouped) if n < count}
    of = folds_of(items, folds, groups)
    assert set(of) == {item.id for item in items}
    sizes = Counter(of.values())
    assert max(sizes.values()) - min(sizes.get(fold, 0) for fold in range(folds)) <= 1 + 2 * bool(grouped)
    for name in set(groups.values()):
        assert len({of[item] for item, group in groups.items() if group == name}) == 1
    assert folds_of(items[::-1], folds, groups).keys() == of.keys()


def test_items_of_a_domain_that_is_handed_over_are_parted_likewise() -> None:
    rows, again = rows_with_splits()

    class Mine:
        name, brief, wording, helpers = "mine", "Problems.", {"answer": "a number"}, ("run",)

        def items(self, split: str) -> list[Item]:
            return [Item(f"{n}", r["question"], "1") for n, r in enumerate(rows) if r["split"] == split]

        def score(self, item: Item, answer: str) -> float:
            return 1.0

    mine: Any = Mine()
    parted = Parted(mine, DomainConfig())
    assert not set(again) & set(where(parted))
    assert (parted.name, parted.helpers, parted.score(mine.items("test")[0], "")) == ("mine", ("run",), 1.0)
    assert "2 of train and 2 of examples" in parted.notes[0]
    assert not hasattr(parted, "confined")
    assert set(again) <= set(where(Parted(mine, DomainConfig(duplicates="keep"))))


def test_two_parts_give_to_a_split_in_proportion_and_keep_what_says_the_same_together() -> None:
    texts = [f"Which {word} stands on hill {n}?" for n, word in enumerate(("oak", "elm", "ash") * 20)]
    texts[50] = texts[3].replace(" hill", ", hill")
    labels = ["examples+train+test"] * 40 + ["validation+test"] * 20
    facts = [Facts(text, n, split=label) for n, (text, label) in enumerate(zip(texts, labels, strict=True))]
    dealt = deal_rows("t", "t", facts, texts.__getitem__, DomainConfig())
    home = Counter(labels[n] for n in dealt.splits["test"])
    assert home == {"examples+train+test": 21, "validation+test": 9}  # of 41, with the one that says the same
    assert sum(map(len, dealt.splits.values())) == 60
    where = {n: split for split, places in dealt.splits.items() for n in places}
    assert where[3] == where[50]
    with pytest.raises(DomainError, match="too few rows"):
        deal_rows("t", "t", facts, texts.__getitem__, DomainConfig(sizes={"test": 60}))


@pytest.mark.parametrize("dealing", ["file", "row"])
def test_as_runs_of_before_nothing_is_looked_for(dealing: str) -> None:
    texts = [f"Hill {n}" for n in range(20)] + [f"hill: {n}" for n in range(20)]
    facts = [Facts(text, n, str(n % 3)) for n, text in enumerate(texts)]
    dealt = deal_rows("t", "t", facts, texts.__getitem__, DomainConfig(dealing=dealing))
    assert not dealt.notes
    assert not dealt.groups
    order = in_order(texts, 0, dealing)
    assert [texts[n] for n in dealt.splits["train"]] == order[4:12]
