"""Real parts to test with: a scripted LLM, and an OpenAI-compatible endpoint that counts and fails on demand.

Both are shipped, so that users can try their domains and agents without a model:

    with CountingEndpoint(lambda messages, body: "42", latency_s=0.2) as endpoint:
        ...  # llm.base_url=endpoint.base_url
    assert endpoint.calls == 8
"""

from meta_search.testing.endpoint import CountingEndpoint
from meta_search.testing.endpoint_values import EndpointFeatures, EndpointRequest, Fault, ToolReply
from meta_search.testing.scripted import ScriptedLLM, count_tokens

__all__ = [
    "CountingEndpoint",
    "EndpointFeatures",
    "EndpointRequest",
    "Fault",
    "ScriptedLLM",
    "ToolReply",
    "count_tokens",
]
