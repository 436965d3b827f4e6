"""Parameters that agents declare where they use them."""

from __future__ import annotations

import json

import pytest

from meta_search.agent.tune import Tune
from meta_search.types import Parameter


def test_defaults_are_handed_out_and_the_space_is_recorded() -> None:
    tune = Tune({})
    assert (tune.int("n", 1, 5), tune.int("m", 1, 5, 3), tune.float("t", 0, 1, 0.5)) == (1, 3, 0.5)
    assert (tune.choice("way", ["a", "b"]), tune.choice("flag", [True, False], False)) == ("a", False)
    assert list(tune.space) == ["n", "m", "t", "way", "flag"]
    assert tune.space["m"] == {"name": "m", "kind": "int", "default": 3, "low": 1, "high": 5}
    assert tune.space["way"]["choices"] == ["a", "b"]
    json.dumps(list(tune.space.values()))


def test_values_of_the_guide_are_clipped_to_what_is_declared() -> None:
    tune = Tune({"n": 9, "m": 2.0, "t": -1, "way": "b", "old": "gone", "bad": "text"})
    assert (tune.int("n", 1, 5), tune.int("m", 1, 5), tune.float("t", 0.0, 1.0)) == (5, 2, 0.0)
    assert (tune.choice("way", ["a", "b"]), tune.choice("old", ["a", "b"]), tune.int("bad", 1, 5)) == (
        "b",
        "a",
        1,
    )
    assert type(tune.int("m", 1, 5)) is int
    assert type(tune.float("t", 0, 1)) is float


def test_the_first_declaration_of_a_name_counts() -> None:
    tune = Tune({})
    tune.int("n", 1, 5)
    assert tune.int("n", 3, 9) == 3
    assert (tune.space["n"]["low"], tune.space["n"]["high"]) == (1, 5)


def test_bounds_in_the_wrong_order_are_set_right() -> None:
    tune = Tune({})
    assert tune.int("n", 5, 1, 9) == 5
    assert (tune.space["n"]["low"], tune.space["n"]["high"]) == (1, 5)
    assert tune.float("t", 1.0, 0.0) == 0.0


def test_what_cannot_be_tuned_is_said() -> None:
    with pytest.raises(ValueError, match=r"'way'.*at least one"):
        Tune({}).choice("way", [])
    with pytest.raises(TypeError, match=r"'team'.*index"):
        Tune({}).choice("team", [["a", "b"], ["c"]])
    with pytest.raises(ValueError, match=r"'t'.*finite"):
        Tune({}).float("t", 0, float("inf"))
    with pytest.raises(ValueError, match="'big'"):
        Tune({}).int("big", 0, 2**60)
    for odd in (float("nan"), float("-inf"), 10**400):
        with pytest.raises(ValueError, match=r"'odd'.*finite"):
            Tune({}).choice("odd", [1, odd])
    with pytest.raises(ValueError, match="'_kind'"):
        Tune({}).int("_kind", 0, 1)


def test_whatever_is_declared_is_a_parameter() -> None:
    """What an honest agent declares passes the check on the other side of the wall."""
    tune = Tune({})
    tune.int("n", True, 5.0, 2.6)  # type: ignore[arg-type]
    tune.float("t", 0, 1)
    tune.choice("way", ["a", None, True, 2.5, -(2**62)], 7)
    found = [Parameter.of(json.loads(json.dumps(row))) for row in tune.space.values()]
    assert found == [
        Parameter("n", "int", 3, 1.0, 5.0),
        Parameter("t", "float", 0.0, 0.0, 1.0),
        Parameter("way", "choice", "a", choices=("a", None, True, 2.5, -(2**62))),
    ]
