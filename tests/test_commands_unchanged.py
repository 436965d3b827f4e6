"""A run is gone on with over the data that it began with, or not at all."""

from __future__ import annotations

import csv
import json
import re
import shlex
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import meta_search
from meta_search import cli
from meta_search.errors import ConfigError
from meta_search.run.caller import Caller
from meta_search.testing import CountingEndpoint
from tests.kits.answers import always
from tests.kits.searches import overrides

LABELS = ("account", "billing", "bug")
ROWS = [(f"Message {n} of (us)", LABELS[n % 3]) for n in range(24)]
TABLE = "my (1) tickets, ä.csv"
AGENT = "def forward(self, taskInfo):\n    return LLMAgentBase(['answer'], 'A')([taskInfo], 'Classify.')[0]\n"
OWN = '''"""Tickets."""
import csv
with open("{table}") as file:
    ROWS = [(row["text"], row["label"]) for row in csv.DictReader(file)]
def items(split):
    first = {{"examples": 0, "train": 4, "validation": 12, "test": 16}}[split]
    last = first + (8 if split == "test" else 4)
    return [{{"question": q, "answer": a}} for q, a in ROWS[first:last]]
def score(item, answer):
    return answer == item.target
'''


def write(rows: list[tuple[str, str]]) -> None:
    with Path(TABLE).open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])


@pytest.fixture
def endpoint(folder: Path) -> Iterator[CountingEndpoint]:
    write(ROWS)
    Path("agent.py").write_text(AGENT)
    Path("own.py").write_text(OWN.format(table=TABLE))
    with CountingEndpoint(always("bug")) as opened:
        yield opened


def words(endpoint: CountingEndpoint, *more: str) -> list[str]:
    columns = ("domain.question=text", "domain.answer=label", "evaluate.items=4", "evaluate.test_items=4")
    return overrides(TABLE, endpoint, *columns, "run.confirm=false", "run.dir=run", *more)


def searched(endpoint: CountingEndpoint, *more: str) -> list[str]:
    given = words(endpoint, "search.candidates=0", "search.seeds=[direct]", *more)
    assert cli.main(["run", *given]) == 0
    return given


def refused(go_on: Callable[[], object]) -> str:
    with pytest.raises(ConfigError) as caught:
        go_on()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def resume() -> object:
    from meta_search.commands.search import resume

    return resume(Path("run"), caller=Caller(live=False))


@pytest.mark.slow
def test_resume_names_what_changed_and_offers_a_new_run(
    endpoint: CountingEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    searched(endpoint)
    write(ROWS)  # touched
    resume()
    paid = endpoint.calls
    write([(text, "refund" if label == "bug" else label) for text, label in ROWS])
    told = refused(resume)
    said = r"(examples|train): \d of \d items have other answers \(first: «Message \d+ of \(us\)», now"
    assert re.search(said, told)
    assert "now 'refund'" in told
    assert "more change" in told
    command = re.findall("`(.*)`", told)[0]
    assert "llm.recording=" in command
    assert "run.dir" not in command
    write(ROWS)
    capsys.readouterr()
    assert cli.main(shlex.split(command)[1:]) == 0  # as it was pasted
    assert endpoint.calls == paid


def test_resume_tells_edited_questions_and_other_rows(endpoint: CountingEndpoint) -> None:
    searched(endpoint)
    write([*ROWS[:-3], ("Another message", "bug")])
    assert re.search(r"(train|test|validation|examples): \d+ of \d+ items gone, \d+ new", refused(resume))


@pytest.mark.slow
def test_a_users_code_is_compared_and_a_run_of_an_earlier_version_by_its_digest(
    endpoint: CountingEndpoint,
) -> None:
    searched(endpoint, "domain=python", "domain.path=own.py")
    Path("own.py").write_text(OWN.format(table=TABLE) + "\n# mended\n")
    assert "its code was edited" in refused(resume)
    write([(text, "other") for text, _ in ROWS])
    with sqlite3.connect("run/archive.db") as database:
        database.execute("DELETE FROM meta WHERE key = 'fingerprint'")
    assert "its items changed" in refused(resume)
    write(ROWS)
    resume()


@pytest.mark.slow
def test_an_evaluation_goes_on_over_the_same_items_only(endpoint: CountingEndpoint) -> None:
    def evaluate(*more: str) -> object:
        return meta_search.evaluate("agent.py", *words(endpoint, *more))

    evaluate()
    paid = endpoint.calls
    write(ROWS)
    evaluate()
    assert endpoint.calls == paid
    write([(text, LABELS[(LABELS.index(label) + 1) % 3]) for text, label in ROWS])
    told = refused(evaluate)
    assert "test: " in told
    assert "train: " not in told  # they are not used
    again = re.findall(r"llm\.recording=\S+(?=:)", told)[0]
    evaluate("run.dir=other", again)
    assert endpoint.calls == paid
    with meta_search.open_run("run") as archive:
        assert "bug" not in json.dumps(archive.meta("fingerprint"))  # no target is kept
