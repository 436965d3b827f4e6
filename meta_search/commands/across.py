"""`meta-search evaluate AGENTS --across domains=[…] models=[…]`: agents × domains × models, within one
budget.

Each cell is an evaluation in a run folder of its own, so that `archive`, `report` and `export` can read it;
they lie in one folder, with the table as `matrix.json`, `matrix.md` and `matrix.html`. The budget is that of
the whole: a cell may spend its share of what the cells before it have left. The same command with `run.dir=`
that folder goes on: cells that are complete are not run again, and the others pay only what they have not.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from archive.records import Archive
from domains.domain import Domain
from meta_search.agent.helpers import HELPERS
from meta_search.commands import evaluate_folder
from meta_search.commands.across_columns import Place, asked, places
from meta_search.commands.agents import Agents, read_agents
from meta_search.commands.evaluate import evaluate_agents, with_items
from meta_search.commands.resolve import resolved
from meta_search.config import BudgetConfig, Config
from meta_search.errors import ArchiveError, ConfigError, DomainError, LLMError
from meta_search.report.files import read_small, write_whole
from meta_search.report.matrix import Cell, Matrix, shown_best
from meta_search.report.standing import Contender
from meta_search.report.verdict import measure_of
from meta_search.run import folder as run_folder
from meta_search.run.caller import COMMAND_LINE, Caller
from meta_search.run.preflight import made_domain
from meta_search.text import one_line, override
from meta_search.types import Candidate, Usage, parse

__all__ = ["JSON", "Across", "evaluate_across", "read_matrix"]

JSON, PAGE, TEXT = "matrix.json", "matrix.html", "matrix.md"
PAID_AS = {"usd": "cost_usd", "tokens": "tokens", "calls": "calls", "wall_s": "seconds"}
LIMITS = tuple(PAID_AS)
LEAST_S = 20.0  # of time for a cell: less does not even start a model
ROUNDS = 2  # a cell that its share cut short gets what the others left
WORTH_IT = 0.1  # of each limit that must be left for that
STOPS = ("signal",)  # what ends the whole, and not one cell


@dataclass(frozen=True, slots=True)
class Across:
    """What came of it.

    Attributes:
        folder: Where the run folders and the tables lie.
        matrix: The cells.
        cut: Why it is not complete, in words; `""` where it is.
    """

    folder: Path
    matrix: Matrix
    cut: str = ""


def evaluate_across(agents: Agents, words: Sequence[str], caller: Caller = COMMAND_LINE) -> Across:
    """Evaluate agents on each domain with each model.

    Args:
        agents: As `evaluate` takes them.
        words: `domains=[…]`, `models=[…]`, overrides of all cells, and `COLUMN.key=value` of one.
        caller: Who asks for it.

    Raises:
        ConfigError: Something is wrong with one of the cells, found before any is begun; names the cell.
    """
    first: dict[str, Candidate] = {}
    for candidate in read_agents(agents):
        first.setdefault(candidate.agent.id, candidate)
    chosen = list(first.values())
    found = [replace(p, config=with_items(resolved(p.config))) for p in places(asked(words))]
    domains = _checked(found)
    folder = _folder(found[0].config)
    before = _before(folder)
    cells = [_known(p, before, chosen, folder) or Cell(p.domain, p.model, p.folder) for p in found]
    cut = _fill(found, cells, chosen, domains, folder, caller)
    matrix = Matrix(_named(chosen), tuple(_marked(cells, folder, chosen)))
    _write(folder, matrix)
    short = sum(not _is_complete(cell) for cell in cells)
    return Across(folder, matrix, cut or (f"{short} of {len(cells)} cells are not complete" if short else ""))


def _fill(
    found: Sequence[Place],
    cells: list[Cell],
    chosen: Sequence[Candidate],
    domains: Sequence[Domain],
    folder: Path,
    caller: Caller,
) -> str:
    """Run the cells that are not complete, and again those that their share cut short. Returns why all ended
    early, or `""`."""
    whole = found[0].config.budget
    for place in (p for p, cell in zip(found, cells, strict=True) if _is_complete(cell)):
        print(f"{place.title}: complete already, taken from {folder / place.folder}")
    for turn in range(ROUNDS):
        for n, place in enumerate(found):
            paid = [_paid(folder / p.folder) for p in found]
            if _is_complete(cells[n]) or (turn and not _is_worth_it(whole, paid)):
                continue
            left = sum(not _is_complete(cell) for cell in cells[n:])
            again = ", with what the others have left" if turn else ""
            print(f"cell {n + 1} of {len(found)}: {place.title}{again}", flush=True)
            budget = _share(whole, paid, n, left)
            cells[n], stop = _run(place, chosen, domains[n], folder, budget, caller)
            _write(folder, Matrix(_named(chosen), tuple(cells)))
            if stop:
                return stop
    return ""


def _named(chosen: Sequence[Candidate]) -> tuple[tuple[str, str], ...]:
    return tuple((c.agent.id, c.agent.name) for c in chosen)


def read_matrix(folder: Path) -> Matrix | None:
    """The matrix of a folder; `None` where it holds none.

    Raises:
        ArchiveError: Its file cannot be read.
    """
    path = folder / JSON
    if not path.is_file():
        return None
    try:
        return Matrix.of_json(json.loads(read_small(path)))
    except (OSError, ValueError, RecursionError) as error:
        raise ArchiveError(f"{path} cannot be read: {one_line(str(error), 120)}") from error


def needs(source: str, granted: Sequence[str]) -> list[str]:
    """Helpers that an agent uses and a domain does not grant."""
    try:
        nodes = list(ast.walk(parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    used = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return sorted(name for name in HELPERS if name in used and name not in granted)


# -- before


def _checked(found: Sequence[Place]) -> list[Domain]:
    """Make each domain once, so that a file that is not there is told before anything is paid."""
    made: list[Domain] = []
    for place in found:
        try:
            made.append(made_domain(place.config, None))
        except (DomainError, ConfigError) as error:
            raise ConfigError(f"{place.domain}: {error}") from error
    return made


def _folder(config: Config) -> Path:
    """Where it all lies: `run.dir`, or a new folder.

    Raises:
        ConfigError: `run.dir` holds a run, or something else.
    """
    if config.run.dir is None:
        stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
        folder = Path(config.run.root) / f"{stamp}-across-s{config.seed}"
    else:
        folder = Path(config.run.dir)
        if (folder / run_folder.ARCHIVE).exists():
            raise ConfigError(f"run.dir={folder} holds a run: name another folder for the matrix")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot write the folder {folder}: {error.strerror or error}") from error
    return folder


def _before(folder: Path) -> Matrix | None:
    try:
        return read_matrix(folder)
    except ArchiveError as error:
        raise ConfigError(f"{error}: move it away, and the cells are counted anew") from error


def _known(place: Place, before: Matrix | None, chosen: Sequence[Candidate], folder: Path) -> Cell | None:
    """What an earlier session has of a cell, where it is of these agents and settings.

    Raises:
        ConfigError: The cell was run with other settings.
    """
    cell = before.cell(place.domain, place.model) if before else None
    if cell is None or not (folder / place.folder / run_folder.ARCHIVE).exists():
        return None
    evaluate_folder.open_folder(_in_folder(place, folder, place.config.budget))  # refuses other settings
    wanted = {c.agent.id for c in chosen}
    rows = tuple(row for row in cell.rows if row["agent"] in wanted)
    return replace(cell, folder=place.folder, rows=rows) if len(rows) == len(wanted) else None


# -- a cell


def _run(
    place: Place,
    chosen: Sequence[Candidate],
    domain: Domain,
    folder: Path,
    budget: BudgetConfig,
    caller: Caller,
) -> tuple[Cell, str]:
    """Evaluate all agents in one cell. Returns it, and why all must end, or `""`."""
    granted = tuple(getattr(domain, "helpers", ()))
    lacking = {c.agent.id: needs(c.agent.source, granted) for c in chosen}
    able = [c.agent for c in chosen if not lacking[c.agent.id]]
    rows: dict[str, Mapping[str, Any]] = {
        c.agent.id: _lacking(c, lacking[c.agent.id], place.domain) for c in chosen if lacking[c.agent.id]
    }
    config, why, stop = _in_folder(place, folder, budget), "", ""
    if (
        budget.wall_s is not None
        and budget.wall_s - _paid(folder / place.folder).get("seconds", 0.0) < LEAST_S
    ):
        why = "budget.wall_s has no time for it"
    elif able:
        try:
            done = evaluate_agents(able, config, caller, side_by_side=True)
            rows |= {row["agent"]: row for row in done.rows}
            why = done.why if done.cut else ""
            stop = done.why if done.cut in STOPS else ""
        except LLMError as error:
            why = one_line(str(error), 300)
    kept = tuple(rows[c.agent.id] for c in chosen if c.agent.id in rows)
    if not why and not all(row.get("needs") or row["complete"] for row in kept):
        why = "too many items came to no score"
    paid = _paid(folder / place.folder)
    quiet = place.config.domain.model_free == "allow"
    return Cell(place.domain, place.model, place.folder, kept, why, paid, quiet=quiet), stop


def _lacking(candidate: Candidate, names: Sequence[str], domain: str) -> dict[str, Any]:
    """The row of an agent that cannot run on a domain."""
    told = f"needs self.{', self.'.join(names)}, which {domain} does not grant"
    return {
        "agent": candidate.agent.id,
        "name": candidate.agent.name,
        "score": None,
        "items": 0,
        "needs": told,
    }


def _in_folder(place: Place, folder: Path, budget: BudgetConfig) -> Config:
    """The configuration of a cell's evaluation."""
    run = replace(place.config.run, dir=str(folder / place.folder))
    return replace(place.config, run=run, budget=budget)


