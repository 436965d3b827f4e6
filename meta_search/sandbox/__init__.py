"""The sandbox that candidate code runs in (docs/architecture.md). Standard library only.

Which side of the wall a file runs on is its path: `trusted` starts processes and checks what comes through
the pipe, `confined` is the zygote and its children, hostile once they have their job. Neither imports the
other.
"""

from meta_search.sandbox.trusted.sandbox import Sandbox, layers

__all__ = ["Sandbox", "layers"]
