import { ApiError, ConflictError, RefinementError, TaskDeletedError, TaskFailedError } from './errors.js';
import { isLast } from './events.js';
import type {
  CallOptions,
  ClientOptions,
  CurrentTask,
  ImageBytes,
  ListOptions,
  Refined,
  RefineOptions,
  Refinement,
  SubmitOptions,
  TaskEvent,
} from './options.js';
import type {
  ConceptList,
  ConceptResponse,
  LineageResponse,
  QuotaResponse,
  RefinementRequest,
  SessionResponse,
  TaskList,
  TaskResponse,
  TaskStatus,
  UploadResponse,
  UsageResponse,
  VerificationResponse,
  WebhookResponse,
  WebhookSecret,
} from './schemas.js';
import { TIMEOUT, Transport, sendable } from './transport.js';

/** A client of one service. It keeps nothing but its token. */
export class Client {
  readonly #transport: Transport;

  /** `base`: the service's origin, as `https://refine.example.com`; in a page of the
   * service's own origin it may be empty.
   *
   * @throws {TypeError} it does not begin with `http://` or `https://`, and is no path in a page */
  constructor(base: string | URL, options: ClientOptions = {}) {
    this.#transport = new Transport(base, options);
  }

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
  async refine(refinement: Refinement, options: RefineOptions = {}): Promise<Refined> {
    const { signal, idempotencyKey = newKey() } = options;
    const { image: original, originalConceptId, mask } = refinement;
    if ((original == null) === (originalConceptId == null)) {
      throw new TypeError('Give an image or an originalConceptId, and not both.');
    }
    const request = requested(refinement);
    // Before anything is uploaded: an argument may not be sendable.
    sendable('idempotencyKey', idempotencyKey);
    encoded(request);
    let upload = original == null || isUrl(original) ? null : await this.upload(original, { signal });
    let maskUpload: UploadResponse | null = null;
    let taskId: string | null = null;
    let isSent = false;
    const onSend = () => (isSent = true);
    try {
      if (upload) request.original_image_url = upload.image_url;
      if (mask != null && !isUrl(mask)) {
        maskUpload = await this.upload(mask, { signal });
        request.mask_url = maskUpload.image_url;
      }
      const submitted = await this.#submitted(request, { signal, idempotencyKey }, onSend);
      taskId = submitted.task_id;
      const task = await this.#ended(submitted, options);
      await this.#discard(maskUpload);
      if (!task) throw new TaskDeletedError(taskId);
      if (task.status === 'failed') throw new TaskFailedError(task);
      const concept = await this.concept(String(task.result_id), { signal });
      const image = await this.image(concept, { signal });
      return { image, notes: concept.notes, task, concept, upload };
    } catch (error) {
      // Otherwise there may be a task that needs what was uploaded.
      const isRefused = error instanceof ApiError && error.status < 500 && !error.isRepeat;
      if (!isSent || (!taskId && isRefused)) {
        const discarded = Promise.all([this.#discard(maskUpload), this.#discard(upload)]);
        // Whoever aborts does not wait for it.
        if (!signal?.aborted && (await discarded)[1]) upload = null;
      }
      if (error instanceof RefinementError) Object.assign(error, { upload, taskId });
      throw error;
    }
  }

  /** The task at its end; null if it was deleted. */
  async #ended(submitted: TaskResponse, { signal, onEvent }: RefineOptions): Promise<TaskResponse | null> {
    const { task_id: id, status } = submitted;
    for await (const event of this.#transport.watch(id, taskPath(id), { signal }, status)) {
      onEvent?.(event);
      if (isLast(event)) return event.type === 'task' ? event.task : null;
    }
    return null;
  }

  /** Deletes an upload, and tells whether it is gone; that it stays does not spoil a
   * result. */
  async #discard(upload: UploadResponse | null): Promise<boolean> {
    try {
      if (upload) await this.deleteUpload(upload.path);
      return true;
    } catch {
      return false;
    }
  }

  /** Makes an anonymous user, if the service has such, who this client is from now on. */
  async createSession(options: CallOptions = {}): Promise<SessionResponse> {
    const session = await this.#transport.ask<SessionResponse>('POST', '/api/auth/session', 'access_token', options);
    this.#transport.token = session.access_token;
    return session;
  }

