"""A run in MLflow: its only importer. The client alone is used, so that nothing global changes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

__all__ = ["MlflowTracker"]

EXPERIMENT = "meta-search"
TAG = "meta_search.run"  # folder of the run, by which it is found again
MOST_TAG = 5_000  # characters


class MlflowTracker:
    """Satisfies `tracking.Tracker`.

    Args:
        address: Of the tracking server, or its database; `""` takes MLFLOW_TRACKING_URI, or MLflow's default.
    """

    def __init__(self, address: str) -> None:
        from mlflow.tracking import MlflowClient

        self._client: Any = MlflowClient(tracking_uri=address or None)
        self._run = ""

    def begin(self, name: str, key: str, parameters: Mapping[str, str]) -> None:
        from mlflow.entities import Param

        found = self._client.get_experiment_by_name(EXPERIMENT)
        experiment = found.experiment_id if found else self._client.create_experiment(EXPERIMENT)
        quoted = key.replace("\\", "\\\\").replace("'", "\\'")
        runs = self._client.search_runs([experiment], f"tags.`{TAG}` = '{quoted}'", max_results=1)
        if runs:  # resumed: parameters stay as they were logged
            self._run = runs[0].info.run_id
            self._client.update_run(self._run, status="RUNNING")
            return
        tags = {TAG: key, "mlflow.source.name": "meta-search"}
        made = self._client.create_run(experiment, run_name=name, tags=tags)
        self._run = made.info.run_id
        params = [Param(name, value) for name, value in parameters.items()]
        for start in range(0, len(params), 100):  # the most of one request
            self._client.log_batch(self._run, params=params[start : start + 100])

    def log(self, values: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._client.log_batch(self._run, metrics=[Metric(k, v, now, step) for k, v in values.items()])

    def keep(self, name: str, text: str) -> None:
        self._client.log_text(self._run, text, name)

    def end(self, summary: str, failed: bool) -> None:
        self._client.set_tag(self._run, "mlflow.note.content", summary[:MOST_TAG])
        self._client.set_terminated(self._run, "KILLED" if failed else "FINISHED")
