"""Benchmarks: one module per row, each with `measure(quick: bool) -> Row`.

    python -m tests.bench [--quick] [ROW …] [--json FILE]

Every row is measured in a process of its own. They are not part of the test suite: figures vary with the
machine and with what else runs on it, so trust ratios of one run more than times.
"""
