"""Requests for asyncio, from which `generate.py` makes the other ones."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, TypeVar

import httpx

from ._answers import CurrentTask, EventReader, TaskChanged, TaskDeleted, TaskEvent, refusal
from ._errors import ApiError, RefinementError, ServiceUnreachableError
from ._schemas import SessionResponse, TaskResponse

#: What the service, or a gateway before it, answers while it is away.
AWAY = (502, 503, 504)

#: Between two requests to a service that is away, at first and at most, in seconds.
FIRST_PAUSE = 0.25
MAX_PAUSE = 5.0

#: Three times as long as a stream of events is ever silent, in seconds.
SILENCE = 45.0

#: For an answer, in seconds, beyond what the client asked the service to wait.
TIMEOUT = 30.0

Answer = TypeVar("Answer")


class AsyncTransport:
    """Sends the requests of one user to one service."""

    def __init__(
        self,
        base_url: str,
        token: str | Callable[[], str] | None,
        patience: float,
        http_client: httpx.AsyncClient | None,
    ) -> None:
        if not re.match("https?://[^/]", base_url, re.IGNORECASE):
            raise ValueError(
                "base_url must begin with http:// or https://, as in http://127.0.0.1:8080. "
                f"It is {base_url!r}"
            )
        self.token = token
        self._base = base_url.rstrip("/")
        self._patience = patience
        self._http = http_client or httpx.AsyncClient(timeout=TIMEOUT)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def ask(self, kind: type[Answer], method: str, path: str, **options: Any) -> Answer:
        """Sent again while the service is away: use it where a repeat does no harm."""
        response = await self._patiently(lambda: self._sent(method, path, **options))
        return _read(kind, response)

    async def ask_task(self, path: str) -> CurrentTask:
        """A task, and where it is in the queue, which a header says."""
        response = await self._patiently(lambda: self._sent("GET", path))
        position = response.headers.get("X-Queue-Position")
        task = _read(TaskResponse, response)
        return {**task, "queue_position": int(position) if position else None}

    async def ask_openly(
        self, kind: type[Answer], method: str, path: str, **options: Any
    ) -> Answer:
        """As :meth:`ask`, without credentials."""
        url = f"{self._base}{path}"
        response = await self._patiently(lambda: self._http.request(method, url, **options))
        return _read(kind, response)

    async def ask_once(self, kind: type[Answer], method: str, path: str) -> Answer:
        """Sent once: a repeat would be answered otherwise."""
        return _read(kind, await self._sent_once(method, path))

    async def delete(self, path: str) -> None:
        await self._sent_once("DELETE", path)

    async def download(self, signed_url: str) -> httpx.Response:
        """An image. Its URL needs no credentials, and gets none."""
        return await self._patiently(lambda: self._http.get(signed_url))

    async def watch(self, task_id: str, path: str) -> AsyncGenerator[TaskEvent, None]:
        """The events of a task. A stream that breaks off is continued where it was."""
        reader = EventReader()
        end, pause = time.monotonic() + self._patience, FIRST_PAUSE
        while True:
            headers = {"Accept": "text/event-stream", **self._credentials()}
            if reader.last_id:
                headers["Last-Event-ID"] = reader.last_id
            fault: Exception | None = None
            is_open = False
            try:
                url = f"{self._base}{path}"
                request = self._http.stream("GET", url, headers=headers, timeout=SILENCE)
                async with request as response:
                    if response.status_code == 204:
                        return
                    if not response.is_success:
                        await response.aread()
                        raise refusal(response)
                    is_open = True
                    reader.begin()
                    async for chunk in response.aiter_bytes():
                        for event in reader.read(chunk):
                            yield event
                            if is_last(event):
                                return
            except httpx.TransportError as error:
                if not is_open:
                    fault = _unreachable(error)
            except ApiError as error:
                if error.status == 404 and reader.last_id:
                    yield TaskDeleted(task_id)
                    return
                if error.status not in AWAY:
                    raise
                fault = error
            if fault is None:
                end, pause = time.monotonic() + self._patience, FIRST_PAUSE
                await asyncio.sleep(reader.pause)
            else:
                await self._pause(pause, fault, end)
                pause = min(2 * pause, MAX_PAUSE)

    async def _sent_once(self, method: str, path: str) -> httpx.Response:
        try:
            response = await self._sent(method, path)
        except httpx.TransportError as error:
            raise _unreachable(error) from error
        if not response.is_success:
            raise refusal(response)
        return response

    async def _sent(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        url = f"{self._base}{path}"
        credentials = self._credentials()
        sent = {**(headers or {}), **credentials}
        response = await self._http.request(method, url, headers=sent, **options)
        if response.status_code != 401 or credentials or not await self._begin_session():
            return response
        sent = {**(headers or {}), **self._credentials()}
        return await self._http.request(method, url, headers=sent, **options)

    async def _begin_session(self) -> bool:
        """Makes an anonymous user, if the service has such."""
        if self.token:
            return True
        response = await self._http.post(f"{self._base}/api/auth/session")
        if response.is_success:
            # Of two at once, both requests are of the user who was there first.
            self.token = self.token or _read(SessionResponse, response)["access_token"]
        return response.is_success

    async def _patiently(self, ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        """Asks again while the service is away, as long as this client is patient."""
        end, pause = time.monotonic() + self._patience, FIRST_PAUSE
        while True:
            fault: Exception
            try:
                response = await ask()
                if response.is_success:
                    return response
                fault = refusal(response)
                if response.status_code not in AWAY:
                    raise fault
            except httpx.TransportError as error:
                fault = _unreachable(error)
            await self._pause(pause, fault, end)
            pause = min(2 * pause, MAX_PAUSE)

    async def _pause(self, pause: float, fault: Exception, end: float) -> None:
        """Raises the fault instead if there is no time left."""
        asked = fault.retry_after if isinstance(fault, ApiError) else None
        wait = max(asked or 0.0, pause * random.uniform(0.75, 1.25))
        if time.monotonic() + wait > end:
            raise fault
        await asyncio.sleep(wait)

    def _credentials(self) -> dict[str, str]:
        token = self.token() if callable(self.token) else self.token
        return {"Authorization": f"Bearer {token}"} if token else {}


def _read(kind: type[Answer], response: httpx.Response) -> Answer:
    """What it says is of this kind by the service's openapi.json."""
    try:
        answer: Answer = response.json()
    except ValueError as error:
        raise RefinementError("The answer is not one of the service.") from error
    return answer


def _unreachable(error: httpx.TransportError) -> ServiceUnreachableError:
    fault = ServiceUnreachableError("The service cannot be reached.")
    fault.__cause__ = error
    return fault


def is_last(event: TaskEvent) -> bool:
    """Whether nothing follows it."""
    if isinstance(event, TaskChanged):
        return event.task["status"] in ("completed", "failed")
    return isinstance(event, TaskDeleted)
