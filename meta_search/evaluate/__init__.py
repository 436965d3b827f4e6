"""Running agents on items: the evaluators (`evaluator`, `ray_pool`) and the sandbox they run agents in.

The package can be called: `meta_search.evaluate("agents.json", ...)` is the public function, which shares
its name with this stage (DESIGN.md section 9).
"""

import importlib
import sys
import types
from typing import Any


class _Callable(types.ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # By name: the stage itself knows nothing of what stands above it.
        return importlib.import_module("meta_search.api").evaluate(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
