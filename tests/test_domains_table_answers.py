"""Tables as people have them: an instruction, labels, JSON, several right answers, splits of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from domains.domain import Item
from domains.json_match import json_match
from domains.registry import make as make_domain
from domains.table import TableDomain
from domains.wording import WORDING
from meta_search import search
from meta_search.config import DomainConfig
from meta_search.errors import DomainError
from meta_search.testing import CountingEndpoint
from meta_search.types import SPLITS
from tests.kits.answers import as_asked
from tests.kits.searches import overrides, write_table

LABELS = ("account", "billing", "bug", "refund", "shipping")
TICKETS = [{"question": f"Message {n}?", "answer": LABELS[n % 5]} for n in range(40)]
INSTRUCTION = "Classify the message."


def table(folder: Path, rows: list[Mapping[str, Any]], **keys: Any) -> TableDomain:
    path = folder / "t.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return TableDomain(DomainConfig(name="table", path=str(path), **keys))


def numbered(answers: list[Any]) -> list[Mapping[str, Any]]:
    return [{"question": f"{n}?", "answer": answers[n % len(answers)]} for n in range(24)]


def test_instruction_and_labels_reach_every_call_and_the_meta_agent(tmp_path: Path) -> None:
    domain = table(tmp_path, TICKETS, instruction=INSTRUCTION)
    told = "The answer is one of: account, billing, bug, refund, shipping."
    assert domain.wording[""] == f"{INSTRUCTION} {told}"
    assert domain.wording["answer"] == "only the label, nothing else"
    assert INSTRUCTION in domain.brief
    assert told in domain.brief
    assert domain.notes == ()
    own = f"Is it {', '.join(LABELS)}?"
    assert table(tmp_path, TICKETS, instruction=own).wording[""] == own  # they are told already


def test_labels_that_differ_in_case_or_space_are_one(tmp_path: Path) -> None:
    domain = table(tmp_path, numbered(["Yes", "yes ", "Yes", "NO", "no", "no"]))
    assert "one of: Yes, no." in domain.wording[""]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.jsonl", json.dumps({"examples": numbered(["a", "b"])})),
        ("t.jsonl", json.dumps({"about": "x", "rows": numbered(["a", "b"])}, indent=1)),
        ("t.csv", " question , answer \n" + "".join(f"{n}?, {'ab'[n % 2]}\n" for n in range(24))),
    ],
)
def test_a_file_is_read_as_people_write_it(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    domain = TableDomain(DomainConfig(name="table", path=str(path)))
    targets = {item.target for split in SPLITS for item in domain.items(split)}
    assert targets == {"a", "b"}


def test_null_among_objects_is_json(tmp_path: Path) -> None:
    domain = table(tmp_path, numbered([{"a": 1, "b": 2}, "null"]))
    items = {item.target: item for split in SPLITS for item in domain.items(split)}
    assert domain.score(items.pop("null"), "null").value == 1.0
    (item,) = items.values()
    assert domain.score(item, '{"b": 2, "a": 1.0}').value == 1.0


def test_without_instruction_and_labels_the_wording_is_the_shared_one(tmp_path: Path) -> None:
    rows = [{"question": f"{n}+{n}?", "answer": 2 * n} for n in range(40)]
    assert table(tmp_path, rows).wording == WORDING
    few = [{"question": f"{n}?", "answer": n // 2} for n in range(20)]  # numbers of no scale
    assert table(tmp_path, few).wording == WORDING
    stars = [{"question": f"{n}?", "answer": n % 5 + 1} for n in range(40)]
    assert "one of: 1, 2, 3, 4, 5." in table(tmp_path, stars).wording[""]


def test_no_label_is_learned_from_test_items(tmp_path: Path) -> None:
    test = {item.question for item in table(tmp_path, TICKETS).items("test")}
    rows = [{**row, "answer": "secret" if row["question"] in test else row["answer"]} for row in TICKETS]
    domain = table(tmp_path, rows)
    assert "secret" not in domain.wording[""] + domain.brief
    assert "a label such as: account" in domain.wording[""]
    assert "domain.labels=" in domain.notes[0]
    named = table(tmp_path, rows, labels=(*LABELS, "secret"))
    assert "refund, shipping, secret." in named.wording[""]
    with pytest.raises(DomainError, match=r"'secret' is none of domain\.labels"):
        table(tmp_path, rows, labels=LABELS)


@pytest.mark.parametrize(
    ("name", "path"), [("reasoning", None), ("mgsm", "mgsm_en.tsv"), ("python", "own.py")]
)
def test_every_domain_takes_an_instruction(name: str, path: str | None, folder: Path) -> None:
    Path("mgsm_en.tsv").write_text("".join(f"Problem {n}?\t{n}\n" for n in range(40)))
    Path("own.py").write_text(
        '"""Numbers."""\ninstruction = "Of the file."\nwording = {"": "Digits only."}\n'
        "def items(split):\n    return [(f'{split} {n}?', str(n)) for n in range(3)]\n"
    )
    sizes = {} if name == "python" else dict.fromkeys(SPLITS, 2)
    plain = make_domain(DomainConfig(name=name, path=path, sizes=sizes))
    told = make_domain(DomainConfig(name=name, path=path, sizes=sizes, instruction="Be brief."))
    assert told.wording[""].startswith("Be brief.")
    assert "Be brief." in told.brief
    if name == "python":
        assert plain.wording[""] == "Of the file. Digits only."
        assert told.wording[""] == "Be brief. Digits only."
    else:
        assert "Be brief." not in plain.wording[""] + plain.brief


TARGET = '{"name": "Kurt Gödel", "total": 97.10, "tags": ["a", {"b": true}]}'


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (TARGET, True),
        ('{"tags":["a",{"b":true}],"total":97.1,"name":"Kurt Gödel"}', True),
        ('{"name": "Kurt  Gödel", "total": 9.71e1, "tags": ["a", {"b": true}]}', True),
        (f"```json\n{TARGET}\n```", True),
        (f"Here it is:\n```\n{TARGET}\n```\nAs {{asked}}.", True),
        (f"First I thought {{}}. The answer is {TARGET} [1].", True),
        (TARGET.replace("97.10", '"97.10"'), False),
        (TARGET.replace("true", "1"), False),
        (TARGET.replace("97.10", "97.11"), False),
        (TARGET.replace("}]}", '}], "more": null}'), False),
        (f"[{TARGET}]", True),  # text around it
        ("[" * 100_000, False),
        ('{"a":' * 100_000, False),
        ('{"total": 1e999999999999999999999}', False),
        ("", False),
    ],
)
def test_json_is_compared_as_json(answer: str, right: bool) -> None:
    assert json_match(answer, TARGET) is right


def test_lists_are_compared_in_order_and_scalars_whole() -> None:
    assert json_match("So: [1, 2.0]", "[1.0,2]")
    assert not json_match("[2, 1]", "[1, 2]")
    assert json_match(" true ", "true")
    assert not json_match("it is true", "true")


def test_nested_answers_are_json_with_their_numbers_as_written(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    lines = [f'{{"question": "{n}?", "answer": {{"n": {n}.50, "ok": [true, null]}}}}' for n in range(20)]
    path.write_text("\n".join(lines))
    domain = TableDomain(DomainConfig(name="table", path=str(path)))
    item = domain.items("test")[0]
    number = item.question.rstrip("?")
    assert item.target == f'{{"n": {number}.50, "ok": [true, null]}}'
    assert domain.score(item, f'```json\n{{"ok":[true,null],"n":{number}.5}}\n```').value == 1
    assert domain.wording["answer"] == "only the JSON, nothing else"
    assert "compared as JSON" in domain.brief


def test_several_answers_are_right(tmp_path: Path) -> None:
    listed = table(tmp_path, numbered([["red", "white"], ["blue", 7]]))
    items = {item.question: item for item in listed.items("test")}
    item = next(item for item in items.values() if item.target == "blue")
    assert [listed.score(item, text).value for text in ("Blue.", "7", "red", "blue 7")] == [1, 1, 0, 0]
    assert "one or more right answers" in listed.brief
    assert listed.notes == (
        "t.jsonl: each part of a list is a right answer (domain.matcher=json takes it as a whole)",
    )
    cells = table(tmp_path, numbered(["red | white", "blue"]), separator="|")
    assert cells.notes == ()
    item = next(item for item in cells.items("test") if item.target == "red")
    assert [cells.score(item, text).value for text in ("white", "red", "blue", "red | white")] == [1, 1, 0, 0]
    whole = table(tmp_path, numbered([["red", "white"]]), match="json")
    item = whole.items("test")[0]
    assert [whole.score(item, text).value for text in ('["red","white"]', "red")] == [1, 0]


def test_a_python_domain_takes_several_answers_and_json(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    text = (
        '"""Colours."""\ndef items(split):\n    return [(f"{{split}} {{n}}?", {answer}) for n in range(3)]\n'
    )
    for answer, right, wrong in (("['red', 'white']", "white", "blue"), ("{'a': 1.0}", '{"a":1}', "a")):
        path.write_text(text.format(answer=answer))
        domain = make_domain(DomainConfig(name="python", path=str(path)))
        item = domain.items("test")[0]
        assert (domain.score(item, right).value, domain.score(item, wrong).value) == (1, 0)


def test_rows_stay_in_the_splits_that_the_file_names(tmp_path: Path) -> None:
    names = ["train"] * 20 + ["dev"] * 4 + ["Test"] * 6
    rows = [{"question": f"{n}?", "answer": n * 7, "split": name} for n, name in enumerate(names)]
    domain = table(tmp_path, rows)
    place = {split: {int(i.question.rstrip("?")) for i in domain.items(split)} for split in SPLITS}
    assert place["test"] == set(range(24, 30))
    assert place["validation"] == set(range(20, 24))
    assert place["examples"] | place["train"] == set(range(20))
    assert len(place["examples"]) == 6
    assert domain.notes == ("t.jsonl lacks some splits: 6 for examples were taken from its train rows",)
    assert len(table(tmp_path, rows, sizes={"test": 3, "examples": 0}).items("test")) == 3
    dealt = table(tmp_path, rows, split=None)
    assert {int(i.question.rstrip("?")) for i in dealt.items("test")} != set(range(24, 30))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"split": "holdout"}, "'split' is 'holdout'; must be train, validation, test or examples"),
        ({"split": ""}, "'split' is ''"),
        ({"answer": None}, "'answer' is null"),
        ({"answer": []}, "'answer' is an empty list"),
        ({"answer": ["red", ""]}, "'answer' is empty"),
        ({"question": {"a": 1}}, "'question' must be a text or a number"),
        (
            {"question": [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {}}]},
            "questions with images are not possible yet",
        ),
    ],
)
def test_what_cannot_be_read_is_one_line(change: Mapping[str, Any], message: str, tmp_path: Path) -> None:
    rows: list[Mapping[str, Any]] = [{**row, "split": "train"} for row in TICKETS]
    with pytest.raises(DomainError) as caught:
        table(tmp_path, [*rows, {"question": "odd?", "answer": "bug", "split": "test", **change}])
    assert "line 41" in str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_read_otherwise_than_one_may_think_is_said(tmp_path: Path) -> None:
    (note,) = table(tmp_path, [{**row, "weight": 2} for row in TICKETS]).notes
    assert "the column weight is not used" in note
    twice = [{**row, "split": name} for name in ("train", "test") for row in TICKETS[:20]]
    rest = [{**row, "split": "test" if n % 2 else "train"} for n, row in enumerate(TICKETS[20:])]
    notes = table(tmp_path, [*twice, *rest]).notes
    assert any(
        "20 questions stand in two splits; each stays where it is worth most: in test" in n for n in notes
    )
    notes = table(tmp_path, [*twice, *rest], dealing="file").notes
    assert "t.jsonl: 20 questions stand in two splits; each stays where it comes first" in notes


def test_the_instruction_is_in_every_call_of_every_seed_and_before_the_meta_agent(folder: Path) -> None:
    asked: dict[str, list[str]] = {}

    def answer(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
        asked.setdefault(str(body["model"]), []).append(json.dumps(messages, ensure_ascii=False))
        return as_asked(body, "bug")

    write_table(folder / "t.jsonl", ((str(row["question"]), str(row["answer"])) for row in TICKETS))
    with CountingEndpoint(answer) as endpoint:
        more = (
            *("author=llm", "search.candidates=1", "evaluate.items=1", "evaluate.test_items=1", "seed=1"),
            *("author.formats=[program]", "author.debug_rounds=0", "run.confirm=false"),
            *("search.operators=[novel]", f"domain.instruction={INSTRUCTION} Ü, (a) or {{b}}: 'it''s #1'"),
        )
        search(*overrides("t.jsonl", endpoint, *more, meta="writer", task="solver"))
    told = f"{INSTRUCTION} Ü, (a) or {{b}}: 'it''s #1'"
    assert len(asked["solver"]) > 20
    assert all(told in messages for messages in asked["solver"])
    assert asked["writer"]
    assert all(told in messages for messages in asked["writer"])


def test_splits_that_cannot_be_had(tmp_path: Path) -> None:
    rows: list[Mapping[str, Any]] = [{**row, "split": "test"} for row in TICKETS]
    with pytest.raises(DomainError, match="no row is in the split train"):
        table(tmp_path, rows)
    some = [{**row, "split": "train"} if n else row for n, row in enumerate(TICKETS)]
    with pytest.raises(DomainError, match="names no split, others do"):
        table(tmp_path, some)
    rows = [{**row, "split": "train" if n > 2 else "test"} for n, row in enumerate(TICKETS)]
    with pytest.raises(DomainError, match=r"domain\.sizes\.test=9: .* has 3 rows there"):
        table(tmp_path, rows, sizes={"test": 9})


def test_questions_in_parts_of_text_are_read_and_images_refused(tmp_path: Path) -> None:
    rows = [{"question": [{"type": "text", "text": f"Number {n}?"}], "answer": n * 3} for n in range(20)]
    assert all(item.question.startswith("Number ") for item in table(tmp_path, rows).items("test"))
    path = tmp_path / "images.py"
    part = "{'type': 'image_url', 'image_url': {'url': 'data:'}}"
    path.write_text(
        f'"""Pictures."""\ndef items(split):\n    return [{{"question": [{part}], "answer": "cat"}}]\n'
    )
    with pytest.raises(DomainError, match="questions with images are not possible yet"):
        make_domain(DomainConfig(name="python", path=str(path)))


def test_an_exact_answer_may_stand_in_a_fence(tmp_path: Path) -> None:
    domain = table(tmp_path, TICKETS)
    item = Item("x", "?", "refund")
    assert (
        domain.score(item, "```\nrefund\n```").value == domain.score(item, "```text\nRefund\n```").value == 1
    )
    assert domain.score(item, "```\nbilling\n```").value == 0
