"""The command line: parses, hands on, prints, and turns every error into one line and an exit status.

Exit status: 0 done, 1 the run failed, 2 bad usage or configuration, 3 stopped by budget or signal before the
end, everything saved. Each command imports what it needs when it runs, so that `--help` costs only argparse.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from meta_search import __version__
from meta_search.errors import MetaSearchError
from meta_search.run.blas import one_thread
from meta_search.run.signals import signals

if TYPE_CHECKING:
    from meta_search.config import Config

__all__ = ["main"]

STOPPED = 3
TIED = {ord(" "): "\x1f", ord("-"): "\x1e"}  # characters at which no line may end: what stands for them
UNTIED = {ord(there): chr(place) for place, there in TIED.items()}

Command = Callable[[argparse.Namespace], int]


class WholeCommands(argparse.HelpFormatter):
    """Breaks no line within backticks: what stands there is to be typed."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return super()._fill_text(_tied(text), width, indent).translate(UNTIED)

    def _split_lines(self, text: str, width: int) -> list[str]:
        return [line.translate(UNTIED) for line in super()._split_lines(_tied(text), width)]


def _tied(text: str) -> str:
    """A text in which `textwrap` finds no place to break within backticks."""
    parts = text.split("`")
    return "`".join(part.translate(TIED) if number % 2 else part for number, part in enumerate(parts))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments without the program's name; `None` takes those of the process.

    Returns:
        The exit status.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        with signals(_interrupt, [signal.SIGTERM]):
            return _dispatch(arguments)
    except MetaSearchError as error:
        return _complain(error)
    except KeyboardInterrupt:
        print("meta-search: stopped", file=sys.stderr)
        return STOPPED
    except BrokenPipeError:  # `meta-search archive list latest | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a full disk, a file that may not be written
        from meta_search.text import one_line, without_passwords

        print(f"meta-search: {one_line(without_passwords(str(error)))}", file=sys.stderr)
        return 1
    except SystemExit as end:  # argparse
        return end.code if isinstance(end.code, int) else 2


def _complain(error: MetaSearchError) -> int:
    """Print an error as one line; the status to exit with."""
    from meta_search.text import one_line, without_passwords

    print(f"meta-search: {one_line(without_passwords(str(error)))}", file=sys.stderr)
    return error.exit_status


def _natural(text: str) -> int:
    """A number of rows; argparse makes a usage line of the error."""
    number = int(text)
    if number < 0:
        raise ValueError
    return number


_natural.__name__ = "number of agents"  # as argparse names what is expected


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number < 65536:
        raise ValueError
    return number


_port.__name__ = "port"


def _dispatch(arguments: list[str]) -> int:
    if arguments[:1] in (["-sc"], ["--shell-completion"]):
        from meta_search.commands.completion import complete

        return complete(arguments)
    one_thread()
    # Hydra parses what stands behind `run`.
    parsed = None if arguments[:1] == ["run"] else _parse(arguments)
    from meta_search.commands.foreign_packages import refuse_foreign_packages

    refuse_foreign_packages()
    if parsed is None:
        return _run(arguments[1:])
    command: Command = parsed.command
    return command(parsed)


def _interrupt(_: signal.Signals) -> None:
    """SIGTERM ends a command as Ctrl-C does: what it opened is closed. A search has handlers of its own."""
    raise KeyboardInterrupt


