"""Operator `bootstrap`: an agent's own right answers become the examples it shows.

After DSPy's BootstrapFewShot and KNNFewShot (Khattab et al. 2023, arXiv 2310.03714, section 3.3): a teacher
runs the agent on the examples split; calls of items that scored right are kept; the child shows the ones
nearest to its question. The first teacher is the task model itself, which is the cheaper one; what it gets
wrong goes to the meta model.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace

from meta_search.authors.author import Context, Example, Parent, Worked, Written
from meta_search.authors.drafts import MAX_DEMONSTRATIONS, Draft, plan_of, refused, written
from meta_search.authors.names import with_parts
from meta_search.authors.plan import Plan, compile_plan, shown_by
from meta_search.types import Demonstration, parse

__all__ = ["bootstrap", "collect", "show_demonstrations"]

TEACHERS = ("task", "meta")


def bootstrap(context: Context) -> Written:
    """Write the child of the first parent that shows its own worked examples."""
    if not context.parents or not context.domain.examples:
        return refused(context, "bootstrap needs a parent and an examples split")
    parent = context.parents[0]
    plan = plan_of(parent)
    why = _unfit(parent.agent.source) if plan is None else ""
    if why:
        return refused(context, why)
    pool = [d for d in context.findings.demonstrations if fits(d, parent)]
    if not pool and (plan is None or plan.ways() != {"direct"}):
        pool = collect(context, parent)
        if not pool:
            return refused(context, "no example was answered right by any teacher")
    return _written(context, parent, plan, pool)


def _unfit(source: str) -> str:
    """Why no worked examples can be put into agent source, or `""`."""
    tree = parse(source)
    if _shows(tree):
        return "the parent shows worked examples already"
    return "" if _makers(tree) else "the parent has no call that could show examples"


def _written(context: Context, parent: Parent, plan: Plan | None, pool: Sequence[Demonstration]) -> Written:
    """The child, from the parent's plan where it has one that can show examples, else from its source."""
    # Plans show those of the domain where the answer alone is asked for.
    many = len(pool) or len(context.domain.examples)
    shown = min(many, context.trial.suggest_int("bootstrap_shown", 1, 3))
    # Without a pool these are the domain's examples with their answers, which no model has given.
    of = "worked examples that scored right" if pool else "examples with their right answers"
    nearest = f"the {shown} nearest of {many} {of}" if many > 1 else f"one of the {of}"
    thought = f"{parent.agent.name}, shown {nearest}."
    name = with_parts(parent.agent.name, {"shown": f"{shown} shown"})
    if plan is not None:
        plan = replace(plan, name=name, thought=thought, shown=shown)
        source: str | None = compile_plan(plan)
    else:
        source = show_demonstrations(parent.agent.source, name, thought, shown)
    if source is None:
        return refused(context, "the parent is nested too deeply to be rewritten")
    draft = Draft(
        name,
        source,
        thought,
        values={k: v for k, v in parent.agent.values.items() if k != "shown"},
        demonstrations=pool[-MAX_DEMONSTRATIONS:],
        plan=plan.to_mapping() if plan else None,
    )
    return written(context, draft)


def collect(context: Context, parent: Parent) -> list[Demonstration]:
    """Run the parent on the examples, teacher after teacher, and keep the replies that scored right."""
    todo: list[Example] = list(context.domain.examples)
    kept: list[Demonstration] = []
    for teacher in TEACHERS:
        worked: list[Worked] = context.bench.teach(parent.agent, todo, teacher) if todo else []
        for run in worked:
            reply = _first_reply(run)
            if run.right and reply:
                kept.append(Demonstration(run.example.question, reply))
        done = {run.example.question for run in worked if run.right}
        todo = [example for example in todo if example.question not in done]
    context.bench.keep(kept)
    return kept


def fits(demonstration: Demonstration, parent: Parent) -> bool:
    """Whether a reply of the run's pool has the form that the parent's first model is asked for.

    Agents share the pool: shown a program where JSON is asked for, a model writes a program.
    """
    plan = plan_of(parent)
    if plan is not None:
        return bool(shown_by(plan, (demonstration,)))
    makers = _makers(parse(parent.agent.source))
    fields = ast.unparse(_fields_of(makers[0])) if makers else ""
    if "," in fields:
        return demonstration.reply.lstrip().startswith(("{", "```json"))
    if "code" in fields or "program" in fields:
        return "```" in demonstration.reply
    return "```" not in demonstration.reply and not demonstration.reply.lstrip().startswith("{")


def _first_reply(run: Worked) -> str:
    """The reply of a call that had only the task before it: what the child will be shown.

    Of several that were asked for the same, as votes are, one that is part of the answer: another may be
    wrong although the item is right.
    """
    opening = [call for call in run.result.trace if not call.inputs]
    alike = [call for call in opening if call.fields == opening[0].fields]
    chosen = next((call for call in alike if call.final), None)
    if chosen is None and len(alike) > 1 and "answer" in opening[0].fields:
        return ""  # (what a program answers is not its text: there the first one is taken)
    return (chosen or opening[0]).text.strip() if opening else ""


def show_demonstrations(source: str, name: str, thought: str, shown: int) -> str | None:
    """Rewrite source so that its models are shown the nearest demonstrations.

    Every `LLMAgentBase(…)` within `forward` whose output fields are those of the first one, and that shows
    nothing yet, gets `demonstrations=`; the number is a tunable.

    Returns:
        The new source, or `None` where there is no such call or the source is nested too deeply.
    """
    tree = parse(source)
    forward, makers = _forward(tree), _makers(tree)
    if forward is None or not makers:
        return None
    taken = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    worked = next(name for name in ("worked", *(f"worked{n}" for n in range(2, 99))) if name not in taken)
    fields = ast.dump(_fields_of(makers[0]))
    for maker in makers:
        if ast.dump(_fields_of(maker)) == fields:
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


def _forward(tree: ast.Module) -> ast.FunctionDef | None:
    found = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "forward"]
    return found[-1] if found else None


def _makers(tree: ast.Module) -> list[ast.Call]:
    """Calls of `LLMAgentBase` or `Team` within `forward` that show nothing yet, in their order."""
    found = [
        n
        for n in _models(tree)
        if (n.args or any(k.arg in ("output_fields", "roles") for k in n.keywords)) and not _is_shown(n)
    ]
    return sorted(found, key=lambda n: (n.lineno, n.col_offset))


def _models(tree: ast.Module) -> list[ast.Call]:
    return [
        n
        for n in ast.walk(_forward(tree) or ast.Module([], []))
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id in ("LLMAgentBase", "Team")
    ]


def _shows(tree: ast.Module) -> bool:
    """Whether a model within `forward` is shown worked examples: those are not the other models' replies."""
    return any(map(_is_shown, _models(tree)))


def _is_shown(maker: ast.Call) -> bool:
    return any(k.arg == "demonstrations" for k in maker.keywords)


def _fields_of(maker: ast.Call) -> ast.expr:
    if isinstance(maker.func, ast.Name) and maker.func.id == "Team":
        return ast.List([ast.Constant("thinking"), ast.Constant("answer")], ast.Load())
    if maker.args:
        return maker.args[0]
    return next(k.value for k in maker.keywords if k.arg == "output_fields")


def _is_docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
