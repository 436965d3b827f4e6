"""Runs over data that were fetched, or lie in a folder, go on over the same data and without a network."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from domains.sources import wheel
from meta_search import cli
from meta_search.errors import ConfigError
from meta_search.run.caller import Caller
from meta_search.run.folder import read_config
from meta_search.testing import CountingEndpoint
from tests.kits.answers import always
from tests.kits.hub_server import hub
from tests.kits.searches import overrides

LABELS = ("account", "billing", "bug")
TABLE = "question,answer\n" + "".join(f"Message {n},{LABELS[n % 3]}\n" for n in range(24))
AGENT = "def forward(self, taskInfo):\n    return LLMAgentBase(['answer'], 'A')([taskInfo], 'Classify.')[0]\n"
DATA = "wheel:tiny-data==1.0/data/tickets.csv"


@pytest.fixture
def endpoint(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingEndpoint]:
    monkeypatch.setenv("META_SEARCH_CACHE", str(folder / "cache"))
    monkeypatch.setattr(wheel, "download", None)  # nothing is to be fetched
    kept = folder / "cache/data/wheels/tiny-data-1.0/data/tickets.csv"
    kept.parent.mkdir(parents=True)
    kept.write_text(TABLE)
    (folder / "agent.py").write_text(AGENT)
    with CountingEndpoint(always("bug")) as opened:
        yield opened


def words(path: str, endpoint: CountingEndpoint, *more: str) -> list[str]:
    few = ("evaluate.items=4", "evaluate.test_items=4", "run.confirm=false", "run.dir=run")
    return overrides(path, endpoint, *few, *more)


def searched(path: str, endpoint: CountingEndpoint) -> None:
    assert cli.main(["run", *words(path, endpoint, "search.candidates=0", "search.seeds=[direct]")]) == 0


def resume() -> object:
    from meta_search.commands.search import resume

    return resume(Path("run"), caller=Caller(live=False))


def refused(go_on: Callable[[], object]) -> str:
    with pytest.raises(ConfigError) as caught:
        go_on()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_run_keeps_the_hash_of_what_it_fetched(endpoint: CountingEndpoint, folder: Path) -> None:
    searched(DATA, endpoint)
    pinned = f"{DATA}#sha256={hashlib.sha256(TABLE.encode()).hexdigest()}"
    assert read_config(Path("run")).domain.path == pinned
    paid = endpoint.calls
    resume()
    assert endpoint.calls == paid
    kept = folder / "cache/data/wheels/tiny-data-1.0/data/tickets.csv"
    kept.write_text(TABLE.replace("Message 3,account", "Message 3,bug"))
    assert "instead of" in refused(resume)
    kept.unlink()
    kept.write_text(TABLE)
    resume()


def test_an_evaluation_goes_on_with_what_it_fetched(endpoint: CountingEndpoint) -> None:
    given = words(DATA, endpoint, "evaluate.split=validation")
    assert cli.main(["evaluate", "agent.py", *given]) == 0
    paid = endpoint.calls
    assert cli.main(["evaluate", "agent.py", *given]) == 0  # without a hash in its path, as it was typed
    assert endpoint.calls == paid


def test_a_folder_that_changed_is_refused(endpoint: CountingEndpoint) -> None:
    Path("tickets").mkdir()
    for name, lines in (
        ("train", TABLE.splitlines()[:17]),
        ("test", [TABLE.splitlines()[0], *TABLE.splitlines()[17:]]),
    ):
        Path(f"tickets/{name}.csv").write_text("\n".join(lines) + "\n")
    searched("tickets", endpoint)
    resume()
    changed = Path("tickets/test.csv").read_text().replace("account", "refund")
    Path("tickets/test.csv").write_text(changed)
    assert "test: " in refused(resume)


@pytest.mark.extras
def test_a_run_over_the_hub_goes_on_without_it(
    endpoint: CountingEndpoint, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pa = pytest.importorskip("pyarrow", reason="needs the extra hub")
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra hub")
    pytest.importorskip("datasets", reason="needs the extra hub")
    rows = [{"question": f"Message {n}", "answer": LABELS[n % 3]} for n in range(20)]
    monkeypatch.setenv("HF_HOME", str(folder / "hf"))
    with hub() as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        out = io.BytesIO()
        parquet.write_table(pa.Table.from_pylist(rows), out)
        sha = served.commit("team/tickets", {"data/train-00000-of-00001.parquet": out.getvalue()})
        searched("hf:team/tickets", endpoint)
        assert read_config(Path("run")).domain.path == f"hf:team/tickets@{sha}"
        lines = "".join(json.dumps({**row, "answer": "bug"}) + "\n" for row in rows)
        served.commit("team/tickets", {"train.jsonl": lines.encode()})
    paid = endpoint.calls
    resume()  # the hub is gone
    assert endpoint.calls == paid
