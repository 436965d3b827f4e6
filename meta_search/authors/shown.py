"""Which models of agent source show worked examples, in which form, and source rewritten so that they do."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from meta_search.types import parse

__all__ = [
    "fields_of",
    "form_of",
    "forms_shown",
    "makers",
    "reads_question",
    "show_demonstrations",
    "shows",
    "uses_pool",
]


def show_demonstrations(source: str, name: str, thought: str, shown: int) -> str | None:
    """Rewrite source so that its models are shown the nearest demonstrations.

    Every `LLMAgentBase(…)` within `forward` whose output fields are those of the first one, and that shows
    nothing yet, gets `demonstrations=`; the number is a tunable.

    Returns:
        The new source, or `None` where there is no such call or the source is nested too deeply.
    """
    tree = parse(source)
    forward, found = _forward(tree), makers(tree)
    if forward is None or not found:
        return None
    taken = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    worked = next(name for name in ("worked", *(f"worked{n}" for n in range(2, 99))) if name not in taken)
    fields = ast.dump(fields_of(found[0]))
    for maker in found:
        if ast.dump(fields_of(maker)) == fields:
            maker.keywords.append(ast.keyword("demonstrations", ast.Name(worked, ast.Load())))
    task = forward.args.args[1].arg
    first: Sequence[ast.stmt] = parse(
        f'{worked} = self.nearest({task}, self.tune.int("shown", 0, 3, {int(shown)}))'
    ).body
    forward.body[:0] = first
    if _is_docstring(tree.body[0]):
        tree.body.pop(0)
    header = '"""' + f"{name}\n\n{thought}\n".replace("\\", " ").replace('"""', "'''") + '"""\n\n'
    try:
        return header + ast.unparse(ast.fix_missing_locations(tree)) + "\n"
    except RecursionError:
        return None


def makers(tree: ast.Module) -> list[ast.Call]:
    """Calls of `LLMAgentBase` or `Team` within `forward` that show nothing yet, in their order."""
    found = [n for n in _models(_forward(tree)) if _has_fields(n) and not _is_shown(n)]
    return sorted(found, key=lambda n: (n.lineno, n.col_offset))


def shows(tree: ast.Module) -> bool:
    """Whether a model within `forward` is shown worked examples: those are not the other models' replies."""
    return any(map(_is_shown, _models(_forward(tree))))


def uses_pool(source: str) -> bool:
    """Whether an agent shows worked examples that it carries."""
    return "self.demonstrations" in source or "self.nearest" in source


def forms_shown(source: str) -> tuple[str, ...]:
    """Forms of the replies that the models of an agent are shown (`Demonstration.form`), in the order of the
    source; empty where that cannot be told."""
    tree = parse(source)
    found = [n for n in _models(tree) if _is_shown(n) and _has_fields(n)]
    found.sort(key=lambda n: (n.lineno, n.col_offset))
    forms = dict.fromkeys(form_of(fields_of(maker)) for maker in found)
    more = ("reading",) if "program" in forms and reads_question(source) else ()
    return (*forms, *more)


def reads_question(source: str) -> bool:
    """Whether programs of an agent read the question from a variable, as far as its source tells."""
    return "QUESTION" in source


def form_of(fields: ast.expr) -> str:
    """The form that a model with these output fields replies in: `program`, `thinking` (JSON) or `text`."""
    text = ast.unparse(fields)
    if "," in text:
        return "thinking"
    return "program" if "code" in text or "program" in text else "text"


def fields_of(maker: ast.Call) -> ast.expr:
    """The output fields of a model, as source has them."""
    if isinstance(maker.func, ast.Name) and maker.func.id == "Team":
        return ast.List([ast.Constant("thinking"), ast.Constant("answer")], ast.Load())
    if maker.args:
        return maker.args[0]
    return next(k.value for k in maker.keywords if k.arg == "output_fields")


def _forward(tree: ast.Module) -> ast.FunctionDef | None:
    found = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "forward"]
    return found[-1] if found else None


def _models(within: ast.AST | None) -> list[ast.Call]:
    nodes: Iterable[ast.AST] = ast.walk(within) if within is not None else ()
    return [
        n
        for n in nodes
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id in ("LLMAgentBase", "Team")
    ]


def _has_fields(maker: ast.Call) -> bool:
    return bool(maker.args) or any(k.arg in ("output_fields", "roles") for k in maker.keywords)


def _is_shown(maker: ast.Call) -> bool:
    return any(k.arg == "demonstrations" for k in maker.keywords)


def _is_docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
