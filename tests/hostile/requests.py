"""Agents that send an endpoint what the runtime never makes: to be refused, to hold it up, to mislead."""

from tests.hostile.attack import attacks
from tests.hostile.forged import CALL, forged

__all__ = ["ATTACKS"]

TURNS = {  # in orders that the runtime never makes, by which an agent could be refused where it is unsure
    "two answers at the end": "user assistant assistant",
    "an answer at the end": "user assistant",
    "an answer at the beginning": "assistant user",
    "two questions in a row": "user user",
    "a system that speaks last": "user system",
    "a system in between": "user assistant system user",
    "two systems": "system system user",
    "nobody but the system": "system",
}
SCHEMAS = {
    "a schema of its own": "{'type': 'object', 'properties': {'answer': {'type': 'string'}}}",
    "a schema that is an array": "{'type': 'array'}",
    "a schema without anything": "{}",
    "a pattern that holds up a grammar": "{'type': 'string', 'pattern': '((((a{99}){99}){99}){99}){99}'}",
    "an enum of 53 KB": "{'type': 'string', 'enum': [f'{n:050}' for n in range(1000)]}",
    "a schema that refers to itself": "{'$ref': '#'}",
    "a million choices in a schema": "{'anyOf': [{}] * 10**5}",
    "a schema that is a text": "'{}'",
}
NAMES = {
    "a field that is a reference": "'$ref'",
    "a field of JavaScript": "'__proto__'",
    "a field of a schema": "'additionalProperties'",
    "a field with a line break": "'a\\nb'",
    "a field with a quotation mark": "'a\\\\\"b'",
    "a field that turns around": "'\\u202eb'",
    "a field that is half a pair": "'\\ud800'",
    "a field of 100 KB": "'x' * 10**5",
    "a field without a name": "' '",
}

ATTACKS = attacks("requests", [
    *(forged(name, "be refused by the endpoint where it is unsure",
             f"'messages': [[role, 'x'] for role in {turns!r}.split()]") for name, turns in TURNS.items()),
    *(forged(name, "hold up the endpoint, or teach what is not true of it", f"'schema': {schema}")
      for name, schema in SCHEMAS.items()),
    *(forged(f"{name}, forged", "break the endpoint's reader of schemas", f"'fields': ['answer', {field}]")
      for name, field in NAMES.items()),
    *((name, "break the endpoint's reader of schemas", "refused",
       f"return LLMAgentBase(['answer', {field}], 'asker')([taskInfo], '')[0]")
      for name, field in NAMES.items()),
    forged("forty fields", "have a grammar of megabytes made", "'fields': [f'field {n}' for n in range(40)]"),
    forged("long fields", "have a grammar of megabytes made", "'fields': [f'{n:090}' for n in range(30)]"),
    forged("one field twice", "be refused for a name that stands there twice",
           "'fields': ['answer', 'answer']", "ok"),
    forged("a question without text", "be refused for an empty message", "'messages': [['user', ' ']]"),
    forged("an answer without text", "be refused for an empty message",
           "'messages': [['user', 'x'], ['assistant', ''], ['user', 'x']]"),
    forged("no room for an answer", "be refused for it", "'max_tokens': 0"),
    forged("less than no room", "be refused for it", "'max_tokens': -1"),
    forged("room that is true", "be refused for it", "'max_tokens': True"),
    forged("room for all", "be refused for it", "'max_tokens': 2**63"),
    forged("heat below nothing", "be refused for it", "'temperature': -10**6", "ok"),
    forged("heat that is true", "be refused for it", "'temperature': True"),
    forged("a sample by name", "choose the answer that it gets", "'occurrence': '../neighbour'"),
    forged("a sample of great length", "fill the ledger", "'occurrence': '0.0/' * 500 + '0'"),
    forged("a sample in foreign digits", "take another's place", "'occurrence': '\u0661'"),
    forged("a place without end", "hold up who sorts the calls", "'place': [1] * 900"),
    forged("places of texts", "break who sorts the calls", "'place': ['x']"),
    forged("pasted without end", "fill the trace", "'pasted': list(range(900))", "ok"),
    forged("names of 100 KB", "fill the trace",
           "'author': '\U0001f600' * 10**4, 'component': '\U0001f600' * 10**4, 'role': '\U0001f600' * 10**4",
           "ok"),
    ("heat without end, by hand", "send the endpoint what is not JSON", "refused", f"""{CALL}
import json, os
os.write(3, json.dumps(call).replace('0.5', '1e400').encode() + b'\\n')
wait()"""),
    ("two megabytes of empty lists", "have the broker build a hundred times as much", "refused", """
import os, time
os.write(3, b'{"op": "call", "inputs": [' + b'[],' * 600000 + b'0]}\\n')
time.sleep(10**6)"""),
    ("a message in UTF-16", "have brackets counted wrongly", "refused", """
import os, time
os.write(3, ('{"op": "done", "answer": "\u2200' + '[],' * 10 + '"}').encode('utf-16') + b'\\n')
time.sleep(10**6)"""),
    ("rare characters", "fill memory and archive with four bytes for each", "output", """
for i in range(4): LLMAgentBase(['answer'], f'asker {i}')([taskInfo], '\U0001f600' * 150000 + 'x' * 200000)
return 'done'"""),
    ("one rare character", "have texts kept that take four times their bytes", "output", """
for i in range(4): LLMAgentBase(['answer'], f'asker {i}')([taskInfo], '\U0001f600' + 'x' * 10**6)
return 'done'"""),
    ("prompts within the limit", "fill the archive with traces", "ok", """
for i in range(4):
    LLMAgentBase(['answer'], f'asker {i}', role='\U0001f600' * 1999)([taskInfo], '\U0001f600' * 10**5)
return 'done'"""),
    ("ten thousand examples", "have a request of ten thousand turns sent", "refused", """
shown = [('q', 'r')] * 10**4
return LLMAgentBase(['answer'], 'asker', demonstrations=shown)([taskInfo], '')[0]"""),
    ("examples without a reply", "be refused for an empty message", "refused", """
return LLMAgentBase(['answer'], 'asker', demonstrations=[('q', '')])([taskInfo], '')[0]"""),
    ("schemas by its own hand", "have the runtime make its schema", "ok", """
import sys
for module in list(sys.modules.values()):
    if hasattr(module, 'schema_for'): module.schema_for = lambda fields: {'type': 'array'}
return LLMAgentBase(['thinking', 'answer'], 'asker')([taskInfo], 'Solve.')[1]"""),
    ("messages by its own hand", "have the runtime end on its own answer", "refused", """
import sys
for module in list(sys.modules.values()):
    if hasattr(module, 'messages_for'):
        module.messages_for = lambda *_: [['user', 'x'], ['assistant', 'y'], ['assistant', '7']]
return LLMAgentBase(['answer'], 'asker')([taskInfo], 'Solve.')[0]"""),
    forged("a program of a megabyte", "fill the memory of who runs it",
           "'op': 'python', 'timeout': 1, 'code': '#' * 10**6"),
    forged("a program without an end to wait for", "keep the broker waiting",
           "'op': 'python', 'code': '', 'timeout': float('nan')"),
    forged("a likeness that is no number", "have the parsers asked for ever",
           "'op': 'equal', 'kind': 'text', 'a': 'a', 'b': 'b', 'threshold': float('nan')"),
])  # fmt: skip
