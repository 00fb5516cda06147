"""Makes the calls that come on standard input, one a line, with the `openai` package of PyPI.

Says in one line of JSON what came of each: the answer, the events of a stream, and the
error, if there was one.
"""

import json
import sys

import openai
from openai.types import ImagesResponse


def image(form, path):
    with open(path, "rb") as file:
        contents = file.read()
    match form:
        case "bytes":
            return contents
        case "file":
            return open(path, "rb")
        case "tuple":
            return ("a.png", contents, "image/png")
        case "list":
            return [("a.png", contents, "image/png")]


def begun(client, call):
    if call["call"] == "models":
        return client.models.list()
    if call["call"] == "post":
        path, body = call["path"], call["body"]
        return client.post(path, body=body, cast_to=ImagesResponse)
    fields = dict(call["fields"])
    if "mask" in call:
        fields["mask"] = image("tuple", call["mask"])
    headers = {
        name: openai.Omit() if value is None else value
        for name, value in call.get("headers", {}).items()
    }
    return client.images.edit(
        image=image(call["form"], call["image"]),
        **fields,
        # What the package does not know.
        extra_body=call.get("more"),
        extra_headers=headers,
    )


def told(error):
    status = getattr(error, "status_code", None)
    return {
        "class": type(error).__name__,
        "status": status,
        "param": error.param,
        "code": error.code,
        "message": error.message,
    }


def made(call):
    client = openai.OpenAI(
        base_url=call["base_url"],
        api_key=call["key"],
        max_retries=call["retries"],
        timeout=60,
    )
    events = []
    try:
        answer = begun(client, call)
        if isinstance(answer, openai.Stream):
            for event in answer:
                events.append(event.model_dump())
            return {"events": events}
        return {"answer": json.loads(answer.to_json())}
    except openai.APIError as error:
        return {"events": events, "error": told(error)}


for line in sys.stdin:
    print(json.dumps(made(json.loads(line))), flush=True)
