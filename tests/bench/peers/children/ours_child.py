"""Our searches and baselines on a task; run with the project's own Python, of this tree or of an older one.

Beside what `common.py` says the task file has `words` (overrides of the domain), `embedded`, `search`
(overrides of the arm), `folder`, and for `cot-sc` `matched` (tokens an item that it may use).
"""

import dataclasses
import pathlib
import re
import shutil

import common

import meta_search
from meta_search.config import Config

# What `llm=local` chooses by itself for embedded models, which are reached through the proxy here.
EMBEDDED = [
    *("author.formats=[plan]", "author.reflexions=0", "author.drafts=1", "author.lessons=0"),
    *("author.context=1500", "llm.timeout_s=600"),
]
FAILING = "search.failing=all"  # too, but where a preset has another
MOST_SAMPLES = 25


def main(work):
    folder = pathlib.Path(work.folder)
    shutil.rmtree(folder, ignore_errors=True)  # what was paid for is answered from the ledger
    if work.arm == "cot-sc":
        agent, note = sampled(work, folder)
    else:
        agent, note = searched(work, folder)
    work.begin_test()
    rows = tested(work, agent, folder / "test", "test", len(work.test))
    return (
        {"agent": str(agent).rpartition(":")[2], "source": source_of(folder / "test")},
        note,
        {r.item: r.answer for r in rows},
    )


def words(work):
    return [
        *work.words,
        "llm=endpoint",
        f"llm.base_url={work.url}/v1",
        f"llm.task.model={work.task_model}",
        f"llm.meta.model={work.meta_model}",
        f"llm.max_tokens={work.max_tokens}",
        f"llm.max_concurrency={work.threads}",
        "evaluate.executor=inline",
        "budget.wall_s=null",
        f"seed={work.seed}",
        "run.confirm=false",
    ]


def searched(work, folder):
    """The agent that the search would have a user take, by train and validation items."""
    train = sum(row["split"] == "train" for row in work.labelled)
    settings = [
        f"author.max_tokens={work.meta_tokens}",
        *known(EMBEDDED if work.embedded else []),
        *known([FAILING] if work.embedded and "search=adas" not in work.search else []),
        f"evaluate.items={train}",
        "search.prior=false",
        f"budget.tokens={work.tokens}",
        # The test is apart, so that its cost is none of the search's.
        "evaluate.test_items=1",
        "budget.final_share=0.02",
        *work.search,
        f"run.dir={folder / 'search'}",
    ]
    meta_search.search(*words(work), *settings, live=True)
    with meta_search.open_run(folder / "search") as archive:
        agents = [r for r in archive.agents() if r.status != "baseline" and "train" in r.evaluations]
        whole = [r for r in agents if r.evaluations["train"].complete]
        best = max(whole, key=standing)
        made = sum(r.operator != "seed" for r in agents)
    return f"{folder / 'search'}:{best.agent.id}", f"«{best.agent.name}» of {made} candidates"


def known(settings):
    """Those that this tree has a key for: an older one lacks the younger keys."""
    groups = {f.name: getattr(Config(), f.name) for f in dataclasses.fields(Config)}
    parts = [(setting, *setting.partition("=")[0].split(".")) for setting in settings]
    return [setting for setting, group, key in parts if hasattr(groups[group], key)]


def standing(record):
    """Share right of train and validation items together, few items drawn down; of equals the cheaper."""
    parts = [record.evaluations[s] for s in ("train", "validation") if s in record.evaluations]
    items = sum(p.items for p in parts)
    return (sum(p.score * p.items for p in parts) + 2) / (items + 4), -record.evaluations["train"].used.tokens


def sampled(work, folder):
    """Chain of thought with as many votes as cost what the agent of our default search costs an item."""
    import meta_search.agent.seeds as seeds

    here = pathlib.Path(seeds.__file__).parent
    source = (here / "self_consistency.py").read_text()
    one = folder / "one.py"
    folder.mkdir(parents=True, exist_ok=True)
    one.write_text(re.sub(r"SAMPLES = \d+", "SAMPLES = 1", source))
    rows = tested(work, one, folder / "one", "train", 6)
    each = max(1.0, sum(r.used.tokens for r in rows) / max(1, len(rows)))
    samples = max(1, min(MOST_SAMPLES, round(work.matched / each)))
    agent = folder / "cot_sc.py"
    agent.write_text(re.sub(r"SAMPLES = \d+", f"SAMPLES = {samples}", source))
    return agent, f"{samples} samples of {each:.0f} tokens for {work.matched:.0f} an item"


def tested(work, agent, folder, split, items):
    meta_search.evaluate(
        str(agent), *words(work), f"evaluate.split={split}", f"evaluate.items={items}", f"run.dir={folder}"
    )
    with meta_search.open_run(folder) as archive:
        [record] = archive.agents()
        return archive.results(record.agent.id, split, trace=False)


def source_of(folder):
    with meta_search.open_run(folder) as archive:
        return archive.agents()[0].agent.source


common.main(main)
