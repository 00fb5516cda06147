"""What a client's ``refine`` makes of answers that are not the service's own."""

import time

import httpx
from concept_refinement import AsyncClient, RefinementError, ServiceUnreachableError


async def outcomes(kind, stub, error_of):
    """For each case its name, its path, and what became of the refinement."""
    outcomes = []
    for case in stub["cases"]:
        client = asked_by(kind, stubbed(stub, case))
        error = await error_of(lambda: client.refine(b"an image", "lighter"))
        told = [type(error).__name__, str(error), bool(error.upload)] if error else [None, None, True]
        outcomes.append([case["name"], case["path"], told])
    return outcomes


async def unsent(kind, error_of):
    """What cannot stand in a header is refused before anything is sent, and not shown."""

    def answer(request):
        raise AssertionError(f"{request} was sent")

    for odd in ["a\nb", "key\n", "kéy"]:
        for token, key in [(odd, None), (lambda: odd, None), ("t", odd)]:
            client = asked_by(kind, answer, token=token)
            error = await error_of(lambda: client.refine(b"an image", "lighter", idempotency_key=key))
            assert type(error) is ValueError and odd not in str(error), error


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


async def untouched(kind, error_of):
    """A page in place of an answer deletes nothing."""

    def answer(request):
        return httpx.Response(200, html="<!doctype html>")

    error = await error_of(lambda: asked_by(kind, answer).delete_task("t"))
    assert type(error) is RefinementError, error


async def goes_on(kind, error_of):
    """A stream that is silent is asked for again, and one that only ends is not."""
    whole = 'retry: 10\nevent: task\ndata: {"status":"completed"}\n\n'
    for bodies, expected in [([Silence(), whole.encode()], type(None)), ([b""], ServiceUnreachableError)]:

        def answer(request):
            body = bodies.pop(0)
            of = {"stream": body} if isinstance(body, Silence) else {"content": body}
            return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, **of)

        events = asked_by(kind, answer, patience=0).watch("t")
        following = getattr(events, "__anext__", None) or events.__next__
        error = await error_of(following)
        assert type(error) is expected, error


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


def asked_by(kind, answer, **options):
    """A client of a service that answers so."""
    http = httpx.AsyncClient if kind is AsyncClient else httpx.Client
    options["http_client"] = http(transport=httpx.MockTransport(answer))
    return kind("http://service.test", **{"token": "t", **options})


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
