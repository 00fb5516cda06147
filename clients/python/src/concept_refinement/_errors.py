"""What a client raises. The client for TypeScript gives the same names to the same errors."""

from __future__ import annotations

from collections.abc import Mapping

from ._schemas import TaskResponse, UploadResponse


class RefinementError(Exception):
    """Every error of this package."""

    #: The original that ``refine`` uploaded, if it is still stored.
    upload: UploadResponse | None = None
    #: The task, if ``refine`` created one.
    task_id: str | None = None


class ApiError(RefinementError):
    """The service answered, but not with success. The message names the fields that
    are at fault."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        field_errors: Mapping[str, list[str]] | None = None,
        retry_after: float | None = None,
    ) -> None:
        #: The problems of each field of a request.
        self.field_errors: Mapping[str, list[str]] = field_errors or {}
        super().__init__(_with_fields(message, self.field_errors))
        self.status = status
        #: For programs: ``VALIDATION_ERROR``, ``RATE_LIMIT_EXCEEDED`` and so on. None
        #: where the answer is not the service's own.
        self.code = code
        #: After how many seconds a repeat may succeed.
        self.retry_after = retry_after
        #: Whether it answers a repeat: an earlier try may have been accepted.
        self.is_repeat = False


class ConflictError(ApiError):
    """The state of a task does not allow it: the user has this one in progress, and no
    second one is created; or it has ended, and cannot be cancelled."""

    def __init__(self, task: TaskResponse) -> None:
        super().__init__(409, f"{task['message']}.", code="CONFLICT")
        self.task = task


class ServiceUnreachableError(RefinementError):
    """The service could not be reached for as long as the client is patient."""


class TaskFailedError(RefinementError):
    """The task failed; the message is its reason."""

    def __init__(self, task: TaskResponse) -> None:
        super().__init__(task.get("error_message") or "The task failed.")
        self.task = task


class TaskDeletedError(RefinementError):
    """The task was deleted before it ended."""

    task_id: str

    def __init__(self, task_id: str) -> None:
        super().__init__("The task was deleted.")
        self.task_id = task_id


def _with_fields(message: str, field_errors: Mapping[str, list[str]]) -> str:
    problems = [f"{field} {', '.join(problems)}" for field, problems in field_errors.items()]
    return f"{message} {'; '.join(problems)}." if problems else message
