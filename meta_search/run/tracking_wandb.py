"""A run in Weights & Biases: its only importer. WANDB_MODE=offline keeps everything in the run folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["WandbTracker"]

PROJECT = "meta-search"


class WandbTracker:
    """Satisfies `tracking.Tracker`.

    Args:
        folder: The run folder, in which W&B keeps its files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._run: Any = None

    def begin(self, name: str, key: str, parameters: Mapping[str, str]) -> None:
        import wandb

        self._run = wandb.init(
            project=PROJECT,
            name=name,
            id=hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()[:16],
            resume="allow",
            dir=str(self._folder),
            config=dict(parameters),
            # It would take over the screen, the code of whoever calls, and what the machine does.
            settings=wandb.Settings(console="off", silent=True, save_code=False, x_disable_stats=True),
        )
        self._run.define_metric("paid_calls")
        self._run.define_metric("*", step_metric="paid_calls")

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._run.log({**values, "paid_calls": step})

    def keep(self, name: str, text: str) -> None:
        path = Path(self._run.dir) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        self._run.save(str(path), base_path=self._run.dir, policy="now")

    def end(self, summary: str, failed: bool) -> None:
        self._run.summary["verdict"] = summary
        self._run.finish(exit_code=1 if failed else 0)
