"""What a client's ``refine`` makes of answers that are not the service's own."""

import itertools
import math
import sys
import time
from unittest import mock

import httpx
from concept_refinement import AsyncClient, RefinementError, ServiceUnreachableError, TaskDeleted


async def outcomes(kind, stub, error_of):
    """For each case its name, its path, and what became of the refinement."""
    outcomes = []
    for case in stub["cases"]:
        client = asked_by(kind, stubbed(stub, case))
        error = await error_of(lambda: client.refine(b"an image", "lighter"))
        told = [type(error).__name__, str(error), bool(error.upload)] if error else [None, None, True]
        outcomes.append([case["name"], case["path"], told, bool(error) and error.task_id == "t"])
    return outcomes


async def unsent(kind, error_of):
    """What is empty or cannot stand in a header is refused before anything is sent, and not shown.
    Nor is anything sent if there is an argument that JSON has no form for."""

    def answer(request):
        raise AssertionError(f"{request} was sent")

    for odd in ["a\nb", "key\n", "kéy", ""]:
        for token, key in [(odd, None), (lambda: odd, None), ("t", odd)]:

            def refine():
                client = asked_by(kind, answer, token=token)
                return client.refine(b"an image", "lighter", idempotency_key=key)

            error = await error_of(refine)
            assert type(error) is ValueError, [odd, error]
            assert "empty" in str(error) if not odd else odd not in str(error), error
    for prompt, odd, expected in [
        ("lighter", {"strength": math.nan}, ValueError),
        ("lighter", {"region": {"x": math.inf}}, ValueError),
        ("lighter", {"region": {1}}, TypeError),
        ("\ud800", {}, UnicodeEncodeError),
    ]:
        error = await error_of(lambda: asked_by(kind, answer).refine(b"an image", prompt, **odd))
        assert type(error) is expected, error


async def discards(kind, error_of):
    """What was uploaded is deleted if there is no token before the submission, and kept after."""
    uploaded, deleted = "POST /api/images", "DELETE /api/images/u"
    for mask, without, expected in [
        (None, 2, [uploaded, deleted]),
        (b"a mask", 2, [uploaded, deleted]),
        (b"a mask", 3, [uploaded, uploaded, deleted, deleted]),
        (None, 3, [uploaded, "POST /api/concepts/refine"]),
    ]:
        asked = []
        calls = itertools.count(1)

        def token():
            if next(calls) == without:
                raise LookupError("there is none")
            return "t"

        def answer(request):
            asked.append(f"{request.method} {request.url.path}")
            if request.method == "DELETE":
                return httpx.Response(204)
            is_upload = asked[-1] == uploaded
            return httpx.Response(201 if is_upload else 502, json={"image_url": "http://service.test/u", "path": "u"})

        async def async_token():
            return token()

        client = asked_by(kind, answer, token=async_token if kind is AsyncClient else token)
        error = await error_of(lambda: client.refine(b"an image", "lighter", mask=mask))
        assert type(error) is LookupError and asked == expected, [asked, error]


async def is_slow(kind, error_of):
    """An image has more time to be sent the larger it is."""
    times = []

    def answer(request):
        times.append(request.extensions["timeout"]["write"])
        return httpx.Response(404)

    client = asked_by(kind, answer)
    for send in (client.upload, client.verify):
        await error_of(lambda: send(bytes(1 << 20)))
    assert times == [94, 94], times


async def images(kind, error_of):
    """The service's own come from where it is, with credentials, and others without any."""
    path = "/api/images/refined/o/a.png"
    for base, url, expected in [
        ("http://service.test", f"http://service.test{path}", f"http://service.test{path}"),
        ("http://service.test", f"https://public.test{path}?s=/?", f"http://service.test{path}?s=/?"),
        ("http://service.test", f"https://public.test/below{path}#b", f"http://service.test{path}"),
        ("http://service.test", f"https://public.test{path}{path}", f"http://service.test{path}"),
        ("http://service.test/below/", f"http://public.test{path}", f"http://service.test/below{path}"),
        ("http://service.test", "http://service.test/b", None),
        ("http://service.test", f"https://bucket.test/a?b={path}", None),
        ("http://service.test", "https://bucket.test/api/images/", None),
        ("http://service.test", "https://bucket.test/api/images/a.png", None),
        ("http://service.test/below", "https://b.test/api/images/refined/../../../a/b.png", None),
        ("http://service.test/below", "https://b.test/api/images/refined/%2e%2e/a.png", None),
    ]:
        asked = []

        def answer(request):
            asked.extend([str(request.url), request.headers.get("Authorization")])
            return httpx.Response(200, headers={"Content-Type": "image/png"}, content=b"an image")

        error = await error_of(lambda: asked_by(kind, answer, base=base).image({"image_url": url}))
        expected = [expected, "Bearer t"] if expected else [str(httpx.URL(url)), None]
        assert asked == expected, [url, asked, error]


