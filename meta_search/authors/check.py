"""Static checks of agent source before anything runs, with messages that a small model can mend by."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from meta_search.agent.helpers import HELPERS
from meta_search.types import parse

__all__ = ["check_source", "find_leak"]

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
    named = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    if must_ask and not named & {"LLMAgentBase", "Team"}:
        return "the agent never asks a model; make one with LLMAgentBase([fields], name) and call it"
    return _imports(tree) or _self_names(tree)


def _forward(tree: ast.Module) -> str | None:
    """What is wrong with `forward`; nothing with one that is assigned, of which only running it tells."""
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    forwards = [n for n in functions if n.name == "forward"]
    if not forwards:
        stored = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        return None if "forward" in stored else "define a function forward(self, taskInfo) at the top level"
    forward = forwards[-1]
    if isinstance(forward, ast.AsyncFunctionDef):
        return "define a function forward(self, taskInfo), without async: calls run side by side anyway"
    names = [a.arg for a in (*forward.args.posonlyargs, *forward.args.args)]
    needed = len(names) - len(forward.args.defaults)
    takes_two = needed <= 2 and (len(names) >= 2 or forward.args.vararg is not None)
    if names[:1] != ["self"] or not takes_two or None in forward.args.kw_defaults:
        return f"forward takes (self, taskInfo), not ({', '.join(names)})"
    if not any(isinstance(n, ast.Return) and n.value is not None for n in ast.walk(forward)):
        return "forward returns nothing; return an Info or a str"
    return None


def _imports(tree: ast.AST) -> str | None:
    """The first import of what is not there, unless the code goes on without it."""
    guarded = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Try) and any(_catches_imports(handler) for handler in node.handlers)
        for statement in node.body
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


def _catches_imports(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    names = {n.id for n in ast.walk(handler.type) if isinstance(n, ast.Name)}
    return bool(names & {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


def _self_names(tree: ast.AST) -> str | None:
    # Only attributes that are read and that no assignment defines: agents may keep things on `self`.
    ours = [n for n in _outside_classes(tree) if isinstance(n, ast.Attribute) and _is_self(n)]
    assigned = {n.attr for n in ours if isinstance(n.ctx, ast.Store)}
    for node in ours:
        if not isinstance(node.ctx, ast.Load):
            continue
        if node.attr not in SELF_NAMES | HELPERS.keys() | assigned and not node.attr.startswith("__"):
            known = ", ".join(sorted(SELF_NAMES))
            return f"self.{node.attr} (line {node.lineno}) does not exist; self has {known}"
    return None


def _outside_classes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those of classes, whose `self` is another one."""
    todo = [tree]
    while todo:
        node = todo.pop()
        yield node
        todo += [n for n in ast.iter_child_nodes(node) if not isinstance(n, ast.ClassDef)][::-1]


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
