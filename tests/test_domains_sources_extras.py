"""Sources that need the extra `hub`: parquet, zstd, folders of `datasets`, and a hub on loopback."""

from __future__ import annotations

import datetime
import decimal
import io
import json
import tracemalloc
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from domains.sources import hub as hub_module
from domains.sources.source import open_source
from domains.sources.values import Written
from domains.table import TableDomain
from meta_search.config import DomainConfig
from meta_search.errors import DomainError
from tests.kits.hub_server import Hub, hub

pyarrow = pytest.importorskip("pyarrow", reason="needs the extra hub")
pytest.importorskip("datasets", reason="needs the extra hub")
pytestmark = pytest.mark.extras

WANTED = ("question", "answer")
ROWS = [{"question": f"What is {n} plus 1?", "answer": f"{n} + 1\n#### {n + 1}"} for n in range(20)]
README = b"""---
configs:
- config_name: main
  data_files:
  - split: train
    path: main/train-*
  - split: test
    path: main/test-*
- config_name: hints
  data_files:
  - split: test
    path: hints/test-*
---
"""


def parquet(rows: list[dict[str, Any]], **keys: Any) -> bytes:
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), out, **keys)
    return out.getvalue()


def records(path: str | Path, part: str = "") -> list[Any]:
    return [dict(record) for _, record in open_source(str(path), WANTED).records(part)]


def test_parquet_and_zstd_give_the_same_rows(tmp_path: Path) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
    whole = pyarrow.compress(lines, codec="zstd", asbytes=True)
    for name, data in (
        ("t.parquet", parquet(ROWS)),
        ("groups.parquet", parquet(ROWS, row_group_size=3, compression="zstd")),
        ("called.csv", parquet(ROWS)),
        ("t.jsonl.zst", whole),
        ("t.parquet.zst", pyarrow.compress(parquet(ROWS), codec="zstd", asbytes=True)),
    ):
        (tmp_path / name).write_bytes(data)
        assert records(tmp_path / name) == ROWS
    (tmp_path / "cut.jsonl.zst").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "cut.parquet").write_bytes(parquet(ROWS)[:-40])
    for name in ("cut.jsonl.zst", "cut.parquet"):
        with pytest.raises(DomainError, match=name) as caught:
            records(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_a_bomb_of_zstd_ends_early(tmp_path: Path) -> None:
    (tmp_path / "t.csv.zst").write_bytes(pyarrow.compress(b"a,b\n" * 2**26, codec="zstd", asbytes=True))
    with pytest.raises(DomainError, match="unpacks to more than"):
        records(tmp_path / "t.csv.zst")


def test_one_long_text_that_comes_again_and_again_is_not_multiplied(tmp_path: Path) -> None:
    long, count = "x" * 2**23, 400  # 3 GB in 8 MB
    again = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * count, pyarrow.int32()), [long])
    asked = pyarrow.array([f"{n}?" for n in range(count)])
    pyarrow.parquet.write_table(pyarrow.table({"question": asked, "answer": again}), tmp_path / "t.parquet")
    before = pyarrow.total_allocated_bytes()
    (_, first), (_, second) = islice(open_source(str(tmp_path / "t.parquet")).records(), 2)
    assert pyarrow.total_allocated_bytes() - before < 2**28
    assert first == {"question": "0?", "answer": long}
    assert second["question"] == "1?"


def test_a_long_text_within_lists_is_not_multiplied(tmp_path: Path) -> None:
    long, count = "x" * 2**23, 32  # a whole batch would take 256 MB
    lists = pyarrow.array([[long]] * count, pyarrow.list_(pyarrow.string()))
    asked = pyarrow.array([f"{n}?" for n in range(count)])
    pyarrow.parquet.write_table(pyarrow.table({"question": asked, "answer": lists}), tmp_path / "t.parquet")
    del lists
    before = pyarrow.total_allocated_bytes()
    rows = open_source(str(tmp_path / "t.parquet")).records()
    for _, row in islice(rows, 3):
        assert row["answer"] == [long]
        assert pyarrow.total_allocated_bytes() - before < 2**26


