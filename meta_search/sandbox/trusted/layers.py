"""Names of the layers that confine candidate code; at level `strict` the `REQUIRED_LAYERS` ones must work."""

from collections.abc import Mapping

__all__ = ["LAYERS", "REQUIRED_LAYERS", "lost_layers"]

REQUIRED_LAYERS = ("rlimits", "no_new_privs", "landlock", "seccomp")
LAYERS = (*REQUIRED_LAYERS, "uid", "network", "quota", "files", "processes")


def lost_layers(missing: Mapping[str, str]) -> str:
    """One line for whoever starts a run; empty if nothing is missing but a uid, which only root can give.

    Args:
        missing: Layer -> why it cannot be used.
    """
    lost: dict[str, list[str]] = {}
    for layer, why in missing.items():
        lost.setdefault(why, []).append(layer)
    if set(missing) <= {"uid"}:
        return ""
    told = "; ".join(f"{', '.join(layers)}: {why}" for why, layers in lost.items())
    return f"the sandbox works without some of its layers ({told}); see meta-search doctor"
