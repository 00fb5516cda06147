import type { Aspect, ConceptResponse, Region, StageName, TaskResponse, UploadResponse } from './schemas.js';
export interface ClientOptions {
    /** An access token, or a function that gives one for each request; never empty. Without it
     * the session cookie counts in a page of the service's own origin; if there is none, the first
     * request that needs a user makes an anonymous one, if the service has such users. */
    token?: string | (() => string | Promise<string>) | undefined;
    /** In place of the platform's own. */
    fetch?: typeof fetch | undefined;
    /** How long the service is asked again while it cannot be reached or is
     * overloaded, as during a restart, also where a gateway says so, in milliseconds; a minute
     * if it is not given. */
    patience?: number | undefined;
}
export interface CallOptions {
    signal?: AbortSignal | undefined;
}
export interface SubmitOptions extends CallOptions {
    /** Makes the request safe to send again: one is made up if none is given. */
    idempotencyKey?: string | undefined;
    /** How many seconds to wait for the task's end, 1 to 60: the answer is the task
     * as it is then. Without it the answer comes at once. */
    wait?: number | undefined;
}
export interface ListOptions extends CallOptions {
    /** 1 to 100. */
    limit?: number | undefined;
    /** The `next_cursor` of the page before. */
    cursor?: string | null | undefined;
}
/** The bytes of an image, as in a file: PNG, JPEG, WebP or GIF. */
export type ImageBytes = Blob | ArrayBuffer | ArrayBufferView;
export interface Refinement {
    /** The original: its URL, or its bytes, which are uploaded. Not together with
     * `originalConceptId`. */
    image?: string | URL | ImageBytes | null | undefined;
    /** The id of an earlier result of the user, which is refined further, in place of an
     * image. */
    originalConceptId?: string | null | undefined;
    /** What should change: 1 to 2,000 characters. */
    prompt: string;
    logoDescription?: string | null | undefined;
    themeDescription?: string | null | undefined;
    /** How far the result may be from the original, 0 to 1; 0.7 if it is not given. */
    strength?: number | null | undefined;
    /** For models that draw random numbers: the same makes the same image again. */
    seed?: number | null | undefined;
    /** The part to change, in pixels; nothing else changes. Not together with a mask. */
    region?: Region | null | undefined;
    /** The part to change, as an image of the same size, which is white there (or, if it has
     * transparency, transparent): its URL, or its bytes, which are uploaded, and deleted when
     * the task has ended. */
    mask?: string | URL | ImageBytes | null | undefined;
    /** How many pixels blend along the edge of that part, 0 to 64; 8 if it is not given. */
    maskFeather?: number | null | undefined;
    /** Whether the model sees only that part, with a margin around it. */
    regionOnly?: boolean | null | undefined;
    /** How many seconds after its submission a worker has to have begun it, and then to have
     * ended it: at least 10. */
    deadlineSeconds?: number | null | undefined;
    /** What should stay as it is, none twice. */
    preserveAspects?: Aspect[] | null | undefined;
    /** Where the service posts the task's end, besides. */
    webhookUrl?: string | null | undefined;
}
export interface RefineOptions extends CallOptions {
    /** Names this refinement, so that it can be asked for again after a crash of
     * this program, within 24 hours: give the same image by the same URL. */
    idempotencyKey?: string | undefined;
    /** Called with each event of the task. */
    onEvent?: ((event: TaskEvent) => void) | undefined;
}
/** A task as it is now. */
export interface CurrentTask extends TaskResponse {
    /** Where it is in the queue while it is pending: 1 is claimed next. It may be 2 s old. Null if
     * it is not pending, not among the first 1,000, or the service does not know it. */
    queue_position: number | null;
}
/** What becomes of a task. */
export type TaskEvent = {
    type: 'task';
    task: TaskResponse;
} | {
    type: 'progress';
    stage: StageName;
} | {
    type: 'deleted';
    taskId: string;
};
/** The result of a refinement. */
export interface Refined {
    /** The refined image. */
    image: Blob;
    /** What the model reported about its work, such as words that it did not understand. */
    notes: string[];
    /** The completed task. */
    task: TaskResponse;
    /** What the service keeps of it. */
    concept: ConceptResponse;
    /** The original, if it was uploaded. It stays until it is deleted. */
    upload: UploadResponse | null;
}
