"""The gateway with real litellm against a real endpoint that counts and fails on demand."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from meta_search.compose import compose
from meta_search.config import BudgetConfig, LLMConfig, to_mapping
from meta_search.errors import ConfigError, LLMError
from meta_search.llm.books import Books
from meta_search.llm.budget import Budget
from meta_search.llm.endpoint import Endpoint, bound_tokens
from meta_search.llm.gateway import Gateway
from meta_search.llm.ledger import Ledger
from meta_search.run.service import endpoints_for
from meta_search.testing import CountingEndpoint, EndpointFeatures, Fault
from meta_search.types import CallReply, Usage
from tests.kits.gateways import FREE, KEY, ask, both, gateway, last_message
from tests.kits.sqlite_pen import SqlitePen


def test_a_call_is_answered_and_booked(pen: SqlitePen) -> None:
    async def run() -> None:
        with CountingEndpoint(last_message, api_key=KEY) as endpoint:
            async with gateway(pen, endpoint) as made:
                reply = await made.call(ask("what?", temperature=0.25, seed=9, author="Tester"))
                # Committed before it was handed on: another connection sees it already.
                assert pen.rows("state, author, attempts") == [("done", "Tester", 1)]
                status = made.status()
        body = endpoint.requests[0].body
        assert reply.text == "re: what?"
        assert reply.fault is None
        assert reply.used == reply.paid == Usage(1, endpoint.prompt_tokens, endpoint.completion_tokens)
        assert (body["model"], body["temperature"], body["seed"]) == ("model", 0.25, 9)
        assert body["max_tokens"] == 50  # always sent
        assert status.used == status.paid == {"task": reply.used}
        assert (status.in_flight, status.waiting, status.fatal) == (0, 0, None)

    asyncio.run(run())


def test_equal_calls_in_flight_are_one(pen: SqlitePen) -> None:
    async def run() -> None:
        with CountingEndpoint(latency_s=0.05) as endpoint:
            async with gateway(pen, endpoint) as made:
                one, two = await both(made, ask(), ask())
                assert made.status().shared == 1
        assert endpoint.calls == 1
        assert one.used == two.used
        assert sorted([one.paid.calls, two.paid.calls]) == [0, 1]

    asyncio.run(run())


def test_what_has_a_row_is_never_sent_again(pen: SqlitePen) -> None:
    async def run() -> None:
        with CountingEndpoint(last_message) as endpoint:
            async with gateway(pen, endpoint) as made:
                first = await made.call(ask())
            async with gateway(pen, endpoint) as made:  # a resumed run
                second = await made.call(ask())
                assert made.status().paid == {"task": first.paid}
        assert endpoint.calls == 1
        assert second == dataclasses.replace(first, paid=Usage())

    asyncio.run(run())


def test_gateways_follow_each_other_in_one_process(pen: SqlitePen) -> None:
    async def run() -> None:
        with CountingEndpoint(last_message) as endpoint:
            for n in range(3):
                async with gateway(pen, endpoint) as made:
                    assert (await made.call(ask(f"q{n}"))).text == f"re: q{n}"

    asyncio.run(run())


def test_five_equal_samples_are_five_calls(pen: SqlitePen) -> None:
    async def run() -> None:
        with CountingEndpoint() as endpoint:
            async with gateway(pen, endpoint) as made:
                await both(made, *(ask(occurrence=str(n)) for n in range(5)))
        assert endpoint.calls == 5

    asyncio.run(run())


def test_agents_share_answers_on_train_items_and_both_have_used_them(pen: SqlitePen) -> None:
    async def run() -> None:
        with CountingEndpoint() as endpoint:
            async with gateway(pen, endpoint) as made:
                one = await made.call(ask(split="train", agent="a"))
                two = await made.call(ask(split="train", agent="b"))
                assert endpoint.calls == 1
                assert one.used == two.used
                assert two.paid == Usage()
                await both(made, ask(split="test", agent="a"), ask(split="test", agent="b"))
                assert endpoint.calls == 3

    asyncio.run(run())


@pytest.mark.parametrize("limit", ["calls", "tokens", "usd"])
def test_the_endpoint_never_counts_more_than_the_budget(pen: SqlitePen, limit: str) -> None:
    """Hundreds in flight, a third of them failing, each retry an attempt."""
    kinds = (Fault(), Fault("reset"), Fault(status=429), Fault("truncated"))
    faults: Callable[[int, Any], Fault | None] = lambda n, _: kinds[n % 4] if n % 3 == 0 else None  # noqa: E731
    prices = {"model": {"input": 1000.0, "output": 1000.0}}
    amount = {"calls": 600, "tokens": 150_000, "usd": 150.0}[limit]

    async def run() -> None:
        with CountingEndpoint(latency_s=0.1, faults=faults) as endpoint:
            budget = BudgetConfig(**{limit: amount}, final_share=0.0)  # type: ignore[arg-type]
            async with gateway(pen, endpoint, budget, max_concurrency=500, prices=prices) as made:
                replies = await both(made, *(ask(f"question {n} " * 40, item=str(n)) for n in range(1500)))
                status = made.status()
        tokens = endpoint.prompt_tokens + endpoint.completion_tokens
        spent = {"calls": endpoint.calls, "tokens": tokens, "usd": tokens * 1e-3}[limit]
        assert amount * 0.3 < spent <= amount  # lost requests are charged in full
        paid = sum(status.paid.values(), Usage())
        booked = {"calls": paid.calls, "tokens": paid.tokens, "usd": paid.cost_usd}[limit]
        assert spent <= booked <= amount * (1 + 1e-9)
        assert paid.calls == endpoint.calls
        assert sum(r.paid.calls for r in replies) == status.paid["task"].calls
        refused = [r for r in replies if r.fault]
        assert {r.fault for r in refused} == {"budget"}
        assert f"budget.{limit}=" in refused[0].message

    asyncio.run(run())


def test_one_greedy_agent_cannot_use_up_what_is_left_of_the_budget(pen: SqlitePen) -> None:
    """Neither by the answer it asks for nor by a huge prompt: that ends its item, and the others go on."""

    async def run() -> None:
        with CountingEndpoint() as endpoint:
            budget = BudgetConfig(tokens=100_000, final_share=0.0)
            async with gateway(pen, endpoint, budget) as made:
                long = await made.call(ask(item="1", max_tokens=10**6))
                huge = await made.call(ask("word " * 400_000, item="2"))
                after = await made.call(ask(item="3"))
        assert (long.fault, huge.fault, after.fault) == (None, "context", None)
        assert endpoint.calls == 2

    asyncio.run(run())


def test_an_author_is_not_starved_by_hundreds_of_tasks(pen: SqlitePen) -> None:
    """Neither by their place in the queue nor by what they would like to reserve."""

    async def run() -> None:
        with CountingEndpoint(latency_s=0.02) as endpoint:
            place = Endpoint("model", endpoint.base_url, KEY)
            async with gateway(
                pen, place, BudgetConfig(calls=60, final_share=0.0), max_concurrency=4
            ) as made:
                tasks = [asyncio.create_task(made.call(ask(item=str(n)))) for n in range(300)]
                while endpoint.calls < 4:
                    await asyncio.sleep(0.001)
                author = await made.call(ask("write", purpose="meta", model="meta"))
                seen = endpoint.calls
                await asyncio.gather(*tasks)
        assert author.fault is None
        assert seen <= 20
        assert endpoint.calls == 60

    asyncio.run(run())


def test_the_final_phase_has_its_share(pen: SqlitePen) -> None:
    async def run() -> None:
        with CountingEndpoint() as endpoint:
            budget = BudgetConfig(calls=8, final_share=0.25)
            async with gateway(pen, endpoint, budget) as made:
                await both(made, *(ask(item=str(n)) for n in range(20)))
                assert endpoint.calls == 6
                made.set_phase("final")
                await both(made, *(ask(item=f"t{n}") for n in range(20)))
                assert endpoint.calls == 8

    asyncio.run(run())


def test_no_more_in_flight_than_asked(pen: SqlitePen) -> None:
    async def run() -> None:
        with CountingEndpoint(latency_s=0.01) as endpoint:
            async with gateway(pen, endpoint, max_concurrency=7) as made:
                await both(made, *(ask(item=str(n)) for n in range(40)))
        assert endpoint.max_in_flight == 7
        with CountingEndpoint(latency_s=0.01) as endpoint:
            narrow = Endpoint("model", endpoint.base_url, slots=3)
            async with gateway(pen, narrow) as made:
                await both(made, *(ask(item=str(n), repeat=1) for n in range(20)))
        assert endpoint.max_in_flight == 3

    asyncio.run(run())


def test_replay_needs_no_endpoint_and_names_what_is_missing(pen: SqlitePen) -> None:
    async def run() -> None:
        with CountingEndpoint(last_message, features=EndpointFeatures(context=20)) as endpoint:
            async with gateway(pen, endpoint, mode="record") as made:
                recorded = await both(made, ask("known"), ask("long " * 50))
        nowhere = Endpoint("model", "http://127.0.0.1:9/v1")
        async with gateway(pen, nowhere, mode="replay") as made:
            replayed = await both(made, ask("known"), ask("long " * 50))
            missing = await made.call(ask("unknown", item="i7", agent="a9"))
        assert replayed == [dataclasses.replace(r, paid=Usage()) for r in recorded]
        assert missing.fault == "llm"
        assert "not in the record" in missing.message
        assert "a9" in missing.message
        assert "i7" in missing.message

    asyncio.run(run())


def test_a_caller_that_goes_away_loses_nothing_that_was_sent(pen: SqlitePen) -> None:
    complaints: list[Any] = []

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, about: complaints.append(about))
        with CountingEndpoint(last_message, latency_s=0.1) as endpoint:
            async with gateway(pen, endpoint, max_concurrency=1) as made:
                sent = asyncio.create_task(made.call(ask("sent")))
                queued = asyncio.create_task(made.call(ask("queued")))
                while not endpoint.calls:
                    await asyncio.sleep(0.005)
                sent.cancel()
                queued.cancel()
                await asyncio.gather(sent, queued, return_exceptions=True)
                again = await made.call(ask("sent"))
        assert again.text == "re: sent"
        assert endpoint.calls == 1  # what nobody waited for any more was not sent
        assert pen.rows("state") == [("done",)]
        gc.collect()

    asyncio.run(run())
    assert complaints == []  # "Task exception was never retrieved": the dropped call is no news


def test_close_finishes_and_keeps_what_is_in_flight(pen: SqlitePen) -> None:
    async def run() -> None:
        with CountingEndpoint(last_message, latency_s=0.1) as endpoint:
            async with gateway(pen, endpoint, max_concurrency=2) as made:
                tasks = [asyncio.create_task(made.call(ask(f"q{n}"))) for n in range(6)]
                while endpoint.calls < 2:
                    await asyncio.sleep(0.005)
            replies = await asyncio.gather(*tasks)
            late = await made.call(ask("late"))
        assert [r.text for r in replies] == ["re: q0", "re: q1", "", "", "", ""]
        assert endpoint.calls == 2
        assert late.fault == "llm"
        assert made.fatal is None  # nothing is wrong with the endpoint
        assert pen.rows("state") == [("done",), ("done",)]

    asyncio.run(run())


def test_candidates_get_the_task_model_whatever_they_name(pen: SqlitePen) -> None:
    async def run() -> None:
        with CountingEndpoint() as endpoint:
            ends = {
                "task": Endpoint("small", endpoint.base_url),
                "meta": Endpoint("big", endpoint.base_url),
            }
            made = Gateway(LLMConfig(), ends, Books(Ledger(pen), Budget(FREE)))
            await made.start()
            names = ("task", "meta", "big", "openai/dearest")
            await both(made, *(ask(model=m, item=f"t{m}") for m in names))
            await made.call(ask(model="meta", purpose="meta"))
            await made.call(ask(model="meta", purpose="teacher", item="x"))
            assert made.status().paid.keys() == {"task", "meta", "teacher"}
            await made.close()
        assert [r.body["model"] for r in endpoint.requests] == ["small"] * 4 + ["big"] * 2

    asyncio.run(run())


def test_text_that_utf8_cannot_say_is_sent_all_the_same(pen: SqlitePen) -> None:
    async def run() -> None:
        with CountingEndpoint(last_message) as endpoint:
            async with gateway(pen, endpoint) as made:
                reply = await made.call(ask("half a \ud83d smile é"))
        assert reply.text == "re: half a ? smile é"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("endpoint", "changes", "words"),
    [
        (Endpoint("m", "http://127.0.0.1:9/v1"), {}, ("nothing answers", "http://127.0.0.1:9/v1")),
        (Endpoint("gpt-4o-mini"), {}, ("OPENAI_API_KEY",)),
        (Endpoint("anthropic/claude-3-haiku-20240307"), {}, ("ANTHROPIC_API_KEY",)),
        (Endpoint("nonsense"), {}, ("nonsense", "provider/model")),
    ],
)
def test_start_says_in_one_line_what_is_wrong(
    pen: SqlitePen, endpoint: Endpoint, changes: dict[str, Any], words: tuple[str, ...]
) -> None:
    async def run() -> None:
        with pytest.raises(LLMError) as caught:
            async with gateway(pen, endpoint, **changes):
                pass
        message = str(caught.value)
        assert "\n" not in message
        assert all(word in message for word in words)

    asyncio.run(run())


def test_start_refuses_a_wrong_key_and_a_budget_that_cannot_hold(pen: SqlitePen) -> None:
    async def run() -> None:
        with CountingEndpoint(api_key="another") as endpoint, pytest.raises(LLMError, match="MY_KEY"):
            async with gateway(pen, endpoint, api_key_env="MY_KEY"):
                pass
        with CountingEndpoint() as endpoint:
            with pytest.raises(LLMError, match=r"llm\.prices"):
                async with gateway(pen, endpoint, BudgetConfig(usd=1.0)):
                    pass
            prices = {"model": {"input": 1.0, "output": 2.0}}
            async with gateway(pen, endpoint, BudgetConfig(usd=1.0), prices=prices) as made:
                assert made.prices["model"] == pytest.approx(prices["model"])

    asyncio.run(run())


KILLED = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from tests.kits.sqlite_pen import SqlitePen
from tests.kits.gateways import Endpoint, ask, gateway

async def run():
    endpoint = Endpoint("model", sys.argv[2])
    async with gateway(SqlitePen(Path(sys.argv[1])), endpoint, max_concurrency=6) as made:
        await asyncio.gather(*(made.call(ask(f"q{n}")) for n in range(20)))

asyncio.run(run())
"""


