"""Instructions in agent source: the texts that its model is told, found by what it was told, and put anew.

An instruction is a literal of the source that stands in a prompt of the agent. So it is found wherever an
agent keeps it: in a call, a variable, a table of ways. Texts with holes (f-strings, templates) are none: what
the model reads is not what stands in the source.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from meta_search.authors.rewrite import replaced
from meta_search.types import ItemResult, TraceCall, lines_of, parse

__all__ = ["Instruction", "instructions", "prompts_of", "reworded", "told_by", "tunable"]

FEWEST = 12  # characters of an instruction: less is a word of the question, or a field
# What an agent writes is not ours to trust: so many prompts, so much of each one's end, so many literals.
MOST_PROMPTS, MOST_PROMPT, MOST_LITERALS = 64, 20_000, 500


@dataclass(frozen=True, slots=True)
class Instruction:
    """A text of the source that some model was told.

    Attributes:
        text: The text.
        nodes: Where it stands: a text that is written twice is one instruction.
        tunable: Whether the search may choose among several in its place: it stands in the body of `forward`,
            where `self` is known, and is no such choice already.
    """

    text: str
    nodes: tuple[ast.Constant, ...]
    tunable: bool


def prompts_of(results: Iterable[ItemResult]) -> list[str]:
    """What the models of some runs were told last, each text once."""
    return list(dict.fromkeys(call.prompt for result in results for call in result.trace))


def instructions(source: str, prompts: Iterable[str]) -> list[Instruction]:
    """The instructions that stand in prompts, in the order of the source.

    Args:
        source: Agent source that parses.
        prompts: Of its calls, whole, see `TraceCall.prompt`.
    """
    tree = parse(source)
    literals = _literals(tree)
    ends = [prompt[-MOST_PROMPT:] for prompt in islice(prompts, MOST_PROMPTS)]
    told = {text for prompt in ends for text in _longest(t for t in literals if t.strip() in prompt)}
    inside, chosen = _body(tree), _chosen(tree)
    return [
        Instruction(text, tuple(nodes), all(id(n) in inside and id(n) not in chosen for n in nodes))
        for text, nodes in literals.items()
        if text in told
    ]


def told_by(instruction: Instruction, others: Sequence[Instruction], call: TraceCall) -> bool:
    """Whether a call was told an instruction, and not a longer one that holds it."""
    found = _longest(i.text for i in others if i.text.strip() in call.prompt)
    return instruction.text in found


def reworded(source: str, instruction: Instruction, text: str) -> str:
    """Source with another text in place of an instruction; all else to the letter."""
    return _with(source, {node: repr(text) for node in instruction.nodes})


def tunable(source: str, choices: Mapping[str, Sequence[str]]) -> tuple[str, dict[str, str]]:
    """Source in which the search chooses among texts in place of some instructions; all else to the letter.

    The choices are declared in the first lines of `forward`, so that each is known once it has run.

    Args:
        source: Agent source.
        choices: Text of an instruction that is `tunable` -> further texts; its own is the default.

    Returns:
        The source, and the text of each instruction -> name of its parameter.
    """
    tree = parse(source)
    forward, literals = _forward(tree), _literals(tree)
    assert forward is not None
    names = dict(zip(choices, _free_names(tree, len(choices)), strict=True))
    nodes = {node: _apart(source, node, names[text]) for text in choices for node in literals[text]}
    made = _with(source, nodes)
    me = (*forward.args.posonlyargs, *forward.args.args)[0].arg
    lines = [_declared(me, names[text], (text, *others)) for text, others in choices.items()]
    return _begun(made, lines), names


def _declared(me: str, name: str, texts: Sequence[str]) -> list[str]:
    options = [f"    {text!r}," for text in texts]
    return [f'{name} = {me}.tune.choice("{name}", [', *options, "])"]


def _begun(source: str, statements: Sequence[Sequence[str]]) -> str:
    """Source whose `forward` begins with further statements, after its docstring."""
    forward = _forward(parse(source))
    assert forward is not None
    lines, body = lines_of(source), forward.body
    first = body[1] if len(body) > 1 and _is_text(body[0]) else body[0]
    at = min([first.lineno, *(d.lineno for d in getattr(first, "decorator_list", ()))])
    head = lines[at - 1].encode()[: first.col_offset]
    if head.strip():  # the body stands in the line of something else
        text = "".join("\n".join(statement) + "; " for statement in statements).encode()
        lines[at - 1] = (head + text + lines[at - 1].encode()[first.col_offset :]).decode()
    else:
        end = "\r\n" if lines[at - 1].endswith("\r\n") else "\n"
        lines[at - 1 : at - 1] = [head.decode() + line + end for s in statements for line in s]
    return "".join(lines)


def _apart(source: str, node: ast.Constant, name: str) -> str:
    """A name in place of a literal, which may touch the word before or after it: `return"text"`."""
    lines = lines_of(source)
    before = lines[node.lineno - 1].encode()[: node.col_offset].decode()[-1:]
    after = lines[(node.end_lineno or 0) - 1].encode()[node.end_col_offset :].decode()[:1]
    return f"({name})" if f"_{before}{after}_".isidentifier() and before + after else name


def _with(source: str, texts: Mapping[ast.Constant, str]) -> str:
    """Source with texts in place of literals, from the last to the first: each stands where it stood."""
    for node in sorted(texts, key=lambda n: (n.lineno, n.col_offset), reverse=True):
        source = replaced(source, node, texts[node])
    return source


def _literals(tree: ast.Module) -> dict[str, list[ast.Constant]]:
    """Texts of the source that may be instructions -> where they stand, in its order."""
    apart = {id(part) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for part in ast.walk(n)}
    apart |= {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}  # docstrings
    found = [
        n
        for n in ast.walk(tree)
        if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in apart
    ]
    texts: dict[str, list[ast.Constant]] = {}
    for node in sorted(found, key=lambda n: (n.lineno, n.col_offset)):
        text = str(node.value)
        if len(texts) < MOST_LITERALS and len(text.strip()) >= FEWEST and re.search(r"\S\s+\S", text):
            texts.setdefault(text, []).append(node)
    return texts


def _longest(texts: Iterable[str]) -> set[str]:
    """The texts that are no part of another one."""
    found = set(texts)
    return {t for t in found if not any(t != o and t.strip() in o for o in found)}


def _body(tree: ast.Module) -> set[int]:
    forward = _forward(tree)
    return {id(node) for statement in (forward.body if forward else ()) for node in ast.walk(statement)}


def _chosen(tree: ast.Module) -> set[int]:
    """What stands in a call of `tune.choice`."""
    return {
        id(node)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "choice"
        for node in ast.walk(call)
    }


def _forward(tree: ast.Module) -> ast.FunctionDef | None:
    found = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "forward"]
    return found[-1] if found else None


def _free_names(tree: ast.Module, n: int) -> list[str]:
    """So many names of parameters that nothing in the source has."""
    taken = {str(getattr(node, key, "")) for node in ast.walk(tree) for key in ("id", "arg", "name", "value")}
    free = (name for k in range(1, len(taken) + n + 1) if (name := f"instruction_{k}") not in taken)
    return [next(free) for _ in range(n)]


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
