"""What a client raises."""

from __future__ import annotations

from collections.abc import Mapping

from ._schemas import TaskResponse


class RefinementError(Exception):
    """All that this package raises."""


class ApiError(RefinementError):
    """The service answered, but not with success."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        field_errors: Mapping[str, list[str]] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        #: For programs: ``VALIDATION_ERROR``, ``RATE_LIMIT_EXCEEDED`` and so on. None
        #: where the answer is not the service's own.
        self.code = code
        #: The problems of each field of a request.
        self.field_errors: Mapping[str, list[str]] = field_errors or {}
        #: After how many seconds a repeat may succeed.
        self.retry_after = retry_after


class ConflictError(ApiError):
    """The user has a task under way, and no second one is made beside it."""

    def __init__(self, task: TaskResponse) -> None:
        super().__init__(409, f"{task['message']}.")
        self.task = task


class ServiceAwayError(RefinementError):
    """The service could not be reached for as long as the client is patient."""


class TaskFailedError(RefinementError):
    """The task failed; the message is its reason."""

    def __init__(self, task: TaskResponse) -> None:
        super().__init__(task["error_message"] or "The task failed.")
        self.task = task


class TaskDeletedError(RefinementError):
    """The task was deleted before it ended."""

    def __init__(self, task_id: str) -> None:
        super().__init__("The task was deleted.")
        self.task_id = task_id
