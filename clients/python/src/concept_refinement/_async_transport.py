"""Requests for asyncio, from which `generate.py` makes the other ones."""

from __future__ import annotations

import asyncio
import math
import random
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import httpx

from ._answers import (
    NO_EVENTS,
    NOT_OURS,
    Answer,
    CurrentTask,
    EventReader,
    TaskChanged,
    TaskDeleted,
    TaskEvent,
    answer,
    broken,
    declares,
    refusal,
)
from ._errors import ApiError, RefinementError, ServiceUnreachableError
from ._schemas import SessionResponse, TaskResponse, TaskStatus

#: What the service, or a gateway before it, answers while it is away.
AWAY = (502, 503, 504)

#: Between two requests to a service that is away, at first and at most, in seconds.
FIRST_PAUSE = 0.25
MAX_PAUSE = 5.0

#: How often what may have been stored is sent again, which may store it once more.
REPEATS = 2

#: Three times as long as a stream of events is ever silent, in seconds. After as long without a
#: whole event the task itself is asked for.
SILENCE = 45.0

#: For an answer, in seconds, beyond what the client asked the service to wait.
TIMEOUT = 30.0


#: The path and query of an image of the service, behind whatever origin its URL names. Nothing
#: else, such as `..`, stands for another place.
IMAGE = re.compile(
    r"[^?#]*(/api/images/(?:uploads|refined)/[\w-]+/[\w-]+\.\w+(?:\?[^#]*)?)(?:#.*)?", re.ASCII
)


class Patience:
    """How often, and for how long, a service that is away is asked again."""

    def __init__(self, seconds: float, repeats: float = math.inf) -> None:
        self._seconds = seconds
        #: Of what the service may have accepted: not of a 503.
        self._repeats = repeats
        #: Since the service was first away.
        self._end: float | None = None
        self._pause = FIRST_PAUSE
        self._is_repeat = False

    async def wait(self, fault: RefinementError, *, is_reached: bool = False) -> None:
        """Raises the fault instead if a repeat cannot help, or there is no time left. If the
        service was reached all the same, the time begins anew, and no longer pause counts."""
        refused = fault if isinstance(fault, ApiError) else None
        asked = refused.retry_after if refused and not is_reached else None
        if refused:
            refused.is_repeat = self._is_repeat
        wait = max(asked or 0.0, self._pause * random.uniform(0.75, 1.25))
        if is_reached:
            self._end = None
        else:
            self._end = self._end or time.monotonic() + self._seconds
            if not refused or refused.status != 503:
                self._repeats -= 1
            is_over = self._repeats < 0
            if not is_away(fault) or is_over or time.monotonic() + wait > self._end:
                raise fault
        self._pause = min(2 * self._pause, MAX_PAUSE)
        self._is_repeat = True
        await asyncio.sleep(wait)