def test_kill_9_repeats_no_answer_and_charges_what_was_in_flight(pen: SqlitePen, root: Path) -> None:
    """Eight answers, then the endpoint hangs with the rest in flight; the run is killed and resumed."""
    hang = [True]

    def faults(index: int, body: Any) -> Fault | None:
        return Fault("hang") if hang[0] and index >= 8 else None

    async def resume(endpoint: CountingEndpoint) -> list[CallReply]:
        async with gateway(pen, endpoint) as made:
            return await both(made, *(ask(f"q{n}") for n in range(20)))

    with CountingEndpoint(last_message, faults=faults) as endpoint:
        command = [sys.executable, "-c", KILLED, str(pen.path), endpoint.base_url, str(root)]
        process = subprocess.Popen(command, cwd=root)
        endpoint.wait_for(14)
        process.kill()
        process.wait()
        states = dict(pen.rows("key, state"))
        assert sorted(states.values()) == ["done"] * 8 + ["reserved"] * 6
        bound = bound_tokens((("user", "q0"),)) + 50
        assert Ledger(pen).spent()["task"].tokens >= 6 * bound
        hang[0] = False
        replies = asyncio.run(resume(endpoint))
    assert [r.text for r in replies] == [f"re: q{n}" for n in range(20)]
    assert endpoint.calls == 14 + 12  # the twelve without an answer, the eight never again
    assert Ledger(pen).spent()["task"].calls == endpoint.calls
    assert {state for (state,) in pen.rows("state")} == {"done"}


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, meta_search.llm.gateway, meta_search.llm.local, meta_search.llm.models, "
        "meta_search.testing; heavy = {'litellm', 'httpx', 'xllamacpp', 'rich', 'aiohttp', 'json_repair',"
        " 'huggingface_hub'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# -- the ledger of another run