def _parse(arguments: list[str]) -> argparse.Namespace:
    """Parse all commands but `run`; overrides may stand anywhere behind the command."""
    parser = _parser()
    parsed, rest = parser.parse_known_args(arguments)
    overrides = [word for word in rest if "=" in word and not word.startswith("-")]
    wrong = [word for word in rest if word not in overrides]
    if wrong or (overrides and not hasattr(parsed, "overrides")):
        parser.error(f"unrecognized arguments: {' '.join(wrong or overrides)}")
    if overrides:
        parsed.overrides = [*parsed.overrides, *overrides]
    return parsed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        formatter_class=WholeCommands,
        prog="meta-search",
        description="Searches for LLM agents: a meta agent writes them as code, real items judge them.",
        epilog="RUN is a run folder, or `latest`. Overrides are key=value, see `meta-search run --help`.",
    )
    parser.add_argument("--version", action="version", version=f"meta-search {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, text: str, command: Command) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text, formatter_class=WholeCommands)
        added.set_defaults(command=command)
        return added

    add(
        "run", "search for an agent: run [override…] [--from RUN] [--yes] [--trust]", lambda _: 2
    )  # never called: main hands `run` to Hydra
    resume = add("resume", "continue a run where it stopped", _resume)
    resume.add_argument("run", metavar="RUN")
    _add_trust(resume)
    resume.add_argument(
        "overrides",
        nargs="*",
        metavar="override",
        help="what may change: budget.*, endpoints and keys of the models, search.candidates, … "
        "(nothing that was measured rests on)",
    )
    _add_evaluate(add("evaluate", "evaluate agents on a domain", _evaluate))
    _add_archive(commands.add_parser("archive", help="browse the agents of a run"))
    _add_export(add("export", "write an agent as code that runs without meta-search", _export))
    report = add("report", "print the verdict of a run and write its report.html", _report)
    report.add_argument("run", metavar="RUN")
    report.add_argument("--json", action="store_true", help="print the verdict as JSON")
    status = add("status", "how a run stands: what it found and paid, why it ended, alarms", _status)
    status.add_argument("run", metavar="RUN", nargs="?", default="latest", help="default: the newest")
    status.add_argument("--json", action="store_true", help="print JSON; with --watch an object a line")
    status.add_argument("--watch", action="store_true", help="show it until it ends, or until Ctrl-C")
    _add_steer(add("steer", "steer a search while it runs: pause, note, add, drop, …", _steer))
    _add_dashboard(add("dashboard", "a page on all runs under a folder, live while they go on", _dashboard))
    domains = add("domains", "domains: list them, or show one with two of its example items", _domains)
    domains.add_argument("action", choices=("list", "show"), nargs="?", default="list")
    domains.add_argument("name", metavar="NAME", nargs="?", help="the one to show")
    domains.add_argument("overrides", nargs="*", metavar="override", help="as domain.path=my_copy.jsonl")
    domains.add_argument("--json", action="store_true")
    models = add("models", "embedded models: list them, or pull them into the cache", _models)
    models.add_argument("action", choices=("list", "pull"))
    models.add_argument("name", metavar="NAME", nargs="?", help="one model; default: all")
    models.add_argument("--json", action="store_true")
    prompts = add("prompts", "copy the meta agent's prompt templates, to change them", _prompts)
    prompts.add_argument("folder", metavar="DIR", type=Path, help="where to; author.prompts=DIR uses it")
    doctor = add("doctor", "what this machine has, and whether a search can run", _doctor)
    doctor.add_argument("--json", action="store_true")
    doctor.add_argument("--ray", action="store_true", help="start Ray, and show who can reach what of it")
    return parser


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "agents",
        metavar="AGENTS",
        help="a .py file, a prompt in a text file, an ADAS archive .json (or some of it: FILE.json:NAME, "
        "FILE.json:1-5), RUN, RUN:AGENT, or a seed's name; further ones may follow",
    )
    parser.add_argument("overrides", nargs="*", metavar="override")
    parser.add_argument(
        "--across",
        action="store_true",
        help="on several domains, with several models: `--across domains=[gsm8k,svamp:FILE] models=[a,b]`; "
        "`svamp.domain.answer=Answer` holds for one of them",
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the rows to FILE")
    parser.add_argument("--yes", action="store_true", help="spend money without a budget, without asking")
    _add_trust(parser)


def _add_steer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN")
    parser.add_argument(
        "words",
        metavar="WHAT",
        nargs="+",
        help="`pause`, `resume`, `stop` (finish and report), a limit such as `budget.usd=5` or "
        '`search.candidates=40`, `note "…"` for the meta agent, `add AGENT.py`, `focus AGENT` (a parent more '
        "often), `drop AGENT` (no parent, no finalist)",
    )
    parser.add_argument("--json", action="store_true")


def _add_trust(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--trust",
        action="store_true",
        help="use a run that was not made here: its code and endpoints, with your rights and keys",
    )


def _add_dashboard(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", metavar="FOLDER", type=Path, nargs="?", default=Path("runs"), help="default: runs"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="where to listen; another than loopback asks for a token"
    )
    parser.add_argument("--port", type=_port, default=0, help="default: a free one")
    parser.add_argument(
        "--token", help="what requests must carry, at least 16 characters; made where one is needed"
    )
    parser.add_argument("--steer", action="store_true", help="let the page steer searches; asks for a token")
    parser.add_argument("--no-browser", action="store_true", help="open none")


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN")
    parser.add_argument(
        "agent", metavar="AGENT", nargs="?", help="id, beginning of an id, or name; default: the best"
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--to", metavar="DIR", type=Path, help="the agent as a folder with its run.py")
    where.add_argument(
        "--as",
        dest="neighbour",
        nargs=2,
        metavar=("optuna", "FILE"),
        help="the guide's studies as a journal that optuna-dashboard opens",
    )
    _add_trust(parser)


def _add_archive(parser: argparse.ArgumentParser) -> None:
    """The commands below `meta-search archive`; each is a function of `commands.archive`."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        added = actions.add_parser(name, help=text, description=text)
        added.set_defaults(command=_archive, action=name)
        added.add_argument("run", metavar="RUN")
        added.add_argument("--json", action="store_true")
        return added

    _add_list(add("list", "agents, best first; also of a search that goes on"))
    shown = add("show", "one agent with its evidence, its worst items and its source")
    shown.add_argument(
        "agent",
        metavar="AGENT",
        help="id, beginning of an id, or name; `lessons` shows what the meta agent noted",
    )
    splits = ("train", "validation", "test", "examples")
    shown.add_argument(
        "--split", choices=splits, help="of the worst items; default: train where there is any"
    )
    shown.add_argument(
        "--wrong", metavar="N", type=_natural, default=3, help="worst items with what the scorer said of them"
    )
    shown.add_argument(
        "--item",
        metavar="ID",
        help="what it made of this item, call by call: question, prompts, replies, feedback; a part of "
        "the id is enough",
    )
    shown.add_argument("--repeat", metavar="N", type=_natural, default=0, help="which repeat of the item")
    diff = add("diff", "what differs between two agents: items won and lost with p, values, source")
    diff.add_argument("agent", metavar="AGENT")
    diff.add_argument("other", metavar="OTHER")
    diff.add_argument("--split", choices=splits, help="of the items; default: the best that both have")
    diff.add_argument(
        "--items", metavar="N", type=_natural, default=5, help="items won and lost that are named"
    )
    add("lineage", "ancestors of an agent").add_argument(
        "agent", metavar="AGENT", nargs="?", help="default: the best agent"
    )
    searched = add("search", "full text of names, thoughts, code and answers; all words have to be there")
    searched.add_argument(
        "words", metavar="WORD", nargs="+", help='a word, a "phrase" in quotes of its own, or a beginning*'
    )
    searched.add_argument("--limit", metavar="N", type=_natural, default=50, help="most places")
    add("import", "add the agents of an ADAS archive to a run").add_argument(
        "file", metavar="FILE.json", type=Path
    )


def _add_list(listed: argparse.ArgumentParser) -> None:
    listed.add_argument(
        "--limit",
        type=_natural,
        default=20,
        help="most agents in the table; 0 shows all (--json always shows all)",
    )
    listed.add_argument(
        "--where",
        metavar="'COLUMN OP VALUE'",
        action="append",
        default=[],
        help="only agents for which it holds, as 'score >= 0.5' or 'author = llm': numbers compare, texts "
        "contain; may be given several times; columns are those of --json",
    )
    listed.add_argument("--sort", metavar="COLUMN", help="by a column, the smallest first")
    listed.add_argument("--reverse", action="store_true", help="the other way round")
    listed.add_argument("--columns", metavar="A,B", help="show these columns in place of the usual ones")


def _run(arguments: list[str]) -> int:
    from meta_search.compose import run_app

    trust = "--trust" in arguments
    arguments = [word for word in arguments if word != "--trust"]
    if any(word.partition("=")[0] == "--from" for word in arguments):
        from meta_search.commands.fork import fork_words

        arguments = fork_words(arguments)

    def search(config: Config, overrides: tuple[str, ...]) -> int:
        from meta_search.commands import search
        from meta_search.run.caller import Caller

        try:
            return search.search(config, overrides=overrides, caller=Caller(trust=trust)).status
        except MetaSearchError as error:
            # One search of a --multirun that fails does not end the others.
            if "--multirun" not in arguments and "-m" not in arguments:
                raise
            return _complain(error)

    if {"--help", "-h"} & set(arguments):
        from meta_search.commands.run_help import help_text

        print(help_text([word for word in arguments if not word.startswith("-")]))
        return 0
    if "--yes" in arguments:
        arguments = ["run.confirm=false", *(word for word in arguments if word != "--yes")]
    # Completion scripts are made for the program, usage lines for the command.
    completion = {"-sc", "--shell-completion"} & set(arguments)
    return run_app(arguments, search, program="meta-search" if completion else "meta-search run")


def _resume(arguments: argparse.Namespace) -> int:
    from meta_search.run.folder import resolve

    folder = resolve(arguments.run)
    from meta_search.commands import search
    from meta_search.run.caller import Caller

    return search.resume(folder, arguments.overrides, Caller(trust=arguments.trust)).status


def _evaluate(arguments: argparse.Namespace) -> int:
    from meta_search.commands.evaluate_table import check_writable, print_evaluations
    from meta_search.compose import compose

    check_writable(arguments.json)
    further = [word for word in arguments.overrides if "=" not in word or Path(word).exists()]
    arguments.overrides = [word for word in arguments.overrides if word not in further]
    arguments.agents = [arguments.agents, *further] if further else arguments.agents
    if arguments.across:
        return _across(arguments)
    if wide := [word for word in arguments.overrides if word.startswith(("domains=", "models="))]:
        from meta_search.errors import ConfigError

        raise ConfigError(f"{wide[0]} needs --across: several domains or models make a table")
    config = compose([*arguments.overrides, *(["run.confirm=false"] if arguments.yes else [])])
    from meta_search.commands.evaluate import evaluate
    from meta_search.report.screen import logged
    from meta_search.run.caller import Caller
    from meta_search.run.folder import LOG

    found = evaluate(arguments.agents, config, Caller(trust=arguments.trust))
    with logged(found.folder / LOG):
        print_evaluations(found.rows, arguments.json, found.notes, config.domain.model_free != "allow")
        if found.cut:
            print(f"cut short: {found.why}; what was evaluated is saved")
    print(f"run folder: {found.folder}", flush=True)
    return STOPPED if found.cut else 0


def _across(arguments: argparse.Namespace) -> int:
    from meta_search.commands.across import evaluate_across
    from meta_search.commands.across_table import print_matrix
    from meta_search.run.caller import Caller

    words = [*arguments.overrides, *(["run.confirm=false"] if arguments.yes else [])]
    found = evaluate_across(arguments.agents, words, Caller(trust=arguments.trust))
    print_matrix(found.matrix, found.folder, found.cut, arguments.json)
    return STOPPED if found.cut else 0


def _archive(arguments: argparse.Namespace) -> int:
    from archive.guard import making_sense
    from meta_search.commands import archive

    with making_sense(arguments.run):
        return archive.COMMANDS[arguments.action](arguments)


def _export(arguments: argparse.Namespace) -> int:
    from archive.guard import making_sense
    from meta_search.export.export import export_agent
    from meta_search.run.folder import resolve

    folder = resolve(arguments.run)
    from meta_search.text import one_line, shell_path

    if arguments.neighbour:
        return _export_as(arguments, folder)
    with making_sense(folder):
        record = export_agent(folder, arguments.agent, arguments.to, arguments.trust)
    command = f"python {shell_path(arguments.to / 'run.py')} --help"
    print(one_line(f"{record.agent.id} of {folder} is in {arguments.to}: {command}"))
    return 0


def _export_as(arguments: argparse.Namespace, folder: Path) -> int:
    """`meta-search export RUN --as optuna FILE`."""
    from archive.guard import making_sense
    from meta_search.errors import ConfigError
    from meta_search.export.neighbours import KINDS, export_optuna
    from meta_search.text import one_line, shell_path

    kind, file = arguments.neighbour
    if kind not in KINDS:
        raise ConfigError(f"--as {kind}: must be {' or '.join(KINDS)}")
    if arguments.agent:
        raise ConfigError(f"--as {kind} takes the whole run: leave out {arguments.agent}")
    with making_sense(folder):
        studies, trials = export_optuna(folder, Path(file))
    print(
        one_line(f"{trials} trials of {studies} studies are in {file}: optuna-dashboard {shell_path(file)}")
    )
    return 0


def _report(arguments: argparse.Namespace) -> int:
    from archive.guard import making_sense
    from meta_search.commands import report

    with making_sense(arguments.run):
        return report.report(arguments.run, as_json=arguments.json)


def _status(arguments: argparse.Namespace) -> int:
    from archive.guard import making_sense
    from meta_search.commands import status

    with making_sense(arguments.run):
        return status.status(arguments.run, as_json=arguments.json, follow=arguments.watch)


def _steer(arguments: argparse.Namespace) -> int:
    from archive.guard import making_sense
    from meta_search.commands import steer

    with making_sense(arguments.run):
        return steer.steer(arguments.run, arguments.words, as_json=arguments.json)


def _dashboard(arguments: argparse.Namespace) -> int:
    from meta_search.commands.dashboard import dashboard

    return dashboard(
        arguments.folder,
        arguments.host,
        arguments.port,
        arguments.token,
        steer=arguments.steer,
        browser=not arguments.no_browser,
    )


def _domains(arguments: argparse.Namespace) -> int:
    from meta_search.commands import domains
    from meta_search.errors import ConfigError

    if arguments.action == "list" and (arguments.name or arguments.overrides):
        raise ConfigError("`meta-search domains list` takes no name: `meta-search domains show NAME`")
    if arguments.action == "list":
        return domains.list_domains(as_json=arguments.json)
    if not arguments.name:
        raise ConfigError("`meta-search domains show` needs a name; `meta-search domains` lists them")
    return domains.show_domain(arguments.name, arguments.overrides, as_json=arguments.json)


def _models(arguments: argparse.Namespace) -> int:
    from meta_search.commands import models

    if arguments.action == "pull":
        return models.pull_models(arguments.name)
    return models.list_models(arguments.name, as_json=arguments.json)


def _prompts(arguments: argparse.Namespace) -> int:
    from meta_search.commands.prompts import copy_prompts

    return copy_prompts(arguments.folder)


def _doctor(arguments: argparse.Namespace) -> int:
    from meta_search.commands import doctor

    return doctor.doctor(as_json=arguments.json, ray=arguments.ray)
