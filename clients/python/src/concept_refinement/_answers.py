"""Reading what the service answers."""

from __future__ import annotations

import codecs
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeGuard, TypeVar

import httpx

from ._errors import ApiError, ConflictError, RefinementError, ServiceUnreachableError
from ._schemas import (
    ConceptResponse,
    SessionResponse,
    StageName,
    TaskResponse,
    UploadResponse,
    WebhookSecret,
)

Answer = TypeVar("Answer")

NOT_OURS = "The answer is not one of the service."
NO_EVENTS = "These are not events of the service."

#: What this client itself reads of an answer: words, which are never empty.
READ: dict[type, tuple[str, ...]] = {
    ConceptResponse: ("image_url",),
    SessionResponse: ("access_token",),
    TaskResponse: ("task_id",),
    UploadResponse: ("image_url", "path"),
    WebhookSecret: ("secret",),
}

#: A line of the service's is far shorter, in characters.
MAX_LINE = 1 << 20


class CurrentTask(TaskResponse):
    """A task as it is now."""

    #: Where it is in the queue while it is pending: 1 is claimed next. It may be 2 s old.
    #: ``None`` if it is not pending, not among the first 1,000, or the service does not
    #: know it.
    queue_position: int | None


@dataclass(frozen=True)
class TaskChanged:
    """The task as it is now."""

    task: TaskResponse


@dataclass(frozen=True)
class Progress:
    """A stage begins."""

    stage: StageName


@dataclass(frozen=True)
class TaskDeleted:
    """The task is no more."""

    task_id: str


#: What becomes of a task.
TaskEvent = TaskChanged | Progress | TaskDeleted


@dataclass(frozen=True)
class Refined:
    """The result of a refinement."""

    #: The completed task.
    task: TaskResponse
    #: What the service keeps of it.
    concept: ConceptResponse
    #: The refined image.
    image: bytes
    #: For instance ``image/png``.
    media_type: str
    #: The original, if it was uploaded. It stays until it is deleted.
    upload: UploadResponse | None

    @property
    def notes(self) -> list[str]:
        """What the model reported about its work, such as words that it did not
        understand."""
        return self.concept["notes"]


class EventReader:
    """Server-sent events (HTML Living Standard, 9.2), as their bytes arrive."""

    def __init__(self) -> None:
        #: The id of the last event that had one.
        self.last_id = ""
        #: How long to wait before connecting again, in seconds.
        self.pause = 1.0
        self.begin()

    def begin(self) -> None:
        """A stream begins: what was not whole of the one before is dropped."""
        self._id = self.last_id
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._name = ""
        self._data: list[str] = []

    def read(self, chunk: bytes) -> Iterator[TaskEvent]:
        *lines, self._rest = (self._rest + self._decoder.decode(chunk)).split("\n")
        if len(self._rest) > MAX_LINE:
            raise RefinementError(NO_EVENTS)
        for line in lines:
            event = self._read_line(line.removesuffix("\r"))
            if event is not None:
                yield event

    def _read_line(self, line: str) -> TaskEvent | None:
        if not line:
            # Only of a whole event: of one that breaks off the rest is still to come.
            self.last_id = self._id
            name, data = self._name, "\n".join(self._data)
            self._name, self._data = "", []
            return _event(name, data) if data else None
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)
        elif name == "id":
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.pause = int(value) / 1000
        return None


def _event(name: str, data: str) -> TaskEvent | None:
    if name == "task":
        return TaskChanged(_parsed(data, "status"))
    if name == "progress":
        return Progress(_parsed(data, "stage")["stage"])
    if name == "deleted":
        return TaskDeleted(_parsed(data, "task_id")["task_id"])
    return None


def _parsed(data: str, member: str) -> Any:
    """What an event says, which always has this member."""
    try:
        value = json.loads(data)
        if value[member]:
            return value
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise RefinementError(NO_EVENTS) from error
    raise RefinementError(NO_EVENTS)


def declares(response: httpx.Response, media_type: str) -> bool:
    return str(response.headers.get("Content-Type", "")).lower().startswith(media_type)


def answer(kind: type[Answer], response: httpx.Response) -> Answer:
    """What it says, which is of this kind if it has any of the kind's members, and those that
    this client reads."""
    body = _json(response)
    has_read = all(isinstance(body.get(name), str) and body[name] for name in READ.get(kind, ()))
    if not (has_read and kind.__annotations__.keys() & body.keys()):
        raise RefinementError(NOT_OURS)
    return body  # type: ignore[return-value]


def refusal(response: httpx.Response) -> ApiError:
    """The error of an answer that was read to its end."""
    status, body = response.status_code, _json(response)
    if status == 409 and isinstance(body.get("message"), str) and "task_id" in body:
        return ConflictError(body)  # type: ignore[arg-type]
    try:
        retry_after = float(response.headers["Retry-After"])
    except (KeyError, ValueError):
        retry_after = math.nan
    detail, code, problems = (body.get(name) for name in ("detail", "error_code", "field_errors"))
    return ApiError(
        status,
        detail if isinstance(detail, str) else f"The service answered with status {status}.",
        code=code if isinstance(code, str) else None,
        field_errors=problems if _are_of_fields(problems) else None,
        retry_after=retry_after if math.isfinite(retry_after) else None,
    )


def broken(error: httpx.RequestError) -> RefinementError:
    """The error of a request that has no answer, or none that can be read."""
    is_away = isinstance(error, httpx.TransportError)
    fault = (
        ServiceUnreachableError("The service cannot be reached.")
        if is_away
        else RefinementError(NOT_OURS)
    )
    fault.__cause__ = error
    return fault


def _json(response: httpx.Response) -> dict[str, object]:
    """Empty if it is no object of JSON."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        body = None
    return body if isinstance(body, dict) else {}


def _are_of_fields(problems: object) -> TypeGuard[dict[str, list[str]]]:
    return isinstance(problems, dict) and all(
        isinstance(several, list) and all(isinstance(one, str) for one in several)
        for several in problems.values()
    )
