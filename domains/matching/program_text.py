"""The program in what a model wrote: out of fences, prose, a console's prompts, or the rest of a function.

What counts, in this order:

1. Of fenced blocks of Python the last that defines what the tests call: models mend themselves further down,
   and end with an example of use that defines nothing. Names that it lacks are taken from blocks before it.
2. Without a fence, all of the text, or else what of it is Python: prose before and behind is left out.
3. A text that does not define the function is the rest of the prompt's, with the indentation of its first
   line mended, which is lost where answers are stripped.

Curly quotes, no-break spaces and the prompts of Python's console are read as they are meant, where the text
is no Python as it stands. A function under another name is not the one that was asked for.
"""

from __future__ import annotations

import ast
import builtins
import json
import re
import textwrap
from collections.abc import Iterator, Sequence

from meta_search.types import parse

__all__ = ["blocks_of", "program_of"]

LONGEST = 200_000  # characters of an answer
MOST_LINES = 80  # of prose that are left out, one by one, at either end

_FENCE = re.compile(
    r"^[ \t]*(`{3,}+|~{3,}+)[ \t]*([\w+#.-]*)[^\n]*\n(.*?)(?:^[ \t]*\1[ \t]*$|\Z)", re.DOTALL | re.MULTILINE
)
_TAGS = re.compile(r"\[/?(?:PYTHON|BEGIN|DONE|CODE)\]|</?(?:code|python|answer|solution)>", re.IGNORECASE)
_THINKS = re.compile(r"<think(?:ing)?>", re.IGNORECASE)
_THOUGHT = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_CONSOLE = re.compile(r"^[ \t]*>>> ?", re.MULTILINE)
_CODE = re.compile(r"(?:async\s+def|def|class|import|from|@\w|[A-Za-z_]\w*\s*=[^=])")
_PYTHON = ("", "python", "py", "python3", "python2", "py3", "ipython", "pycon", "code")
_MEANT = str.maketrans(
    {
        **dict.fromkeys("“”„‟″", '"'),
        **dict.fromkeys("‘’‚‛′", "'"),
        **dict.fromkeys("\u00a0\u2007\u202f\u2009", " "),
        **dict.fromkeys("\u200b\u200c\u200d\ufeff\u2060", ""),
        **dict.fromkeys("–−‐‑", "-"),
    }
)


def program_of(answer: str, names: frozenset[str], before: str = "", entry: str = "") -> tuple[str, str]:
    """The program of an answer, with what stands before it.

    Args:
        answer: As a model wrote it.
        names: Functions and classes that tests call.
        before: What stands before the program, as a prompt with the head of the function to complete.
        entry: The function that `before` ends with, or empty.

    Returns:
        The program, and why there is none in a few words, else `""`.
    """
    if len(answer) > LONGEST:
        return "", f"a program of {len(answer)} characters, more than {LONGEST}"
    text = _TAGS.sub("", _without_thinking(answer)).replace("\r\n", "\n")
    text = _of_json(text)
    blocks = blocks_of(text)
    found = _defining(blocks, names) if blocks else ""
    if not found:
        found = next((p for t in (blocks or [text]) for p in _readings(t) if _defined(p) & names), "")
    if found:
        return f"{before}\n{found}" if before else found, ""
    if entry and not any(_defines(text) for text in blocks or [text]):
        for rest in [*blocks, text] if blocks else [text]:
            whole = _completed(before, rest, entry)
            if whole:
                return whole, ""
    wanted = ", ".join(sorted(names)) or "anything"
    have = [name for block in blocks or [text] for p in _readings(block) for name in _defined(p)]
    if have:
        return "", f"it defines {', '.join(dict.fromkeys(have))[:80]}, not {wanted}"
    why = next((why for block in blocks or [text] if (why := _why_no_python(block))), "")
    return "", f"it does not define {wanted}" + (f" ({why})" if why else "")


def blocks_of(text: str) -> list[str]:
    """Fenced blocks of Python, dedented; those of other languages only where there is none."""
    found = [(match[2].lower(), textwrap.dedent(match[3])) for match in _FENCE.finditer(text)]
    python = [block for language, block in found if language in _PYTHON]
    return python or [block for _, block in found]


def _defining(blocks: Sequence[str], names: frozenset[str]) -> str:
    """The last block that defines what is wanted, with those before it that define what it lacks."""
    read = [next(_readings(block), "") for block in blocks]
    best = max((len(_defined(program) & names) for program in read), default=0)
    if not best:
        return ""
    last = max(n for n, program in enumerate(read) if len(_defined(program) & names) == best)
    needed, kept = _lacking(read[last]) | (names - _defined(read[last])), [read[last]]
    for program in reversed(read[:last]):
        if _defined(program) & needed:
            needed = (needed - _defined(program)) | _lacking(program)
            kept.append(program)
    return "\n\n".join(reversed(kept))


