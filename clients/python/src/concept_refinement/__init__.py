"""A client of the concept refinement service: an image and a prompt in, the refined
image out."""

from ._answers import CurrentTask, Progress, Refined, TaskChanged, TaskDeleted, TaskEvent
from ._async_client import AsyncClient
from ._client import Client
from ._errors import (
    ApiError,
    ConflictError,
    RefinementError,
    ServiceUnreachableError,
    TaskDeletedError,
    TaskFailedError,
)
from ._schemas import (
    Aspect,
    ConceptList,
    ConceptResponse,
    Provenance,
    QuotaResponse,
    Region,
    SessionResponse,
    TaskList,
    TaskResponse,
    TaskStatus,
    UploadResponse,
    UsageResponse,
    VerificationResponse,
    WebhookAttempt,
    WebhookResponse,
    WebhookState,
)

__all__ = [
    "ApiError",
    "Aspect",
    "AsyncClient",
    "Client",
    "ConceptList",
    "ConceptResponse",
    "ConflictError",
    "CurrentTask",
    "Progress",
    "Provenance",
    "QuotaResponse",
    "Refined",
    "RefinementError",
    "Region",
    "ServiceUnreachableError",
    "SessionResponse",
    "TaskChanged",
    "TaskDeleted",
    "TaskDeletedError",
    "TaskEvent",
    "TaskFailedError",
    "TaskList",
    "TaskResponse",
    "TaskStatus",
    "UploadResponse",
    "UsageResponse",
    "VerificationResponse",
    "WebhookAttempt",
    "WebhookResponse",
    "WebhookState",
]
