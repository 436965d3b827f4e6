"""The values that cross borders between stages: frozen, picklable, and free of behaviour of any stage.

This package and `meta_search.errors` are the leaves that `archive` and `domains` may import. It imports
the standard library only.
"""

from meta_search.types.agents import (
    LONGEST_NAME,
    Agent,
    Demonstration,
    Parameter,
    Scalar,
    agent_id,
    lines_of,
    normalised_ast,
    parse,
    unique_name,
    unknown,
)
from meta_search.types.briefs import OWN, REPAIR, Attempt, Brief, BriefKind, Candidate
from meta_search.types.calls import CallReply, CallRequest, Purpose, Usage
from meta_search.types.checks import bounded_json
from meta_search.types.evaluations import (
    MOST_LEFT_OUT,
    Evaluation,
    EvaluationRow,
    item_means,
    pareto_front,
    too_many_left_out,
    wilson,
    wilson_by_item,
)
from meta_search.types.items import (
    Importance,
    ItemJob,
    ItemResult,
    behaves_alike,
)
from meta_search.types.names import (
    OUTCOME_KINDS,
    PERTURBED,
    SCORED,
    SEARCHED,
    SPLITS,
    UNSCORED,
    FaultKind,
    MetaName,
    OutcomeKind,
    Split,
)
from meta_search.types.traces import TeamNetwork, TraceCall

__all__ = [
    "LONGEST_NAME",
    "MOST_LEFT_OUT",
    "OUTCOME_KINDS",
    "PERTURBED",
    "OWN",
    "REPAIR",
    "SCORED",
    "SEARCHED",
    "SPLITS",
    "UNSCORED",
    "Agent",
    "Attempt",
    "Brief",
    "BriefKind",
    "CallReply",
    "CallRequest",
    "Candidate",
    "Demonstration",
    "Evaluation",
    "EvaluationRow",
    "FaultKind",
    "Importance",
    "ItemJob",
    "ItemResult",
    "MetaName",
    "OutcomeKind",
    "Parameter",
    "Purpose",
    "Scalar",
    "Split",
    "TeamNetwork",
    "TraceCall",
    "Usage",
    "agent_id",
    "behaves_alike",
    "bounded_json",
    "item_means",
    "lines_of",
    "normalised_ast",
    "pareto_front",
    "too_many_left_out",
    "parse",
    "unique_name",
    "unknown",
    "wilson",
    "wilson_by_item",
]
