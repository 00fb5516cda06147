import { ApiError, ConflictError, ConnectionError, TaskDeletedError, TaskFailedError } from './errors.js';
import { events } from './events.js';
import type {
  ConceptList,
  ConceptResponse,
  RefinementRequest,
  SessionResponse,
  StageName,
  TaskList,
  TaskResponse,
  TaskStatus,
  UploadResponse,
} from './schemas.js';

/** How long the service is asked again while it is away, in milliseconds. */
const PATIENCE = 60_000;

/** Between two such requests, at first and at most, in milliseconds. */
const FIRST_PAUSE = 250;
const MAX_PAUSE = 5_000;

/** Three times as long as a stream of events is ever silent, in milliseconds. */
const SILENCE = 45_000;

export interface ClientOptions {
  /** An access token, or what gives one for each request. Without it the cookie
   * counts that a browser holds, or the session that `createSession` made. */
  token?: string | (() => string | Promise<string>);
  /** In place of the platform's own. */
  fetch?: typeof fetch;
  /** How long the service is asked again while it cannot be reached or is
   * overloaded, as during a restart, in milliseconds; a minute if it is not given. */
  patience?: number;
}

export interface CallOptions {
  signal?: AbortSignal;
}

export interface SubmitOptions extends CallOptions {
  /** Makes the request safe to send again: one is made up if none is given. */
  idempotencyKey?: string;
  /** How many seconds to wait for the task's end, 1 to 60: the answer is the task
   * as it is then. Without it the answer comes at once. */
  wait?: number;
}

export interface ListOptions extends CallOptions {
  /** 1 to 100. */
  limit?: number;
  /** The `next_cursor` of the page before. */
  cursor?: string;
}

/** What becomes of a task. */
export type TaskEvent =
  | { type: 'task'; task: TaskResponse }
  | { type: 'progress'; stage: StageName }
  | { type: 'deleted'; taskId: string };

/** An image itself, as in a file: PNG, JPEG, WebP or GIF. */
export type ImageBytes = Exclude<BlobPart, string>;

export interface Refinement {
  /** The original: its URL, or the image itself, which is uploaded. */
  image: string | URL | ImageBytes;
  /** What should change: 5 to 2,000 characters. */
  prompt: string;
  logoDescription?: string | null;
  themeDescription?: string | null;
  /** Where the service posts what became of the task, besides. */
  webhookUrl?: string | null;
}

export interface RefineOptions extends CallOptions {
  /** Names this refinement, so that it can be asked for again after a crash of
   * this program, within 24 hours: give the same image by the same URL. */
  idempotencyKey?: string;
  /** Told of all that becomes of the task. */
  onEvent?: (event: TaskEvent) => void;
}

export interface Refined {
  /** The completed task. */
  task: TaskResponse;
  /** The refined image. */
  image: Blob;
  /** The original, if it was uploaded. It stays until it is deleted. */
  upload: UploadResponse | null;
}

interface Call extends CallOptions {
  body?: BodyInit;
  headers?: Record<string, string>;
}

/** A client of one service. It keeps nothing but its token. */
export class Client {
  readonly #base: string;
  readonly #fetch: typeof fetch;
  readonly #patience: number;
  #token: ClientOptions['token'];

  /** `base`: the service's origin, as `https://refine.example.com`; in a page of the
   * service's own origin it may be empty. */
  constructor(base: string | URL, { token, fetch: given, patience = PATIENCE }: ClientOptions = {}) {
    this.#base = String(base).replace(/\/+$/, '');
    this.#fetch = given ?? ((input, init) => fetch(input, init));
    this.#patience = patience;
    this.#token = token;
  }

  /** Uploads the original if it has no URL, submits the refinement, follows it, and
   * answers the refined image. It goes on through a restart of the service.
   *
   * @throws {TaskFailedError} it could not be refined
   * @throws {TaskDeletedError} somebody deleted the task meanwhile
   * @throws {ConflictError} the user has another task under way
   * @throws {ApiError} the service refused a request
   * @throws {ConnectionError} the service was away for longer than `patience` */
  async refine(refinement: Refinement, options: RefineOptions = {}): Promise<Refined> {
    const { signal, onEvent } = options;
    const { image: original, prompt, logoDescription, themeDescription, webhookUrl } = refinement;
    const isUrl = typeof original === 'string' || original instanceof URL;
    const upload = isUrl ? null : await this.upload(original, only({ signal }));
    const request: RefinementRequest = {
      original_image_url: upload?.image_url ?? String(original),
      refinement_prompt: prompt,
      logo_description: logoDescription ?? null,
      theme_description: themeDescription ?? null,
      webhook_url: webhookUrl ?? null,
    };
    const { task_id } = await this.submit(request, only({ signal, idempotencyKey: options.idempotencyKey }));
    for await (const event of this.watch(task_id, only({ signal }))) {
      onEvent?.(event);
      if (event.type === 'deleted') break;
      if (event.type !== 'task') continue;
      if (event.task.status === 'failed') throw new TaskFailedError(event.task);
      if (event.task.status !== 'completed') continue;
      const image = await this.image(event.task, only({ signal }));
      return { task: event.task, image, upload };
    }
    throw new TaskDeletedError(task_id);
  }

