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
from meta_search.types.evaluations import (
    Evaluation,
    EvaluationRow,
    item_means,
    pareto_front,
    wilson,
    wilson_by_item,
)
from meta_search.types.items import (
    Importance,
    ItemJob,
    ItemResult,
    TeamNetwork,
    TraceCall,
    behaves_alike,
)
from meta_search.types.names import OUTCOME_KINDS, SCORED, SEARCHED, SPLITS, FaultKind, MetaName, OutcomeKind, Split

__all__ = [
    "LONGEST_NAME",
    "OUTCOME_KINDS",
    "OWN",
    "REPAIR",
    "SCORED",
    "SEARCHED",
    "SPLITS",
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
    "item_means",
    "lines_of",
    "normalised_ast",
    "pareto_front",
    "parse",
    "unique_name",
    "unknown",
    "wilson",
    "wilson_by_item",
]
