"""The seeds that a person brings along: `search.seeds=[my_agent.py, prompt.md, RUN:AGENT]`.

Files are read once, before the run starts, as text: nothing of them is executed outside the sandbox. From
then on the run's archive has them, so that a resume or a replay needs no file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from archive import adas
from archive.guard import making_sense
from archive.records import Archive
from meta_search.agent.seeds import NAMES
from meta_search.authors.check import asks_nobody, check_source
from meta_search.engine.restore import candidate_of
from meta_search.engine.seeds import brought
from meta_search.errors import ArchiveError, ConfigError
from meta_search.report.files import read_small
from meta_search.run.folder import resolve, split_agent
from meta_search.run.run import Run
from meta_search.text import one_line
from meta_search.types import OWN, Agent, Brief, Candidate

__all__ = ["EVENT", "of_run", "prompt_agent", "read"]

EVENT = "own seeds"  # what the decision on them is called
MOST = 50
FIRST = 50  # number of the first one's brief: those of ours are below
QUESTION = "{question}"

SOURCE = '''"""{name}

The prompt {file} as an agent of one call.
"""

PROMPT = {prompt}


def forward(self, taskInfo):
    agent = LLMAgentBase(["answer"], {name!r}, role="", temperature=0.0)
    [answer] = agent({call})
    return answer
'''


def read(words: Sequence[str], root: str = "runs") -> list[Candidate]:
    """The agents of a .py file, an ADAS archive (.json), a prompt in any other file, or `RUN:AGENT`.

    Args:
        words: Of `search.seeds`, without the names of our seeds.
        root: Where runs lie.

    Raises:
        ConfigError: A word that names nothing, a file that cannot be read, or source that is no agent.
    """
    found: dict[str, Candidate] = {}
    names = set(NAMES)
    for word in words:
        for candidate, file in _read(word, root):
            agent = candidate.agent
            if agent.id in found:
                continue
            name = next(n for n in _names(agent.name, file) if n not in names)
            names.add(name)
            brief = Brief(FIRST + len(found), "seed", OWN, kind="seed")
            named = Agent(agent.id, name, agent.source, agent.values, agent.demonstrations)
            found[agent.id] = Candidate(named, brief, candidate.thought, 0, candidate.space, candidate.plan)
    if len(found) > MOST:
        raise ConfigError(f"search.seeds: {len(found)} agents of your own are too many, {MOST} are the most")
    return list(found.values())


def asking_nobody(candidates: Sequence[Candidate]) -> str:
    """One line on own agents that ask no model, as far as their source tells; `""` without any.

    Args:
        candidates: The person's own seeds, in a run with `domain.model_free=refuse`.
    """
    named = [one_line(c.agent.name, 60) for c in candidates if asks_nobody(c.agent.source)]
    if not named:
        return ""
    many = f"{', '.join(named)} ask{'s' if len(named) == 1 else ''} no model"
    return f"your own {many}: such answers score 0 with domain.model_free=refuse (tell scores them)"


def of_run(run: Run, resumed: Archive | None, given: Sequence[Candidate]) -> list[Candidate]:
    """The own seeds of a run that begins or goes on.

    Args:
        run: The run at work.
        resumed: The archive that earlier sessions left.
        given: As read for a run that begins; a replay takes those of its recording.
    """
    if resumed is not None:
        told = [e.data["value"] for e in resumed.events("decision") if e.data["what"] == EVENT]
        kept = [candidate_of(record) for record in resumed.get(told[0] if told else ())]
        complete = bool(told) and len(kept) == len(told[0])
        config = run.config  # the run may have been killed before its archive had them
        return kept if complete else read(brought(config.search.seeds), config.run.root)
    ids = run.journal.find(EVENT, lambda: [c.agent.id for c in given])
    if given or not ids:
        return list(given)
    with Archive(run.session.folder) as archive:
        return [candidate_of(record) for record in run.journal.agents(archive, ids)]


def prompt_agent(name: str, file: str, text: str) -> Agent:
    """A prompt as an agent: one call with the text, `{question}` in it replaced by the item's question.

    Without that placeholder the question goes before the text, as in every call.
    """
    call = f"[], PROMPT.replace({QUESTION!r}, taskInfo.content)" if QUESTION in text else "[taskInfo], PROMPT"
    shown = {"name": " ".join(name.split()), "file": " ".join(file.split())}
    kept = {key: value.replace("\\", "/").replace('"', "'") for key, value in shown.items()}
    return Agent.of(name, SOURCE.format(**kept, prompt=_literal(text), call=call))


def _literal(text: str) -> str:
    """A text as a Python literal, over several lines where it can stand there as it is."""
    plain = all(c.isprintable() or c == "\n" for c in text) and "\\" not in text and '"""' not in text
    return f'"""{text}"""' if plain and not text.endswith('"') else repr(text)


def _names(name: str, file: str) -> Iterator[str]:
    """Names for an agent, the best first: those of other seeds are taken."""
    yield name
    if file:
        yield file
    number = 2
    while True:
        yield f"{name} ({number})"
        number += 1


def _read(word: str, root: str) -> Iterator[tuple[Candidate, str]]:
    """The agents that one word names, with the name of their file."""
    path = Path(word).expanduser()
    if path.suffix == ".json":
        yield from _published(word, path)
    elif path.suffix == ".py":
        source = _text(word, path)
        _check(word, source)
        yield _candidate(Agent.of(path.stem, source), f"Yours, from {path.name}."), path.name
    elif ":" in word and not path.exists():
        yield _of_run(word, root), ""
    else:
        text = _text(word, path).strip()
        if not text:
            raise ConfigError(f"search.seeds: {word} is empty")
        agent = prompt_agent(path.stem, path.name, text)
        yield _candidate(agent, f"Your prompt {path.name}."), path.name


def _candidate(agent: Agent, thought: str) -> Candidate:
    return Candidate(agent, Brief(0, "seed", OWN, kind="seed"), thought)


def _published(word: str, path: Path) -> Iterator[tuple[Candidate, str]]:
    try:
        entries = adas.read(path)
    except ArchiveError as error:
        raise ConfigError(f"search.seeds: {error}") from error
    for agent, info in entries:
        _check(f"{word}, {agent.name}", agent.source)
        yield _candidate(agent, info.thought), ""


def _of_run(word: str, root: str) -> Candidate:
    run, name = split_agent(word)
    try:
        with Archive(resolve(run, root)) as archive, making_sense(archive.path):
            return candidate_of(archive.record(name or ""))
    except ArchiveError as error:
        raise ConfigError(f"search.seeds: {error}") from error


def _text(word: str, path: Path) -> str:
    try:
        return read_small(path, "utf-8-sig", follow=True)  # some editors write a mark in front
    except UnicodeDecodeError as error:
        raise ConfigError(f"search.seeds: {word} is not text in UTF-8") from error
    except ValueError as error:
        raise ConfigError(f"search.seeds: {error}") from error
    except OSError as error:
        what = "" if path.suffix else f"; seeds by name: {', '.join(NAMES)}, team"
        raise ConfigError(f"search.seeds: cannot read {word}: {error.strerror or error}{what}") from error


def _check(word: str, source: str) -> None:
    """Refuse what is no agent, before anything slow starts; whether it runs is seen in the sandbox."""
    fault = check_source(source, must_ask=False)
    if fault is not None:
        raise ConfigError(f"search.seeds: {word} is no agent: {fault}")
