"""Sources without components: edits that keep the rest to the letter, and a stub that always works."""

from __future__ import annotations

import ast

import pytest

from meta_search.authors.check import check_source
from meta_search.authors.rewrite import clean, replaced, silenced, titled

DEBATE = '''"""Debate

Three of them.
"""
import re
# who debates, in order
ROLES = ["logician", 'poet',  "lawyer"]  # three
ROUNDS = 2


def forward(self, taskInfo):
    n = 5
    said = [LLMAgentBase(["answer"], "Debater", role=role)([taskInfo], "ä")[0] for role in ROLES]
    for _ in range(n):
        said.append(LLMAgentBase(["answer"], "Voter")(said, "Vote.")[0])
    return said[-1]
'''
PRESENT = [
    "Debater (logician)",
    "Debater (poet)",
    "Debater (lawyer)",
    "Voter",
    *(f"Voter #{n}" for n in range(2, 6)),
]


def test_a_role_goes_from_the_list_that_it_stands_in() -> None:
    source, left = clean(DEBATE, ["Debater (poet)"], PRESENT)
    assert left == []
    assert source == DEBATE.replace("""["logician", 'poet',  "lawyer"]""", "['logician', 'lawyer']")


def test_fewer_samples_are_a_smaller_number() -> None:
    source, left = clean(DEBATE, ["Voter #2", "Voter #5"], PRESENT)
    assert (source, left) == (DEBATE.replace("n = 5", "n = 3"), [])


@pytest.mark.parametrize(
    "source",
    [
        "ROLES = ['poet']",  # nobody would be left
        "ROLES = ['poet', 'lawyer']\nOTHERS = ['poet', 'judge']",  # which of the two?
        "ROLES = make('poet')",
    ],
)
def test_what_stands_in_no_literal_of_its_own_stays(source: str) -> None:
    assert clean(source, ["Debater (poet)"], PRESENT) == (source, ["Debater (poet)"])


def test_a_number_that_stands_twice_stays() -> None:
    source = "n = 5\nm = 5"
    assert clean(source, ["Voter #5"], PRESENT) == (source, ["Voter #5"])
    assert clean("n = 5", [n for n in PRESENT if n.startswith("Voter")], PRESENT)[0] == "n = 5"  # all five


@pytest.mark.parametrize(
    ("literal", "shorter"),
    [
        ("{'poet': 'writes', 'judge': 'judges'}", "{'judge': 'judges'}"),
        ("[('poet', 'writes'), ('judge', 'judges')]", "[('judge', 'judges')]"),
        ("('poet', 'judge')", "('judge',)"),
    ],
)
def test_entries_of_other_literals(literal: str, shorter: str) -> None:
    assert clean(f"R = {literal}", ["poet"], ["poet", "judge"])[0] == f"R = {shorter}"


def test_silent_components_are_told_at_the_top_and_the_rest_is_kept() -> None:
    source = silenced(DEBATE, ["Voter #2", "Debater (poet)"])
    assert "LEFT_OUT = ('Debater (poet)', 'Voter #2')" in source
    assert source.endswith(DEBATE.partition("import re\n")[2])
    assert source.index("import re") < source.index("LEFT_OUT") < source.index("# who debates")
    assert ast.get_docstring(ast.parse(source)) == "Debate\n\nThree of them."
    assert check_source(source) is None
    again = silenced(source, ["Voter"])
    assert again == source.replace(
        "('Debater (poet)', 'Voter #2')", "('Debater (poet)', 'Voter', 'Voter #2')"
    )


def test_a_name_and_a_thought_take_the_place_of_those_before() -> None:
    for source in (DEBATE, DEBATE.partition('"""\n')[2].partition('"""\n')[2]):
        told = ast.get_docstring(ast.parse(titled(source, 'Short "one"', 'as """ good \\')))
        assert told is not None
        assert told.startswith('Short "one"\n\nas')
        assert "Three" not in told


def test_replacing_counts_characters_not_bytes() -> None:
    source = "x = 'ä'; y = 'öö'; z = 1\n"
    nodes = [node.value for node in ast.parse(source).body if isinstance(node, ast.Assign)]
    assert replaced(source, nodes[1], "2") == "x = 'ä'; y = 2; z = 1\n"


@pytest.mark.parametrize("odd", ["\x0c", "\x1c", "\x85", "\u2028"])
def test_lines_are_counted_as_python_does(odd: str) -> None:
    source = (
        f'"""Odd{odd}name\n\nWhy.\n"""\nimport re\r\nX = "a{odd}b"\n\n\n' + DEBATE.partition("import re\n")[2]
    )
    for made in (titled(source, "New", "Why not."), silenced(source, ["Voter"])):
        ast.parse(made)
        assert f'X = "a{odd}b"' in made
