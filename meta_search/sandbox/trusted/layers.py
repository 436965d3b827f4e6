"""Names of the layers that confine candidate code; at level `strict` the `REQUIRED_LAYERS` ones must work."""

__all__ = ["LAYERS", "REQUIRED_LAYERS"]

REQUIRED_LAYERS = ("rlimits", "no_new_privs", "landlock", "seccomp")
LAYERS = (*REQUIRED_LAYERS, "uid", "network", "quota", "files", "processes")
