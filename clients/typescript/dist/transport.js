import { ApiError, RefinementError, ServiceUnreachableError, refusal } from './errors.js';
import { isLast, rawEvents, taskEvent } from './events.js';
/** What the service, or a gateway before it, answers while it is away. */
const AWAY = [502, 503, 504];
/** How long the service is asked again while it is away, in milliseconds. */
const PATIENCE = 60_000;
/** Between two such requests, at first and at most, in milliseconds. */
const FIRST_PAUSE = 250;
const MAX_PAUSE = 5_000;
/** Three times as long as a stream of events is ever silent, in milliseconds. */
const SILENCE = 45_000;
/** Of a service. */
const ADDRESS = /^https?:\/\/[^/]/i;
/** A path of a page's own origin, or nothing. */
const PATH = /^(\/|$)/;
/** Sends the requests of one user to one service. */
export class Transport {
    token;
    #base;
    #fetch;
    #patience;
    constructor(base, { token, fetch: given, patience = PATIENCE }) {
        this.token = token;
        this.#base = String(base).replace(/\/+$/, '');
        const isPath = Boolean(globalThis.location) && PATH.test(this.#base);
        if (!isPath && !ADDRESS.test(this.#base)) {
            throw new TypeError(`The base must begin with http:// or https://, as in http://127.0.0.1:8080. It is ${this.#base}`);
        }
        this.#fetch = given ?? ((input, init) => fetch(input, init));
        this.#patience = patience;
    }
    /** Sent again while the service is away: use it where a repeat does no harm. */
    ask(method, path, call) {
        return this.#repeated(() => this.askOnce(method, path, call), call.signal);
    }
    /** As `ask`, with the headers of the answer. */
    askAll(method, path, call) {
        return this.#repeated(async () => {
            const response = await this.#answered(method, path, call);
            return { answer: await this.#read(response), headers: response.headers };
        }, call.signal);
    }
    /** Sent once, for what a repeat would be answered otherwise. */
    async askOnce(method, path, call) {
        return this.#read(await this.#answered(method, path, call));
    }
    /** As `ask`, without credentials, those of a browser included. */
    askOpenly(method, path, { body, headers, signal }) {
        const init = { method, body: body ?? null, headers: headers ?? {}, signal: signal ?? null, credentials: 'omit' };
        return this.#repeated(async () => {
            const response = await this.#reached(this.#fetch(`${this.#base}${path}`, init));
            if (!response.ok)
                throw await refusal(response);
            return this.#read(response);
        }, signal);
    }
    async delete(path, call) {
        await this.#answered('DELETE', path, call);
    }
    /** An image. Its URL is signed: it needs no credentials, and gets none. */
    download(signedUrl, { signal }) {
        return this.#repeated(async () => {
            const response = await this.#reached(this.#fetch(signedUrl, { signal: signal ?? null }));
            if (!response.ok)
                throw await refusal(response);
            return this.#reached(response.blob());
        }, signal);
    }
    /** The events of a task. A stream that breaks off is continued where it was. */
    async *watch(id, path, { signal }) {
        let last = '';
        let pause = 1_000;
        for (;;) {
            const leaving = new AbortController();
            const leave = () => leaving.abort(signal?.reason);
            signal?.addEventListener('abort', leave);
            let silence;
            const heard = () => {
                clearTimeout(silence);
                silence = setTimeout(() => leaving.abort(), SILENCE);
            };
            try {
                const headers = { Accept: 'text/event-stream' };
                if (last)
                    headers['Last-Event-ID'] = last;
                const call = { headers, signal: leaving.signal };
                const response = await this.#repeated(() => this.#answered('GET', path, call), call.signal);
                if (response.status === 204 || !response.body)
                    return;
                heard();
                for await (const raw of rawEvents(response.body, heard)) {
                    last = raw.id || last;
                    pause = raw.retry ?? pause;
                    const event = taskEvent(raw);
                    if (!event)
                        continue;
                    clearTimeout(silence);
                    yield event;
                    if (isLast(event))
                        return;
                    heard();
                }
            }
            catch (error) {
                signal?.throwIfAborted();
                if (last && error instanceof ApiError && error.status === 404) {
                    yield { type: 'deleted', taskId: id };
                    return;
                }
                const isSilent = leaving.signal.aborted;
                // `fetch` tells by a TypeError that a connection broke off.
                if (!isSilent && !(error instanceof TypeError))
                    throw error;
            }
            finally {
                clearTimeout(silence);
                signal?.removeEventListener('abort', leave);
                leaving.abort();
            }
            await sleep(pause, signal);
        }
    }
    async #read(response) {
        const text = await this.#reached(response.text());
        try {
            return JSON.parse(text);
        }
        catch (cause) {
            throw new RefinementError('The answer is not one of the service.', { cause });
        }
    }
    async #answered(method, path, call) {
        const { body, headers, signal } = call;
        const token = typeof this.token === 'function' ? await this.token() : this.token;
        const credentials = token ? { Authorization: `Bearer ${token}` } : {};
        const init = { method, body: body ?? null, signal: signal ?? null, headers: { ...headers, ...credentials } };
        const response = await this.#reached(this.#fetch(`${this.#base}${path}`, init));
        if (response.ok)
            return response;
        if (response.status === 401 && !token && (await this.#hasSession(signal))) {
            return this.#answered(method, path, call);
        }
        throw await refusal(response);
    }
    /** Makes an anonymous user, if the service has such. */
    async #hasSession(signal) {
        if (this.token)
            return true;
        const init = { method: 'POST', signal: signal ?? null };
        const response = await this.#reached(this.#fetch(`${this.#base}/api/auth/session`, init));
        if (!response.ok)
            return false;
        const session = (await this.#reached(response.json()));
        // Of two at once, both requests are of the user who was there first.
        this.token ??= session.access_token;
        return true;
    }
    /** Asks again while the service is away, as long as this client is patient. */
    async #repeated(ask, signal) {
        const end = Date.now() + this.#patience;
        for (let pause = FIRST_PAUSE;; pause = Math.min(2 * pause, MAX_PAUSE)) {
            try {
                return await ask();
            }
            catch (error) {
                signal?.throwIfAborted();
                const isAway = error instanceof ApiError && AWAY.includes(error.status);
                const asked = error instanceof ApiError ? (error.retryAfter ?? 0) * 1_000 : 0;
                const wait = Math.max(asked, pause * (0.75 + Math.random() / 2));
                const mayHelp = isAway || error instanceof ServiceUnreachableError;
                if (!mayHelp || Date.now() + wait > end)
                    throw error;
                await sleep(wait, signal);
            }
        }
    }
    /** What `fetch` fails with differs between platforms. */
    async #reached(answer) {
        try {
            return await answer;
        }
        catch (cause) {
            if (cause instanceof Error && cause.name === 'AbortError')
                throw cause;
            throw new ServiceUnreachableError('The service cannot be reached.', { cause });
        }
    }
}
function sleep(milliseconds, signal) {
    return new Promise((resolve, reject) => {
        const leave = () => {
            clearTimeout(timer);
            reject(signal?.reason);
        };
        const timer = setTimeout(() => {
            signal?.removeEventListener('abort', leave);
            resolve();
        }, milliseconds);
        if (signal?.aborted)
            return leave();
        signal?.addEventListener('abort', leave, { once: true });
    });
}
