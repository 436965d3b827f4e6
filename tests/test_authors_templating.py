"""Prompts as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from meta_search.authors import templating
from meta_search.authors.templating import TEMPLATES, render
from meta_search.errors import ConfigError


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "own.j2").write_text("Tasks: {{ tasks }}\n{% if more %}\nMore.\n{% endif %}\n", "utf-8")
    return str(tmp_path)


def test_a_users_template_is_filled_in(folder: str) -> None:
    assert render(folder, "own", tasks="sums", more=False) == "Tasks: sums"
    assert render(folder, "own", tasks="sums", more=True) == "Tasks: sums\nMore."


def test_a_value_is_never_read_as_a_template(folder: str) -> None:
    assert render(folder, "own", tasks="{{ more }}{% raw %}&", more=False) == "Tasks: {{ more }}{% raw %}&"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a\n{% if %}", r"broken.j2, line 2: "),
        ("{{ unknown }}", r"broken.j2: .*unknown"),
        ("{{ ''.__class__.__mro__ }}", r"broken.j2: .*unsafe"),
    ],
)
def test_a_template_that_cannot_be_read_is_one_line(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "broken.j2").write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=rf"^author\.prompts: {why}") as caught:
        render(str(tmp_path), "broken")
    assert "\n" not in str(caught.value)


def test_templates_that_a_user_lacks_are_ours(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = tmp_path / "ours"
    ours.mkdir()
    (ours / "other.j2").write_text("ours", "utf-8")
    (ours / "own.j2").write_text("never", "utf-8")
    monkeypatch.setattr(templating, "TEMPLATES", ours)
    templating._environment.cache_clear()
    assert render(folder, "other") == "ours"
    assert render(folder, "own", tasks="", more=False) == "Tasks: "
    templating._environment.cache_clear()


def test_our_templates_are_templates() -> None:
    from jinja2 import Environment

    for path in TEMPLATES.glob("*.j2"):
        Environment(autoescape=True).parse(path.read_text("utf-8"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}", "200,000 steps"),
        (
            "{% macro a(n) %}{% if n %}{{ a(n - 1) }}{{ a(n - 1) }}{% endif %}{% endmacro %}{{ a(40) }}",
            "steps",
        ),
        ("{% for a in range(9999) %}{{ tasks }}{% endfor %}", "8,000,000 characters"),
        ("{% include 'broken.j2' %}", "RecursionError"),
    ],
)
def test_a_template_that_does_not_end_is_ended(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "broken.j2").write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=rf"^author\.prompts: broken.j2: .*{why}"):
        render(str(tmp_path), "broken", tasks="t" * 1000)


def test_loops_keep_what_they_know(tmp_path: Path) -> None:
    text = (
        "{% for a in found %}{{ loop.index }}/{{ loop.length }}{{ a }}{{ ',' if not loop.last }}{% endfor %}"
    )
    (tmp_path / "own.j2").write_text(text, "utf-8")
    assert render(str(tmp_path), "own", found=["x", "y"]) == "1/2x,2/2y"
