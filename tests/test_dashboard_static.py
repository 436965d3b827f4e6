"""The built page, as the wheel carries it: whole, small, and nothing in it comes from elsewhere."""

import gzip
import json
import re
from importlib import resources

import pytest

STATIC = resources.files("meta_search.dashboard").joinpath("static")
PAGE = resources.files("meta_search.dashboard").joinpath("page")
MOST = 1_500_000  # bytes compressed, of all files


def text(name: str) -> str:
    return STATIC.joinpath(name).read_text(encoding="utf-8")


def test_the_page_is_there_and_small() -> None:
    files = {file.name: file.read_bytes() for file in STATIC.iterdir()}
    assert {"index.html", "app.js", "app.css"} <= set(files)
    assert sum(len(gzip.compress(plain, 9)) for plain in files.values()) < MOST


def test_the_index_names_no_file_but_its_own_and_has_no_script_of_its_own() -> None:
    index = text("index.html")
    named = re.findall(r'(?:src|href)="([^"]*)"', index)
    assert sorted(name for name in named if not name.startswith("data:")) == ["app.css", "app.js"]
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", index)
    assert 'name="csp-nonce" content="__NONCE__"' in index  # the server puts the number of the answer there


def test_report_html_can_carry_the_script_and_the_style() -> None:
    assert not re.search(r"</script|<!--", text("app.js"), re.IGNORECASE)
    assert not re.search(r"</style", text("app.css"), re.IGNORECASE)


def test_the_style_loads_nothing() -> None:
    assert not re.search(r"@import|@font-face|url\((?!\s*[\"']?data:)", text("app.css"))


def test_the_lockfile_names_no_registry() -> None:
    file = PAGE.joinpath("package-lock.json")
    if not file.is_file():
        pytest.skip("an installed package has no source of the page")
    packages = json.loads(file.read_text(encoding="utf-8"))["packages"]
    assert len(packages) > 20
    assert not [name for name, entry in packages.items() if "resolved" in entry]
    assert all("integrity" in entry for name, entry in packages.items() if name)
