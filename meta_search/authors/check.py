"""Static checks of agent source before anything runs, with messages that a small model can mend by."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from meta_search.agent.helpers import HELPERS
from meta_search.types import Agent, parse

__all__ = ["asks_nobody", "check_source", "find_leak", "leak_of"]

OTHERS = ("numpy",)  # that can be imported, beside the standard library
SELF_NAMES = frozenset("tune run_python map demonstrations nearest examples".split())
INSTEAD = {
    **dict.fromkeys(("subprocess", "pty", "shutil", "signal"), "to run a program use self.run_python(code)"),
    **dict.fromkeys(("asyncio", "multiprocessing"), "to work side by side use self.map(fn, items)"),
    **dict.fromkeys(
        ("requests", "socket", "urllib", "http", "httpx", "aiohttp", "openai", "anthropic", "litellm"),
        "there is no network; to ask a model use LLMAgentBase",
    ),
}
IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
LEAK_LENGTH = 24
LEAK_SHOWN = 200  # a little less than a prompt shows of a question (`prompts.MOST_QUESTION`)
MOST_QUOTED = 80


def check_source(source: str, must_ask: bool = True) -> str | None:
    """The first fault of agent source as one line, or `None`.

    Finds what small models get wrong: no `forward`, wrong arguments, invented `self.` methods, a parse
    error, imports that the sandbox does not have, no LLM call at all. What only running it can tell is left
    to the free dry run.

    Args:
        source: Agent source.
        must_ask: Whether an agent that asks no model is at fault.
    """
    try:
        tree = parse(source)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        text = " ".join((getattr(error, "text", None) or "").split())[:MOST_QUOTED]
        where = (f" (line {line})" if line else "") + (f": `{text}`" if text else "")
        return f"SyntaxError: {getattr(error, 'msg', error)}{where}"
    except (RecursionError, MemoryError):
        return "SyntaxError: the code is nested too deeply"
    fault = _forward(tree)
    if fault:
        return fault
    if must_ask and not _names_a_model(tree):
        return "the agent never asks a model; make one with LLMAgentBase([fields], name) and call it"
    return _imports(tree) or _self_names(tree)


def asks_nobody(source: str) -> bool:
    """Whether agent source names nothing that could ask a model; of one that does only running it tells."""
    try:
        return not _names_a_model(parse(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _names_a_model(tree: ast.AST) -> bool:
    return any(isinstance(n, ast.Name) and n.id in ("LLMAgentBase", "Team") for n in ast.walk(tree))


def _forward(tree: ast.Module) -> str | None:
    """What is wrong with `forward`; nothing with one that is assigned, imported or decorated, of which only
    running it tells."""
    outside = list(_outside_functions(tree))
    functions = [n for n in outside if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    forwards = [n for n in functions if n.name == "forward"]
    stored = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    if "forward" in stored or any(n.decorator_list for n in forwards):
        return None
    if not forwards:
        return "define a function forward(self, taskInfo) at the top level"
    faults = [_signature(forward) for forward in forwards]
    return faults[-1] if all(faults) else None


def _signature(forward: ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    """What is wrong with a definition of `forward`."""
    if isinstance(forward, ast.AsyncFunctionDef):
        return "define a function forward(self, taskInfo), without async: calls run side by side anyway"
    names = [a.arg for a in (*forward.args.posonlyargs, *forward.args.args)]
    needed = len(names) - len(forward.args.defaults)
    takes_two = needed <= 2 and (len(names) >= 2 or forward.args.vararg is not None)
    if names[:1] != ["self"] or not takes_two or None in forward.args.kw_defaults:
        return f"forward takes (self, taskInfo), not ({', '.join(names)})"
    own = list(_own(forward))
    if any(isinstance(n, ast.Yield | ast.YieldFrom) for n in own):
        return "forward yields; return an Info or a str, once"
    if not any(isinstance(n, ast.Return) and n.value is not None for n in own):
        return "forward returns nothing; return an Info or a str"
    return None


def _own(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function but those of functions, lambdas and classes in it."""
    todo = list(ast.iter_child_nodes(function))
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            todo += ast.iter_child_nodes(node)


