"""Reading what the service answers."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from ._errors import ApiError, ConflictError, RefinementError
from ._schemas import ConceptResponse, StageName, TaskResponse, UploadResponse

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
            raise RefinementError("These are not events of the service.")
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
        return TaskChanged(json.loads(data))
    if name == "progress":
        return Progress(json.loads(data)["stage"])
    if name == "deleted":
        return TaskDeleted(json.loads(data)["task_id"])
    return None


def refusal(response: httpx.Response) -> ApiError:
    """The error of an answer that was read to its end."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        body = {}
    status = response.status_code
    if status == 409 and "task_id" in body:
        return ConflictError(body)  # type: ignore[arg-type]
    try:
        retry_after = float(response.headers["Retry-After"])
    except (KeyError, ValueError):
        retry_after = None
    return ApiError(
        status,
        body.get("detail") or f"The service answered with status {status}.",
        code=body.get("error_code"),
        field_errors=body.get("field_errors"),
        retry_after=retry_after,
    )