def _readings(text: str) -> Iterator[str]:
    """A text as Python, in the ways in which it may be meant; nothing where it is none."""
    meant = text.translate(_MEANT)
    for candidate in dict.fromkeys((text, textwrap.dedent(text), meant, textwrap.dedent(meant))):
        if _compiles(candidate):
            yield candidate
            return
        if _CONSOLE.search(candidate) and _compiles(typed := _without_prompts(candidate)):
            yield typed
            return
    for candidate in dict.fromkeys((text, meant)):
        part = _python_part(candidate)
        if part:
            yield part
            return


def _python_part(text: str) -> str:
    """The lines of a text that are Python, from the first that looks like code."""
    lines = text.split("\n")
    starts = [n for n, line in enumerate(lines) if _CODE.match(line)]
    for start in starts[:5]:
        for end in range(len(lines), max(start, len(lines) - MOST_LINES), -1):
            if not lines[end - 1].strip():
                continue
            part = "\n".join(lines[start:end])
            if _compiles(part):
                return part
    return ""


def _completed(before: str, rest: str, entry: str) -> str:
    """A prompt with the rest of its function, or `""`."""
    for text in dict.fromkeys((rest, rest.translate(_MEANT))):
        lines = text.strip("\n").split("\n")
        dedented = textwrap.dedent("\n".join(["    " + lines[0].strip(), *lines[1:]])).split("\n")
        stripped = ["    " + lines[0].strip(), *lines[1:]]  # the first line has lost its indentation
        inner = ["    " + line for line in lines]
        forms = (
            lines,
            inner if _parses("\n".join(lines)) else stripped,
            ["    " + line for line in dedented],
        )
        for form in forms:
            for end in range(len(form), max(0, len(form) - MOST_LINES), -1):
                whole = f"{before}\n" + "\n".join(form[:end])
                if form[end - 1].strip() and _compiles(whole):
                    if _has_body(whole, entry):
                        return whole
                    break
    return ""


def _defines(text: str) -> bool:
    """Whether a text is a program of its own with functions or classes, and not the inside of one."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return _compiles(text) and any(isinstance(node, kinds) for node in _tree(text).body)


def _has_body(program: str, entry: str) -> bool:
    """Whether the last function of that name does more than to be documented."""
    found = [n for n in parse(program).body if isinstance(n, ast.FunctionDef) and n.name == entry]
    return bool(found) and any(
        not isinstance(node, ast.Pass)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in found[-1].body
    )


def _without_prompts(text: str) -> str:
    """What was typed into a console, without what it printed."""
    kept = [re.match(r"[ \t]*(?:>>>|\.\.\.)(?: (.*)|$)", line) for line in text.split("\n")]
    return "\n".join(match[1] or "" for match in kept if match)


def _of_json(text: str) -> str:
    """The program in a JSON object, as `{"code": …}`; other texts as they are."""
    if not text.lstrip().startswith("{"):
        return text
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return text
    keys = ("code", "program", "answer", "solution", "completion")
    found = [value[key] for key in keys if isinstance(value.get(key), str)] if isinstance(value, dict) else []
    return found[0] if found else text


def _defined(program: str) -> frozenset[str]:
    """Names that a program defines at its top."""
    found: set[str] = set()
    for node in _tree(program).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            found |= {
                n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            }
        elif isinstance(node, ast.If | ast.Try):
            found |= {n.name for n in ast.walk(node) if isinstance(n, ast.FunctionDef)}
    return frozenset(found)


def _lacking(program: str) -> set[str]:
    """Names that a program reads and does not set anywhere."""
    tree = _tree(program)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    known = {node.id for node in names if not isinstance(node.ctx, ast.Load)} | _defined(program)
    known |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return {node.id for node in names if isinstance(node.ctx, ast.Load)} - known - set(dir(builtins))


def _tree(program: str) -> ast.Module:
    try:
        return parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def _parses(text: str) -> bool:
    """Whether a text has the form of Python, be it a `return` outside of a function."""
    try:
        parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _why_no_python(text: str) -> str:
    try:
        compile(text, "<answer>", "exec", dont_inherit=True)
    except SyntaxError as error:
        return f"SyntaxError: {error.msg}, line {error.lineno}"
    except (ValueError, OverflowError, RecursionError, MemoryError) as error:
        return type(error).__name__
    return ""


def _compiles(program: str) -> bool:
    return bool(program.strip()) and not _why_no_python(program)


def _without_thinking(text: str) -> str:
    """A text without what stands between a thinking's marks; linear in its length, whatever it holds."""
    kept, at = [], 0
    while begins := _THINKS.search(text, at):
        ends = _THOUGHT.search(text, begins.end())
        if ends is None:
            break
        kept.append(text[at : begins.start()])
        at = ends.end()
    return "".join((*kept, text[at:]))
