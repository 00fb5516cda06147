"""The client for asyncio, from which `generate.py` makes the other one."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from ._answers import EventReader, Refined, TaskChanged, TaskDeleted, TaskEvent, refusal
from ._errors import ApiError, ServiceAwayError, TaskDeletedError, TaskFailedError
from ._schemas import (
    ConceptList,
    ConceptResponse,
    SessionResponse,
    TaskList,
    TaskResponse,
    TaskStatus,
    UploadResponse,
)

#: Between two requests to a service that is away, at first and at most, in seconds.
FIRST_PAUSE = 0.25
MAX_PAUSE = 5.0

#: Three times as long as a stream of events is ever silent, in seconds.
SILENCE = 45.0

#: For an answer, in seconds, beyond what the client asked the service to wait.
TIMEOUT = 30.0


class AsyncClient:
    """A client of one service.

    ``base_url`` is the service's origin, as ``https://refine.example.com``.
    ``token`` is an access token, or what gives one for each request; without it, make
    an anonymous user by :meth:`create_session`. ``patience`` is for how long the
    service is asked again while it cannot be reached or is overloaded, as during a
    restart, in seconds. ``http_client`` is an HTTP client in place of one of its own,
    which is closed with it.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: str | Callable[[], str] | None = None,
        patience: float = 60.0,
        http_client: httpx.AsyncClient | None = None,
    ) -> None:
        self._base = base_url.rstrip("/")
        self._token = token
        self._patience = patience
        self._http = http_client or httpx.AsyncClient(timeout=TIMEOUT)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._http.aclose()

    async def refine(
        self,
        image: str | bytes,
        prompt: str,
        *,
        logo_description: str | None = None,
        theme_description: str | None = None,
        webhook_url: str | None = None,
        idempotency_key: str | None = None,
        on_event: Callable[[TaskEvent], object] | None = None,
    ) -> Refined:
        """Uploads the original if it is no URL, submits the refinement, follows it,
        and answers the refined image. It goes on through a restart of the service.

        ``image`` is a URL, or the image itself. ``on_event`` is told of all that
        becomes of the task, and ``webhook_url`` is where the service posts its end. ``idempotency_key`` names this refinement, so that it can
        be asked for again after a crash of this program, within 24 hours: give the
        same image by the same URL.

        Raises :class:`TaskFailedError` if it could not be refined,
        :class:`TaskDeletedError` if somebody deleted the task meanwhile,
        :class:`ConflictError` if the user has another task under way,
        :class:`ApiError` if the service refused a request, and
        :class:`ServiceAwayError` if it was away for longer than ``patience``.
        """
        upload = None if isinstance(image, str) else await self.upload(image)
        task = await self.submit(
            upload["image_url"] if upload else str(image),
            prompt,
            logo_description=logo_description,
            theme_description=theme_description,
            webhook_url=webhook_url,
            idempotency_key=idempotency_key,
        )
        events = self.watch(task["task_id"])
        try:
            async for event in events:
                if on_event:
                    on_event(event)
                if not isinstance(event, TaskChanged):
                    continue
                if event.task["status"] == "failed":
                    raise TaskFailedError(event.task)
                if event.task["status"] == "completed":
                    response = await self._image(event.task["image_url"])
                    media_type = response.headers["Content-Type"]
                    return Refined(event.task, response.content, media_type, upload)
        finally:
            await events.aclose()
        raise TaskDeletedError(task["task_id"])

    async def create_session(self) -> SessionResponse:
        """Makes an anonymous user, where the service has such, who this client is
        from now on."""
        response = await self._repeated("POST", "/api/auth/session")
        session: SessionResponse = response.json()
        self._token = session["access_token"]
        return session

    async def upload(self, image: bytes) -> UploadResponse:
        """Stores an original: PNG, JPEG, WebP or GIF."""
        headers = {"Content-Type": "application/octet-stream"}
        response = await self._repeated("POST", "/api/images", content=image, headers=headers)
        uploaded: UploadResponse = response.json()
        return uploaded

    async def delete_upload(self, path: str) -> None:
        """Deletes an upload, by the ``path`` that :meth:`upload` answered."""
        await self._answered("DELETE", f"/api/images/{path}")

    async def submit(
        self,
        original_image_url: str,
        prompt: str,
        *,
        logo_description: str | None = None,
        theme_description: str | None = None,
        webhook_url: str | None = None,
        idempotency_key: str | None = None,
        wait: int | None = None,
    ) -> TaskResponse:
        """Creates a task.

        ``idempotency_key`` makes the request safe to send again; one is made up if
        none is given. ``wait`` is how many seconds to wait for the task's end, 1 to
        60: the answer is the task as it is then. Without it the answer comes at once.

        Raises :class:`ConflictError` if the user has another task under way.
        """
        headers = {"Idempotency-Key": idempotency_key or secrets.token_hex(16)}
        if wait is not None:
            headers["Prefer"] = f"wait={wait}"
        response = await self._repeated(
            "POST",
            "/api/concepts/refine",
            headers=headers,
            timeout=TIMEOUT + (wait or 0),
            json={
                "original_image_url": original_image_url,
                "refinement_prompt": prompt,
                "logo_description": logo_description,
                "theme_description": theme_description,
                "webhook_url": webhook_url,
            },
        )
        task: TaskResponse = response.json()
        return task

    async def task(self, task_id: str) -> TaskResponse:
        response = await self._repeated("GET", _task_path(task_id))
        task: TaskResponse = response.json()
        return task

    async def tasks(
        self,
        *,
        status: TaskStatus | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> TaskList:
        """A page of the user's tasks, newest first: ``limit`` is 1 to 100, ``cursor``
        the ``next_cursor`` of the page before."""
        params = _given(status=status, limit=limit, cursor=cursor)
        response = await self._repeated("GET", "/api/tasks", params=params)
        tasks: TaskList = response.json()
        return tasks

    async def delete_task(self, task_id: str) -> None:
        """Forgets a task, and cancels the work under way for it."""
        await self._answered("DELETE", _task_path(task_id))

    async def watch(self, task_id: str) -> AsyncGenerator[TaskEvent, None]:
        """What becomes of a task, up to its end: the task as it is now, and each
        change. A stream that breaks off is continued where it was."""
        reader = EventReader()
        url = f"{self._base}{_task_path(task_id)}/events"
        end, pause = time.monotonic() + self._patience, FIRST_PAUSE
        while True:
            headers = {"Accept": "text/event-stream", **self._credentials()}
            if reader.last_id:
                headers["Last-Event-ID"] = reader.last_id
            fault: Exception | None = None
            is_open = False
            try:
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
                            if _is_last(event):
                                return
            except httpx.TransportError as error:
                if not is_open:
                    fault = _away(error)
            except ApiError as error:
                if error.status == 404 and reader.last_id:
                    yield TaskDeleted(task_id)
                    return
                if error.status != 503:
                    raise
                fault = error
            if fault is None:
                end, pause = time.monotonic() + self._patience, FIRST_PAUSE
                await asyncio.sleep(reader.pause)
            else:
                await self._pause(pause, fault, end)
                pause = min(2 * pause, MAX_PAUSE)

    async def concept(self, concept_id: str) -> ConceptResponse:
        response = await self._repeated("GET", f"/api/concepts/{quote(concept_id, safe='')}")
        concept: ConceptResponse = response.json()
        return concept

    async def concepts(self, *, limit: int | None = None, cursor: str | None = None) -> ConceptList:
        """A page of what the user's completed tasks left, newest first."""
        params = _given(limit=limit, cursor=cursor)
        response = await self._repeated("GET", "/api/concepts", params=params)
        concepts: ConceptList = response.json()
        return concepts

    async def delete_concept(self, concept_id: str) -> None:
        """Deletes a concept and its image."""
        await self._answered("DELETE", f"/api/concepts/{quote(concept_id, safe='')}")

    async def image(self, of: TaskResponse | ConceptResponse) -> bytes:
        """The refined image of a completed task, or that of a concept."""
        return (await self._image(of["image_url"])).content

    async def _image(self, url: str | None) -> httpx.Response:
        if url is None:
            raise ValueError("There is no image.")
        # It is signed: it needs no credentials, and gets none.
        return await self._patiently(lambda: self._http.get(url))

    async def _repeated(self, method: str, path: str, **options: Any) -> httpx.Response:
        return await self._patiently(lambda: self._sent(method, path, **options))

    async def _answered(self, method: str, path: str) -> httpx.Response:
        """Sent once: a repeat would be answered otherwise."""
        try:
            response = await self._sent(method, path)
        except httpx.TransportError as error:
            raise _away(error) from error
        if not response.is_success:
            raise refusal(response)
        return response

    async def _sent(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        headers = {**(headers or {}), **self._credentials()}
        url = f"{self._base}{path}"
        return await self._http.request(method, url, headers=headers, **options)

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
                if response.status_code != 503:
                    raise fault
            except httpx.TransportError as error:
                fault = _away(error)
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
        token = self._token() if callable(self._token) else self._token
        return {"Authorization": f"Bearer {token}"} if token else {}


def _away(error: httpx.TransportError) -> ServiceAwayError:
    fault = ServiceAwayError("The service cannot be reached.")
    fault.__cause__ = error
    return fault


def _is_last(event: TaskEvent) -> bool:
    if isinstance(event, TaskChanged):
        return event.task["status"] in ("completed", "failed")
    return isinstance(event, TaskDeleted)


def _task_path(task_id: str) -> str:
    return f"/api/tasks/{quote(task_id, safe='')}"


def _given(**params: str | int | None) -> dict[str, str | int]:
    return {name: value for name, value in params.items() if value is not None}
