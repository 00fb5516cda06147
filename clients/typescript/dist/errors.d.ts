import type { ErrorResponse, TaskResponse, UploadResponse } from './schemas.js';
export declare const NOT_OURS = "The answer is not one of the service.";
export declare const NO_EVENTS = "These are not events of the service.";
/** Every error of this package. */
export declare class RefinementError extends Error {
    name: string;
    /** The original that `refine` uploaded, if it is still stored. */
    upload: UploadResponse | null;
    /** The task, if `refine` created one. */
    taskId: string | null;
}
/** The service answered, but not with success. The message names the fields that are
 * at fault. */
export declare class ApiError extends RefinementError {
    name: string;
    readonly status: number;
    /** For programs: `VALIDATION_ERROR`, `RATE_LIMIT_EXCEEDED` and so on. Null where the answer is not the service's own. */
    readonly code: string | null;
    /** The problems of each field of a request. */
    readonly fieldErrors: Readonly<Record<string, readonly string[]>>;
    /** After how many seconds a repeat may succeed. */
    readonly retryAfter: number | null;
    /** Whether it answers a repeat: an earlier try may have been accepted. */
    isRepeat: boolean;
    constructor(status: number, body: Partial<ErrorResponse> | null, retryAfter: number | null);
}
/** The state of a task does not allow it: the user has this one in progress, and no
 * second one is created; or it has ended, and cannot be cancelled. */
export declare class ConflictError extends ApiError {
    name: string;
    readonly task: TaskResponse;
    constructor(task: TaskResponse);
}
/** The service could not be reached for as long as the client is patient. */
export declare class ServiceUnreachableError extends RefinementError {
    name: string;
}
/** The task failed; the message is its reason. */
export declare class TaskFailedError extends RefinementError {
    name: string;
    readonly task: TaskResponse;
    constructor(task: TaskResponse);
}
/** The task was deleted before it ended. */
export declare class TaskDeletedError extends RefinementError {
    name: string;
    readonly taskId: string;
    constructor(taskId: string);
}
/** Whether an answer declares such content. */
export declare function declares(response: Response, mediaType: string): boolean;
/** The error of an answer that is not a success. */
export declare function refusal(status: number, headers: Headers, text: string): ApiError;