  /** What is left of the user's quota. */
  async quota(options: CallOptions = {}): Promise<QuotaResponse> {
    return this.#transport.ask('GET', '/api/quota', 'limit', options);
  }

  /** What the user has spent in the window of the budget, or in this month. */
  async usage(options: CallOptions = {}): Promise<UsageResponse> {
    return this.#transport.ask('GET', '/api/usage', 'limit', options);
  }

  /** Stores an original. If the answer gets lost it is sent again twice, and each try may store it
   * once more. */
  async upload(image: ImageBytes, options: CallOptions = {}): Promise<UploadResponse> {
    return this.#transport.store('/api/images', 'image_url', { ...options, ...content(image) });
  }

  /** Deletes an upload, by the `path` that `upload` returned. */
  async deleteUpload(path: string, options: CallOptions = {}): Promise<void> {
    await this.#transport.delete(`/api/images/${path}`, options);
  }

  /** Creates a task.
   *
   * @throws {ConflictError} the user has another task in progress */
  async submit(request: RefinementRequest, options: SubmitOptions = {}): Promise<TaskResponse> {
    return this.#submitted(request, options);
  }

  async #submitted(request: RefinementRequest, options: SubmitOptions, onSend?: () => void): Promise<TaskResponse> {
    const { signal, wait, idempotencyKey = newKey() } = options;
    const headers: Record<string, string> = {
      'Content-Type': 'application/json',
      'Idempotency-Key': sendable('idempotencyKey', idempotencyKey),
    };
    if (wait !== undefined) headers['Prefer'] = `wait=${wait}`;
    const timeout = TIMEOUT + 1_000 * (wait ?? 0);
    const call = { signal, body: encoded(request), headers, timeout, onSend };
    return this.#transport.ask('POST', '/api/concepts/refine', 'task_id', call);
  }

  /** A task as it is now, and where it is in the queue. */
  async task(id: string, options: CallOptions = {}): Promise<CurrentTask> {
    const { answer, headers } = await this.#transport.askAll<TaskResponse>('GET', taskPath(id), 'task_id', options);
    const position = headers.get('X-Queue-Position');
    return { ...answer, queue_position: position ? Number(position) : null };
  }

  /** A page of the user's tasks, newest first. */
  async tasks({ signal, ...query }: ListOptions & { status?: TaskStatus | undefined } = {}): Promise<TaskList> {
    return this.#transport.ask('GET', `/api/tasks${queried(query)}`, 'tasks', { signal });
  }

  /** The events of a task, up to its end: the task as it is now, and each change. A
   * stream that breaks off is continued where it was. */
  watch(id: string, options: CallOptions = {}): AsyncGenerator<TaskEvent, void> {
    return this.#transport.watch(id, taskPath(id), options);
  }

  /** Ends a task in progress, which is kept as a failed one.
   *
   * @throws {ConflictError} it has already ended */
  async cancelTask(id: string, options: CallOptions = {}): Promise<TaskResponse> {
    try {
      return await this.#transport.ask<TaskResponse>('POST', `${taskPath(id)}/cancel`, 'task_id', options);
    } catch (error) {
      // The answer to an earlier try got lost.
      if (error instanceof ConflictError && error.isRepeat && error.task.status === 'failed') return error.task;
      throw error;
    }
  }

  /** Deletes a task, and ends the work in progress for it. */
  async deleteTask(id: string, options: CallOptions = {}): Promise<void> {
    await this.#transport.delete(taskPath(id), options);
  }

  /** The result of a completed task, with the model's notes. */
  async concept(id: string, options: CallOptions = {}): Promise<ConceptResponse> {
    return this.#transport.ask('GET', conceptPath(id), 'image_url', options);
  }

  /** A page of the results of the user's completed tasks, newest first. */
  async concepts({ signal, ...query }: ListOptions = {}): Promise<ConceptList> {
    return this.#transport.ask('GET', `/api/concepts${queried(query)}`, 'concepts', { signal });
  }

  /** A concept, those that it was refined from and those that were refined from it, oldest
   * first, at most 100. */
  async lineage(id: string, options: CallOptions = {}): Promise<ConceptResponse[]> {
    const { concepts } = await this.#transport.ask<LineageResponse>('GET', `${conceptPath(id)}/lineage`, 'concepts', options);
    return concepts;
  }

  /** Deletes a concept and its image. */
  async deleteConcept(id: string, options: CallOptions = {}): Promise<void> {
    await this.#transport.delete(conceptPath(id), options);
  }

  /** Erases everything that is stored about the user, except what the quota counted. */
  async deleteMe(options: CallOptions = {}): Promise<void> {
    await this.#transport.delete('/api/me', options);
  }

  /** The refined image of a completed task, or that of a concept. */
  async image({ image_url }: { image_url: string | null }, options: CallOptions = {}): Promise<Blob> {
    if (!image_url) throw new TypeError('There is no image.');
    return this.#transport.download(image_url, options);
  }

  /** What an image says of its origin, and whether these very bytes were made by this
   * service. It is asked without credentials.
   *
   * @throws {ApiError} with status 404 if the service does not tell */
  async verify(image: ImageBytes, options: CallOptions = {}): Promise<VerificationResponse> {
    return this.#transport.askOpenly('POST', '/api/verify', 'made_here', { ...options, ...content(image) });
  }

  /** The state of the delivery of a task's webhook. */
  async webhook(taskId: string, options: CallOptions = {}): Promise<WebhookResponse> {
    return this.#transport.ask('GET', `${taskPath(taskId)}/webhook`, 'state', options);
  }

  /** Requests one more attempt for a webhook that was delivered or has failed.
   *
   * @throws {ApiError} with status 409 while an attempt is still to come */
  async redeliverWebhook(taskId: string, options: CallOptions = {}): Promise<WebhookResponse> {
    return this.#transport.askOnce('POST', `${taskPath(taskId)}/webhook/redeliver`, 'state', options);
  }

  /** The key with which the user's webhooks are signed, as `standardwebhooks` takes it. */
  async webhookSecret(options: CallOptions = {}): Promise<string> {
    const { secret } = await this.#transport.ask<WebhookSecret>('GET', '/api/webhooks/secret', 'secret', options);
    return secret;
  }
}

