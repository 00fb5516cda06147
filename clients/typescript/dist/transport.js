import { ApiError, NO_EVENTS, NOT_OURS, RefinementError, ServiceUnreachableError, declares, refusal } from './errors.js';
import { isLast, rawEvents, taskEvent } from './events.js';
/** What the service, or a gateway before it, answers while it is away. */
const AWAY = [502, 503, 504];
/** How long the service is asked again while it is away, in milliseconds. */
const PATIENCE = 60_000;
/** Between two such requests, at first and at most, in milliseconds. */
const FIRST_PAUSE = 250;
const MAX_PAUSE = 5_000;
/** How often what may have been stored is sent again, which may store it once more. */
const REPEATS = 2;
/** Three times as long as a stream of events is ever silent, in milliseconds. After as long without
 * a whole event the task itself is asked for. */
const SILENCE = 45_000;
/** For an answer to begin, and for each piece of it, in milliseconds, beyond what the client
 * asked the service to wait and what an image takes to be sent. */
export const TIMEOUT = 30_000;
/** Of a service. */
const ADDRESS = /^https?:\/\/[^/]/i;
/** A path of a page's own origin, or nothing. */
const PATH = /^(\/|$)/;
/** The path and query of an image of the service, behind whatever origin its URL names. Nothing
 * else, such as `..`, stands for another place. */
