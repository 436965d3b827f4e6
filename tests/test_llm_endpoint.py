"""Endpoints hide their keys; prices; bounds of tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_search.llm.endpoint import Endpoint, Price, bound_tokens, price_of
from meta_search.types import Usage

TABLE = {
    "gpt-x": {"input_cost_per_token": 1e-6, "output_cost_per_token": 4e-6},
    "long-x": {
        "input_cost_per_token": 1e-6,
        "input_cost_per_token_above_200k_tokens": 2e-6,
        "input_cost_per_token_above_200k_tokens_priority": 9e-6,
        "output_cost_per_token": 3e-6,
    },
    "odd": {"input_cost_per_token": None},
}


def test_repr_hides_the_key() -> None:
    assert "sk-secret" not in repr(Endpoint("m", "http://x", "sk-secret"))
    assert "sk-secret" not in str({"task": Endpoint("m", None, "sk-secret")})


def test_prices_come_from_the_configuration_then_the_table() -> None:
    mine = {"gpt-x": {"input": 2.0, "output": 3.0}}
    price = price_of(Endpoint("gpt-x"), mine, TABLE)
    assert price is not None
    assert price.usage(1_000_000, 1_000_000) == Usage(1, 1_000_000, 1_000_000, pytest.approx(5.0))
    assert price_of(Endpoint("gpt-x"), {}, TABLE) == Price(1e-6, 4e-6)
    assert price_of(Endpoint("openai/gpt-x"), {}, TABLE) == Price(1e-6, 4e-6)
    assert price_of(Endpoint("long-x"), {}, TABLE) == Price(2e-6, 3e-6)
    assert price_of(Endpoint("unheard-of"), {}, TABLE) is None
    assert price_of(Endpoint("odd"), {}, TABLE) is None
    assert price_of(Endpoint("unheard-of", free=True), {}, TABLE) == Price(0.0, 0.0)


def test_a_price_survives_the_run_s_price_table() -> None:
    price = Price(1.5e-7, 6e-7)
    back = price_of(Endpoint("m"), {"m": price.per_million()}, {})
    assert back is not None
    assert back.input == pytest.approx(price.input)
    assert back.output == pytest.approx(price.output)


@given(st.lists(st.tuples(st.sampled_from(["system", "user"]), st.text(max_size=200)), max_size=5))
def test_the_bound_holds_for_a_byte_tokenizer(messages: list[tuple[str, str]]) -> None:
    assert bound_tokens(tuple(messages)) >= sum(len(c.encode()) + 8 for _, c in messages)


def test_thinking_has_a_price_of_its_own_where_the_table_has_one() -> None:
    table = {"m": {"input_cost_per_token": 1.0, "output_cost_per_token": 2.0}}
    dearer = {"m": {**table["m"], "output_cost_per_reasoning_token": 3.0}}
    plain, price = (price_of(Endpoint("m"), {}, t) for t in (table, dearer))
    assert plain is not None
    assert price is not None
    assert plain.usage(10, 20, reasoning_tokens=5).cost_usd == 10 + 2 * 20
    assert price.usage(10, 20, reasoning_tokens=5).cost_usd == 10 + 2 * 15 + 3 * 5
    assert price.usage(10, 20).cost_usd == 10 + 3 * 20  # an upper bound, while it is not known
    assert price_of(Endpoint("m"), {"m": price.per_million()}, {}) == price
