"""The proof kit: its proxy, ledger and table, and with the peers' venv all of it on a scripted model."""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from meta_search.fetching.cache import cache_folder
from meta_search.testing import CountingEndpoint
from tests.bench.peers import bfcl_domain
from tests.bench.peers.__main__ import main
from tests.bench.peers.arms import ARMS
from tests.bench.peers.ledger import Answer, Arm, Call, Ledger, publish
from tests.bench.peers.proxy import Proxy, Upstream
from tests.bench.peers.table import differs, lines, markdown, rescored
from tests.bench.peers.tasks import TASKS, Judge, Sizes
from tests.bench.peers.venvs import NAME

VENVS = Path(os.environ.get("META_SEARCH_PEERS_VENVS", cache_folder("bench-peers") / "venvs"))
SMALL = Sizes(2, 2, 2, 3)


def ask(url: str, content: str = "2 + 2", model: str = "small", **more: Any) -> tuple[int, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": content}], "max_tokens": 10, **more}
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def nobody(*words: object) -> Mapping[str, Any]:
    raise KeyError("nothing is scored here")


def test_the_proxy_counts_and_refuses_past_the_budget(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    with CountingEndpoint(lambda messages, body: "four") as endpoint:
        upstreams = {"": Upstream(endpoint.base_url)}
        with Proxy(upstreams, ledger, nobody) as proxy:
            account = proxy.open("unseen/0/default", 100)
            url = proxy.url("unseen/0/default")
            with ThreadPoolExecutor(8) as pool:
                asked = list(pool.map(lambda n: ask(f"{url}/v1/chat/completions", f"{n} + 2")[0], range(80)))
            assert set(asked) == {200, 402}
            assert account.tokens["search"] == endpoint.prompt_tokens + endpoint.completion_tokens
            assert 0 < account.tokens["search"] <= 100
            assert account.refused == asked.count(402)
            served = endpoint.calls
            assert ask(f"{url}/test")[0] == 200
            assert ask(f"{url}/v1/chat/completions")[0] == 200  # the test has no limit, and is counted apart
            assert account.calls["test"] == 1
            assert endpoint.calls == served + 1
    statuses = [c.status for c in Ledger(tmp_path / "ledger.jsonl").calls["unseen/0/default"]]
    assert sorted(statuses) == sorted([*asked, 200])


def test_what_a_broken_session_paid_for_is_not_asked_again(tmp_path: Path) -> None:
    with CountingEndpoint(lambda messages, body: "four") as endpoint:
        for _ in range(2):
            ledger = Ledger(tmp_path / "ledger.jsonl")
            with Proxy({"": Upstream(endpoint.base_url)}, ledger, nobody) as proxy:
                account = proxy.open("unseen/0/gepa", None)
                url = f"{proxy.url('unseen/0/gepa')}/v1/chat/completions"
                assert [ask(url)[0], ask(url)[0]] == [200, 200]  # two equal ones are two
                assert account.calls["search"] == 2
                spent = account.tokens["search"]
        assert endpoint.calls == 2
        assert spent == endpoint.prompt_tokens + endpoint.completion_tokens


def test_test_items_are_not_scored_for_those_who_search(tmp_path: Path) -> None:
    judge = Judge(TASKS["unseen"], 0, SMALL)
    try:
        train, test = judge.splits["train"][0], judge.splits["test"][0]
        program = f"```python\nprint({train.target!r})\n```"
        assert judge.told(train.id, "program", program)["score"] == 1.0
        assert judge.told(train.id, "program", "print(1 / 0)")["score"] == 0.0
        assert judge.told(train.id, "answer", "no idea")["score"] == 0.0
        with pytest.raises(KeyError):
            judge.told(test.id, "answer", test.target)
    finally:
        judge.close()


def test_a_ledger_replays_to_its_scores(tmp_path: Path) -> None:
    judge = Judge(TASKS["unseen"], 0, SMALL)
    items = judge.splits["test"]
    judge.close()
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append(
        {"models": {}, "tokens": 50, "sizes": {"examples": 2, "train": 2, "validation": 2, "test": 3}}
    )
    for name, form, right in (("default", "answer", 3), ("gepa", "program", 1)):
        account = f"unseen/0/{name}"
        ledger.append(Call(account, "search", "k", 200, {}, {}, 30, 10))
        for place, item in enumerate(items):
            text = item.target if place < right else "?"
            program = f"print({text!r})"
            ledger.append(Answer(account, item.id, form, program if form == "program" else text))
        ledger.append(Arm(account, 50, 40, 0, 1, 60, 3, right, 1.0))
    publish(ledger, ledger.arms, tmp_path / "published.jsonl.xz")
    read = Ledger(tmp_path / "published.jsonl.xz")
    scores = rescored(read, tmp_path)
    assert {a: sum(s.values()) for a, s in scores.items()} == {"unseen/0/default": 3.0, "unseen/0/gepa": 1.0}
    assert differs(read, scores) == []
    ours, gepa = lines(read.arms.values(), scores)
    assert (ours.score, ours.paid, ours.item_tokens) == (1.0, 40.0, 20.0)
    assert gepa.difference is not None
    assert gepa.difference[0] == pytest.approx(-2 / 3)
    assert gepa.difference[1] < 0 <= gepa.difference[2]  # two of three items show nothing
    assert "| unseen | gepa | 0 |" in markdown([ours, gepa])
    first = next(iter(read.answers["unseen/0/gepa"].values()))
    read.answers["unseen/0/gepa"][first.item] = Answer(first.account, first.item, "program", "print(0)")
    assert len(differs(read, rescored(read, tmp_path))) == 1  # an answer that was changed is seen


@pytest.mark.slow
def test_the_published_ledger_replays(capsys: pytest.CaptureFixture[str]) -> None:
    ledger = Path(__file__).parent / "bench" / "peers" / "unseen-0.5b.jsonl.xz"
    assert main(["--replay", str(ledger)]) == 0
    assert "| unseen | gepa | 0 | 62.5 [43, 79] | 29,681 |" in capsys.readouterr().out


def test_calls_of_functions_are_compared_as_published() -> None:
    class Row:
        def __init__(self, allowed: dict[str, Any]) -> None:
            self.data = {"allowed": allowed, "floats": ["height"], "required": ["base"]}

    def right(arguments: str, name: str = "area") -> bool:
        at = [{"x": [1, 2], "y": [""]}, ""]
        area = {"base": [10], "height": [2, ""], "unit": ["square metres", ""], "at": at}
        allowed = {"area": area}
        found = bfcl_domain.score(
            Row(allowed), f'```json\n{{"name": "{name}", "arguments": {arguments}}}\n```'
        )
        return found == 1.0

    assert right('{"base": 10}')
    assert right('{"base": 10, "height": 2.0, "unit": "Square-Metres", "at": {"x": 2}}')
    assert not right('{"base": "10"}')
    assert not right('{"base": true}')
    assert not right('{"base": 10.0}')
    assert not right('{"unit": "square metres"}')
    assert not right('{"base": 10, "width": 3}')
    assert not right('{"base": 10, "at": {"x": 3}}')
    assert not right('{"base": 10}', "volume")


def test_what_is_no_call_is_wrong() -> None:
    assert bfcl_domain.call_in("area(base=10)") is None
    assert bfcl_domain.call_in('{"name": 1} {"name": "f", "arguments": {"a": [1]}}') == ("f", {"a": [1]})


def programmer(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
    """Writes programs that multiply the last two numbers, in DSPy's form where that is asked for."""
    said = str(messages[-1]["content"])
    numbers = re.findall(r"\d+", said.split("Respond with")[0])
    program = f"print({' * '.join(numbers[-2:]) or '0'})"
    if fields := re.findall(r"the field `\[\[ ## (\w+) ## \]\]`", said):
        text = program if fields[0] == "program" else "Give the product."
        return f"[[ ## {fields[0]} ## ]]\n{text}\n\n[[ ## completed ## ]]"
    return f"```python\n{program}\n```"


def test_an_arm_that_cannot_run_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--tasks", "unseen", "--seeds", "0", "--folder", str(tmp_path / "bench")]
    words += ["--base-url", "http://127.0.0.1:9/v1", "--arms", "old,cot-sc", "--sizes", "2,2,2,3"]
    assert main(words) == 1
    told = capsys.readouterr().err
    assert "old: left out: --old COMMIT names the commit" in told
    assert "cot-sc: left out: it needs the result of default" in told
    ledger = Ledger(tmp_path / "bench" / "ledger.jsonl")
    assert not ledger.arms
    assert ledger.plan["sizes"]["test"] == 3
    with pytest.raises(SystemExit):  # another comparison does not go into the same ledger
        main([*words, "--tokens", "7"])
    assert "name another --folder" in capsys.readouterr().err


def test_a_line_torn_by_a_kill_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    ledger.append(Answer("unseen/0/gepa", "a", "answer", "1"))
    path.write_bytes(path.read_bytes() + b'{"line": "answ')
    again = Ledger(path)
    again.append(Answer("unseen/0/gepa", "b", "answer", "2\u2028"))
    assert set(Ledger(path).answers["unseen/0/gepa"]) == {"a", "b"}


@pytest.mark.extras
def test_the_whole_kit_on_a_scripted_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not (VENVS / NAME / "complete").exists():
        pytest.skip(f"no venv of the peers in {VENVS}: `python -m tests.bench.peers` makes it")
    arms = "default,cot-sc,dspy-knn,dspy-bootstrap,gepa"
    words = ["--tasks", "unseen", "--seeds", "0", "--arms", arms, "--tokens", "9000", "--sizes", "6,6,6,6"]
    words += ["--folder", str(tmp_path / "bench"), "--venvs", str(VENVS), "--small"]
    words += ["--task-model", "small", "--meta-model", "big", "--publish", str(tmp_path / "all.jsonl.xz")]
    with CountingEndpoint(programmer) as endpoint:
        words += ["--base-url", endpoint.base_url]
        assert main(words) == 0
        asked = endpoint.calls
        assert main(words) == 0  # a second start runs nothing again
        assert endpoint.calls == asked
    capsys.readouterr()
    assert main(["--replay", str(tmp_path / "all.jsonl.xz")]) == 0
    told = capsys.readouterr().out
    ledger = Ledger(tmp_path / "all.jsonl.xz")
    assert [a.names[2] for a in ledger.arms.values()] == arms.split(",")
    assert all(f"| unseen | {name} | 0 |" in told for name in arms.split(","))
    assert all(0 < arm.paid <= 9000 for arm in ledger.arms.values())
    knn = ledger.arms["unseen/0/dspy-knn"]
    assert knn.right >= 1  # the products
    assert "failed" not in "".join(arm.note for arm in ledger.arms.values() if ARMS[arm.names[2]].peer)
