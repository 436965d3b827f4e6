"""What a child is told of its item."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from meta_search.types import ItemJob

__all__ = ["job_message"]


def job_message(job: ItemJob) -> dict[str, Any]:
    """What `agent.runtime.run_item` gets: no target, no agent id, nothing of the run."""
    return {
        "source": job.agent.source,
        "values": dict(job.agent.values),
        "demonstrations": [[d.question, d.reply] for d in job.agent.demonstrations],
        "question": job.question,
        "examples": [list(pair) for pair in job.examples],
        "wording": dict(job.wording),
        # For its random state: a function of seed, item and repeat that tells none of them. With the seed
        # or the item's name, an agent could make items anew, or tell test from train.
        "seed": _number_of(job.seed, job.item, job.repeat),
        "helpers": list(job.helpers),
        "data": dict(job.data),
        "mute": list(job.mute),
    }


def _number_of(*parts: int | str) -> int:
    return int.from_bytes(hashlib.sha256(json.dumps(parts).encode()).digest()[:6])
