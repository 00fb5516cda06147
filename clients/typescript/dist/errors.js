// What a client throws. The client for Python gives the same names to the same errors.
export const NOT_OURS = 'The answer is not one of the service.';
export const NO_EVENTS = 'These are not events of the service.';
/** Every error of this package. */
export class RefinementError extends Error {
    name = 'RefinementError';
    /** The original that `refine` uploaded, if it is still stored. */
    upload = null;
    /** The task, if `refine` created one. */
    taskId = null;
}
/** The service answered, but not with success. The message names the fields that are
 * at fault. */
export class ApiError extends RefinementError {
    name = 'ApiError';
    status;
    /** For programs: `VALIDATION_ERROR`, `RATE_LIMIT_EXCEEDED` and so on. Null where the answer is not the service's own. */
    code;
    /** The problems of each field of a request. */
    fieldErrors;
    /** After how many seconds a repeat may succeed. */
    retryAfter;
    /** Whether it answers a repeat: an earlier try may have been accepted. */
    isRepeat = false;
    constructor(status, body, retryAfter) {
        const fieldErrors = body?.field_errors ?? {};
        super(withFields(body?.detail ?? `The service answered with status ${status}.`, fieldErrors));
        this.status = status;
        this.code = body?.error_code ?? null;
        this.fieldErrors = fieldErrors;
        this.retryAfter = retryAfter;
    }
}
/** The state of a task does not allow it: the user has this one in progress, and no
 * second one is created; or it has ended, and cannot be cancelled. */
export class ConflictError extends ApiError {
    name = 'ConflictError';
    task;
    constructor(task) {
        super(409, { detail: `${task.message}.`, error_code: 'CONFLICT' }, null);
        this.task = task;
    }
}
/** The service could not be reached for as long as the client is patient. */
export class ServiceUnreachableError extends RefinementError {
    name = 'ServiceUnreachableError';
}
/** The task failed; the message is its reason. */
export class TaskFailedError extends RefinementError {
    name = 'TaskFailedError';
    task;
    constructor(task) {
        super(task.error_message ?? 'The task failed.');
        this.task = task;
    }
}
/** The task was deleted before it ended. */
export class TaskDeletedError extends RefinementError {
    name = 'TaskDeletedError';
    taskId;
    constructor(taskId) {
        super('The task was deleted.');
        this.taskId = taskId;
    }
}
/** Whether an answer declares such content. */
export function declares(response, mediaType) {
    return Boolean(response.headers.get('Content-Type')?.toLowerCase().startsWith(mediaType));
}
/** The error of an answer that is not a success. */
export function refusal(status, headers, text) {
    const body = objectOf(text);
    if (status === 409 && body['task_id'] && typeof body['message'] === 'string') {
        return new ConflictError(body);
    }
    const problems = body['field_errors'];
    const told = {
        detail: typeof body['detail'] === 'string' ? body['detail'] : undefined,
        error_code: typeof body['error_code'] === 'string' ? body['error_code'] : undefined,
        field_errors: areOfFields(problems) ? problems : null,
    };
    const retryAfter = Number(headers.get('Retry-After'));
    return new ApiError(status, told, Number.isFinite(retryAfter) && retryAfter ? retryAfter : null);
}
/** Empty if it is no object of JSON. */
function objectOf(text) {
    try {
        return Object(JSON.parse(text));
    }
    catch {
        return {};
    }
}
function areOfFields(problems) {
    return problems instanceof Object && Object.values(problems).every(Array.isArray);
}
function withFields(message, fieldErrors) {
    const problems = Object.entries(fieldErrors).map(([field, problems]) => `${field} ${problems.join(', ')}`);
    return problems.length > 0 ? `${message} ${problems.join('; ')}.` : message;
}