@pytest.mark.parametrize("kind", ["plain", "dictionary"])
def test_an_arrow_file_with_packed_batches_is_refused(tmp_path: Path, kind: str) -> None:
    texts = pyarrow.array(["x" * 2**20] * 8)
    column = texts.dictionary_encode() if kind == "dictionary" else texts
    batch = pyarrow.record_batch({"question": column, "answer": column})
    for codec in (None, "zstd", "lz4"):
        options = pyarrow.ipc.IpcWriteOptions(compression=codec)
        with pyarrow.ipc.new_stream(str(tmp_path / "t.arrow"), batch.schema, options=options) as out:
            out.write_batch(batch)
        if codec is None:
            assert len(records(tmp_path / "t.arrow")) == 8
        else:
            with pytest.raises(DomainError, match=r"t\.arrow: its batches are packed"):
                records(tmp_path / "t.arrow")


def test_rows_of_an_arrow_file_that_take_no_room_are_not_made_all_at_once(tmp_path: Path) -> None:
    nothing = pyarrow.Array.from_buffers(pyarrow.null(), 2**31 - 1, [None])
    batch = pyarrow.record_batch([nothing, nothing], ["question", "answer"])
    with pyarrow.ipc.new_stream(str(tmp_path / "t.arrow"), batch.schema) as out:
        out.write_batch(batch)
    tracemalloc.start()
    try:
        first = next(open_source(str(tmp_path / "t.arrow")).records())
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()
    assert first == (1, {"question": None, "answer": None})


def test_a_folder_with_notes_of_a_thousand_brackets_is_told_as_damaged(tmp_path: Path) -> None:
    for name in ("dataset_dict.json", "state.json"):
        (tmp_path / name).write_text("[" * 200_000)
        with pytest.raises(DomainError, match="damaged folder of the library datasets"):
            open_source(str(tmp_path))
        (tmp_path / name).unlink()


def test_values_of_parquet_are_as_json_has_them(tmp_path: Path) -> None:
    row = {
        "whole": 51,
        "double": 0.1,
        "missing": float("nan"),
        "none": None,
        "truth": True,
        "exact": decimal.Decimal("1.50"),
        "day": datetime.date(2026, 1, 2),
        "time": datetime.datetime(2026, 1, 2, 3, 4, 5),  # noqa: DTZ001
        "spans": {"types": ["number"], "spans": ["5", "6"], "n": [[1], [2, 3]]},
    }
    table = pyarrow.Table.from_pylist([row, row]).append_column(
        "single", pyarrow.array([0.1, 2.5], pyarrow.float32())
    )
    pyarrow.parquet.write_table(table, tmp_path / "t.parquet")
    found = records(tmp_path / "t.parquet")[0]
    written = {"whole": "51", "double": "0.1", "exact": "1.50", "single": "0.1", "truth": True}
    assert {name: found[name] for name in written} == written
    assert found["missing"] is found["none"] is None
    assert (found["day"], found["time"]) == ("2026-01-02", "2026-01-02 03:04:05")
    assert found["spans"] == {"types": ["number"], "spans": ["5", "6"], "n": [["1"], ["2", "3"]]}
    assert isinstance(found["whole"], Written)
    assert isinstance(found["spans"]["n"][1][0], Written)


def test_folders_of_datasets_with_names_for_labels(tmp_path: Path) -> None:
    import datasets

    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["bad", "good"])}
    )
    rows = {"text": [f"text {n}" for n in range(20)], "label": [n % 2 for n in range(20)]}
    whole = datasets.Dataset.from_dict(rows, features=features)
    whole.save_to_disk(str(tmp_path / "one"), num_shards=3)
    datasets.DatasetDict({"train": whole, "test": whole}).save_to_disk(str(tmp_path / "two"))
    one = open_source(str(tmp_path / "one"), ("text", "label"))
    assert [dict(r) for _, r in one.records()][:2] == [
        {"text": "text 0", "label": "bad"},
        {"text": "text 1", "label": "good"},
    ]
    assert [n for n, _ in one.records()] == list(range(1, 21))
    assert any("'label' stand for labels" in note for note in one.notes)
    assert open_source(str(tmp_path / "two")).parts == ("train", "test")
    domain = TableDomain(
        DomainConfig(name="table", path=str(tmp_path / "one"), question="text", answer="label")
    )
    assert {item.target for item in domain.items("test")} == {"bad", "good"}


@pytest.fixture(scope="module")
def served() -> Iterator[Hub]:
    """A hub with repositories as they are published, of at most 20 rows."""
    with hub() as made:
        files = {
            "README.md": README,
            "main/train-00000-of-00001.parquet": parquet(ROWS[:12]),
            "main/test-00000-of-00001.parquet": parquet(ROWS[12:]),
            "hints/test-00000-of-00001.parquet": parquet(ROWS[:3]),
        }
        made.commit("openai/gsm8k", files)
        made.commit("team/scripted", {"scripted.py": b"import datasets\n"})
        made.commit("team/private", {"test.jsonl": json.dumps(ROWS[0]).encode()})
        made.private["team/private"] = "hf_secret"
        made.commit("team/gated", {"README.md": README, "test.jsonl": json.dumps(ROWS[0]).encode()})
        made.gated.add("team/gated")
        yield made


