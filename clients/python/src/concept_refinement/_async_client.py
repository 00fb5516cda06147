"""The client for asyncio, from which `generate.py` makes the other one."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from ._answers import CurrentTask, Refined, TaskChanged, TaskEvent
from ._async_transport import TIMEOUT, AsyncTransport, is_last, sendable
from ._errors import ApiError, ConflictError, RefinementError, TaskDeletedError, TaskFailedError
from ._schemas import (
    Aspect,
    ConceptList,
    ConceptResponse,
    LineageResponse,
    QuotaResponse,
    Region,
    SessionResponse,
    TaskList,
    TaskResponse,
    TaskStatus,
    UploadResponse,
    UsageResponse,
    VerificationResponse,
    WebhookResponse,
    WebhookSecret,
)


class AsyncClient:
    """A client of one service.

    ``base_url`` is the service's origin, as ``https://refine.example.com``; if it does
    not begin with ``http://`` or ``https://``, :class:`ValueError` is raised.
    ``token`` is an access token, or a function that gives one for each request; without
    it, an anonymous user is made if the service has such. A token that is empty or cannot
    stand in a header raises :class:`ValueError`, at the request if it is a function's.
    ``patience`` is for how long the service is asked again while it cannot be reached or is
    overloaded, as during a restart, also where a gateway says so, in seconds. ``http_client``
    is an HTTP client in place of one of its own, which is closed with it.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: str | Callable[[], str | Awaitable[str]] | None = None,
        patience: float = 60.0,
        http_client: httpx.AsyncClient | None = None,
    ) -> None:
        self._transport = AsyncTransport(base_url, token, patience, http_client)

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
        await self._transport.aclose()

    async def refine(
        self,
        image: str | bytes | Path | None,
        prompt: str,
        *,
        original_concept_id: str | None = None,
        logo_description: str | None = None,
        theme_description: str | None = None,
        strength: float | None = None,
        seed: int | None = None,
        region: Region | None = None,
        mask: str | bytes | Path | None = None,
        mask_feather: int | None = None,
        region_only: bool | None = None,
        deadline_seconds: int | None = None,
        preserve_aspects: list[Aspect] | None = None,
        webhook_url: str | None = None,
        idempotency_key: str | None = None,
        on_event: Callable[[TaskEvent], object] | None = None,
    ) -> Refined:
        """Uploads the original unless it is a URL, submits the refinement, follows it,
        and returns the refined image and the model's notes. It goes on through a restart
        of the service. An original that it uploaded is kept until you delete it, by the
        ``upload`` of the result or of the error, and counts towards the user's uploads.
        If the service refuses the refinement at the first try, or it cannot be submitted, it
        is deleted at once.

        ``image`` is a URL (a string), a file (a path) or the bytes of an image. It is
        ``None`` if ``original_concept_id`` names an earlier result of the user, which is
        refined further.
        ``region`` or ``mask`` is the part of it to change, and nothing else changes:
        a rectangle in pixels, or an image of the same size, white (or, if it has
        transparency, transparent) in that part. A mask that is no URL is uploaded,
        and deleted when the task has ended. ``strength`` is 0 to 1, and 0.7 if none
        is given. ``preserve_aspects`` is what should stay as it is, none twice.
        ``deadline_seconds`` is how many seconds after its submission a worker has to have
        begun it, and then to have ended it: at least 10.
        ``on_event`` is called with each event of the task, and ``webhook_url`` is where
        the service posts its end. ``idempotency_key`` names this refinement, so that it
        can be asked for again after a crash of this program, within 24 hours: give the
        same image by the same URL.

        Raises :class:`TaskFailedError` if the task failed or was cancelled,
        :class:`TaskDeletedError` if it was deleted meanwhile,
        :class:`ConflictError` if the user has another task in progress,
        :class:`ApiError` if the service refused a request, and
        :class:`ServiceUnreachableError` if it could not be reached for longer than
        ``patience``.
        """
        if (image is None) == (original_concept_id is None):
            raise ValueError("Give an image or an original_concept_id, and not both.")
        for name, given in (("image", image), ("mask", mask)):
            if not isinstance(given, str | bytes | Path | None):
                raise TypeError(f"The {name} must be a URL, a path or bytes.")
        fields = {
            "original_image_url": image if isinstance(image, str) else None,
            "original_concept_id": original_concept_id,
            "refinement_prompt": prompt,
            "logo_description": logo_description,
            "theme_description": theme_description,
            "strength": strength,
            "seed": seed,
            "region": region,
            "mask_url": mask if isinstance(mask, str) else None,
            "mask_feather": mask_feather,
            "region_only": region_only,
            "deadline_seconds": deadline_seconds,
            "preserve_aspects": preserve_aspects,
            "webhook_url": webhook_url,
        }
        # Before anything is uploaded: an argument may not be sendable, or the mask not readable.
        idempotency_key = _key(idempotency_key)
        _encoded(fields)
        if isinstance(mask, Path):
            mask = await asyncio.to_thread(mask.read_bytes)
        upload = await self.upload(image) if isinstance(image, bytes | Path) else None
        mask_upload: UploadResponse | None = None
        task: TaskResponse | None = None
        is_sent = False

        def on_send() -> None:
            nonlocal is_sent
            is_sent = True

        try:
            if upload:
                fields["original_image_url"] = upload["image_url"]
            if isinstance(mask, bytes):
                mask_upload = await self.upload(mask)
                fields["mask_url"] = mask_upload["image_url"]
            task = await self._submitted(fields, idempotency_key, on_send=on_send)
            ended = await self._ended(task, on_event)
            await self._discard(mask_upload)
            if ended is None:
                raise TaskDeletedError(task["task_id"])
            if ended["status"] == "failed":
                raise TaskFailedError(ended)
            concept = await self.concept(str(ended.get("result_id")))
            response = await self._transport.download(concept["image_url"])
            media_type = response.headers["Content-Type"]
            return Refined(ended, concept, response.content, media_type, upload)
        except Exception as error:
            # Otherwise there may be a task that needs what was uploaded.
            is_refused = isinstance(error, ApiError) and error.status < 500 and not error.is_repeat
            if not is_sent or (task is None and is_refused):
                await self._discard(mask_upload)
                if await self._discard(upload):
                    upload = None
            if isinstance(error, RefinementError):
                error.upload = upload
                error.task_id = task["task_id"] if task else None
            raise

    async def _ended(
        self, task: TaskResponse, on_event: Callable[[TaskEvent], object] | None
    ) -> TaskResponse | None:
        """The task at its end; none if it was deleted."""
        task_id = task["task_id"]
        events = self._transport.watch(task_id, _task_path(task_id), task.get("status"))
        try:
            async for event in events:
                if on_event:
                    on_event(event)
                if is_last(event):
                    return event.task if isinstance(event, TaskChanged) else None
        finally:
            await events.aclose()
        return None

    async def _discard(self, upload: UploadResponse | None) -> bool:
        """Deletes an upload, and tells whether it is gone; that it stays does not spoil
        a result."""
        try:
            if upload:
                await self.delete_upload(upload["path"])
        except Exception:
            # There may be no token for it either.
            return False
        return True

    async def create_session(self) -> SessionResponse:
        """Makes an anonymous user, if the service has such, who this client is from
        now on."""
        session = await self._transport.ask(SessionResponse, "POST", "/api/auth/session")
        self._transport.token = session["access_token"]
        return session

    async def quota(self) -> QuotaResponse:
        """What is left of the user's quota."""
        return await self._transport.ask(QuotaResponse, "GET", "/api/quota")

    async def usage(self) -> UsageResponse:
        """What the user has spent in the window of the budget, or in this month."""
        return await self._transport.ask(UsageResponse, "GET", "/api/usage")

    async def upload(self, image: bytes | Path) -> UploadResponse:
        """Stores an original: PNG, JPEG, WebP or GIF. If the answer gets lost it is sent
        again twice, and each try may store it once more."""
        content = await asyncio.to_thread(image.read_bytes) if isinstance(image, Path) else image
        body = _body(content)
        return await self._transport.store(UploadResponse, "/api/images", **body)

    async def delete_upload(self, path: str) -> None:
        """Deletes an upload, by the ``path`` that :meth:`upload` returned."""
        await self._transport.delete(f"/api/images/{path}")

    async def submit(
        self,
        original_image_url: str | None,
        prompt: str,
        *,
        original_concept_id: str | None = None,
        logo_description: str | None = None,
        theme_description: str | None = None,
        strength: float | None = None,
        seed: int | None = None,
        region: Region | None = None,
        mask_url: str | None = None,
        mask_feather: int | None = None,
        region_only: bool | None = None,
        deadline_seconds: int | None = None,
        preserve_aspects: list[Aspect] | None = None,
        webhook_url: str | None = None,
        idempotency_key: str | None = None,
        wait: int | None = None,
    ) -> TaskResponse:
        """Creates a task. Give ``original_image_url`` or ``original_concept_id``, and
        ``None`` for the other one.

        ``idempotency_key`` makes the request safe to send again; one is made up if
        none is given. ``wait`` is how many seconds to wait for the task's end, 1 to
        60: the answer is the task as it is then. Without it the answer comes at once.

        Raises :class:`ConflictError` if the user has another task in progress.
        """
        fields = {
            "original_image_url": original_image_url,
            "original_concept_id": original_concept_id,
            "refinement_prompt": prompt,
            "logo_description": logo_description,
            "theme_description": theme_description,
            "strength": strength,
            "seed": seed,
            "region": region,
            "mask_url": mask_url,
            "mask_feather": mask_feather,
            "region_only": region_only,
            "deadline_seconds": deadline_seconds,
            "preserve_aspects": preserve_aspects,
            "webhook_url": webhook_url,
        }
        return await self._submitted(fields, _key(idempotency_key), wait)

    async def _submitted(
        self,
        fields: dict[str, Any],
        idempotency_key: str,
        wait: int | None = None,
        on_send: Callable[[], object] | None = None,
    ) -> TaskResponse:
        headers = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key}
        if wait is not None:
            headers["Prefer"] = f"wait={wait}"
        return await self._transport.ask(
            TaskResponse,
            "POST",
            "/api/concepts/refine",
            headers=headers,
            timeout=TIMEOUT + (wait or 0),
            content=_encoded(fields),
            on_send=on_send,
        )

    async def task(self, task_id: str) -> CurrentTask:
        """A task as it is now, and where it is in the queue."""
        return await self._transport.ask_task(_task_path(task_id))

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
        return await self._transport.ask(TaskList, "GET", "/api/tasks", params=params)

    def watch(self, task_id: str) -> AsyncGenerator[TaskEvent, None]:
        """The events of a task, up to its end: the task as it is now, and each change.
        A stream that breaks off is continued where it was."""
        return self._transport.watch(task_id, _task_path(task_id))

    async def cancel_task(self, task_id: str) -> TaskResponse:
        """Ends a task in progress, which is kept as a failed one.

        Raises :class:`ConflictError` if it has already ended.
        """
        path = f"{_task_path(task_id)}/cancel"
        try:
            return await self._transport.ask(TaskResponse, "POST", path)
        except ConflictError as error:
            # The answer to an earlier try got lost.
            if error.is_repeat and error.task.get("status") == "failed":
                return error.task
            raise

    async def delete_task(self, task_id: str) -> None:
        """Deletes a task, and ends the work in progress for it."""
        await self._transport.delete(_task_path(task_id))

    async def concept(self, concept_id: str) -> ConceptResponse:
        """The result of a completed task, with the model's notes."""
        return await self._transport.ask(ConceptResponse, "GET", _concept_path(concept_id))

    async def concepts(self, *, limit: int | None = None, cursor: str | None = None) -> ConceptList:
        """A page of the results of the user's completed tasks, newest first."""
        params = _given(limit=limit, cursor=cursor)
        return await self._transport.ask(ConceptList, "GET", "/api/concepts", params=params)

    async def lineage(self, concept_id: str) -> list[ConceptResponse]:
        """A concept, those that it was refined from and those that were refined from it,
        oldest first, at most 100."""
        path = f"{_concept_path(concept_id)}/lineage"
        answer = await self._transport.ask(LineageResponse, "GET", path)
        return answer["concepts"]

    async def delete_concept(self, concept_id: str) -> None:
        """Deletes a concept and its image."""
        await self._transport.delete(_concept_path(concept_id))

    async def delete_me(self) -> None:
        """Erases everything that is stored about the user, except what the quota counted."""
        await self._transport.delete("/api/me")

    async def image(self, of: TaskResponse | ConceptResponse) -> bytes:
        """The refined image of a completed task, or that of a concept."""
        url = of["image_url"]
        if url is None:
            raise ValueError("There is no image.")
        return (await self._transport.download(url)).content

    async def verify(self, image: bytes | Path) -> VerificationResponse:
        """What an image says of its origin, and whether these very bytes were made by
        this service. It is asked without credentials.

        Raises :class:`ApiError` with status 404 if the service does not tell.
        """
        content = await asyncio.to_thread(image.read_bytes) if isinstance(image, Path) else image
        body = _body(content)
        return await self._transport.ask_openly(VerificationResponse, "POST", "/api/verify", **body)

    async def webhook(self, task_id: str) -> WebhookResponse:
        """The state of the delivery of a task's webhook."""
        path = f"{_task_path(task_id)}/webhook"
        return await self._transport.ask(WebhookResponse, "GET", path)

    async def redeliver_webhook(self, task_id: str) -> WebhookResponse:
        """Requests one more attempt for a webhook that was delivered or has failed.

        Raises :class:`ApiError` with status 409 while an attempt is still to come.
        """
        path = f"{_task_path(task_id)}/webhook/redeliver"
        return await self._transport.ask_once(WebhookResponse, "POST", path)

    async def webhook_secret(self) -> str:
        """The key with which the user's webhooks are signed, as ``standardwebhooks``
        takes it."""
        answer = await self._transport.ask(WebhookSecret, "GET", "/api/webhooks/secret")
        return answer["secret"]


def _body(image: bytes) -> dict[str, Any]:
    """An image as the body of a request. With asyncio httpx times the write of all of it, so
    its time grows with its size: a second for each 16 KiB."""
    timeout = httpx.Timeout(TIMEOUT, write=TIMEOUT + len(image) / 16_384)
    headers = {"Content-Type": "application/octet-stream"}
    return {"content": image, "headers": headers, "timeout": timeout}


def _encoded(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, allow_nan=False).encode()


def _key(given: str | None) -> str:
    return sendable("idempotency_key", secrets.token_hex(16) if given is None else given)


def _task_path(task_id: str) -> str:
    return f"/api/tasks/{quote(task_id, safe='')}"


def _concept_path(concept_id: str) -> str:
    return f"/api/concepts/{quote(concept_id, safe='')}"


def _given(**params: str | int | None) -> dict[str, str | int]:
    return {name: value for name, value in params.items() if value is not None}