def test_answers_and_faults_of_another_run_are_taken_for_what_they_used(
    pen: SqlitePen, tmp_path: Path
) -> None:
    theirs = SqlitePen(tmp_path / "theirs.db")
    long = Fault("status", status=400, message="This model's maximum context length is 1 token")

    def fails(index: int, body: Any) -> Fault | None:
        return long if "long" in body["messages"][-1]["content"] else None

    async def run() -> None:
        with CountingEndpoint(last_message, api_key=KEY, faults=fails) as endpoint:
            async with gateway(theirs, endpoint) as made:
                first = await both(made, ask("what?"), ask("too long"), ask("never asked again"))
            sent = endpoint.calls
            async with gateway(pen, endpoint, other=Ledger(theirs).find) as made:
                again = await both(made, ask("what?"), ask("too long"))
                assert (endpoint.calls, sent) == (sent, 3)
                assert [(r.text, r.fault, r.used) for r in again] == [
                    (r.text, r.fault, r.used) for r in first[:2]
                ]
                assert (again[1].fault, again[1].message) == ("context", first[1].message)
                assert made.status().paid["task"] == first[0].used + first[1].used
                await made.call(ask("new"))
            assert endpoint.calls == sent + 1
        assert sorted(pen.rows("state")) == [("done",)] * 3

    asyncio.run(run())
    theirs.close()


