"""The program in a reply of the meta model."""

from __future__ import annotations

import ast
import builtins
import json
import re
from collections.abc import Iterator, Sequence

from meta_search.authors.replies.blocks import Block, blocks_in
from meta_search.authors.replies.mending import CODE, mended
from meta_search.authors.replies.objects import objects_in, texts_in
from meta_search.types import parse

__all__ = ["FORWARD", "broken_program_in", "completed", "leaves_out", "pieces_of", "program_in"]

TAG = re.compile(
    r"<(code|program|python|agent|source|answer|parameter|content|file)\b[^<>\n]{0,80}>\n?", re.IGNORECASE
)
FENCED = "```"
FORWARD = re.compile(r"def\s+forward\b")  # within JSON an `n` stands before it
WHOLE = r"(?:code|function|forward|method|program|agent|source|implementation|logic|file|helpers?)"
LEFT_OUT = re.compile(
    r"^[ \t]*#[ \t]*[(\[<]?(?:"
    r"(?:\.\.\.|…)[^\n]*\b(?:unchanged|the rest|same as|the same|as before|as above)\b"
    rf"|(?:\.\.\.|…)[^\n]*\b(?:existing|remaining|previous|other|rest of the) {WHOLE}\b"
    rf"|(?:the )?(?:rest|remainder) of (?:the |your |my |this )?{WHOLE}\b"
    r"|(?:the )?rest (?:is |stays |remains )?(?:unchanged|the same|as (?:before|above|it was))\b)[^\n]*$",
    re.IGNORECASE | re.MULTILINE,
)
# Which agents find without import: what a reply shows of their interface is no helper.
IN_SCOPE = frozenset("LLMAgentBase Info Team json re math random collections Counter".split())
COLUMN_0 = re.compile(r"^\S", re.MULTILINE)
MOST_TRIED = 40
MOST_TAGS = 12
MOST_KEYS = 3
KEY = re.compile(r'"code"\s*:\s*("""|"|`)')


def program_in(text: str) -> str:
    """The agent's source in a reply, or `""` where nothing in it is one.

    Of all parts that are Python with a `forward` the last one counts: a parent or an earlier draft may stand
    before it. Parts are fenced blocks, or without one tags such as `<code>`, a JSON object's field of code
    (as ADAS asks for it), or the text itself. Blocks beside it that define what it uses and lacks are put
    before it; the only class with a `forward` is taken apart.
    """
    if not FORWARD.search(text):
        return ""
    blocks = blocks_in(text)
    parts = [block.text if block.closed else _beginning(block.text) for block in blocks]
    for found in (parts, _tagged(text), list(_in_json(text, blocks)), [] if blocks else [_bare(text)]):
        agents = [(n, source) for n, part in enumerate(found) if (source := _agent(part))]
        if agents:
            # An excerpt shows what a whole one before it does.
            n, source = next((a for a in reversed(agents) if not leaves_out(a[1])), agents[-1])
            return completed(source, [*found[:n], *found[n + 1 :]])
    return ""


def broken_program_in(text: str) -> str:
    """The last part of a reply that says `def forward` and cannot be parsed, to tell where; or `""`."""
    parts = [*(block.text for block in blocks_in(text)), *_tagged(text)] or [_bare(text)]
    broken = [part for part in parts if FORWARD.search(part)]
    return broken[-1].strip("\n") if broken else ""


