"""Prompts as files: Jinja templates in `templates/`; a folder of the user (`author.prompts`) goes before it.

What models, scorers and agents have said goes in as values, and a value is never read as a template.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meta_search.errors import ConfigError
from meta_search.text import error_line

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["SUFFIX", "TEMPLATES", "names_in", "render"]

TEMPLATES = Path(__file__).parent / "templates"
SUFFIX = ".j2"
# What a template that is read without fault may still come to, as `{{ items / 0 }}`.
WRONG_VALUES = (
    *(ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError),
    MemoryError,  # as `{{ "a" * 10 ** 12 }}`
)
MOST_STEPS = 200_000  # turns of all loops of one prompt, those within loops counted each time, and calls
MOST_TEXT = 8_000_000  # characters of a prompt; no model reads as many
_steps: ContextVar[list[int]] = ContextVar("_steps")  # those that are left, of the prompt in the making


def render(folder: str | None, name: str, **values: Any) -> str:
    """A prompt from its template.

    Args:
        folder: The user's own templates (`author.prompts`); those that it lacks are ours.
        name: Of the template, without its ending.
        values: What it may name. A name that is not among them is an error, not an empty text.

    Returns:
        The text, without blank lines at either end.

    Raises:
        ConfigError: A user's template cannot be read; one line that names file and line.
    """
    from jinja2 import TemplateError

    try:
        _steps.set([MOST_STEPS])
        return _joined(_environment(folder).get_template(f"{name}{SUFFIX}").generate(**values)).strip("\n")
    except (TemplateError, *WRONG_VALUES) as error:
        raise _refusal(f"{name}{SUFFIX}", error) from None


def _joined(pieces: Iterable[str]) -> str:
    found, length = [], 0
    for piece in pieces:
        found.append(piece)
        length += len(piece)
        if length > MOST_TEXT:
            raise OverflowError(f"the prompt has more than {MOST_TEXT:,} characters")
    return "".join(found)


def _step() -> None:
    left = _steps.get()
    left[0] -= 1
    if left[0] < 0:
        raise OverflowError(f"its loops and calls come to more than {MOST_STEPS:,} steps")


def _bounded(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        _step()
        yield value


@lru_cache(maxsize=4)
def _environment(folder: str | None) -> Environment:
    from jinja2 import FileSystemLoader, StrictUndefined, nodes
    from jinja2.sandbox import SandboxedEnvironment

    class Bounded(SandboxedEnvironment):
        """Ends loops and recursions that do not end: a thread of the search would wait for them for ever."""

        def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
            tree = super()._parse(source, name, filename)
            for loop in tree.find_all(nodes.For):
                loop.iter = nodes.Filter(loop.iter, "bounded", [], [], None, None, lineno=loop.lineno)
            return tree

        def call(self, *arguments: Any, **named: Any) -> Any:
            _step()
            return super().call(*arguments, **named)

    environment = Bounded(
        loader=FileSystemLoader([*([folder] if folder else []), str(TEMPLATES)]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["bounded"] = _bounded
    del environment.globals["lipsum"]
    return environment


@lru_cache(maxsize=256)
def names_in(folder: str | None, name: str) -> frozenset[str]:
    """The values that a template names, those of the templates that it includes among them.

    Args:
        folder: As for `render`.
        name: Of the template, without its ending.

    Raises:
        ConfigError: As for `render`.
    """
    from jinja2 import TemplateError, meta

    environment = _environment(folder)
    found: set[str] = set()
    seen: set[str] = set()
    todo = [f"{name}{SUFFIX}"]
    while todo:
        file = todo.pop()
        seen.add(file)
        try:
            assert environment.loader is not None
            tree = environment.parse(environment.loader.get_source(environment, file)[0])
            found |= meta.find_undeclared_variables(tree)  # which tells of unknown filters too
        except TemplateError as error:
            raise _refusal(file, error) from None
        todo += [one for one in meta.find_referenced_templates(tree) if one and one not in seen]
    return frozenset(found)


def _refusal(file: str, error: Exception) -> ConfigError:
    """What is wrong with a template, in one line."""
    number = getattr(error, "lineno", None)
    line = f", line {number}" if number else ""
    return ConfigError(f"author.prompts: {file}{line}: {error_line(error)}")
