// Generated from openapi.json by generate.mjs: do not edit.

/** A page of concepts, newest first. */
export interface ConceptList {
  concepts: Array<ConceptResponse>;
  /** Where the next page begins; null after the last one. */
  next_cursor: string | null;
}

/** What a completed task left behind. */
export interface ConceptResponse {
  color_palettes: Array<string>;
  created_at: string;
  id: string;
  /** The refined image, by a signed URL. */
  image_url: string;
  /** Whether its user was an anonymous one. */
  is_anonymous: boolean;
  logo_description: string | null;
  /** What the model said of its work, such as the words that it did not understand. */
  notes: Array<string>;
  /** As it was sent. */
  original_image_url: string;
  refinement_prompt: string;
  task_id: string;
  theme_description: string | null;
}

export interface DeletedEvent {
  task_id: string;
}

/** Names the kind of the problem; it goes with the status. */
export type ErrorCode = "BAD_REQUEST" | "CONFLICT" | "FORBIDDEN" | "INTERNAL_ERROR" | "METHOD_NOT_ALLOWED" | "MISDIRECTED_REQUEST" | "NOT_FOUND" | "PAYLOAD_TOO_LARGE" | "RANGE_NOT_SATISFIABLE" | "RATE_LIMIT_EXCEEDED" | "SERVICE_UNAVAILABLE" | "UNAUTHORIZED" | "UNSUPPORTED_MEDIA_TYPE" | "VALIDATION_ERROR";

/** Every answer other than success. */
export interface ErrorResponse {
  /** A sentence for the person who asked. */
  detail: string;
  error_code: ErrorCode;
  /** What is wrong with which field, all problems at once; null where no field is to blame. */
  field_errors: Record<string, Array<string>> | null;
  /** The status of the answer. */
  status_code: number;
}

/** The process lives. */
export interface HealthResponse {
  /** What the model says of itself. */
  model: string;
  /** Always `healthy`. */
  status: string;
  version: string;
}

export interface ProgressEvent {
  /** What begins. */
  stage: StageName;
}

/** What of the service can be used. */
export interface ReadyResponse {
  /** `ok`, or a sentence that says why not. */
  capabilities: Record<string, string>;
  status: "ready" | "degraded";
}

/** The four fields of the request, as sent; null where absent. */
export interface RefinementMetadata {
  logo_description: string | null;
  original_image_url: string;
  refinement_prompt: string;
  theme_description: string | null;
}

/** What is to be refined, and how. Unknown fields are ignored. */
export interface RefinementRequest {
  /** What the picture shows. */
  logo_description?: string | null;
  /** An http or https URL with a public address and without user information, or the `image_url` of an upload. */
  original_image_url: string;
  /** Instructions for how to refine the image. Spaces at both ends do not count. */
  refinement_prompt: string;
  /** The theme, its colours among it. */
  theme_description?: string | null;
  /** Where to tell that the task has ended, by the Standard Webhooks specification: an https URL with a public address and without user information, or what the operator allows. It is no part of the task's metadata. */
  webhook_url?: string | null;
}

/** The service, to its web page. */
export interface ServiceResponse {
  /** Whether whoever comes without credentials can have a session. */
  anonymous_sessions: boolean;
  /** What each user may ask for; null: unlimited. */
  quota: ServiceQuota | null;
}

/** A limit on refinements. */
export interface ServiceQuota {
  /** Refinements in each window. */
  limit: number;
  /** The calendar window, in UTC. */
  window: "hour" | "day" | "month";
}

/** The credentials of a new user. */
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

/** A page of tasks, newest first. */
export interface TaskList {
  /** Where the next page begins; null after the last one. */
  next_cursor: string | null;
  tasks: Array<TaskResponse>;
}

/** A refinement task as it stands: exactly these eleven keys, always all present, null where there is nothing. */
export interface TaskResponse {
  /** Set in both final states, `completed` and `failed`. */
  completed_at: string | null;
  created_at: string;
  /** Why the task failed, in a sentence for the person who asked. */
  error_message: string | null;
  /** The refined image, by a signed URL that works without credentials for about an hour. Null before the task is completed and after its concept was deleted. */
  image_url: string | null;
  /** The status as a sentence. */
  message: string;
  metadata: RefinementMetadata;
  /** The refined concept's id, once completed. */
  result_id: string | null;
  status: TaskStatus;
  task_id: string;
  type: "concept_refinement";
  /** Null until the task first changes. */
  updated_at: string | null;
}

/** `completed` and `failed` are final. */
export type TaskStatus = "pending" | "processing" | "completed" | "failed";

/** An original that was stored. */
export interface UploadResponse {
  /** Signed, to be looked at, and to be sent as `original_image_url`. */
  image_url: string;
  /** Names the image under `/api/images/`. */
  path: string;
}

/** An attempt that has ended. */
export interface WebhookAttempt {
  /** When it began. */
  at: string;
  /** What went wrong, in a sentence; null only for 2xx. */
  error: string | null;
  /** What the receiver answered; null if it did not. */
  status: number | null;
}

/** What came of a task's webhook. */
export interface WebhookResponse {
  /** The oldest first. */
  attempts: Array<WebhookAttempt>;
  /** Null before the task has ended, and where there will be no further attempt. */
  next_attempt_at: string | null;
  state: WebhookState;
  /** As sent. */
  url: string;
}

/** The key of the caller's webhooks. */
export interface WebhookSecret {
  /** `whsec_` and the base64 of the 32 bytes that are the key of HMAC-SHA256. */
  secret: string;
}

/** `delivered` and `failed` stay until one more attempt is requested. */
export type WebhookState = "pending" | "delivered" | "failed";