function isUrl(image: Refinement['mask']): image is string | URL {
  return typeof image === 'string' || image instanceof URL;
}

/** Null of the bytes of an image, or of none. */
function urlOf(image: Refinement['image']): string | null {
  return isUrl(image) ? String(image) : null;
}

/** An image as the body of a request. `fetch` does not tell how far it is, so its time grows
 * with its size: a second for each 16 KiB. */
function content(image: ImageBytes): { body: Blob; headers: Record<string, string>; timeout: number } {
  // Shared memory, which the type allows besides, is nothing that a Blob takes.
  const body = image instanceof Blob ? image : new Blob([image as BlobPart]);
  const headers = { 'Content-Type': body.type || 'application/octet-stream' };
  return { body, headers, timeout: TIMEOUT + 1_000 * (body.size / 16_384) };
}

/** JSON has null in place of some numbers, which is as if they were not given. */
function encoded(request: RefinementRequest): string {
  return JSON.stringify(request, (name, value) => {
    if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`The ${name} must be finite.`);
    return value;
  });
}

/** The original and the mask as far as they are URLs. */
function requested(refinement: Refinement): RefinementRequest {
  const { prompt, logoDescription, themeDescription, webhookUrl } = refinement;
  const { originalConceptId, strength, seed, region, maskFeather, regionOnly, deadlineSeconds, preserveAspects } =
    refinement;
  return {
    original_image_url: urlOf(refinement.image),
    original_concept_id: originalConceptId ?? null,
    refinement_prompt: prompt,
    logo_description: logoDescription ?? null,
    theme_description: themeDescription ?? null,
    webhook_url: webhookUrl ?? null,
    strength: strength ?? null,
    seed: seed ?? null,
    region: region ?? null,
    mask_url: urlOf(refinement.mask),
    mask_feather: maskFeather ?? null,
    region_only: regionOnly ?? null,
    deadline_seconds: deadlineSeconds ?? null,
    preserve_aspects: preserveAspects ?? null,
  };
}

function taskPath(id: string): string {
  return `/api/tasks/${encodeURIComponent(id)}`;
}

function conceptPath(id: string): string {
  return `/api/concepts/${encodeURIComponent(id)}`;
}

function queried(query: Record<string, string | number | null | undefined>): string {
  const given = Object.entries(query).filter(([, value]) => value != null);
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return given.length > 0 ? `?${text}` : '';
}

/** 128 random bits. `crypto.randomUUID` is not there on pages without https. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