  /** Makes an anonymous user, where the service has such, whom this client is from
   * now on. */
  async createSession(options: CallOptions = {}): Promise<SessionResponse> {
    const session = await this.#json<SessionResponse>('POST', '/api/auth/session', options);
    this.#token = session.access_token;
    return session;
  }

  /** Stores an original. */
  async upload(image: ImageBytes, options: CallOptions = {}): Promise<UploadResponse> {
    const body = image instanceof Blob ? image : new Blob([image]);
    const headers = { 'Content-Type': body.type || 'application/octet-stream' };
    return this.#json('POST', '/api/images', { ...options, body, headers });
  }

  /** Deletes an upload, by the `path` that `upload` answered. */
  async deleteUpload(path: string, options: CallOptions = {}): Promise<void> {
    await this.#nothing('DELETE', `/api/images/${path}`, options);
  }

  /** Creates a task.
   *
   * @throws {ConflictError} the user has another task under way */
  async submit(request: RefinementRequest, options: SubmitOptions = {}): Promise<TaskResponse> {
    const { signal, wait, idempotencyKey = newKey() } = options;
    const headers: Record<string, string> = {
      'Content-Type': 'application/json',
      'Idempotency-Key': idempotencyKey,
    };
    if (wait !== undefined) headers['Prefer'] = `wait=${wait}`;
    const body = JSON.stringify(request);
    return this.#json('POST', '/api/concepts/refine', only({ signal, body, headers }));
  }

  async task(id: string, options: CallOptions = {}): Promise<TaskResponse> {
    return this.#json('GET', taskPath(id), options);
  }

  /** The user's tasks, newest first. */
  async tasks({ signal, ...query }: ListOptions & { status?: TaskStatus } = {}): Promise<TaskList> {
    return this.#json('GET', `/api/tasks${queried(query)}`, only({ signal }));
  }

  /** Forgets a task, and cancels the work under way for it. */
  async deleteTask(id: string, options: CallOptions = {}): Promise<void> {
    await this.#nothing('DELETE', taskPath(id), options);
  }

