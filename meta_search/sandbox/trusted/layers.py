"""Names of the sandbox's layers. `REQUIRED` ones must work before untrusted code runs at level strict."""

__all__ = ["LAYERS", "REQUIRED"]

REQUIRED = ("rlimits", "no_new_privs", "landlock", "seccomp")
LAYERS = (*REQUIRED, "uid", "network", "quota")
