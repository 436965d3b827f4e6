"""Writes the table of docs/blocks.md anew: `python -m tests.data.record_blocks`."""

from __future__ import annotations

from pathlib import Path

from meta_search.authors.block_table import BLOCKS, STAGES, Block

FILE = Path(__file__).parents[2] / "docs" / "blocks.md"
BEGIN, END = "<!-- table -->", "<!-- /table -->"


def table() -> str:
    """One row a block, by stage."""
    lines = ["| stage | block | what it does | calls | parameters | source | by default |", "|" + "---|" * 7]
    for stage in STAGES:
        lines += [_row(block) for block in BLOCKS.values() if block.stage == stage]
    return "\n".join(lines)


def _row(block: Block) -> str:
    least, most = block.calls
    calls = f"{least}" if least == most else f"{least}–{most}"
    if block.other:
        calls = "a second way" if most == 0 else f"{calls} and a second way"
    elif block.stage == "failed":
        calls = "the way again"
    told = ", ".join(f"`{name}`" for name in block.parameters) or "–"
    default = "yes" if block.by_default else "–"
    cells = (block.stage, f"`{block.name}`", block.does, calls, told, block.source or "–", default)
    return f"| {' | '.join(cells)} |"


def written(text: str) -> str:
    """The page with the table as it is now."""
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    FILE.write_text(written(FILE.read_text("utf-8")), "utf-8")
