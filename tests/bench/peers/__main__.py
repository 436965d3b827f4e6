"""`python -m tests.bench.peers`: published optimisers beside ours, at equal tokens; see docs/peers.md.

    python -m tests.bench.peers --tasks unseen --arms default,dspy-knn,gepa --seeds 0 --tokens 60000
    python -m tests.bench.peers --base-url http://host:8000/v1 --task-model small --meta-model big
    python -m tests.bench.peers --replay ledger.jsonl.xz     # no model, no key: scores, tests and table anew

Without `--base-url` the embedded pair is served here. Arms are run seed by seed, so that what is cut short is
even; a second start goes on. Progress goes to stderr, the table to stdout.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from meta_search.fetching.cache import cache_folder
from tests.bench.peers.arms import ARMS, CHEAP
from tests.bench.peers.bench import Bench, Models, Settings
from tests.bench.peers.ledger import Ledger, publish
from tests.bench.peers.proxy import Upstream
from tests.bench.peers.table import differs, lines, markdown, print_table, rescored
from tests.bench.peers.tasks import TASKS, Sizes
from tests.bench.row import NotYet
from tests.bench.team import folder_of

TASK_MODEL, META_MODEL = "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"
CONTEXT, META_CONTEXT = 4096, 16384  # tokens a slot: the longest prompts of the peers, and of `adas`


def main(words: list[str] | None = None) -> int:
    parser = parser_of()
    chosen = parser.parse_args(words)
    if chosen.replay:
        return shown(Ledger(chosen.replay), chosen.cache)
    arms, tasks = chosen.arms.split(","), chosen.tasks.split(",")
    for name, known in [*((a, ARMS) for a in arms), *((t, TASKS) for t in tasks)]:
        if name not in known:
            parser.error(f"no {name}: there are {', '.join(known)}")
    sizes = Sizes(*map(int, chosen.sizes.split(",")))
    settings = Settings(chosen.tokens, sizes, chosen.meta_tokens, chosen.old, tuple(chosen.words))
    embedded = not chosen.base_url
    models = Models(chosen.task_model, chosen.meta_model, embedded or chosen.small)
    folder = chosen.folder or folder_of("bench-peers")
    folder.mkdir(parents=True, exist_ok=True)
    seeds = [int(seed) for seed in chosen.seeds.split(",")]
    try:
        with (
            served(chosen, folder) as upstreams,
            Bench(folder, upstreams, models, settings, chosen.venvs, chosen.cache) as bench,
        ):
            done = list(bench.arms(tasks, seeds, arms, chosen.minutes))
            ledger = bench.ledger
    except NotYet as missing:
        parser.error(str(missing))
    if not done:
        print("no arm was done", file=sys.stderr)
        return 1
    if chosen.publish:
        size = publish(ledger, ledger.arms, chosen.publish)
        print(f"{chosen.publish}: {size / 1e6:.2f} MB", file=sys.stderr)
    return shown(ledger, chosen.cache)


def parser_of() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="arms:\n" + "\n".join(f"  {name:18} {arm.about}" for name, arm in ARMS.items()),
    )
    add, cache = parser.add_argument, cache_folder("bench-peers")
    add("--tasks", default="unseen,bfcl,humaneval", help=f"of {', '.join(TASKS)}")
    add("--arms", default=",".join(CHEAP), help="see below")
    add("--seeds", default="0,1,2", help="of items and searches")
    add("--tokens", type=int, default=60_000, help="of one search; the test is apart")
    add("--sizes", default="24,18,12,42", help="items: examples,train,validation,test")
    add("--meta-tokens", type=int, default=1500, help="most of one answer of the meta model")
    add("--minutes", type=float, default=600.0, help="after which no arm is begun")
    add("--folder", type=Path, help="of ledger and runs; by default runs/bench-peers")
    add("--venvs", type=Path, default=cache / "venvs", help="folder of the peers' venvs, made on first use")
    add("--cache", type=Path, default=cache, help="folder of data")
    add("--old", default="", help="commit of the arm `old`")
    add("--base-url", default="", help="an OpenAI-compatible endpoint; by default the embedded models")
    add("--key-env", default="", help="environment variable with its key")
    add("--task-model", default=TASK_MODEL)
    add("--meta-model", default=META_MODEL)
    add("--small", action="store_true", help="an endpoint's models are small: ours has them write plans only")
    add("--words", nargs="*", default=[], help="further overrides of our own arms")
    add("--publish", type=Path, help="write the ledger as .jsonl.xz")
    add("--replay", type=Path, help="a ledger: score, test and print, without model or key")
    return parser


@contextlib.contextmanager
def served(chosen: argparse.Namespace, folder: Path) -> Iterator[Mapping[str, Upstream]]:
    """The endpoints: the one that was named, or servers of the embedded models."""
    if chosen.base_url:
        found = Upstream(chosen.base_url, os.environ.get(chosen.key_env, "") if chosen.key_env else "")
        yield {"": found, chosen.task_model: found, chosen.meta_model: found}
        return
    from meta_search.llm.local import LocalServer, Serving

    with contextlib.ExitStack() as stack:
        upstreams: dict[str, Upstream] = {}
        for name, slots, context in (
            (chosen.task_model, 8, CONTEXT),
            (chosen.meta_model, 2, META_CONTEXT),
        ):
            log = folder / f"llama-{name}.log"
            server = stack.enter_context(LocalServer.start(Serving(name, 0, slots, context), log))
            upstreams[name] = Upstream(server.base_url, server.api_key)
        yield {"": upstreams[chosen.task_model], **upstreams}


def shown(ledger: Ledger, cache: Path) -> int:
    """Score all answers of a ledger anew, and print the table; 1 where it says otherwise than it says."""
    scores = rescored(ledger, cache)
    rows = lines(ledger.arms.values(), scores)
    print_table(rows, ledger.plan)
    print(markdown(rows))
    wrong = differs(ledger, scores)
    for line in wrong:
        print(f"differs: {line}", file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