class AsyncTransport:
    """Sends the requests of one user to one service."""

    def __init__(
        self,
        base_url: str,
        token: str | Callable[[], str | Awaitable[str]] | None,
        patience: float,
        http_client: httpx.AsyncClient | None,
    ) -> None:
        if not re.match("https?://[^/]", base_url, re.IGNORECASE):
            raise ValueError(
                "base_url must begin with http:// or https://, as in http://127.0.0.1:8080. "
                f"It is {base_url!r}"
            )
        self.token = sendable("token", token) if isinstance(token, str) else token
        self._base = base_url.rstrip("/")
        self._patience = patience
        self._http = http_client or httpx.AsyncClient(timeout=TIMEOUT)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def ask(self, kind: type[Answer], method: str, path: str, **options: Any) -> Answer:
        """Sent again while the service is away: use it where a repeat does no harm."""
        response = await self._patiently(lambda: self._sent(method, path, **options))
        return answer(kind, response)

    async def store(self, kind: type[Answer], path: str, **options: Any) -> Answer:
        """As :meth:`ask`, where each try may store something once more."""
        response = await self._patiently(lambda: self._sent("POST", path, **options), REPEATS)
        return answer(kind, response)

    async def ask_task(self, path: str) -> CurrentTask:
        """A task, and where it is in the queue, which a header says."""
        response = await self._patiently(lambda: self._sent("GET", path))
        position = re.fullmatch("[0-9]{1,9}", response.headers.get("X-Queue-Position", ""))
        task = answer(TaskResponse, response)
        return {**task, "queue_position": int(position[0]) if position else None}

    async def ask_openly(
        self, kind: type[Answer], method: str, path: str, **options: Any
    ) -> Answer:
        """As :meth:`ask`, without credentials."""
        url = f"{self._base}{path}"
        response = await self._patiently(lambda: self._http.request(method, url, **options))
        return answer(kind, response)

    async def ask_once(self, kind: type[Answer], method: str, path: str) -> Answer:
        """Sent once: a repeat would be answered otherwise."""
        return answer(kind, await self._sent_once(method, path))

    async def delete(self, path: str) -> None:
        """Sent again while the service is away. A repeat that finds nothing has succeeded: the
        answer to an earlier one got lost."""
        try:
            response = await self._patiently(lambda: self._sent("DELETE", path))
        except ApiError as error:
            if error.is_repeat and error.code == "NOT_FOUND":
                return
            raise
        if response.status_code != 204:
            raise RefinementError(NOT_OURS)

    async def download(self, url: str) -> httpx.Response:
        """An image. One of the service is asked for where the service is, with credentials: its
        URL names the public origin, which may be out of reach, and expires. Nobody else gets
        credentials."""
        own = IMAGE.fullmatch(url)
        response = await self._patiently(
            lambda: self._sent("GET", own[1]) if own else self._http.get(url)
        )
        if not declares(response, "image/"):
            raise RefinementError(NOT_OURS)
        return response

    async def watch(
        self, task_id: str, path: str, status: TaskStatus | None = None
    ) -> AsyncGenerator[TaskEvent, None]:
        """The events of a task, of which this status was told last. A stream that breaks off is
        continued where it was. After one of which no whole event came in time the task itself is
        asked for: a proxy may hold the events back."""
        reader = EventReader()
        patience = Patience(self._patience)
        while True:
            headers = {"Accept": "text/event-stream", **await self._credentials()}
            if reader.last_id:
                headers["Last-Event-ID"] = reader.last_id
            fault: RefinementError = ServiceUnreachableError("The events broke off.")
            is_heard = False
            end = time.monotonic() + SILENCE
            try:
                url = f"{self._base}{path}/events"
                request = self._http.stream("GET", url, headers=headers, timeout=SILENCE)
                async with request as response:
                    if not response.is_success:
                        await response.aread()
                        raise refusal(response)
                    if not declares(response, "text/event-stream"):
                        raise RefinementError(NO_EVENTS)
                    reader.begin()
                    async for chunk in response.aiter_bytes():
                        for event in reader.read(chunk):
                            is_heard = True
                            if isinstance(event, TaskChanged):
                                status = event.task["status"]
                            yield event
                            if is_last(event):
                                return
                            end = time.monotonic() + SILENCE
                        if time.monotonic() >= end:
                            break
            except httpx.RequestError as error:
                fault = broken(error)
            except ApiError as error:
                fault = error
            is_silent = time.monotonic() >= end
            if is_heard and not is_silent and isinstance(fault, ServiceUnreachableError):
                patience = Patience(self._patience)
                await asyncio.sleep(reader.pause)
                continue
            task: TaskResponse | None = None
            try:
                if is_away(fault):
                    polled = await self.ask_once(TaskResponse, "GET", path)
                    if "status" not in polled:
                        raise RefinementError(NOT_OURS)
                    task = polled
            except RefinementError as error:
                fault = error
            # Of the service itself: a gateway may not know it for a while.
            if status and isinstance(fault, ApiError) and fault.code == "NOT_FOUND":
                yield TaskDeleted(task_id)
                return
            if task and task["status"] != status:
                status = task["status"]
                event = TaskChanged(task)
                yield event
                if is_last(event):
                    return
            if task and is_silent:
                # That was pause enough.
                patience = Patience(self._patience)
            await patience.wait(fault, is_reached=task is not None)

    async def _sent_once(self, method: str, path: str) -> httpx.Response:
        try:
            response = await self._sent(method, path)
        except httpx.RequestError as error:
            raise broken(error)
        if not response.is_success:
            raise refusal(response)
        return response

    async def _sent(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        on_send: Callable[[], object] | None = None,
        **options: Any,
    ) -> httpx.Response:
        url = f"{self._base}{path}"
        credentials = await self._credentials()
        sent = {**(headers or {}), **credentials}
        if on_send:
            on_send()
        response = await self._http.request(method, url, headers=sent, **options)
        if response.status_code != 401 or credentials or not await self._begin_session():
            return response
        sent = {**(headers or {}), **await self._credentials()}
        return await self._http.request(method, url, headers=sent, **options)

    async def _begin_session(self) -> bool:
        """Makes an anonymous user, if the service has such."""
        if self.token:
            return True
        response = await self._http.post(f"{self._base}/api/auth/session")
        if response.status_code in AWAY:
            raise refusal(response)
        if response.is_success:
            # Of two at once, both requests are of the user who was there first.
            self.token = self.token or answer(SessionResponse, response)["access_token"]
        return response.is_success

    async def _patiently(
        self, ask: Callable[[], Awaitable[httpx.Response]], repeats: float = math.inf
    ) -> httpx.Response:
        """Asks again while the service is away, as long as this client is patient. If there are few
        repeats, each waits until the service answers something else."""
        patience = Patience(self._patience, repeats)
        while True:
            fault: RefinementError
            try:
                response = await ask()
                if response.is_success:
                    return response
                fault = refusal(response)
            except httpx.RequestError as error:
                fault = broken(error)
            except RefinementError as error:
                fault = error
            await patience.wait(fault)
            if repeats < math.inf:
                await self._patiently(lambda: self._sent("GET", "/api/quota"))

    async def _credentials(self) -> dict[str, str]:
        if self.token is None:
            return {}
        token = self.token() if callable(self.token) else self.token
        if isinstance(token, Awaitable):
            token = await token
        return {"Authorization": f"Bearer {sendable('token', token)}"}


def sendable(name: str, value: str) -> str:
    """The value, if it can stand in a header. It may be a secret, so no error shows it."""
    if not value:
        raise ValueError(f"The {name} must not be empty.")
    if not re.fullmatch("[!-~]([ -~]*[!-~])?", value):
        raise ValueError(f"The {name} must be printable ASCII without spaces around it.")
    return value


def is_away(fault: RefinementError) -> bool:
    """Whether a repeat can help."""
    if isinstance(fault, ApiError):
        return fault.status in AWAY
    return isinstance(fault, ServiceUnreachableError)


def is_last(event: TaskEvent) -> bool:
    """Whether nothing follows it."""
    if isinstance(event, TaskChanged):
        return event.task["status"] in ("completed", "failed")
    return isinstance(event, TaskDeleted)
