"""Worked examples that the meta agent writes, knowing the answer, for kinds that no teacher got right.

They are checked as those of teachers are: a program is run in the sandbox and must print what scores right,
the answer behind a line of reasoning must score right; on the examples split, whose answers may be shown.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from meta_search.authors.asking import request
from meta_search.authors.author import Context, Example
from meta_search.authors.course import AUTHOR, META, TASK
from meta_search.authors.sight.quoting import marked
from meta_search.authors.teachers import FORMS, PROGRAMS, checker, normal, program_in
from meta_search.authors.templating import render
from meta_search.text import passage
from meta_search.types import CallRequest, Demonstration, Usage, parse

__all__ = ["write_examples"]

TRIES = 2  # examples of a kind that are written
MOST_QUESTION, MOST_ANSWER = 8_000, 2_000  # characters; what is longer makes no worked example
TELLING = 3  # characters from which an answer in a program's source is no accident
EXPECTED = Usage(1, 1_500, 500)


def write_examples(context: Context, form: str, kinds: Sequence[str]) -> None:
    """Have a worked example written for each kind, of the first example that a teacher got wrong.

    Args:
        context: Of the brief; what was found goes into its course and the run's pool.
        form: Of the replies.
        kinds: That lack any of this form.
    """
    for kind in kinds:
        for example in _wrong(context, form, kind)[:TRIES]:
            if context.course.room(EXPECTED) < 1:
                return
            made = _written(context, form, example)
            if made is not None:
                context.bench.keep([made], AUTHOR)
                context.course.found.append((made, AUTHOR))
                told = f" of {kind}" if kind else ""
                context.bench.say(
                    f"the meta agent wrote one of the {FORMS[form]}{told} itself: it scored right"
                )
                break


def _wrong(context: Context, form: str, kind: str) -> list[Example]:
    """Examples of a kind that the meta model got wrong, and that nobody has written in vain."""
    missed = context.course.missed
    return [
        e
        for e in context.domain.examples
        if e.kind == kind
        and (e.question, form, META) in missed
        and (e.question, form, AUTHOR) not in missed
        and len(e.question) <= MOST_QUESTION
        and len(e.answer) <= MOST_ANSWER
    ]


def _written(context: Context, form: str, example: Example) -> Demonstration | None:
    """A written reply that was checked; `None` where it does not come to the right answer."""
    reply = context.bench.ask(_request(context, form, example))
    # What a fault has used is not known to a replay, which must go on as the recorded run did.
    context.course.charge(EXPECTED if reply.fault else reply.used)
    if reply.fault:
        return None
    program = program_in(reply.text) if form in PROGRAMS else ""
    made = normal(example.question, f"```python\n{program}\n```" if program else reply.text, form)
    agent = None if made is None or _tells(made, example) else checker(made)
    runs = context.bench.teach(agent, [example], TASK) if agent is not None else []
    if agent is not None and not runs:
        return None  # the search has ended
    if made is not None and all(run.right for run in runs) and runs:
        return made
    context.course.fail((example.question, form, AUTHOR))
    return None


def _tells(made: Demonstration, example: Example) -> bool:
    """Whether a program holds its answer instead of working it out: that teaches nothing."""
    if made.form not in PROGRAMS:
        return False
    try:
        tree = parse(program_in(made.reply))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    constants = {str(n.value).strip() for n in ast.walk(tree) if isinstance(n, ast.Constant)}
    answer = example.answer.strip()
    if len(answer) >= TELLING and answer in constants and answer not in example.question:
        return True
    if made.form == "reading":
        used = any(isinstance(n, ast.Name) and n.id == "QUESTION" for n in ast.walk(tree))
    else:
        used = any(c and c != answer and (c in example.question or example.question in c) for c in constants)
    if not used:
        return True  # nothing of the question is in it
    called = (n for n in ast.walk(tree) if isinstance(n, ast.Call))
    works = any(not (isinstance(n.func, ast.Name) and n.func.id == "print") for n in called)
    return not works and not any(isinstance(n, ast.BinOp | ast.For | ast.While) for n in ast.walk(tree))


def _request(context: Context, form: str, example: Example) -> CallRequest:
    text = render(
        context.config.prompts,
        "teach",
        brief=context.domain.brief,
        form=form,
        question=_quoted(example.question),
        answer=_quoted(example.answer),
    )
    place = context.domain.examples.index(example)
    return request(context, (("user", text),), f"teach-{form}-{place}")


def _quoted(text: str) -> str:
    """A text as lines that begin with ">", so that it cannot end its quotation."""
    return marked(passage(text, MOST_QUESTION))
