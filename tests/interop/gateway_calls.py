"""The official Python SDK's half of the comparison with our client; `gateway_calls.rs` is the other
half, makes the same calls in the same order and writes the same kind of JSON. `run` starts both.

What is sent stands in `gateway.json` and in the files that `run` makes.
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


def note(name, result):
    results[name] = result


def plain(answer):
    """An answer of the SDK, whichever of its kinds of model it is, as JSON."""
    if isinstance(answer, dict):
        return answer
    return json.loads(answer.model_dump_json())


def essence(answer):
    """What an answer says, in whole or put together: choices and usage."""
    choices = []
    for choice in answer.get("choices") or []:
        message = choice.get("message") or {}
        choices.append({
            "index": choice.get("index"),
            "role": message.get("role"),
            "text": choice["text"] if "text" in choice else message.get("content"),
            "tool_calls": [[call.get("type"), call["function"]["name"], call["function"]["arguments"]]
                           for call in message.get("tool_calls") or []],
            "finish_reason": choice.get("finish_reason"),
        })
    return {"model": answer.get("model"), "choices": choices, "usage": answer.get("usage")}


def note_stream(name, stream):
    """What a stream gave: how many events, and the answer that they add up to."""
    events, model, usage, choices = 0, None, None, {}
    for event in map(plain, stream):
        events += 1
        model = event.get("model") or model
        usage = event.get("usage") or usage
        for piece in event.get("choices") or []:
            add(choices.setdefault(piece["index"], {"index": piece["index"]}), piece)
    for choice in choices.values():
        calls = choice.get("message", {}).get("tool_calls")
        if calls:
            choice["message"]["tool_calls"] = [calls[index] for index in sorted(calls)]
    answer = {"model": model, "usage": usage, "choices": [choices[index] for index in sorted(choices)]}
    note(name, {**essence(answer), "events": events})


def add(choice, piece):
    """Adds a piece of a stream to the choice that it is of."""
    choice["finish_reason"] = piece.get("finish_reason") or choice.get("finish_reason")
    if piece.get("text") is not None:
        choice["text"] = choice.get("text", "") + piece["text"]
    delta = piece.get("delta")
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
        for member in ["name", "arguments"]:
            call["function"][member] += (part.get("function") or {}).get(member) or ""


def chats(client):
    create = client.chat.completions.create
    for name in ["chat", "tools"]:
        note(name, essence(plain(create(**INPUTS[name]))))
        note_stream(f"{name}, streamed", create(**INPUTS[name], stream=True))
    note_stream("two choices, streamed", create(**INPUTS["chat"], n=2, stream=True))


def completions(client):
    note("completion", essence(plain(client.completions.create(**INPUTS["completion"]))))
    note_stream("completion, streamed", client.completions.create(**INPUTS["completion"], stream=True))


def response(answer):
    """What a response says."""
    parts = [part for item in answer["output"] for part in item.get("content") or []]
    return {
        "model": answer["model"],
        "status": answer["status"],
        "texts": [part.get("text") for part in parts],
        "usage": answer.get("usage"),
    }


def responses(client):
    note("response", response(plain(client.responses.create(**INPUTS["response"]))))
    kinds, text, last = [], "", None
    for event in map(plain, client.responses.create(**INPUTS["response"], stream=True)):
        kinds.append(event["type"])
        if event["type"] == "response.output_text.delta":
            text += event["delta"]
        last = event
    note("response, streamed", {**response(last["response"]), "events": kinds, "deltas": text})


def prompts(client):
    collection = plain(client.collections.create("interop"))["id"]
    prompt = plain(client.prompts.create(
        name="greeting", collection_id=collection, string="Hello {{who}}", model="gpt-4o",
        virtual_key="some-key", parameters={"max_tokens": 10}))["slug"]
    run = client.prompts.completions.create
    asked = {"prompt_id": prompt, "variables": INPUTS["prompt_variables"]}
    note("prompt", essence(plain(run(**asked))))
    note_stream("prompt, streamed", run(**asked, stream=True))


def bug(number, is_there):
    """Insists on a bug of the SDK; README.md has it under this number."""
    if not is_there:
        raise AssertionError(f"bug {number} of the SDK is gone: correct README.md and this file")


def embeddings(client):
    usual = plain(client.embeddings.create(**INPUTS["embedding"]))
    bug("P7", isinstance(usual["data"][0]["embedding"], str))
    # Unless told otherwise the SDK asks for Base64 and leaves it undecoded (P7).
    note("embedding", plain(client.embeddings.create(**INPUTS["embedding"], encoding_format="float")))


def received(answer):
    """What was received as bytes."""
    content = answer.read()
    return {
        "content_type": answer.response.headers["content-type"],
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
        made = plain(client.files.create(file=file, purpose="batch"))
        note(f"{name}, uploaded", made)
        note(f"{name}, read", plain(client.files.retrieve(made["id"])))
        note(f"{name}, content", received(client.files.content(made["id"])))
        note(f"{name}, deleted", plain(client.files.delete(made["id"])))


def images(client, opened):
    note("image edit", plain(client.images.edit(
        image=opened("image.png"), mask=opened("mask.png"), prompt="make it größer", n=2,
        size="256x256", response_format="b64_json")))
    note("image variation", plain(client.images.create_variation(
        image=opened("image.png"), n=1, response_format="b64_json")))


def audio(client, opened):
    for name, file in [("mp3", "speech.mp3")]:
        note(f"transcription of {name}", plain(client.audio.transcriptions.create(
            file=opened(file), model="whisper-1", language="de", temperature=0.5)))
    note("translation", plain(client.audio.translations.create(
        file=opened("speech.mp3"), model="whisper-1", prompt="größe")))
    note("speech", received(client.audio.speech.create(**INPUTS["speech"])))


def main():
    # Its measuring of recordings is switched off (README.md): these are none.
    client = Portkey(
        api_key=os.environ["INTEROP_WORKSPACE_KEY"], base_url=os.environ["INTEROP_BASE_URL"],
        calculate_audio_duration=False)
    with ExitStack() as stack:
        def opened(name):
            return stack.enter_context(open(FILES / name, "rb"))
        for part in [chats, completions, responses, prompts, embeddings]:
            part(client)
        for part in [files, images, audio]:
            part(client, opened)
    Path(os.environ["INTEROP_RESULTS"]).write_text(json.dumps(results))


main()