  /** What becomes of a task, up to its end: the task as it is now, and each change.
   * A stream that breaks off is continued where it was. */
  async *watch(id: string, { signal }: CallOptions = {}): AsyncGenerator<TaskEvent, void> {
    let last = '';
    let pause = 1_000;
    for (;;) {
      const leaving = new AbortController();
      const leave = () => leaving.abort(signal?.reason);
      signal?.addEventListener('abort', leave);
      let silence: ReturnType<typeof setTimeout> | undefined;
      const heard = () => {
        clearTimeout(silence);
        silence = setTimeout(() => leaving.abort(), SILENCE);
      };
      try {
        const headers: Record<string, string> = { Accept: 'text/event-stream' };
        if (last) headers['Last-Event-ID'] = last;
        const response = await this.#respond('GET', `${taskPath(id)}/events`, {
          headers,
          signal: leaving.signal,
        });
        if (response.status === 204 || !response.body) return;
        heard();
        for await (const raw of events(response.body, heard)) {
          last = raw.id || last;
          pause = raw.retry ?? pause;
          const event = parsed(raw.name, raw.data);
          if (!event) continue;
          clearTimeout(silence);
          yield event;
          if (isLast(event)) return;
          heard();
        }
      } catch (error) {
        signal?.throwIfAborted();
        if (last && error instanceof ApiError && error.status === 404) {
          yield { type: 'deleted', taskId: id };
          return;
        }
        const isSilent = leaving.signal.aborted;
        // `fetch` tells by a TypeError that a connection broke off.
        if (!isSilent && !(error instanceof TypeError)) throw error;
      } finally {
        clearTimeout(silence);
        signal?.removeEventListener('abort', leave);
        leaving.abort();
      }
      await sleep(pause, signal);
    }
  }

  async concept(id: string, options: CallOptions = {}): Promise<ConceptResponse> {
    return this.#json('GET', `/api/concepts/${encodeURIComponent(id)}`, options);
  }

  /** What the user's completed tasks left, newest first. */
  async concepts({ signal, ...query }: ListOptions = {}): Promise<ConceptList> {
    return this.#json('GET', `/api/concepts${queried(query)}`, only({ signal }));
  }

  /** Deletes a concept and its image. */
  async deleteConcept(id: string, options: CallOptions = {}): Promise<void> {
    await this.#nothing('DELETE', `/api/concepts/${encodeURIComponent(id)}`, options);
  }

  /** The refined image of a completed task, or that of a concept. */
  async image({ image_url }: { image_url: string | null }, { signal }: CallOptions = {}): Promise<Blob> {
    if (!image_url) throw new TypeError('There is no image.');
    return this.#repeated(async () => {
      // Its URL is signed: it needs no credentials, and gets none.
      const response = await this.#reached(this.#fetch(image_url, only({ signal })));
      if (!response.ok) throw await refusal(response);
      return this.#reached(response.blob());
    }, signal);
  }

  #json<T>(method: string, path: string, call: Call): Promise<T> {
    return this.#repeated(async () => {
      const response = await this.#answered(method, path, call);
      const text = await this.#reached(response.text());
      return JSON.parse(text) as T;
    }, call.signal);
  }

  async #nothing(method: string, path: string, call: Call): Promise<void> {
    await this.#answered(method, path, call);
  }

  #respond(method: string, path: string, call: Call): Promise<Response> {
    return this.#repeated(() => this.#answered(method, path, call), call.signal);
  }

  async #answered(method: string, path: string, { body, headers, signal }: Call): Promise<Response> {
    const token = typeof this.#token === 'function' ? await this.#token() : this.#token;
    const credentials: Record<string, string> = token ? { Authorization: `Bearer ${token}` } : {};
    const init = only({ method, body, signal, headers: { ...headers, ...credentials } });
    const response = await this.#reached(this.#fetch(`${this.#base}${path}`, init));
    if (!response.ok) throw await refusal(response);
    return response;
  }

  /** Asks again while the service is away, as long as this client is patient. */
  async #repeated<T>(ask: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const end = Date.now() + this.#patience;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, MAX_PAUSE)) {
      try {
        return await ask();
      } catch (error) {
        signal?.throwIfAborted();
        const isAway = error instanceof ConnectionError || (error instanceof ApiError && error.status === 503);
        const asked = error instanceof ApiError ? (error.retryAfter ?? 0) * 1_000 : 0;
        const wait = Math.max(asked, pause * (0.75 + Math.random() / 2));
        if (!isAway || Date.now() + wait > end) throw error;
        await sleep(wait, signal);
      }
    }
  }

  /** What `fetch` fails with differs between platforms. */
  async #reached<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof Error && error.name === 'AbortError') throw error;
      throw new ConnectionError('The service cannot be reached.', { cause: error });
    }
  }
}

async function refusal(response: Response): Promise<ApiError> {
  const body = await response.json().catch(() => null);
  if (response.status === 409 && body?.task_id) return new ConflictError(body);
  return new ApiError(response.status, body, Number(response.headers.get('Retry-After')) || null);
}

function parsed(name: string, data: string): TaskEvent | null {
  switch (name) {
    case 'task':
      return { type: 'task', task: JSON.parse(data) };
    case 'progress':
      return { type: 'progress', stage: JSON.parse(data).stage };
    case 'deleted':
      return { type: 'deleted', taskId: JSON.parse(data).task_id };
    default:
      return null;
  }
}

function isLast(event: TaskEvent): boolean {
  if (event.type === 'task') return event.task.status === 'completed' || event.task.status === 'failed';
  return event.type === 'deleted';
}

function taskPath(id: string): string {
  return `/api/tasks/${encodeURIComponent(id)}`;
}

function queried(query: Record<string, string | number | undefined>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return given.length > 0 ? `?${text}` : '';
}

/** 128 random bits. `crypto.randomUUID` is not there on pages without https. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Without what is undefined. */
function only<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [K in keyof T]: Exclude<T[K], undefined> };
}

function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', leave);
      resolve();
    }, milliseconds);
    if (signal?.aborted) return leave();
    signal?.addEventListener('abort', leave, { once: true });
  });
}
