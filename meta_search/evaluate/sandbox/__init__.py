"""The sandbox that candidate code runs in (DESIGN.md section 6). Standard library only.

Trusted: `sandbox`, `broker`, `messages`, `handle`. The zygote: `zygote`, `confine`, `landlock`,
`seccomp`, `libc`. Hostile once confined: `child`.
"""

from meta_search.evaluate.sandbox.sandbox import Sandbox, layers

__all__ = ["Sandbox", "layers"]
