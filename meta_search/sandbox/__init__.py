"""The sandbox that candidate code runs in (docs/architecture.md). Standard library only.

A file's folder says on which side of the wall it runs. `trusted` starts the processes and checks everything
that comes out of their pipes. `confined` is the zygote, a process that forks, and its children, which are
hostile once they have a job. Neither imports the other.
"""

from meta_search.sandbox.trusted.layers import REQUIRED_LAYERS, lost_layers
from meta_search.sandbox.trusted.sandbox import Sandbox, layers

__all__ = ["REQUIRED_LAYERS", "Sandbox", "layers", "lost_layers"]
