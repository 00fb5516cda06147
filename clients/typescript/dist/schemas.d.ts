/** What is to stay as it is. */
export type Aspect = "colors" | "layout" | "style" | "shapes";
/** A page of concepts, newest first. */
export interface ConceptList {
    concepts: Array<ConceptResponse>;
    /** Leads to the next page; null on the last one. */
    next_cursor: string | null;
}
/** The result of a completed task. */
export interface ConceptResponse {
    color_palettes: Array<string>;
    created_at: string;
    id: string;
    /** The refined image, as a signed URL. */
    image_url: string;
    /** Whether the user was anonymous. */
    is_anonymous: boolean;
    logo_description: string | null;
    /** What the model reported about its work, such as words that it did not understand. */
    notes: Array<string>;
    /** The concept whose image was refined, if it was one of the user's. It may have been deleted since. */
    original_concept_id: string | null;
    /** As it was sent, or the address of the image of the concept that was refined. */
    original_image_url: string;
    /** Where the image says that it comes from. Null of a concept that version 0.1 stored. */
    provenance: Provenance | null;
    refinement_prompt: string;
    task_id: string;
    theme_description: string | null;
}
export interface DeletedEvent {
    task_id: string;
}
/** The kind of the error; it corresponds to the status. */
export type ErrorCode = "BAD_REQUEST" | "BUDGET_EXCEEDED" | "CONFLICT" | "FORBIDDEN" | "INTERNAL_ERROR" | "METHOD_NOT_ALLOWED" | "MISDIRECTED_REQUEST" | "NOT_FOUND" | "PAYLOAD_TOO_LARGE" | "RANGE_NOT_SATISFIABLE" | "RATE_LIMIT_EXCEEDED" | "SERVICE_UNAVAILABLE" | "UNAUTHORIZED" | "UNSUPPORTED_MEDIA_TYPE" | "VALIDATION_ERROR";
/** The body of every error. */
export interface ErrorResponse {
    /** A sentence for people. */
    detail: string;
    error_code: ErrorCode;
    /** All problems, by field; null if no field is at fault. */
    field_errors: Record<string, Array<string>> | null;
    /** The status of the answer. */
    status_code: number;
}
/** The process is alive. */
export interface HealthResponse {
    /** The model's description of itself. */
    model: string;
    /** Always `healthy`. */
    status: string;
    version: string;
}
/** A concept, those that it was refined from, and those that were refined from it. */
export interface LineageResponse {
    /** The oldest first. */
    concepts: Array<ConceptResponse>;
}
export interface ProgressEvent {
    /** The stage that begins. */
    stage: StageName;
}
/** Where a refined image says that it comes from, and what its original had. */
export interface Provenance {
    /** What the image bears: content credentials (C2PA), a digital source type in XMP, or nothing. */
    mark: "c2pa" | "xmp" | "none";
    /** Whether the original had content credentials. */
    original_had_credentials: boolean;
    /** Of the stored image, in hexadecimal. */
    sha256: string;
    /** The last part of the address of the image's digital source type (IPTC). Null if it has none, or content credentials, which are not read. */
    source: string | null;
}
/** What is left of the user's quota. All fields are null if it is unlimited. */
export interface QuotaResponse {
    /** Tasks per window. */
    limit: number | null;
    /** How many of them are left. */
    remaining: number | null;
    /** When the window ends, in Unix seconds. */
    reset: number | null;
    /** The calendar window, in UTC. */
    window: "hour" | "day" | "month" | null;
}
/** Which parts of the service can be used. */
export interface ReadyResponse {
    /** For each part `ok`, or a sentence that says why it cannot be used. */
    capabilities: Record<string, string>;
    status: "ready" | "degraded";
}
/** The fields of the request, as sent. The first four are always there, and null if absent; the others only if they were sent. Then what else there is to say of the task. */
export interface RefinementMetadata {
    /** What its work cost, in US dollars with two to six decimals, as far as it is known: once the task has ended. Absent if nothing is known, which is not zero. */
    cost?: string;
    /** As sent. */
    deadline_seconds?: number;
    logo_description: string | null;
    /** As sent. */
    mask_feather?: number;
    /** As sent. */
    mask_url?: string;
    /** The model's notes on its work. Absent if there are none, and until the task is completed. They stay when the concept is deleted. */
    notes?: Array<string>;
    /** As sent. */
    original_concept_id?: string;
    /** Null if `original_concept_id` was sent. */
    original_image_url: string | null;
    /** As sent. */
    preserve_aspects?: Array<Aspect>;
    refinement_prompt: string;
    /** As sent. */
    region?: Region;
    /** As sent. */
    region_only?: boolean;
    /** As sent. */
    seed?: number;
    /** As sent. */
    strength?: number;
    theme_description: string | null;
}
/** What to refine, and how. Unknown fields are ignored. */
export interface RefinementRequest {
    /** How many seconds after its submission a worker has to have begun the task, and then to have ended it: at most the operator's limit for a task (300 unless set otherwise). A task that no worker has begun by then fails, costs nothing and gives its quota back. */
    deadline_seconds?: number | null;
    /** What the image shows. */
    logo_description?: string | null;
    /** How many pixels blend along the edge of the part to change, counted inwards; 8 if absent. Only with `region` or `mask_url`. */
    mask_feather?: number | null;
    /** An image of the upright original's size that shows the part to change: every pixel outside of it stays as it is. If the mask has transparency anywhere, its fully transparent pixels are that part, else its white ones (all channels above half). A URL as in `original_image_url`, or the `image_url` of an upload. Not together with `region`. */
    mask_url?: string | null;
    /** The id of a concept of the user's, whose image is the original. In place of `original_image_url`. */
    original_concept_id?: string | null;
    /** An http or https URL with a public address and without user information, or the `image_url` of an upload or of a concept of the user's. Required unless `original_concept_id` is sent; not together with it. */
    original_image_url?: string | null;
    /** What is to stay as it is, none twice. A provider's prompt ends with it; `local` leaves these aspects alone. */
    preserve_aspects?: Array<Aspect> | null;
    /** What to change. Spaces at either end do not count. */
    refinement_prompt: string;
    /** The part of the image to change: every pixel outside of it stays as it is. Not together with `mask_url`. */
    region?: Region | null;
    /** Whether the model sees only the part to change, with a margin around it: a quarter of the longer side, from 32 to 256 pixels. `true` only with `region` or `mask_url`. */
    region_only?: boolean | null;
    /** For models that draw random numbers: with the same seed, such a model makes the same image again. Others say in their notes that they ignored it. */
    seed?: number | null;
    /** How far the result may be from the original, from 0 (not at all) to 1 (as far as the model goes); 0.7 if absent. A model that cannot be told so says it in its notes. */
    strength?: number | null;
    /** The theme, including its colours. */
    theme_description?: string | null;
    /** Where to send a webhook when the task has ended, by the Standard Webhooks specification: an https URL with a public address and without user information, or one that the operator allows. It is not part of the task's metadata. */
    webhook_url?: string | null;
}
/** A rectangle in pixels of the upright original: an EXIF orientation is applied first. What reaches beyond the image is cut off. */
export interface Region {
    /** Its height. */
    height: number;
    /** Its width. */
    width: number;
    /** How many columns are to the left of it. */
    x: number;
    /** How many rows are above it. */
    y: number;
}
/** A limit on refinements. */
export interface ServiceQuota {
    /** Refinements per window. */
    limit: number;
    /** The calendar window, in UTC. */
    window: "hour" | "day" | "month";
}
/** What the web page needs to know about the service. */
export interface ServiceResponse {
    /** Whether users without credentials can get an anonymous session. */
    anonymous_sessions: boolean;
    /** The largest image, in bytes. */
    max_image_bytes: number;
    /** The most pixels of an image. */
    max_image_pixels: number;
    /** The model's description of itself. */
    model: string;
    /** The quota of each user; null if unlimited. */
    quota: ServiceQuota | null;
    /** Whether what a user without an account made is removed some time after the last session. */
    removes_old_data: boolean;
    /** Whether anyone may ask where an image comes from. */
    verify: boolean;
}
/** The credentials of an anonymous user. */
export interface SessionResponse {
    /** A JSON Web Token. */
    access_token: string;
    /** In seconds. */
    expires_in: number;
    /** Always `bearer`. */
    token_type: string;
    user_id: string;
}
/** The stages of a refinement, in the order in which they begin. */
export type StageName = "downloading" | "refining" | "storing-image" | "storing-concept";
/** The task was deleted. */
export interface StreamedEnd {
    data: DeletedEvent;
    event: "deleted";
    /** Always `deleted`. */
    id: string;
}
/** A stage begins. */
export interface StreamedProgress {
    data: ProgressEvent;
    event: "progress";
}
/** The task, now and at each change of status. */
export interface StreamedTask {
    data: TaskResponse;
    event: "task";
    /** Names the state; for `Last-Event-ID`. */
    id: string;
}
/** A page of tasks, newest first. */
export interface TaskList {
    /** Leads to the next page; null on the last one. */
    next_cursor: string | null;
    tasks: Array<TaskResponse>;
}
/** A refinement task in its current state. All eleven keys are always present, null where there is no value. */
export interface TaskResponse {
    /** When the task was completed or failed; null before that. */
    completed_at: string | null;
    created_at: string;
    /** Why the task failed, in a sentence for the user. */
    error_message: string | null;
    /** The refined image, as a signed URL that works without credentials for about an hour. Null before the task is completed and after its concept was deleted. */
    image_url: string | null;
    /** The status as a sentence. */
    message: string;
    metadata: RefinementMetadata;
    /** The id of the concept, once the task is completed. */
    result_id: string | null;
    status: TaskStatus;
    task_id: string;
    type: "concept_refinement";
    /** When the task last changed; null until it first does. */
    updated_at: string | null;
}
/** `completed` and `failed` are final. */
export type TaskStatus = "pending" | "processing" | "completed" | "failed";
/** An original that was stored. */
export interface UploadResponse {
    /** A signed URL, to be displayed and to be sent as `original_image_url`. */
    image_url: string;
    /** The image's path below `/api/images/`. */
    path: string;
}
/** What the user's tasks cost that were submitted in the window. Amounts are in US dollars. */
export interface UsageResponse {
    /** What may be spent and reserved together in the window; null: unlimited. */
    limit: string | null;
    /** What tasks that have not ended may cost, and calls of which nobody knows whether they were accepted. */
    reserved: string;
    /** When the window ends, in Unix seconds. */
    reset: number;
    /** What calls of the model cost that were accepted. */
    spent: string;
    /** How many calls of the model were accepted, or perhaps were, whose price is unknown. They are in no amount. */
    unknown_calls: number;
    /** The calendar window, in UTC: that of the budget, or the month. */
    window: "hour" | "day" | "month";
}
/** What an image says of its origin. */
export interface VerificationResponse {
    /** When the first such concept was created. */
    made_at: string | null;
    /** Whether a concept with these very bytes exists here. Nothing tells whose. */
    made_here: boolean;
    /** What it bears: content credentials (C2PA), which are not read, and a digital source type in XMP. */
    marks: Array<"c2pa" | "xmp">;
    /** The last part of the address of its digital source type (IPTC), if its XMP names one. */
    source: string | null;
}
/** An event of the stream, with its data parsed. */
export type WatchEvent = StreamedTask | StreamedProgress | StreamedEnd;
/** An attempt that has ended. */
export interface WebhookAttempt {
    /** When it began. */
    at: string;
    /** What went wrong, in a sentence; null only for a 2xx. */
    error: string | null;
    /** What the receiver answered; null if it did not. */
    status: number | null;
}
/** What a receiver gets when a task has ended. */
export interface WebhookEvent {
    /** The task as `GET /api/tasks/{task_id}` returns it. */
    data: TaskResponse;
    /** The failed task that this one repeats, if the operator asked for that. */
    retry_of?: string;
    /** The task's `completed_at`. */
    timestamp: string;
    type: "task.completed" | "task.failed";
}
/** The state of a task's webhook delivery. */
export interface WebhookResponse {
    /** The attempts that have ended, oldest first. */
    attempts: Array<WebhookAttempt>;
    /** When the next attempt is due. Null before the task has ended, and if there will be no further attempt. */
    next_attempt_at: string | null;
    state: WebhookState;
    /** As sent. */
    url: string;
}
/** The key of the user's webhooks. */
export interface WebhookSecret {
    /** `whsec_` and the base64 of the 32 bytes that are the key of HMAC-SHA256. */
    secret: string;
}
/** `delivered` and `failed` are final unless another attempt is requested. */
export type WebhookState = "pending" | "delivered" | "failed";
