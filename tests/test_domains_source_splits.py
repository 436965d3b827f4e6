"""Parts of a source: which split they go to, several sources in one path, copies without parts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from domains.domain import SPLITS
from domains.source_splits import pools_of
from domains.sources.united import open_all
from domains.table import TableDomain
from meta_search.compose import compose
from meta_search.errors import DomainError


def write(path: Path, first: int, count: int) -> None:
    rows = [{"question": f"{n} + {n}?", "answer": 2 * n} for n in range(first, first + count)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def table(path: object, *words: str) -> TableDomain:
    return TableDomain(compose(["domain=table", f"domain.path={path}", *words]).domain)


def numbers(domain: TableDomain, split: str) -> set[int]:
    return {int(item.question.split()[0]) for item in domain.items(split)}  # type: ignore[arg-type]


SPLITTING = "domain.source_splits={examples: train, train: train, validation: dev, test: dev}"


def test_splits_share_parts_and_keep_them_apart(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", 0, 40)
    write(tmp_path / "dev.jsonl", 100, 30)
    write(tmp_path / "unused.jsonl", 200, 30)
    domain = table(tmp_path, SPLITTING, "domain.sizes.test=20")
    found = {split: numbers(domain, split) for split in SPLITS}
    assert found["examples"] | found["train"] <= set(range(40))
    assert found["validation"] | found["test"] <= set(range(100, 130))
    assert len(found["test"]) == 20
    assert sum(map(len, found.values())) == len(set().union(*found.values()))
    again = table(tmp_path, SPLITTING, "domain.sizes.test=20", "domain.seed=1")
    assert numbers(again, "test") != found["test"]
    with pytest.raises(DomainError, match=r"domain.sizes.test=31: .* has 30 rows for validation and test"):
        table(tmp_path, SPLITTING, "domain.sizes.test=31")


def test_what_stands_in_two_parts_stays_where_it_is_tested(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", 0, 40)
    write(tmp_path / "dev.jsonl", 30, 30)
    domain = table(tmp_path, SPLITTING)
    assert numbers(domain, "train") | numbers(domain, "examples") <= set(range(30))
    assert any("10 questions stand in two splits" in note for note in domain.notes)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"dev": "train"}, "domain.source_splits.dev: no such split"),
        (
            {"train": "train", "test": "tests"},
            "source_splits.test=tests: t has no such part; there are",
        ),
        ({"train": "train", "test": "test"}, "names no part for validation: t has train, test"),
    ],
)
def test_parts_that_cannot_be_had_are_one_clear_line(wanted: dict[str, str], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        pools_of("t", ("train", "test"), wanted)


def test_a_copy_of_other_parts_is_dealt_whole_and_says_so(tmp_path: Path) -> None:
    write(tmp_path / "copy.jsonl", 0, 40)
    domain = table(tmp_path / "copy.jsonl", SPLITTING)
    assert all(domain.items(split) for split in SPLITS)
    assert "all splits are dealt from it; a folder with train, dev in it keeps them apart" in domain.notes[0]
    write(tmp_path / "other.jsonl", 50, 40)
    assert len({n < 45 for split in SPLITS for n in numbers(table(tmp_path, SPLITTING), split)}) == 2


def test_a_path_names_several_sources(tmp_path: Path) -> None:
    for first, name in ((0, "sums"), (50, "more"), (90, "rest")):
        write(tmp_path / f"{name}.jsonl", first, 20)
    path = f"{tmp_path}/{{sums,more}}.jsonl"
    source = open_all(path)
    assert source.parts == ("sums", "more")
    assert len(list(source.records())) == 40
    assert source.place("more", 3).endswith("more.jsonl, line 3")
    domain = table(path, "domain.kind=_part")
    assert {item.kind for split in SPLITS for item in domain.items(split)} == {"sums", "more"}
    alone = table(path, "domain.kind=_part", "domain.families=[more]")
    assert {item.kind for split in SPLITS for item in alone.items(split)} == {"more"}
    with pytest.raises(DomainError, match=r"domain.families: no rest; there are sums, more"):
        table(path, "domain.families=[rest]")
    odd = tmp_path / "{a,b}.jsonl"
    write(odd, 0, 20)
    assert open_all(str(odd)).parts == ()