async def untouched(kind, error_of):
    """A page in place of an answer deletes nothing."""

    def answer(request):
        return httpx.Response(200, html="<!doctype html>")

    error = await error_of(lambda: asked_by(kind, answer).delete_task("t"))
    assert type(error) is RefinementError, error


async def is_read(kind, error_of):
    """An answer that is not the service's ends in an error of this package."""
    for name, call, body in [
        ("nested", "quota", b"[" * 200_000),
        ("no token", "quota", b'{"token_type":"Bearer"}'),
        ("an empty token", "quota", b'{"access_token":""}'),
        ("no string", "webhook_secret", b'{"secret":null}'),
    ]:

        def answer(request):
            is_known = call != "quota" or "Authorization" in request.headers
            status = 200 if is_known or request.url.path.endswith("/session") else 401
            return httpx.Response(status, content=body)

        error = await error_of(lambda: getattr(asked_by(kind, answer, token=None), call)())
        assert type(error) is RefinementError, [name, error]

    for position in ["abc", "²", "9" * 5_000]:

        def answer(request):
            headers = {"X-Queue-Position": position.encode()}
            return httpx.Response(200, headers=headers, json={"task_id": "t"})

        told = []

        async def ask():
            task = asked_by(kind, answer).task("t")
            told.append(await task if kind is AsyncClient else task)

        error = await error_of(ask)
        assert not error and told[0]["queue_position"] is None, [position, error, told]


async def stores_few(kind, error_of):
    """An upload is sent again only twice unless it was surely not stored, and not before the service
    answers again."""
    up, down = "/api/images", "/api/quota"
    for name, answers, expected, asked_for in [
        ("lost", [504, 200, 504, 200, 504], 504, [up, down, up, down, up]),
        ("cut", [None, None, 200, None, 200, 201], None, [up, down, down, up, down, up]),
        ("overloaded", [503, 200] * 3 + [201], None, [up, down] * 3 + [up]),
    ]:
        asked = []

        def answer(request):
            asked.append(request.url.path)
            status = answers.pop(0)
            if not status:
                raise httpx.ReadError("cut")
            return httpx.Response(status, json={"image_url": "http://service.test/u", "path": "u"})

        error = await error_of(lambda: asked_by(kind, answer).upload(b"an image"))
        assert getattr(error, "status", error) == expected and asked == asked_for, [name, error, asked]


async def ends_once(kind, error_of):
    """A deletion and a cancellation are sent again while the service is away. That nothing is left to
    do is a success then, and a refusal at the first try."""
    absent, done = (404, {"error_code": "NOT_FOUND"}), (204, None)
    failed, completed = (
        (409, {"task_id": "t", "message": "m", "status": status}) for status in ("failed", "completed")
    )
    for name, call, answers, expected in [
        ("deleted", "delete_task", [(503, {}), done], None),
        ("deleted before", "delete_task", [(504, {}), absent], None),
        ("unreachable", "delete_upload", [None, absent], None),
        ("erased", "delete_me", [None, (502, {}), done], None),
        ("absent", "delete_concept", [absent], 404),
        ("not routed", "delete_concept", [(502, {}), (404, {})], 404),
        ("cancelled", "cancel_task", [(503, {}), (200, {"task_id": "t"})], None),
        ("cancelled before", "cancel_task", [None, failed], None),
        ("completed", "cancel_task", [None, completed], 409),
        ("failed", "cancel_task", [failed], 409),
        ("redelivered", "redeliver_webhook", [(503, {})], 503),
    ]:

        def answer(request):
            given = answers.pop(0)
            if not given:
                raise httpx.ReadError("cut")
            status, body = given
            return httpx.Response(status, json=body)

        client = asked_by(kind, answer)
        error = await error_of(lambda: getattr(client, call)(*["t"] * (call != "delete_me")))
        assert getattr(error, "status", error) == expected and not answers, [name, error, answers]


