"""The pages for developers name files that are there."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from domains.matching import registry

ROOT = Path(__file__).parent.parent
NAMED = re.compile(r"`((?:[\w.]+/)*[\w.]+\.(?:py|yaml|j2)|(?:[\w]+/)+)`")


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_the_files_that_a_page_names_are_there(page: str) -> None:
    named = NAMED.findall((ROOT / page).read_text(encoding="utf-8"))
    assert len(named) > 10
    # In a table the room stands in the first column, the file to read first in the last.
    places = [ROOT, *(folder for folder in (ROOT / "meta_search").rglob("*") if folder.is_dir())]
    places += [ROOT / "meta_search", ROOT / "archive", ROOT / "domains", ROOT / "conf"]
    invented = {
        "my_domain.py",
        "meta_search/authors/mine.py",
        "conf/author/mine.yaml",
        "conf/domain/NAME.yaml",
    }
    missing = [
        name for name in named if name not in invented and not any((p / name).exists() for p in places)
    ]
    assert missing == []


def test_every_room_is_on_the_page() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rooms = [f.parent.name for f in (ROOT / "meta_search").glob("*/__init__.py")]
    assert [room for room in rooms if f"`{room}/" not in text] == []


def test_every_promise_on_security_names_a_test_that_is_there() -> None:
    text = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/\w+\.py)(?:::(\w+))?`", text)
    assert len(named) > 30
    missing = [
        (file, test)
        for file, test in named
        if not (ROOT / file).exists() or f"def {test}" not in (ROOT / file).read_text(encoding="utf-8")
    ]
    assert missing == []


MATCHED = re.compile(r"\| `(\w+)` \| [^|]+ \| `([^|]+)` \| `([^|]+)` \| ([\d.]+) \|(.*)\|")


def test_the_page_of_matchers_has_all_of_them_and_its_examples_hold() -> None:
    rows = MATCHED.findall((ROOT / "docs/matchers.md").read_text(encoding="utf-8"))
    assert sorted(row[0] for row in rows) == list(registry.names())
    for name, target, answer, worth, options in rows:
        matcher = registry.make(name, {"names": ["spam", "ham"]} if name == "labels" else {})
        fields = {field.name for field in dataclasses.fields(matcher)}  # type: ignore[arg-type]
        told = set(re.findall(r"`(\w+)`", options)) - {"numeric"}
        assert told <= fields, name
        assert told == fields or name == "mixed", name
        if name != "code":  # runs in a sandbox only
            assert matcher.score(answer, target).value == pytest.approx(float(worth), abs=0.005), name
