"""How many threads numpy's linear algebra has."""

from __future__ import annotations

import os

__all__ = ["one_thread"]


def one_thread() -> None:
    """Have OpenBLAS work in one thread, unless the person has said otherwise; before numpy is loaded.

    The guide's matrices are small, and its cores are taken by models and agents: threads that wait for each
    other took twice the CPU time of the whole engine, and milliseconds for what takes a fifth of one.
    """
    if "OMP_NUM_THREADS" not in os.environ:  # which OpenBLAS heeds as well
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
