import type { CallOptions, ClientOptions, CurrentTask, ImageBytes, ListOptions, Refined, RefineOptions, Refinement, SubmitOptions, TaskEvent } from './options.js';
import type { ConceptList, ConceptResponse, QuotaResponse, RefinementRequest, SessionResponse, TaskList, TaskResponse, TaskStatus, UploadResponse, UsageResponse, VerificationResponse, WebhookResponse } from './schemas.js';
/** A client of one service. It keeps nothing but its token. */
export declare class Client {
    #private;
    /** `base`: the service's origin, as `https://refine.example.com`; in a page of the
     * service's own origin it may be empty.
     *
     * @throws {TypeError} it does not begin with `http://` or `https://`, and is no path in a page */
    constructor(base: string | URL, options?: ClientOptions);
    /** Uploads the original unless it is a URL, submits the refinement, follows it, and
     * returns the refined image and the model's notes. It goes on through a restart of
     * the service. An original that it uploaded is kept until you delete it, by the `upload`
     * of the result or of the error, and counts towards the user's uploads. If the service
     * refuses the refinement at the first try, or it cannot be submitted, it is deleted at
     * once.
     *
     * @throws {TaskFailedError} the task failed or was cancelled
     * @throws {TaskDeletedError} the task was deleted meanwhile
     * @throws {ConflictError} the user has another task in progress
     * @throws {ApiError} the service refused a request
     * @throws {ServiceUnreachableError} it could not be reached for longer than `patience` */
    refine(refinement: Refinement, options?: RefineOptions): Promise<Refined>;
    /** Makes an anonymous user, if the service has such, who this client is from now on. */
    createSession(options?: CallOptions): Promise<SessionResponse>;
    /** What is left of the user's quota. */
    quota(options?: CallOptions): Promise<QuotaResponse>;
    /** What the user has spent in the window of the budget, or in this month. */
    usage(options?: CallOptions): Promise<UsageResponse>;
    /** Stores an original. If the answer gets lost it is sent again twice, and each try may store it
     * once more. */
    upload(image: ImageBytes, options?: CallOptions): Promise<UploadResponse>;
    /** Deletes an upload, by the `path` that `upload` returned. */
    deleteUpload(path: string, options?: CallOptions): Promise<void>;
    /** Creates a task.
     *
     * @throws {ConflictError} the user has another task in progress */
    submit(request: RefinementRequest, options?: SubmitOptions): Promise<TaskResponse>;
    /** A task as it is now, and where it is in the queue. */
    task(id: string, options?: CallOptions): Promise<CurrentTask>;
    /** A page of the user's tasks, newest first. */
    tasks({ signal, ...query }?: ListOptions & {
        status?: TaskStatus | undefined;
    }): Promise<TaskList>;
    /** The events of a task, up to its end: the task as it is now, and each change. A
     * stream that breaks off is continued where it was. */
    watch(id: string, options?: CallOptions): AsyncGenerator<TaskEvent, void>;
    /** Ends a task in progress, which is kept as a failed one.
     *
     * @throws {ConflictError} it has already ended */
    cancelTask(id: string, options?: CallOptions): Promise<TaskResponse>;
    /** Deletes a task, and ends the work in progress for it. */
    deleteTask(id: string, options?: CallOptions): Promise<void>;
    /** The result of a completed task, with the model's notes. */
    concept(id: string, options?: CallOptions): Promise<ConceptResponse>;
    /** A page of the results of the user's completed tasks, newest first. */
    concepts({ signal, ...query }?: ListOptions): Promise<ConceptList>;
    /** A concept, those that it was refined from and those that were refined from it, oldest
     * first, at most 100. */
    lineage(id: string, options?: CallOptions): Promise<ConceptResponse[]>;
    /** Deletes a concept and its image. */
    deleteConcept(id: string, options?: CallOptions): Promise<void>;
    /** Erases everything that is stored about the user, except what the quota counted. */
    deleteMe(options?: CallOptions): Promise<void>;
    /** The refined image of a completed task, or that of a concept. */
    image({ image_url }: {
        image_url: string | null;
    }, options?: CallOptions): Promise<Blob>;
    /** What an image says of its origin, and whether these very bytes were made by this
     * service. It is asked without credentials.
     *
     * @throws {ApiError} with status 404 if the service does not tell */
    verify(image: ImageBytes, options?: CallOptions): Promise<VerificationResponse>;
    /** The state of the delivery of a task's webhook. */
    webhook(taskId: string, options?: CallOptions): Promise<WebhookResponse>;
    /** Requests one more attempt for a webhook that was delivered or has failed.
     *
     * @throws {ApiError} with status 409 while an attempt is still to come */
    redeliverWebhook(taskId: string, options?: CallOptions): Promise<WebhookResponse>;
    /** The key with which the user's webhooks are signed, as `standardwebhooks` takes it. */
    webhookSecret(options?: CallOptions): Promise<string>;
}