def _share(whole: BudgetConfig, paid: Sequence[Mapping[str, float]], n: int, left: int) -> BudgetConfig:
    """What a cell may spend in all its sessions: what it has spent, and its share of what is left.

    Args:
        whole: The budget of the matrix.
        paid: What each cell has paid so far.
        n: Which cell.
        left: Cells that are not complete, this one included.
    """
    limits: dict[str, Any] = {}
    for name in LIMITS:
        limit = getattr(whole, name)
        if limit is not None:
            key = PAID_AS[name]
            rest = max(0.0, limit - sum(p.get(key, 0.0) for p in paid))
            share = paid[n].get(key, 0.0) + rest / max(1, left)
            limits[name] = int(share) if name in ("tokens", "calls") else share
    return replace(whole, **limits)


def _is_worth_it(whole: BudgetConfig, paid: Sequence[Mapping[str, float]]) -> bool:
    """Whether so much of a limited budget is left that cells which were cut short go on."""
    limits = {PAID_AS[name]: limit for name in LIMITS if (limit := getattr(whole, name)) is not None}
    left = {key: limit - sum(p.get(key, 0.0) for p in paid) for key, limit in limits.items()}
    return bool(limits) and all(left[key] >= WORTH_IT * limit for key, limit in limits.items())


def _paid(folder: Path) -> dict[str, float]:
    """What a cell has paid over all its sessions."""
    with suppress(ArchiveError), Archive(folder) as archive:
        used = sum(archive.usage().values(), Usage())
        seconds = float(archive.meta("elapsed_s") or 0.0)
        return {"calls": used.calls, "tokens": used.tokens, "cost_usd": used.cost_usd, "seconds": seconds}
    return {}


