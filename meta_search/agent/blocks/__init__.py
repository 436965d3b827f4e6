"""The blocks of composed agents: small functions that compiled agents carry in their own source.

They are written for the sandbox's scope (`LLMAgentBase`, `Team`, `Counter` come without import), take the
agent's `self`, and are copied whole into an agent by `authors.compiler.compile_plan`, so that an agent reads
alone. A file a stage: prepare, solve, check, combine; and the choice of worked examples.
`authors.block_table` says what each is called in plans, what it needs and what it costs.
"""

from .check import *  # noqa: F403
from .combine import *  # noqa: F403
from .examples import *  # noqa: F403
from .prepare import *  # noqa: F403
from .solve import *  # noqa: F403
from .solve_panel import *  # noqa: F403
from .solve_programs import *  # noqa: F403
