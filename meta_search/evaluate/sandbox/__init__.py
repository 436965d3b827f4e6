"""The sandbox that candidate code runs in (DESIGN.md section 6). Standard library only.

Trusted: `sandbox`, `broker` (with `job`, `clock`, `fate`, `trace`), `messages`, `handle`, `launch`. The
zygote: `zygote`, `trial`, `preload`, `confine`, `landlock`, `seccomp`, `libc`. Hostile once it has its job:
`child`.
"""

from meta_search.evaluate.sandbox.sandbox import Sandbox, layers

__all__ = ["Sandbox", "layers"]