def _is_complete(cell: Cell) -> bool:
    return bool(cell.rows) and not cell.why and all(row.get("needs") or row["complete"] for row in cell.rows)


# -- after


def _marked(cells: Sequence[Cell], folder: Path, chosen: Sequence[Candidate]) -> list[Cell]:
    """Cells with the agent that is shown to be the best there."""
    columns = [_contenders(cell, folder, chosen) for cell in cells]
    return [replace(cell, best=best) for cell, best in zip(cells, shown_best(columns), strict=True)]


def _contenders(cell: Cell, folder: Path, chosen: Sequence[Candidate]) -> list[Contender]:
    ran = [c for c in chosen if (row := cell.row(c.agent.id)) and row["items"]]
    if not ran:
        return []
    with Archive(folder / cell.folder) as archive:
        split = (archive.meta("config") or {}).get("evaluate", {}).get("split", "test")
        rows = {c.agent.id: archive.results(c.agent.id, split, trace=False) for c in ran}
    measure = measure_of(row for found in rows.values() for row in found)
    return [Contender.of(c.agent.id, c.agent.name, rows[c.agent.id], measure) for c in ran]


def _write(folder: Path, matrix: Matrix) -> None:
    """Write the tables; after each cell, so that nothing is lost."""
    try:
        write_whole(folder / JSON, json.dumps(matrix.as_json(), indent=1) + "\n")
        write_whole(folder / TEXT, matrix.markdown())
        write_whole(folder / PAGE, matrix.html())
    except OSError as error:
        raise ConfigError(f"cannot write {folder}: {error.strerror or error}") from error


def go_on(folder: Path) -> str:
    """What to add to the same command to go on."""
    return override("run.dir", str(folder))
