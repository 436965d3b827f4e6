"""The table of blocks that plans are made of: what each is called, needs and costs, and where it comes from.

A row (in `ways` for a way of working, in `stages` for any other stage) and a function in the file of its
stage in `agent.blocks` is all that a block takes: `authors.compiler` copies the function, and what it needs,
into the agents that use it.
"""

from __future__ import annotations

from meta_search.authors.block_table.block import NEAREST, NONE, STAGES, Block
from meta_search.authors.block_table.stages import BESIDE
from meta_search.authors.block_table.ways import WAYS

__all__ = [
    "BLOCKS",
    "CHEAP_BLOCKS",
    "EMBEDDED_BLOCKS",
    "NEAREST",
    "NONE",
    "OTHER_BLOCKS",
    "STAGES",
    "Block",
    "blocks_of",
    "solver",
]

PLAINEST = ("mend", "vote", "nearest")  # choices of their stages whatever else is one

BLOCKS: dict[str, Block] = {block.name: block for block in (*WAYS, *BESIDE)}
"""Name -> block, in the order in which choices are listed: the plainest of a stage first."""


def blocks_of(stage: str) -> tuple[str, ...]:
    """Names of the blocks of a stage."""
    return tuple(block.name for block in BLOCKS.values() if block.stage == stage)


def solver(way: str) -> Block:
    """The block of a way of working.

    Raises:
        KeyError: There is none of this name at the stage solve.
    """
    block = BLOCKS[way]
    if block.stage != "solve":
        raise KeyError(way)
    return block


OTHER_BLOCKS = tuple(block.name for block in BLOCKS.values() if block.stage != "solve")
CHEAP_BLOCKS = tuple(name for name in OTHER_BLOCKS if BLOCKS[name].by_default and name not in PLAINEST)
EMBEDDED_BLOCKS = ("decided",)  # each item costs these models a second: what saves calls, and no stages more
"""`author.blocks` where nothing is said."""