def _imports(tree: ast.AST) -> str | None:
    """The first import of what is not there, unless the code goes on without it."""
    guarded = {
        id(inner)
        for node in ast.walk(tree)
        if _guards_imports(node)
        for statement in node.body  # type: ignore[attr-defined]
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            top = name.split(".")[0]
            if (top not in sys.stdlib_module_names and top not in OTHERS) or top in INSTEAD:
                if id(node) in guarded:
                    continue
                line = node.lineno  # type: ignore[attr-defined]
                instead = INSTEAD.get(top, "numpy and most of the standard library are")
                return f"import {name} (line {line}): not there; {instead}"
    return None


def _guards_imports(node: ast.AST) -> bool:
    """Whether imports in a statement may fail or are none: `try`, `with suppress(…)`, `if find_spec(…)`,
    `if TYPE_CHECKING`."""
    if isinstance(node, ast.Try):
        return any(handler.type is None or _names(handler.type) & IMPORT_ERRORS for handler in node.handlers)
    if isinstance(node, ast.With):
        return any(_names(item.context_expr) & IMPORT_ERRORS for item in node.items)
    return isinstance(node, ast.If) and bool({"find_spec", "TYPE_CHECKING"} & _names(node.test))


def _names(tree: ast.AST) -> set[str]:
    return {
        n.id if isinstance(n, ast.Name) else n.attr
        for n in ast.walk(tree)
        if isinstance(n, ast.Name | ast.Attribute)
    }


def _self_names(tree: ast.AST) -> str | None:
    # Only attributes that are read and that no assignment defines: agents may keep things on `self`.
    ours = [n for n in _outside_classes(tree) if isinstance(n, ast.Attribute) and _is_self(n)]
    assigned = {n.attr for n in ours if isinstance(n.ctx, ast.Store)} | _told_of(tree)
    for node in ours:
        if not isinstance(node.ctx, ast.Load):
            continue
        if node.attr not in SELF_NAMES | HELPERS.keys() | assigned and not node.attr.startswith("__"):
            known = ", ".join(sorted(SELF_NAMES))
            return f"self.{node.attr} (line {node.lineno}) does not exist; self has {known}"
    return None


def _told_of(tree: ast.AST) -> set[str]:
    """Attributes that code sets or looks for by their names, as in `setattr(self, "n", 1)`."""
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
    named = [n for n in calls if n.func.id in ("setattr", "hasattr") and len(n.args) > 1]  # type: ignore[attr-defined]
    return {n.args[1].value for n in named if isinstance(n.args[1], ast.Constant)}  # type: ignore[misc]


def _outside_functions(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements of a module that are no part of a function or class: also within `if` and `try`."""
    todo: list[ast.AST] = list(tree.body)
    while todo:
        node = todo.pop(0)
        if isinstance(node, ast.stmt):
            yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.expr):
            todo[:0] = list(ast.iter_child_nodes(node))


def _outside_classes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those of classes and of lambdas with a `self` of their own, which is another one."""
    todo = [tree]
    while todo:
        node = todo.pop()
        yield node
        todo += [n for n in ast.iter_child_nodes(node) if not _has_its_own(n)][::-1]


def _has_its_own(node: ast.AST) -> bool:
    is_lambda = isinstance(node, ast.Lambda) and any(arg.arg == "self" for arg in node.args.args)
    return isinstance(node, ast.ClassDef) or is_lambda


def _is_self(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "self"


def find_leak(source: str, demonstrations: Iterable[str], scored: Mapping[str, str]) -> str | None:
    """The id of a scored item whose question stands in the agent, or `None`.

    Args:
        source: Agent source.
        demonstrations: Texts of the demonstrations.
        scored: Question -> item id, of the train, validation and test splits. Questions shorter than 24
            characters after folding of white space are compared with whole strings only, or every agent
            that says "even or odd" would be refused. Of those longer than what prompts show, the beginning
            counts as well, in the source: a meta agent has seen no more.
    """
    written = [_folded(text) for text in _strings(source)]
    texts = [*written, *map(_folded, demonstrations)]
    whole, folded, own = set(texts), "\n".join(texts), "\n".join(written)
    needles = [(_folded(question), item) for question, item in scored.items()]
    beginnings = Counter(needle[:LEAK_SHOWN] for needle, _ in needles)
    for needle, item in needles:
        begins = needle[:LEAK_SHOWN]  # where several begin so, it tells none of them
        if needle and (needle in whole or (len(needle) >= LEAK_LENGTH and needle in folded)):
            return item
        if len(needle) > LEAK_SHOWN and beginnings[begins] == 1 and begins in own:
            return item
    return None


def leak_of(agent: Agent, scored: Mapping[str, str]) -> str | None:
    """The id of a scored item that an agent carries, in its source, its demonstrations or its values."""
    texts = [d.question for d in agent.demonstrations] + [str(v) for v in agent.values.values()]
    return find_leak(agent.source, texts, scored)


def _folded(text: str) -> str:
    return " ".join(text.lower().split())


def _strings(source: str) -> list[str]:
    """The source itself and its string literals, adjacent ones joined as Python does."""
    found = [source]
    try:
        tree = parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return found
    found += [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return found
