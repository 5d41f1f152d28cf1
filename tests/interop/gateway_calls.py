"""The half of the comparison that uses the official Python SDK. `gateway_calls.rs` makes the same calls in
the same order and writes JSON in the same format. `run` starts both.

The inputs are in `gateway.json` and in the files that `run` creates.
"""

import hashlib
import json
import os
from contextlib import ExitStack
from pathlib import Path

from portkey_ai import Portkey

INPUTS = json.loads(Path(os.environ["INTEROP_INPUTS"]).read_text())
FILES = Path(os.environ["INTEROP_FILES"])
results = {}


def record(name, result):
    results[name] = result


def to_json(response):
    """Converts a response of the SDK, which is a dictionary or a model, to JSON."""
    if isinstance(response, dict):
        return response
    return json.loads(response.model_dump_json())


def comparable(response):
    """Returns the parts of a complete or collected response that are compared: model, choices and usage."""
    choices = []
    for choice in response.get("choices") or []:
        message = choice.get("message") or {}
        choices.append({
            "index": choice.get("index"),
            "role": message.get("role"),
            "text": choice["text"] if "text" in choice else message.get("content"),
            "tool_calls": [[call.get("type"), call["function"]["name"], call["function"]["arguments"]]
                           for call in message.get("tool_calls") or []],
            "finish_reason": choice.get("finish_reason"),
        })
    return {"model": response.get("model"), "choices": choices, "usage": response.get("usage")}


def record_stream(name, stream):
    """Records the number of events of a stream, and the response that they result in."""
    events, model, usage, choices = 0, None, None, {}
    for event in map(to_json, stream):
        events += 1
        model = event.get("model") or model
        usage = event.get("usage") or usage
        for chunk in event.get("choices") or []:
            add(choices.setdefault(chunk["index"], {"index": chunk["index"]}), chunk)
    for choice in choices.values():
        calls = choice.get("message", {}).get("tool_calls")
        if calls:
            choice["message"]["tool_calls"] = [calls[index] for index in sorted(calls)]
    response = {"model": model, "usage": usage, "choices": [choices[index] for index in sorted(choices)]}
    record(name, {**comparable(response), "events": events})


def add(choice, chunk):
    """Adds a chunk of a stream to its choice."""
    choice["finish_reason"] = chunk.get("finish_reason") or choice.get("finish_reason")
    if chunk.get("text") is not None:
        choice["text"] = choice.get("text", "") + chunk["text"]
    delta = chunk.get("delta")
    if delta is None:
        return
    message = choice.setdefault("message", {"role": None, "content": None, "tool_calls": {}})
    message["role"] = delta.get("role") or message["role"]
    if delta.get("content") is not None:
        message["content"] = (message["content"] or "") + delta["content"]
    for part in delta.get("tool_calls") or []:
        call = message["tool_calls"].setdefault(
            part["index"], {"type": None, "function": {"name": "", "arguments": ""}})
        call["type"] = part.get("type") or call["type"]
        for field in ["name", "arguments"]:
            call["function"][field] += (part.get("function") or {}).get(field) or ""


def chats(client):
    create = client.chat.completions.create
    for name in ["chat", "tools"]:
        record(name, comparable(to_json(create(**INPUTS[name]))))
        record_stream(f"{name}, streamed", create(**INPUTS[name], stream=True))
    record_stream("two choices, streamed", create(**INPUTS["chat"], n=2, stream=True))


def completions(client):
    record("completion", comparable(to_json(client.completions.create(**INPUTS["completion"]))))
    record_stream("completion, streamed", client.completions.create(**INPUTS["completion"], stream=True))


def comparable_response(response):
    """Returns the parts of a response of the Responses API that are compared."""
    parts = [part for item in response["output"] for part in item.get("content") or []]
    return {
        "model": response["model"],
        "status": response["status"],
        "texts": [part.get("text") for part in parts],
        "usage": response.get("usage"),
    }


def responses(client):
    record("response", comparable_response(to_json(client.responses.create(**INPUTS["response"]))))
    kinds, text, last = [], "", None
    for event in map(to_json, client.responses.create(**INPUTS["response"], stream=True)):
        kinds.append(event["type"])
        if event["type"] == "response.output_text.delta":
            text += event["delta"]
        last = event
    record("response, streamed", {**comparable_response(last["response"]), "events": kinds, "deltas": text})


def prompts(client):
    collection = to_json(client.collections.create("interop"))["id"]
    prompt = to_json(client.prompts.create(
        name="greeting", collection_id=collection, string="Hello {{who}}", model="gpt-4o",
        virtual_key="openai-main", parameters={"max_tokens": 10}))["slug"]
    run = client.prompts.completions.create
    parameters = {"prompt_id": prompt, "variables": INPUTS["prompt_variables"]}
    record("prompt", comparable(to_json(run(**parameters))))
    record_stream("prompt, streamed", run(**parameters, stream=True))


def bug(number, is_there):
    """Asserts that a bug of the SDK still exists; README.md lists it under this number."""
    if not is_there:
        raise AssertionError(f"bug {number} of the SDK is fixed: update README.md and this file")


def embeddings(client):
    by_default = to_json(client.embeddings.create(**INPUTS["embedding"]))
    bug("P7", isinstance(by_default["data"][0]["embedding"], str))
    # By default, the SDK requests Base64 and does not decode it (P7).
    record("embedding", to_json(client.embeddings.create(**INPUTS["embedding"], encoding_format="float")))


def body_summary(response):
    """Reads a binary response; returns its content type, size and checksum."""
    content = response.read()
    return {
        "content_type": response.response.headers["content-type"],
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def files(client, opened):
    sources = {
        "file": opened("large.json"),
        "typed file": ('größe "x".txt', "größe\n".encode(), "text/plain"),
        "empty file": ("empty.json", b""),
    }
    for name, file in sources.items():
        created = to_json(client.files.create(file=file, purpose="batch"))
        record(f"{name}, uploaded", created)
        record(f"{name}, read", to_json(client.files.retrieve(created["id"])))
        record(f"{name}, content", body_summary(client.files.content(created["id"])))
        record(f"{name}, deleted", to_json(client.files.delete(created["id"])))


def images(client, opened):
    record("image edit", to_json(client.images.edit(
        image=opened("image.png"), mask=opened("mask.png"), prompt="make it größer", n=2,
        size="256x256", response_format="b64_json")))
    record("image variation", to_json(client.images.create_variation(
        image=opened("image.png"), n=1, response_format="b64_json")))


def audio(client, opened):
    for name, file in [("mp3", "speech.mp3")]:
        record(f"transcription of {name}", to_json(client.audio.transcriptions.create(
            file=opened(file), model="whisper-1", language="de", temperature=0.5)))
    record("translation", to_json(client.audio.translations.create(
        file=opened("speech.mp3"), model="whisper-1", prompt="größe")))
    record("speech", body_summary(client.audio.speech.create(**INPUTS["speech"])))


def main():
    # The files are not real recordings, so measuring their duration is switched off (README.md).
    client = Portkey(
        api_key=os.environ["INTEROP_WORKSPACE_KEY"], base_url=os.environ["INTEROP_BASE_URL"],
        provider="@openai-main", calculate_audio_duration=False)
    with ExitStack() as stack:
        def opened(name):
            return stack.enter_context(open(FILES / name, "rb"))
        for part in [chats, completions, responses, prompts, embeddings]:
            part(client)
        for part in [files, images, audio]:
            part(client, opened)
    Path(os.environ["INTEROP_RESULTS"]).write_text(json.dumps(results))


main()
