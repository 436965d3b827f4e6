"""Agent source without some of its components, by edits that keep the rest to the letter.

Two ways. The clean one takes a component out of the literal that it stands in (its role or name in a list, or
one less in a number of samples); whether the agent still works then, only running it tells. The safe one
always works: the components stay where they are and say nothing, as where `ItemJob.mute` leaves them out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence

from meta_search.types import lines_of, parse

__all__ = ["clean", "replaced", "silenced", "titled"]

LEFT_OUT = "LEFT_OUT"
STUB = '''{name} = {names}


class LLMAgentBase(LLMAgentBase):
    """A model. Those of {name} are asked nothing and answer "": the agent is as good without them."""

    def __call__(self, infos, instruction="", iteration_idx=-1):
        if self.component in {name}:
            return [Info(field, repr(self), "", iteration_idx) for field in self.output_fields]
        return super().__call__(infos, instruction, iteration_idx)
'''
NUMBERED = re.compile(r"(.+) #(\d+)")
Literal = ast.List | ast.Tuple | ast.Set | ast.Dict


def silenced(source: str, components: Sequence[str]) -> str:
    """Source whose components of these names say nothing; those of an earlier rewriting are kept silent."""
    tree = parse(source)
    for node in tree.body:
        if _assigns(node, LEFT_OUT) and isinstance(node, ast.Assign):
            known = ast.literal_eval(node.value)
            return replaced(source, node.value, _names((*known, *components)))
    at = 0
    for node in tree.body:  # after the docstring and imports, so that the file reads from the top
        if not (_is_docstring(node) or isinstance(node, ast.Import | ast.ImportFrom)):
            break
        at = node.end_lineno or 0
    lines = lines_of(source)
    head, rest = "".join(lines[:at]).rstrip(), "".join(lines[at:]).lstrip("\n")
    stub = STUB.format(name=LEFT_OUT, names=_names(components))
    return f"{head}\n\n{stub}\n\n{rest}".lstrip("\n")


def clean(source: str, components: Sequence[str], present: Sequence[str]) -> tuple[str, list[str]]:
    """Source without those components that stand in a literal, and the names of those that do not.

    Args:
        source: Agent source.
        components: Names of those to take out.
        present: Names of all components of the agent.
    """
    left: list[str] = []
    groups: dict[str, list[str]] = {}
    for name in components:
        groups.setdefault(_base(name), []).append(name)
    for base, names in groups.items():
        n = sum(_base(other) == base for other in present)
        shorter = _fewer(source, n, len(names)) if n > 1 else _without_text(source, base)
        if shorter is None:
            left += names
        else:
            source = shorter
    return source, left


def titled(source: str, name: str, thought: str) -> str:
    """Source with this name and thought as its docstring."""
    text = f"{name}\n\n{thought}\n".replace("\\", " ").replace('"""', "'''")
    header = f'"""{text}"""'
    body = parse(source).body
    if body and _is_docstring(body[0]):
        return replaced(source, body[0], header)
    return f"{header}\n\n{source}"


def replaced(source: str, node: ast.stmt | ast.expr, text: str) -> str:
    """Source with the text of a node replaced."""
    lines = lines_of(source)
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    first, last = lines[node.lineno - 1].encode(), lines[node.end_lineno - 1].encode()
    before = "".join(lines[: node.lineno - 1]) + first[: node.col_offset].decode()
    return before + text + last[node.end_col_offset :].decode() + "".join(lines[node.end_lineno :])


def _without_text(source: str, name: str) -> str | None:
    """Source without the one entry of a literal that names a component, or its role."""
    found: list[tuple[Literal, int]] = []
    pairs: list[ast.AST] = []  # entries that are found by their first text, and no containers of it
    for container in ast.walk(parse(source)):
        if not isinstance(container, Literal) or container in pairs:
            continue
        entries = container.keys if isinstance(container, ast.Dict) else container.elts
        here = [i for i, entry in enumerate(entries) if _names_it(_text(entry), name)]
        found += [(container, i) for i in here]
        pairs += [entry for i in here if (entry := entries[i]) is not None]
    if len(found) != 1:
        return None
    container, i = found[0]
    if isinstance(container, ast.Dict):
        del container.keys[i], container.values[i]
        rest = len(container.keys)
    else:
        del container.elts[i]
        rest = len(container.elts)
    return replaced(source, container, ast.unparse(container)) if rest else None


def _text(entry: ast.expr | None) -> str:
    """What stands for an entry of a literal: itself, or the first text of a pair."""
    if isinstance(entry, ast.Tuple | ast.List) and entry.elts:
        entry = entry.elts[0]
    return str(entry.value) if isinstance(entry, ast.Constant) and isinstance(entry.value, str) else ""


def _names_it(text: str, component: str) -> bool:
    """Whether a text is a component's name, or its role, as `Debater (careful mathematician)` has one."""
    text = " ".join(text.split())
    return bool(text) and (component == text[:80] or component.endswith(f" ({text[:80]})"))


def _fewer(source: str, n: int, less: int) -> str | None:
    """Source in which the one number that says `n` of something says so many less."""
    tree = parse(source)
    found = [node.value for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    found += [
        node.args[-1]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "range"
        and node.args
    ]
    said = [c for c in found if isinstance(c, ast.Constant) and type(c.value) is int and c.value == n]
    return replaced(source, said[0], str(n - less)) if len(said) == 1 and n > less else None


def _base(name: str) -> str:
    numbered = NUMBERED.fullmatch(name)
    return numbered[1] if numbered else name


def _names(components: Iterable[str]) -> str:
    names = sorted(dict.fromkeys(components))
    inner = ", ".join(map(repr, names))
    return f"({inner},)" if len(names) == 1 else f"({inner})"


def _assigns(node: ast.stmt, name: str) -> bool:
    return isinstance(node, ast.Assign) and any(
        isinstance(t, ast.Name) and t.id == name for t in node.targets
    )


def _is_docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