def _agent(part: str) -> str:
    """A part as source with a `forward`, at its top level where it can be brought there, or `""`."""
    source = mended(part) if FORWARD.search(part) else None
    if source is None:
        return ""
    tree = parse(source)
    functions = [n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    if "forward" in functions:
        return source
    defined = any(isinstance(n, ast.FunctionDef) and n.name == "forward" for n in ast.walk(tree))
    return _out_of_class(tree) or (source if defined else "")


def _out_of_class(tree: ast.Module) -> str:
    """A class's methods as functions, where one class has a `forward` and keeps nothing on itself."""
    classes = [
        node
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        and any(isinstance(n, ast.FunctionDef) and n.name == "forward" for n in node.body)
    ]
    if len(classes) != 1:
        return ""
    body = [n for n in classes[0].body if not _says_nothing(n)]
    methods = {n.name for n in body if isinstance(n, ast.FunctionDef)}
    if (
        len(methods) != len(body)
        or any(name.startswith("__") for name in methods)
        or any(n.decorator_list for n in body if isinstance(n, ast.FunctionDef))
    ):
        return ""

    class Called(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.AST:
            self.generic_visit(node)
            called = node.func
            if not isinstance(called, ast.Attribute) or called.attr not in methods:
                return node
            if not isinstance(called.value, ast.Name) or called.value.id != "self":
                return node
            myself = ast.Name("self", ast.Load())
            return ast.Call(ast.Name(called.attr, ast.Load()), [myself, *node.args], node.keywords)

    at = tree.body.index(classes[0])
    new: list[ast.stmt] = [*tree.body[:at], *(Called().visit(n) for n in body), *tree.body[at + 1 :]]
    return ast.unparse(ast.fix_missing_locations(ast.Module(new, [])))


def _says_nothing(node: ast.stmt) -> bool:
    """A docstring, or a constructor that only calls the one above it."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if not isinstance(node, ast.FunctionDef) or node.name != "__init__":
        return isinstance(node, ast.Pass)
    return all(
        isinstance(n, ast.Pass) or (isinstance(n, ast.Expr) and isinstance(n.value, ast.Call | ast.Constant))
        for n in node.body
    )


def leaves_out(source: str) -> str:
    """The line at which a `forward` leaves code out, as `# … rest unchanged`; `""` where it is whole."""
    if found := LEFT_OUT.search(source):
        return found[0].strip()
    try:
        tree = parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    forwards = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "forward"]
    dots = (
        n
        for forward in forwards
        for n in ast.walk(forward)
        if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant) and n.value.value is ...
    )
    return next(("..." for _ in dots), "")


def pieces_of(source: str) -> list[str]:
    """What stands at the top level of source beside `forward`, statement by statement."""
    lines = source.split("\n")
    try:
        body = parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found = []
    for node in body:
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
        if getattr(node, "name", "") != "forward":
            found.append("\n".join(lines[first - 1 : node.end_lineno]))
    return found


def completed(source: str, others: Sequence[str]) -> str:
    """Source with those of some other parts before it that define names which it uses and nothing defines."""
    if not _missing(source):
        return source
    helpers = [helper for part in others if not FORWARD.search(part) and (helper := mended(part))]
    taken: list[str] = []
    while True:
        lacks = _missing("\n\n".join((*taken, source)))
        more = [helper for helper in helpers if helper in taken or _defined(helper) & lacks]
        if more == taken:
            return "\n\n\n".join((*taken, source))
        taken = more


def _missing(source: str) -> set[str]:
    tree = parse(source)
    used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    return used - _defined(source) - set(dir(builtins)) - IN_SCOPE


def _defined(source: str) -> set[str]:
    """Names that a source binds anywhere."""
    found: set[str] = set()
    for node in ast.walk(parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
    return found


def _bare(text: str) -> str:
    """The program in a text without fences: from its first line of code, without the prose after it."""
    begins = CODE.search(text)
    return _beginning(text[begins.start() :]) if begins else text.strip().strip("`")


def _beginning(text: str) -> str:
    """The longest beginning of a text that is Python and ends before a line at the margin that is no code.

    Lines of code are not dropped: a program that was cut is none.
    """
    if mended(text) is not None:
        return text
    forward = FORWARD.search(text)
    margins = [m.start() for m in COLUMN_0.finditer(text) if forward and m.start() > forward.end()]
    for at in [m for m in margins if not CODE.match(text, m)][:MOST_TRIED]:
        if mended(text[:at]) is not None:
            return text[:at].rstrip()
    return text


def _tagged(text: str) -> list[str]:
    """What stands between tags such as `<code>` and `</code>`."""
    found = []
    for tag in list(TAG.finditer(text))[:MOST_TAGS]:
        end = text.find(f"</{tag[1]}>", tag.end())
        if end >= 0:
            inside = text[tag.end() : end]
            found.append(program_in(inside) if FENCED in inside else inside)
    return found


def _in_json(text: str, blocks: Sequence[Block]) -> Iterator[str]:
    for found in objects_in(text, blocks):
        for value in texts_in(found):
            yield program_in(value) if FENCED in value else value
    yield from _in_broken_json(text)


def _in_broken_json(text: str) -> Iterator[str]:
    """The program in what only looks like a JSON object: quotes in it are not escaped, as models forget."""
    for found in list(KEY.finditer(text))[-MOST_KEYS:]:
        quote, begins = found[1], found.end()
        ends = [m.start() for m in re.finditer(rf"{quote}\s{{0,20}}(?:,|\}}|\Z)", text[begins:])]
        for end in ends[::-1][:MOST_TRIED]:
            inside = text[begins : begins + end]
            if not FORWARD.search(inside):
                break
            for code in (inside, _unescaped(inside)):
                if mended(code) is not None:
                    yield code
                    return


def _unescaped(text: str) -> str:
    """The inside of a JSON string, of which some quotes may not be escaped."""
    quoted = re.sub(r'(?<!\\)"', r'\\"', text)
    try:
        return str(json.loads(f'"{quoted}"', strict=False))
    except ValueError:
        return text
