"""A client of the concept refinement service: an image and a prompt in, the refined
image out."""

from ._answers import Progress, Refined, TaskChanged, TaskDeleted, TaskEvent
from ._async_client import AsyncClient
from ._client import Client
from ._errors import (
    ApiError,
    ConflictError,
    RefinementError,
    ServiceAwayError,
    TaskDeletedError,
    TaskFailedError,
)
from ._schemas import (
    ConceptList,
    ConceptResponse,
    SessionResponse,
    TaskList,
    TaskResponse,
    TaskStatus,
    UploadResponse,
)

__all__ = [
    "ApiError",
    "AsyncClient",
    "Client",
    "ConceptList",
    "ConceptResponse",
    "ConflictError",
    "Progress",
    "Refined",
    "RefinementError",
    "ServiceAwayError",
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
]
