"""What the gateway makes of a reply that holds no answer."""

from __future__ import annotations

import pytest

from meta_search.llm.faults import BadAnswer, Failure, Refused, classify
from meta_search.llm.replies import read

__all__ = ["failure_of"]


def failure_of(received: bytes) -> Failure:
    """A reply with status 200, read as the failure that it is; a test fails where it is none."""
    with pytest.raises((BadAnswer, Refused)) as caught:
        read(received)
    return classify(caught.value, 1.0)
