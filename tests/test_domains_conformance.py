"""What holds for every domain of conf/domain, on a made slice of it, and for every matcher there is."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from domains import registry
from domains.alike import find_alike
from domains.domain import SPLITS, Domain, Item
from domains.matching import registry as matchers
from domains.matching.scoring import ANY_OF, accepted
from domains.table import WORKED, TableDomain
from meta_search.compose import compose, options_of
from meta_search.config import DomainConfig
from meta_search.errors import DomainError
from meta_search.run.folds import pooled
from tests.kits.benchmarks import EXTRAS, SLICES, slice_of
from tests.kits.hostile_answers import HOSTILE
from tests.kits.twins import twins_of

NAMES = tuple(options_of("domain"))
MARKED = [pytest.param(name, marks=pytest.mark.extras) if name in EXTRAS else name for name in NAMES]
BENCHMARKS = tuple(name for name, keys in options_of("domain").items() if keys.get("base") == "table")
SHORT = [answer for answer in HOSTILE if len(answer) < 10_000]
# What a matcher is shown: a right answer in the table, one of an agent that is right, one that is wrong.
SHOWN: Mapping[str, tuple[str, str, str]] = {
    "bleu": ("a cat sat here", "A cat sat here", "a dog ran away"),
    "choice": ("B", "The answer is (B).", "C"),
    "code": ("7", "print(3 + 4)", "print(8)"),
    "contains": ("Paris", "It is Paris.", "It is Rome."),
    "drop": ("3 touchdowns", "3 touchdowns", "4 goals"),
    "exact": ("Marie Curie", "It was **Marie Curie**.", "Pierre Curie"),
    "f1": ("the Eiffel Tower", "Eiffel Tower", "a bridge"),
    "grid": ("[[1, 2], [3, 4]]", "[[1,2],[3,4]]", "[[1, 2], [3, 5]]"),
    "judge": ("Paris", "It is the capital of France.", "Rome"),
    "json": ('{"n": 1}', "{'n': 1.0}", '{"n": 2}'),
    "json_schema": ('{"n": 3}', '{"n": 3}', '{"n": 4}'),
    "labels": ("spam", "Label: spam", "Label: ham"),
    "list": ('["red", "blue"]', "red, blue", "blue, red"),
    "math": ("\\frac{1}{2}", "$\\frac{1}{2}$", "\\frac{1}{3}"),
    "mixed": ("1200", "1,200", "1201"),
    "numeric": ("1234.5", "So it costs 1,234.50 €.", "1235"),
    "regex": ("v\\d+", "It is v2", "It is 2"),
    "rouge": ("a cat sat here", "a cat sat here", "dogs run away"),
    "set": ('["red", "blue"]', "Blue and red", "red and green"),
    "similarity": ("colour", "colour", "xyz"),
}
# Compared in a confined process, see test_domains_matchers.py, or by a model, see test_domains_judge.py.
IN_A_RUN = ("bleu", "code", "judge", "math")


@pytest.fixture(scope="module", params=MARKED)
def config(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> DomainConfig:
    return compose(slice_of(request.param, tmp_path_factory.mktemp("slice"))).domain


@pytest.fixture(scope="module")
def domain(config: DomainConfig) -> Domain:
    return registry.make(config)


def targets_answer(domain: Domain) -> bool:
    """Whether a target would be right as an answer; tests of a program and verifiers are none."""
    return bool(getattr(domain, "targets_answer", True))


def all_items(domain: Domain) -> list[Item]:
    return [item for split in SPLITS for item in domain.items(split)]


def test_splits_are_disjoint_and_ids_unique(domain: Domain) -> None:
    ids = [item.id for item in all_items(domain)]
    assert len(ids) == len(set(ids)) > 10
    questions = [item.question for item in all_items(domain)]
    assert len(questions) == len(set(questions))
    assert all(domain.items(split) for split in SPLITS[1:])


def test_items_are_a_stable_sequence_of_picklable_values(config: DomainConfig, domain: Domain) -> None:
    again = registry.make(config)
    for split in SPLITS:
        items = list(domain.items(split))
        assert items == list(domain.items(split)) == list(again.items(split))
        assert pickle.loads(pickle.dumps(items)) == items
        assert all(item.question == item.question.strip() != "" for item in items)
        json.dumps([dict(item.data) for item in items])  # what a confined scorer is sent


def test_the_stored_answers_are_right_and_others_are_wrong(config: DomainConfig, domain: Domain) -> None:
    for item in all_items(domain):
        marked = (
            (f"Answer: {item.target}",) if config.name not in ("reasoning", "lm_eval") else ()
        )  # their libraries' scorers differ
        answers = (*accepted(item), f"  {item.target}\n", *marked) if targets_answer(domain) else ()
        for answer in answers:
            assert domain.score(item, answer).value == 1, (item, answer)
        for answer in ("", " \n"):
            assert domain.score(item, answer).value == 0
        if domain.name != "ifeval":  # any text may follow its instructions
            assert domain.score(item, "no idea").value <= (0.1 if domain.name == "reasoning" else 0)


def test_no_item_s_answer_is_right_for_all_others(domain: Domain) -> None:
    if not targets_answer(domain):
        pytest.skip("targets are no answers here")
    items = domain.items("test")
    scores = [domain.score(item, items[0].target).value for item in items]
    assert scores[0] == 1
    assert min(scores) < 1


def test_the_scorer_never_raises_and_hostile_answers_are_wrong(domain: Domain) -> None:
    first_of_kind = {item.kind: item for item in domain.items("train")}
    hostile = SHORT if isinstance(domain, TableDomain) else HOSTILE  # matchers are tried with all, below
    for item in first_of_kind.values():
        for answer in (*hostile, None, 5, ["x"]):
            score = domain.score(item, answer)  # type: ignore[arg-type]
            if domain.name != "ifeval":  # any text may follow its instructions
                assert score.value < 1, (item, str(answer)[:40])


def test_brief_and_wording_hold_no_scored_item(config: DomainConfig, domain: Domain) -> None:
    assert domain.name
    assert domain.brief.strip()
    assert "answer" in domain.wording
    shown = domain.brief + " ".join(domain.wording.values())
    assert not any(item.question in shown for split in SPLITS[1:] for item in domain.items(split))
    scored = [item for split in SPLITS[1:] for item in domain.items(split)]
    assert not any(WORKED in item.data for item in scored)
    if config.instruction:
        assert config.instruction in domain.wording[""]
        assert config.instruction in domain.brief


def test_an_unknown_split_is_an_error(domain: Domain) -> None:
    with pytest.raises(DomainError, match="no such split"):
        domain.items("dev")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", BENCHMARKS)
def test_items_depend_on_content_and_not_on_the_order_of_rows(name: str, tmp_path: Path) -> None:
    config = compose(slice_of(name, tmp_path)).domain
    first = registry.make(config)
    for path in tmp_path.glob("*.jsonl"):
        lines = path.read_text().splitlines()
        path.write_text("\n".join(reversed(lines)) + "\n")
    other = registry.make(config)
    for split in SPLITS:
        assert [i.id for i in first.items(split)] == [i.id for i in other.items(split)]
        assert first.items(split) == other.items(split)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_s_file_says_what_it_is(name: str) -> None:
    keys = options_of("domain")[name]
    assert keys["name"] == name
    for key in ("about", "licence", "citation", "instruction", "path"):
        assert str(keys[key]).strip(), key
    assert keys["items"] > 0
    assert str(keys["path"]).startswith("hf:")
    config = compose([f"domain={name}"]).domain
    matchers.make(config.matcher, config.matcher_options) if config.matcher != "auto" else None


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_s_own_parts_are_kept_apart(name: str, tmp_path: Path) -> None:
    config = compose(slice_of(name, tmp_path)).domain
    if len(set(config.source_splits.values())) < 2:
        pytest.skip("published in one part")
    domain = registry.make(config)
    for split in SPLITS:
        path = tmp_path / f"{config.source_splits[split]}.jsonl"
        rows = len(path.read_text().splitlines())
        sizes = f"domain.sizes={{examples:0,train:1,validation:1,test:{rows - 2}}}"
        alone = compose([f"domain={name}", f"domain.path={path}", sizes]).domain
        assert {item.id for item in domain.items(split)} <= {i.id for i in all_items(registry.make(alone))}
        assert domain.items(split)


@pytest.mark.parametrize("name", MARKED)
def test_what_nearly_says_the_same_stands_in_one_split_and_in_one_fold(name: str, tmp_path: Path) -> None:
    domain = registry.make(compose(twins_of(name, tmp_path)).domain)
    places = [(split, item) for split in SPLITS for item in domain.items(split)]
    alike = find_alike([item.question for _, item in places]).groups().values()
    for group in alike:
        assert len({places[n][0] for n in group}) == 1, [places[n] for n in group]
    if name != "reasoning":  # which makes its items itself
        assert any("nearly the same" in note for note in domain.notes), domain.notes
    assert all(domain.items(split) for split in SPLITS[1:])
    items, folds = pooled(domain, domain.items("train"), domain.items("validation"), 2)
    assert set(folds.of.values()) == {0, 1}
    assert set(folds.of) == {item.id for item in items}
    for group in alike:
        assert len({folds.of.get(places[n][1].id) for n in group}) == 1


def test_every_slice_is_of_a_domain() -> None:
    assert set(SLICES) == set(NAMES)


@pytest.mark.parametrize("name", matchers.names())
def test_every_matcher(name: str) -> None:
    assert name in SHOWN, f"SHOWN has no answers for the matcher {name}: add a line"
    target, right, wrong = SHOWN[name]
    matcher: Any = matchers.make(name).fitted([target, "ham"] if name == "labels" else [target])
    assert matcher.how
    assert pickle.loads(pickle.dumps(matcher)) == matcher
    assert not matcher.fault(target)
    item = Item("i", "Which one?", target, data={ANY_OF: ()})
    if matcher.targets_answer:
        assert matcher.score(target, target, item).value == 1
    if name not in IN_A_RUN:
        assert matcher.score(right, target, item).value == 1
    assert matcher.score(wrong, target, item).value < 1
    for answer in HOSTILE:
        if answer.strip():
            assert 0 <= matcher.score(answer, target, item).value < 1, answer[:40]
