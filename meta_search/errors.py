"""Errors of the system. A candidate's failure is data (`types.OutcomeKind`), never one of these.

Every message is one line: what is wrong, where, and what to do next. `cli` prints it and exits with
`exit_status`.
"""

__all__ = [
    "ArchiveError",
    "BudgetError",
    "ConfigError",
    "DamagedError",
    "DomainError",
    "EndpointError",
    "LLMError",
    "MetaSearchError",
    "ModelFileError",
    "ReplayError",
    "SandboxError",
]


class MetaSearchError(Exception):
    """Root of all errors that meta-search raises on purpose.

    Attributes:
        exit_status: What the command line returns: 1 the run failed, 2 bad usage or configuration,
            3 stopped by budget or signal before the end.
    """

    exit_status = 1


class ConfigError(MetaSearchError):
    """Bad usage or configuration: an unknown key, a value out of range, a missing key variable."""

    exit_status = 2


class DomainError(ConfigError):
    """A domain that cannot be read or has no items."""


class ArchiveError(ConfigError):
    """A run folder or archive that is none, or was written by a newer version."""


class DamagedError(ArchiveError):
    """An archive that is one, and holds what makes no sense or would compute: damaged, or a stranger's."""

    exit_status = 1


class SandboxError(ConfigError):
    """The sandbox cannot be set up as strictly as `sandbox.level` asks."""


class ModelFileError(MetaSearchError):
    """A model file that cannot be had, or whose hash is wrong."""


class LLMError(MetaSearchError):
    """The endpoint cannot be used at all: wrong key, unreachable, unknown model."""


class EndpointError(LLMError):
    """The endpoint that was named cannot be used: not there, no key, an unknown model, no price."""

    exit_status = 2


class BudgetError(MetaSearchError):
    """The budget does not allow what was asked."""

    exit_status = 3


class ReplayError(MetaSearchError):
    """A call that a replay needs is not in the record."""
