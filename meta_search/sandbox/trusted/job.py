"""The message that gives a child its item."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from meta_search.types import ItemJob

__all__ = ["job_message"]


def job_message(job: ItemJob) -> dict[str, Any]:
    """The job for `agent.runtime.run_item`: without target, without agent id, without anything of the run."""
    return {
        "source": job.agent.source,
        "values": dict(job.agent.values),
        "demonstrations": [[d.question, d.reply] for d in job.agent.demonstrations],
        "question": job.question,
        "examples": [list(pair) for pair in job.examples],
        "wording": dict(job.wording),
        # For its random states: a function of seed, item and repeat that reveals none of them. With the seed
        # or the item's name, an agent could generate the items itself, or distinguish test from train. They
        # are few and can be guessed, so the run's salt is hashed with them.
        "seed": _hashed(*[job.salt] * bool(job.salt), job.seed, job.item, job.repeat),
        "helpers": list(job.helpers),
        "data": dict(job.data),
        "mute": list(job.mute),
    }


def _hashed(*parts: int | str) -> int:
    return int.from_bytes(hashlib.sha256(json.dumps(parts).encode()).digest()[:6])
