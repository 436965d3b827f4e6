"""Keywords that tell kinds of items apart."""

from __future__ import annotations

from domains.domain import Item
from meta_search.engine.keywords import keywords


def test_keywords_tell_kinds_apart_and_are_no_part_of_other_words() -> None:
    items = [
        Item("1", "How many times does the letter a appear in apple?", "1", "letters"),
        Item("2", "How many times does the letter p appear in apple?", "2", "letters"),
        Item("3", "How many one bits are in 7? No letters please.", "3", "bits"),
        Item("4", "How many one bits are in 6? No letters please.", "2", "bits"),
    ]
    found = keywords(items)
    assert found.keys() == {"letters", "bits"}
    for item in items:
        here = [k for k, words in found.items() if all(w in item.question.lower() for w in words.split())]
        assert here == [item.kind]
    assert keywords(items[:2]) == {}


def test_words_that_two_examples_share_by_chance_give_way() -> None:
    kinds = {"product": "Ann has 3 boxes of 4 {}.", "sum": "Ben has 3 {} and then buys 4 more."}
    told = [("product", "gherkins"), ("product", "gherkins"), ("sum", "pens"), ("sum", "coins")]
    items = [Item(f"{n}", kinds[kind].format(what), "12", kind) for n, (kind, what) in enumerate(told)]
    more = [Item("m", kinds["product"].format("shells"), "12", "product")]
    assert keywords(items)["product"] == "gherkins"
    assert keywords(items, more) == {"product": "boxes", "sum": keywords(items)["sum"]}
    never = [*more, Item("n", "Seven times six?", "42", "product")]
    assert keywords(items, never)["product"] == "gherkins"  # no word holds for all of them