def test_a_budget_holds_for_answers_of_another_run(pen: SqlitePen, tmp_path: Path) -> None:
    theirs = SqlitePen(tmp_path / "theirs.db")

    async def run() -> None:
        with CountingEndpoint(last_message, api_key=KEY) as endpoint:
            async with gateway(theirs, endpoint) as made:
                await both(made, ask("one"), ask("two"))
            budget = BudgetConfig(calls=1, final_share=0.0)
            async with gateway(pen, endpoint, budget, other=Ledger(theirs).find) as made:
                assert [(await made.call(ask(text))).fault for text in ("one", "two")] == [None, "budget"]

    asyncio.run(run())
    theirs.close()


# -- what was never sent


def test_a_connection_that_was_refused_costs_an_attempt_and_no_tokens(pen: SqlitePen) -> None:
    with CountingEndpoint(last_message, api_key=KEY) as gone:
        url = gone.base_url

    async def run() -> None:
        config = LLMConfig(provider="litellm", max_tokens=50, timeout_s=20, max_retries=2)
        endpoints = {"task": Endpoint("model", url, KEY)}
        made = Gateway(config, endpoints, Books(Ledger(pen), Budget(FREE)), backoff_s=0.001)
        reply = await made.call(ask("x" * 3000))  # not started: that would have found out
        assert reply.fault == "llm"
        assert made.status().paid["task"] == Usage(3)
        await made.close()

    asyncio.run(run())


@pytest.mark.parametrize("key", ["sk-sec\nret", "sk-“secret”", "sk-sec\x00ret"])
def test_a_key_that_no_header_can_carry_is_told_without_it(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    config = compose(["llm=endpoint", "llm.meta.model=m", "llm.task.model=m", "llm.api_key_env=MY_KEY"])
    monkeypatch.setattr("os.environ", {"MY_KEY": key})
    with pytest.raises(ConfigError, match="the key in MY_KEY") as caught:
        endpoints_for(to_mapping(config), {})
    assert "sec" not in str(caught.value)
    monkeypatch.setattr("os.environ", {"MY_KEY": " sk-fine\r\n"})
    assert endpoints_for(to_mapping(config), {})["task"].api_key == "sk-fine"
