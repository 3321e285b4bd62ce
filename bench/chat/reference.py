#!/usr/bin/env python3
"""Renders conversations with chat templates by Python's Jinja2, set up as transformers sets it up: references for our own rendering.

stdin:  {"templates": {NAME: SOURCE}, "conversations": [...], "bos": TEXT, "eos": TEXT, "now": [Y, M, D, h, m, s]}
        a conversation as test/fixtures/conversations.json has them
stdout: {NAME: [{"text": TEXT} or {"refused": WHY}, ...]}, in the order of the conversations

Needs Debian's python3-jinja2. Nothing of ours is used here, on purpose.
"""

import datetime
import json
import sys

import jinja2
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment


def environment(now):
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda form: now.strftime(form)
    return env


def message(entry):
    """As the templates' makers pass it."""
    out = {"role": entry["role"], "content": entry["content"]}
    if entry.get("thinking"):
        out["reasoning_content"] = entry["thinking"]
    if entry.get("toolCalls"):
        out["tool_calls"] = [{"type": "function", "function": dict(call)} for call in entry["toolCalls"]]
    if "name" in entry:
        out["name"] = entry["name"]
    return out


def begun(prompt, entry):
    """What a model that thinks has written so far, behind its prompt."""
    if prompt.rstrip().endswith("<think>"):
        prompt += entry["thinking"]
    elif entry["thinking"]:
        prompt += "<think>\n" + entry["thinking"]
    else:
        return prompt + entry["text"]
    return prompt + ("\n</think>\n\n" + entry["text"] if entry["text"] else "")


def render(template, conversation, bos, eos):
    variables = {
        "messages": [message(entry) for entry in conversation["messages"]],
        "add_generation_prompt": True,
        "enable_thinking": conversation.get("thinking", False),
        "bos_token": bos,
        "eos_token": eos,
    }
    if conversation.get("tools"):
        variables["tools"] = [{"type": "function", "function": tool} for tool in conversation["tools"]]
    try:
        text = template.render(**variables)
    except Exception as error:  # whatever Python raises, the template has refused
        return {"refused": f"{type(error).__name__}: {error}"}
    return {"text": begun(text, conversation["begun"]) if "begun" in conversation else text}


def main():
    # "surrogatepass": what is written is what was read, also where it is no UTF-8.
    request = json.loads(sys.stdin.buffer.read().decode("utf-8", "surrogatepass"))
    env = environment(datetime.datetime(*request["now"]))
    out = {}
    for name, source in request["templates"].items():
        template = env.from_string(source)
        out[name] = [render(template, entry, request["bos"], request["eos"]) for entry in request["conversations"]]
    sys.stdout.buffer.write(json.dumps(out).encode())


if __name__ == "__main__":
    main()