const IMAGE = /^[^?#]*(\/api\/images\/(?:uploads|refined)\/[\w-]+\/[\w-]+\.\w+(?:\?[^#]*)?)(?:#.*)?$/;
/** Sends the requests of one user to one service. */
export class Transport {
    token;
    #base;
    #fetch;
    #patience;
    constructor(base, { token, fetch: given, patience = PATIENCE }) {
        this.token = typeof token === 'string' ? sendable('token', token) : token;
        this.#base = String(base).replace(/\/+$/, '');
        const isPath = Boolean(globalThis.location) && PATH.test(this.#base);
        if (!isPath && !ADDRESS.test(this.#base)) {
            throw new TypeError(`The base must begin with http:// or https://, as in http://127.0.0.1:8080. It is ${this.#base}`);
        }
        this.#fetch = given ?? ((input, init) => fetch(input, init));
        this.#patience = patience;
    }
    /** Sent again while the service is away: use it where a repeat does no harm. `member` is one
     * that each such answer of the service has. */
    ask(method, path, member, call) {
        return this.#repeated((exchange) => this.#read(exchange, method, path, member, call), call.signal);
    }
    /** As `ask`, where each try may store something once more. */
    store(path, member, call) {
        return this.#repeated((exchange) => this.#read(exchange, 'POST', path, member, call), call.signal, REPEATS);
    }
    /** As `ask`, with the headers of the answer. */
    askAll(method, path, member, call) {
        return this.#repeated(async (exchange) => {
            const response = await this.#answered(exchange, method, path, call);
            return { answer: await exchange.json(response, member), headers: response.headers };
        }, call.signal);
    }
    /** Sent once, for what a repeat would be answered otherwise. */
    askOnce(method, path, member, call) {
        return exchanged(call.signal, (exchange) => this.#read(exchange, method, path, member, call));
    }
    /** As `ask`, without credentials, those of a browser included. */
    askOpenly(method, path, member, call) {
        return this.#repeated(async (exchange) => {
            return exchange.json(await this.#openly(exchange, method, `${this.#base}${path}`, call), member);
        }, call.signal);
    }
    /** Sent again while the service is away. A repeat that finds nothing has succeeded: the answer to
     * an earlier one got lost. */
    async delete(path, call) {
        try {
            const asked = this.#repeated((exchange) => this.#answered(exchange, 'DELETE', path, call), call.signal);
            if ((await asked).status !== 204)
                throw new RefinementError(NOT_OURS);
        }
        catch (error) {
            if (!(error instanceof ApiError && error.isRepeat && error.code === 'NOT_FOUND'))
                throw error;
        }
    }
    /** An image. One of the service is asked for where the service is, with credentials: its URL
     * names the public origin, which may be out of reach, and expires. Nobody else gets
     * credentials. */
    download(url, call) {
        const own = IMAGE.exec(url)?.[1];
        return this.#repeated(async (exchange) => {
            const asked = own ? this.#answered(exchange, 'GET', own, call) : this.#openly(exchange, 'GET', url, call);
            const response = await asked;
            if (!declares(response, 'image/'))
                throw new RefinementError(NOT_OURS);
            return exchange.whole(response);
        }, call.signal);
    }
    /** The events of a task, of which this status was told last. A stream that breaks off is
     * continued where it was. After one of which no whole event came in time the task itself is
     * asked for: a proxy may hold the events back. */
    async *watch(id, path, { signal }, status = null) {
        let last = '';
        let pause = 1_000;
        let patience = new Patience(this.#patience);
        for (;;) {
            const exchange = new Exchange(signal);
            let fault = new ServiceUnreachableError('The events broke off.');
            let isHeard = false;
            let end = Date.now() + SILENCE;
            const onRead = () => {
                if (Date.now() >= end)
                    throw new ServiceUnreachableError('No event came.');
            };
            try {
                const headers = { Accept: 'text/event-stream' };
                if (last)
                    headers['Last-Event-ID'] = last;
                const response = await this.#answered(exchange, 'GET', `${path}/events`, { headers, timeout: SILENCE });
                if (!declares(response, 'text/event-stream'))
                    throw new RefinementError(NO_EVENTS);
                const pieces = exchange.pieces(response, SILENCE, onRead);
                for await (const raw of rawEvents(pieces)) {
                    last = raw.id || last;
                    pause = raw.retry ?? pause;
                    const event = taskEvent(raw);
                    if (!event)
                        continue;
                    isHeard = true;
                    if (event.type === 'task')
                        status = event.task.status;
                    yield event;
                    if (isLast(event))
                        return;
                    end = Date.now() + SILENCE;
                }
            }
            catch (error) {
                signal?.throwIfAborted();
                fault = error;
            }
            finally {
                exchange.end();
            }
            const isSilent = Date.now() >= end;
            if (isHeard && !isSilent && fault instanceof ServiceUnreachableError) {
                patience = new Patience(this.#patience);
                await sleep(pause, signal);
                continue;
            }
            let task = null;
            try {
                if (isAway(fault))
                    task = await this.askOnce('GET', path, 'status', { signal });
            }
            catch (error) {
                signal?.throwIfAborted();
                fault = error;
            }
            // Of the service itself: a gateway may not know it for a while.
            if (status && fault instanceof ApiError && fault.code === 'NOT_FOUND') {
                yield { type: 'deleted', taskId: id };
                return;
            }
            if (task && task.status !== status) {
                status = task.status;
                const event = { type: 'task', task };
                yield event;
                if (isLast(event))
                    return;
            }
            // That was pause enough.
            if (task && isSilent)
                patience = new Patience(this.#patience);
            await patience.wait(fault, signal, Boolean(task));
        }
    }
    async #read(exchange, method, path, member, call) {
        return exchange.json(await this.#answered(exchange, method, path, call), member);
    }
    async #answered(exchange, method, path, call) {
        const token = typeof this.token === 'function' ? sendable('token', await this.token()) : this.token;
        const credentials = token ? { Authorization: `Bearer ${token}` } : {};
        const headers = { ...call.headers, ...credentials };
        call.onSend?.();
        const response = await this.#fetched(exchange, method, `${this.#base}${path}`, { ...call, headers });
        if (response.ok)
            return response;
        if (response.status === 401 && !token && (await this.#hasSession(exchange))) {
            return this.#answered(exchange, method, path, call);
        }
        throw await exchange.refusal(response);
    }
    async #openly(exchange, method, url, call) {
        const response = await this.#fetched(exchange, method, url, call, { credentials: 'omit' });
        if (!response.ok)
            throw await exchange.refusal(response);
        return response;
    }
    /** Makes an anonymous user, if the service has such. */
    async #hasSession(exchange) {
        if (this.token)
            return true;
        const response = await this.#fetched(exchange, 'POST', `${this.#base}/api/auth/session`, {});
        if (AWAY.includes(response.status))
            throw await exchange.refusal(response);
        if (!response.ok)
            return false;
        const session = await exchange.json(response, 'access_token');
        if (!session.access_token)
            throw new RefinementError(NOT_OURS);
        // Of two at once, both requests are of the user who was there first.
        this.token ||= session.access_token;
        return true;
    }
    /** The answer as soon as its head is there. */
    #fetched(exchange, method, url, call, init = {}) {
        const { body = null, headers = {}, timeout = TIMEOUT } = call;
        const { signal } = exchange;
        return exchange.within(timeout, this.#fetch(url, { ...init, method, body, headers, signal }));
    }
    /** Asks again while the service is away, as long as this client is patient. If there are few
     * repeats, each waits until the service answers something else. */
    async #repeated(ask, signal, repeats = Infinity) {
        const patience = new Patience(this.#patience, repeats);
        for (;;) {
            try {
                return await exchanged(signal, ask);
            }
            catch (error) {
                signal?.throwIfAborted();
                await patience.wait(error, signal);
            }
            if (repeats < Infinity) {
                await this.#repeated((exchange) => this.#answered(exchange, 'GET', '/api/quota', {}), signal);
            }
        }
    }
}
async function exchanged(signal, ask) {
    const exchange = new Exchange(signal);
    try {
        return await ask(exchange);
    }
    finally {
        exchange.end();
    }
}
/** A request and its answer, which end when the user's signal says so. */
class Exchange {
    #ending = new AbortController();
    #given;
    #leave = () => this.#ending.abort(this.#given?.reason);
    #end;
    constructor(given) {
        this.#end = new Promise((_, reject) => {
            this.signal.addEventListener('abort', () => reject(this.signal.reason));
        });
        this.#end.catch(() => { });
        this.#given = given;
        given?.addEventListener('abort', this.#leave);
        if (given?.aborted)
            this.#leave();
    }
    get signal() {
        return this.#ending.signal;
    }
    /** What comes in time. What `fetch` fails with differs between platforms, and the body of an
     * answer that cannot be decoded may not fail at all. */
    async within(milliseconds, part) {
        const late = () => this.#ending.abort(new DOMException('There was no answer in time.', 'TimeoutError'));
        const timer = setTimeout(late, milliseconds);
        try {
            return await Promise.race([part, this.#end]);
        }
        catch (cause) {
            this.#given?.throwIfAborted();
            throw new ServiceUnreachableError('The service cannot be reached.', { cause });
        }
        finally {
            clearTimeout(timer);
        }
    }
    async *pieces(response, silence, onRead = () => { }) {
        const reader = response.body?.getReader();
        while (reader) {
            const { done, value } = await this.within(silence, reader.read());
            if (done)
                return;
            yield value;
            onRead();
        }
    }
    async whole(response) {
        const pieces = [];
        for await (const piece of this.pieces(response, TIMEOUT))
            pieces.push(piece);
        return new Blob(pieces, { type: response.headers.get('Content-Type') ?? '' });
    }
    async refusal(response) {
        return refusal(response.status, response.headers, await (await this.whole(response)).text());
    }
    /** `member` is one that each such answer of the service has. */
    async json(response, member) {
        const text = await (await this.whole(response)).text();
        try {
            const answer = JSON.parse(text);
            if (member in answer)
                return answer;
        }
        catch { }
        throw new RefinementError(NOT_OURS);
    }
    end() {
        this.#given?.removeEventListener('abort', this.#leave);
        this.#ending.abort();
    }
}
/** How often, and for how long, a service that is away is asked again. */
class Patience {
    #milliseconds;
    /** Of what the service may have accepted: not of a 503. */
    #repeats;
    /** Since the service was first away. */
    #end = null;
    #pause = FIRST_PAUSE;
    #isRepeat = false;
    constructor(milliseconds, repeats = Infinity) {
        this.#milliseconds = milliseconds;
        this.#repeats = repeats;
    }
    /** Throws the fault instead if a repeat cannot help, or there is no time left. If the service
     * was reached all the same, the time begins anew, and no longer pause counts. */
    async wait(fault, signal, isReached = false) {
        const refused = fault instanceof ApiError ? fault : null;
        if (refused)
            refused.isRepeat = this.#isRepeat;
        const asked = isReached ? 0 : (refused?.retryAfter ?? 0) * 1_000;
        const wait = Math.max(asked, this.#pause * (0.75 + Math.random() / 2));
        if (isReached) {
            this.#end = null;
        }
        else {
            this.#end ??= Date.now() + this.#milliseconds;
            if (refused?.status !== 503)
                this.#repeats -= 1;
            if (!isAway(fault) || this.#repeats < 0 || Date.now() + wait > this.#end)
                throw fault;
        }
        this.#pause = Math.min(2 * this.#pause, MAX_PAUSE);
        this.#isRepeat = true;
        await sleep(wait, signal);
    }
}
/** Whether a repeat can help. */
function isAway(fault) {
    return fault instanceof ApiError ? AWAY.includes(fault.status) : fault instanceof ServiceUnreachableError;
}
/** The value, if it can stand in a header. It may be a secret, so no error shows it. */
export function sendable(name, value) {
    if (!value)
        throw new TypeError(`The ${name} must not be empty.`);
    try {
        new Headers([['X-Value', value]]);
    }
    catch {
        throw new TypeError(`The ${name} has characters that cannot stand in a header.`);
    }
    return value;
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