async def goes_on(kind, error_of):
    """A stream that breaks off is asked for again. Where none comes, the task is asked for."""
    begun, whole = (
        f'retry: 10\nevent: task\ndata: {{"status":"{status}"}}\n\n'.encode() for status in ("pending", "completed")
    )
    cut = begun[:-3]
    for name, streams, tasks, expected in [
        ("broken off", [begun, whole], [], ["pending", "completed"]),
        ("silent once", [Silence(), whole], ["pending"], ["pending", "completed"]),
        ("silent", [Silence(), Silence()], ["pending", "completed"], ["pending", "completed"]),
        ("empty", [b"", b""], ["pending", "completed"], ["pending", "completed"]),
        ("cut", [cut, cut, 404], ["pending", "completed"], ["pending", "completed"]),
        ("refused", [502, 504], ["processing", "failed"], ["processing", "failed"]),
        ("unchanged", [begun, b"", b""], ["pending", "failed"], ["pending", "failed"]),
        ("deleted", [b"", b""], ["pending", 404], ["pending", "deleted"]),
        ("unknown", [b""], [404], ["ApiError"]),
        ("no task", [b""], [None], ["RefinementError"]),
        ("away", [b"", b""], ["pending"], ["pending", "ServiceUnreachableError"]),
    ]:

        def answer(request):
            given = streams if request.url.path.endswith("/events") else tasks
            if not given:
                raise httpx.ConnectError("refused")
            one = given.pop(0)
            if isinstance(one, int):
                body = {"error_code": "NOT_FOUND"} if one == 404 else {}
                return httpx.Response(one, headers={"Retry-After": "3600"}, json=body)
            if given is tasks:
                task = {"task_id": "t", "status": one} if one else {"message": "log in"}
                return httpx.Response(200, json=task)
            of = {"stream": one} if isinstance(one, Silence) else {"content": one}
            return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, **of)

        told = []
        events = asked_by(kind, answer, patience=0).watch("t")

        async def follow():
            async for event in events if kind is AsyncClient else each(events):
                told.append("deleted" if isinstance(event, TaskDeleted) else event.task["status"])

        if error := await error_of(follow):
            told.append(type(error).__name__)
        assert told == expected, [name, told, error]


async def each(events):
    for event in events:
        yield event


async def asks_itself(kind, error_of):
    """A stream that says for too long nothing but that it is there is left."""
    asked = []

    def answer(request):
        asked.append(request.url.path)
        if not asked[-1].endswith("/events"):
            return httpx.Response(200, json={"task_id": "t", "status": "pending" if len(asked) < 4 else "completed"})
        return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, stream=Comments())

    async def follow():
        events = asked_by(kind, answer).watch("t")
        return [event.task["status"] async for event in (events if kind is AsyncClient else each(events))]

    module = sys.modules[f"concept_refinement.{'_async' if kind is AsyncClient else ''}_transport"]
    with mock.patch.object(module, "SILENCE", 0):
        assert await follow() == ["pending", "completed"]
    assert asked == ["/api/tasks/t/events", "/api/tasks/t"] * 2, asked


class Comments(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The body of an answer of which no event comes."""

    def __iter__(self):
        yield b": keep\n\n"
        raise AssertionError("it was read on")

    async def __aiter__(self):
        for comment in self:
            yield comment


class Silence(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The body of an answer of which nothing comes."""

    def __iter__(self):
        raise httpx.ReadTimeout("nothing came")

    def __aiter__(self):
        raise httpx.ReadTimeout("nothing came")


async def is_patient(kind, error_of):
    """How long an answer takes that the service is away does not count."""
    seconds = [0.6]

    def answer(request):
        if not seconds:
            return httpx.Response(404)
        time.sleep(seconds.pop())
        return httpx.Response(503)

    error = await error_of(lambda: asked_by(kind, answer, patience=0.5).quota())
    assert error.status == 404, error


def asked_by(kind, answer, base="http://service.test", **options):
    """A client of a service that answers so."""
    http = httpx.AsyncClient if kind is AsyncClient else httpx.Client
    options["http_client"] = http(transport=httpx.MockTransport(answer))
    return kind(base, **{"token": "t", **options})


def stubbed(stub, case):
    """Gives the case's answers before the service's own."""
    left = list(case["answers"])

    def answer(request):
        path = request.url.path
        own = stub["own"].get(path, {"status": 204, "headers": {}, "body": ""})
        if request.headers.get("Last-Event-ID") == stub["last"]:
            own = {"status": 204, "headers": {}, "body": ""}
        given = left.pop(0) if left and path == case["path"] else own
        return httpx.Response(given["status"], headers=given["headers"], content=given["body"].encode())

    return answer
