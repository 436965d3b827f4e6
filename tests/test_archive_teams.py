"""A team's network in the archive: stored with the trace; importance of components."""

from __future__ import annotations

from pathlib import Path

import pytest
from agent_kit import network
from sqlite_utils import Database

from archive import schema
from archive.codec import result_of, result_row
from archive.records import Archive
from archive.store import Store
from meta_search.types import Importance, ItemResult, TeamNetwork, TraceCall

NETWORK = network("solver", "critic")
CALL = TraceCall(1, "solver", "solver", ("answer",), "?", "1", (), 10, 0.5)


@pytest.mark.parametrize("networks", [(), (NETWORK,), (NETWORK, NETWORK)])
def test_networks_are_stored_with_the_trace(networks: tuple[TeamNetwork, ...]) -> None:
    result = ItemResult("a", "train", "i1", 0, "ok", trace=(CALL,), networks=networks, fresh=False)
    assert result_of(result_row(result, 0.0)) == result


def rows_of(agent: str, method: str, **values: float) -> list[Importance]:
    return [
        Importance(agent, name, method, value, 8, 1.5, 120.0, 12, 3)  # type: ignore[arg-type]
        for name, value in values.items()
    ]


def test_importance_is_kept_by_method_and_a_new_measurement_takes_the_place_of_the_old(
    tmp_path: Path,
) -> None:
    with Store.open(tmp_path) as store:
        store.put_importance(rows_of("a", "leave_out", solver=0.5, critic=-0.25, gone=0.0))
        store.put_importance([*rows_of("a", "judge", solver=1.0), *rows_of("b", "leave_out", solver=0.1)])
        store.put_importance(rows_of("a", "leave_out", critic=0.25, solver=0.5)).result()
        with Archive(tmp_path) as archive:
            assert archive.importance("a") == [
                *rows_of("a", "judge", solver=1.0),
                *rows_of("a", "leave_out", solver=0.5, critic=0.25),
            ]
            assert archive.importance("b") == rows_of("b", "leave_out", solver=0.1)
            assert archive.importance("c") == []


def test_an_archive_from_before_components_has_no_importance(tmp_path: Path) -> None:
    db = Database(tmp_path / "archive.db")
    schema.migrations().apply(db, stop_before="m0003_importance")
    db.close()
    with Archive(tmp_path) as older:
        assert older.importance("a") == []
    with Store.open(tmp_path) as store:
        store.put_importance(rows_of("a", "ratings", solver=1.0)).result()
    with Archive(tmp_path) as newer:
        assert newer.importance("a") == rows_of("a", "ratings", solver=1.0)