@pytest.fixture
def online(served: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The hub, with caches of the test's own."""
    monkeypatch.setenv("HF_ENDPOINT", served.url)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("META_SEARCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_TOKEN", "")
    served.asked.clear()
    served.tokens.clear()
    return served


def test_the_hub_is_asked_once_and_the_revision_pinned(online: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    sha = online.refs["openai/gsm8k"]["main"]
    opened = open_source("hf:openai/gsm8k:main", WANTED)
    assert opened.parts == ("train", "test")
    assert opened.name == "openai/gsm8k"
    assert opened.pinned == f"hf:openai/gsm8k:main@{sha}"
    assert any(f"is at revision {sha}" in note for note in opened.notes)
    assert records("hf:openai/gsm8k:main@" + sha, "train") == ROWS[:12]
    asked = len(online.asked)
    newer = {**online.commits["openai/gsm8k"][sha], "main/test-00000-of-00001.parquet": parquet(ROWS[:5])}
    online.commit("openai/gsm8k", newer)
    assert records(opened.pinned, "test") == ROWS[12:]
    assert len(online.asked) == asked  # a resume asks nothing
    assert records("hf:openai/gsm8k:main", "test") == ROWS[:5]  # without a revision it is the newest
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert records(opened.pinned, "test") == ROWS[12:]
    online.refs["openai/gsm8k"]["main"] = sha


def test_a_table_of_the_hub_has_its_splits(online: Hub) -> None:
    domain = TableDomain(DomainConfig(name="table", path="hf:openai/gsm8k:main", sizes={"examples": 2}))
    tested = {item.question for item in domain.items("test")}
    assert tested == {row["question"] for row in ROWS[12:]}
    assert {item.target for item in domain.items("test")} == {str(n + 1) for n in range(12, 20)}
    assert domain.name == "gsm8k"
    assert domain.pinned.endswith(online.refs["openai/gsm8k"]["main"])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "hf:openai/gsm8k",
            "several configurations: name one, as hf:openai/gsm8k:main; there are main, hints",
        ),
        ("hf:openai/gsm8k:main@nowhere", "has no revision 'nowhere'"),
        (
            "hf:team/scripted",
            "would run a script of its author, which is never done",
        ),
        (
            "hf:team/gated",
            "is gated: ask for access at huggingface.co/datasets/team/gated",
        ),
        ("hf:team/none", "is not on the hub, or is private: check the name, or set HF_TOKEN"),
    ],
)
def test_what_the_hub_refuses_is_one_line(online: Hub, path: str, message: str) -> None:
    with pytest.raises(DomainError) as caught:
        open_source(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_token_comes_from_the_environment_alone_and_is_not_told(
    online: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "token").write_text("hf_of_a_file")
    monkeypatch.setenv("OTHER_API_KEY", "sk-other")
    with pytest.raises(DomainError, match="or is private"):
        open_source("hf:team/private")
    assert set(online.tokens) == {""}
    assert "OTHER_API_KEY" not in hub_module._environment()
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert records("hf:team/private") == ROWS[:1]
    assert "hf_secret" in online.tokens
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert kept
    assert not any(b"hf_secret" in path.read_bytes() for path in kept)


def test_without_a_network_one_line_says_which_file_to_put_where(
    online: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    folder = tmp_path / "cache/data/hub/openai--gsm8k/main"
    with pytest.raises(DomainError, match="cannot be reached") as caught:
        open_source("hf:openai/gsm8k:main")
    assert f"put its files of the configuration main (as train.parquet, test.jsonl, …) into {folder}" in str(
        caught.value
    )
    (folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    opened = open_source("hf:openai/gsm8k:main", WANTED)
    assert [dict(record) for _, record in opened.records()] == ROWS
    assert any(f"read from {folder}, where somebody put it" in note for note in opened.notes)


def test_too_large_a_data_set_is_not_fetched(online: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "LARGEST_DOWNLOAD", 1000)
    with pytest.raises(DomainError, match="more than 0 MB: name a smaller configuration"):
        open_source("hf:openai/gsm8k:main")
    assert not any("resolve" in asked and asked.endswith(".parquet") for asked in online.asked)
