import type { ErrorResponse, TaskResponse } from './schemas.js';

/** The service answered, but not with success. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly status: number;
  /** For programs: `VALIDATION_ERROR`, `RATE_LIMIT_EXCEEDED` and so on. Null where the answer is not the service's own. */
  readonly code: string | null;
  /** The problems of each field of a request. */
  readonly fieldErrors: Readonly<Record<string, readonly string[]>>;
  /** After how many seconds a repeat may succeed. */
  readonly retryAfter: number | null;

  constructor(status: number, body: Partial<ErrorResponse> | null, retryAfter: number | null) {
    super(body?.detail ?? `The service answered with status ${status}.`);
    this.status = status;
    this.code = body?.error_code ?? null;
    this.fieldErrors = body?.field_errors ?? {};
    this.retryAfter = retryAfter;
  }
}

/** The user has a task under way, and no second one is made beside it. */
export class ConflictError extends ApiError {
  override name = 'ConflictError';
  readonly task: TaskResponse;

  constructor(task: TaskResponse) {
    super(409, null, null);
    this.message = `${task.message}.`;
    this.task = task;
  }
}

/** The service could not be reached for as long as the client is patient. */
export class ConnectionError extends Error {
  override name = 'ConnectionError';
}

/** The task failed; the message is its reason. */
export class TaskFailedError extends Error {
  override name = 'TaskFailedError';
  readonly task: TaskResponse;

  constructor(task: TaskResponse) {
    super(task.error_message ?? 'The task failed.');
    this.task = task;
  }
}

/** The task was deleted before it ended. */
export class TaskDeletedError extends Error {
  override name = 'TaskDeletedError';
  readonly taskId: string;

  constructor(taskId: string) {
    super('The task was deleted.');
    this.taskId = taskId;
  }
}
