"""Studies: ask and tell, and that one rebuilt from what was exported asks the same."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meta_search.guide.studies import Study
from meta_search.guide.trials import Asked

Row = tuple[int, dict[str, Any], list[float] | None]


def suggest(trial: Asked) -> tuple[Any, ...]:
    way = trial.suggest_categorical("way", ["a", "b", "c"])
    deeper = (trial.suggest_int("n", 1, 9),) if way == "a" else ()
    return (trial.number, way, trial.suggest_float("x", 0, 1), *deeper)


def value(seen: tuple[Any, ...]) -> float:
    return float("abc".index(seen[1])) - abs(float(seen[2]) - 0.3)


def study(guided: bool = True, seed: int = 0, name: str = "s") -> Study:
    return Study(name, seed, ["maximize"], guided)


def play(made: Study, trials: int, rows: list[Row] | None = None) -> list[tuple[Any, ...]]:
    """Ask and tell; every fourth trial comes to nothing."""
    asked = []
    for _ in range(trials):
        trial = made.ask()
        seen = suggest(trial)
        asked.append(seen)
        values = None if trial.number % 4 == 3 else [value(seen)]
        made.tell(trial.number, values)
        if rows is not None:
            rows.append((trial.number, made.export(trial.number), values))
    return asked


def test_optuna_is_imported_by_the_first_study_and_not_before() -> None:
    import subprocess

    code = "import sys, meta_search.guide.guide, meta_search.guide.racing; print('optuna' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_sampler_is_a_function_of_seed_study_and_number() -> None:
    first = play(study(), 12)
    assert first == play(study(), 12)
    assert first != play(study(seed=1), 12)
    assert first != play(study(name="t"), 12)


@pytest.mark.parametrize("guided", [True, False])
@pytest.mark.parametrize("told", [1, 7, 12])
def test_a_restored_study_asks_as_the_undisturbed_one(guided: bool, told: int) -> None:
    rows: list[Row] = []
    whole = play(study(guided), 16, rows)
    rebuilt = study(guided)
    rebuilt.restore(json.loads(json.dumps(rows[:told])))
    assert play(rebuilt, 16 - told) == whole[told:]


def test_trials_that_were_lost_leave_their_numbers_unused() -> None:
    rows: list[Row] = []
    play(study(), 8, rows)
    rebuilt = study()
    rebuilt.restore([rows[1], rows[6]])
    assert rebuilt.ask().number == 7


def test_queued_values_come_first_and_in_order() -> None:
    made = study()
    made.enqueue({"way": "c", "x": 0.5})
    made.enqueue({"way": "b"})
    assert suggest(made.ask()) == (0, "c", 0.5)
    first, then = suggest(made.ask()), suggest(made.ask())
    assert first[:2] == (1, "b")
    assert then[0] == 2


def test_queued_trials_do_not_change_what_is_drawn_after_them() -> None:
    """What a queued trial leaves open is drawn by its own number's sampler, as after a resume."""
    queued, resumed = study(), study()
    rows: list[Row] = []
    for _ in range(3):
        queued.enqueue({"way": "b"})
    play(queued, 1, rows)
    resumed.restore(rows)
    for _ in range(2):
        resumed.enqueue({"way": "b"})
    assert play(queued, 4) == play(resumed, 4)


def test_trials_under_way_draw_from_samplers_of_their_own() -> None:
    """An author may suggest from its trial long after others were asked for."""
    early, late = study(), study()
    for made in (early, late):
        play(made, 6)
    first = early.ask()
    at_once = suggest_new(first)
    waiting = late.ask()
    late.ask()
    assert suggest_new(waiting) == at_once


def suggest_new(trial: Asked) -> tuple[Any, ...]:
    """Parameters that no trial had before: drawn when they are asked for."""
    return trial.number, trial.suggest_float("new", 0, 1), trial.suggest_categorical("other", list("abcdef"))


def test_a_trial_is_told_once() -> None:
    made = study()
    trial = made.ask()
    suggest(trial)
    made.tell(trial.number, [1.0])
    made.tell(trial.number, [5.0])
    made.tell(99, [5.0])
    assert [(t.number, t.value) for t in made._study.trials] == [(trial.number, 1.0)]


def test_a_guided_study_finds_what_a_random_one_finds_late() -> None:
    def late_mean(guided: bool) -> float:
        runs = [play(study(guided, seed), 24)[12:] for seed in range(3)]
        return sum(value(seen) for run in runs for seen in run) / sum(map(len, runs))

    assert late_mean(True) > late_mean(False) + 0.3


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 9))
def test_what_was_exported_is_what_was_asked(seed: int, trials: int) -> None:
    rows: list[Row] = []
    asked = play(study(seed=seed), trials, rows)
    for (_, params, _), seen in zip(rows, asked, strict=True):
        read = json.loads(json.dumps(params))
        del read["_distributions"]
        assert read == dict(zip(("way", "x", "n"), seen[1:], strict=False))
