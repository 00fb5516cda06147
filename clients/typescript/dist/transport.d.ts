import type { CallOptions, ClientOptions, TaskEvent } from './options.js';
import type { TaskStatus } from './schemas.js';
/** For an answer to begin, and for each piece of it, in milliseconds, beyond what the client
 * asked the service to wait and what an image takes to be sent. */
export declare const TIMEOUT = 30000;
interface Call extends CallOptions {
    body?: BodyInit;
    headers?: Record<string, string>;
    /** How long its answer may take to begin, in milliseconds. */
    timeout?: number;
    /** Called before each try, once it has its credentials. */
    onSend?: (() => void) | undefined;
}
/** Sends the requests of one user to one service. */
export declare class Transport {
    #private;
    token: ClientOptions['token'];
    constructor(base: string | URL, { token, fetch: given, patience }: ClientOptions);
    /** Sent again while the service is away: use it where a repeat does no harm. `member` is one
     * that each such answer of the service has. */
    ask<T>(method: string, path: string, member: keyof T, call: Call): Promise<T>;
    /** As `ask`, where each try may store something once more. */
    store<T>(path: string, member: keyof T, call: Call): Promise<T>;
    /** As `ask`, with the headers of the answer. */
    askAll<T>(method: string, path: string, member: keyof T, call: Call): Promise<{
        answer: T;
        headers: Headers;
    }>;
    /** Sent once, for what a repeat would be answered otherwise. */
    askOnce<T>(method: string, path: string, member: keyof T, call: Call): Promise<T>;
    /** As `ask`, without credentials, those of a browser included. */
    askOpenly<T>(method: string, path: string, member: keyof T, call: Call): Promise<T>;
    /** Sent again while the service is away. A repeat that finds nothing has succeeded: the answer to
     * an earlier one got lost. */
    delete(path: string, call: CallOptions): Promise<void>;
    /** An image. One of the service is asked for where the service is, with credentials: its URL
     * names the public origin, which may be out of reach, and expires. Nobody else gets
     * credentials. */
    download(url: string, call: CallOptions): Promise<Blob>;
    /** The events of a task, of which this status was told last. A stream that breaks off is
     * continued where it was. After one of which no whole event came in time the task itself is
     * asked for: a proxy may hold the events back. */
    watch(id: string, path: string, { signal }: CallOptions, status?: TaskStatus | null): AsyncGenerator<TaskEvent, void>;
}
/** The value, if it can stand in a header. It may be a secret, so no error shows it. */
export declare function sendable(name: string, value: string): string;
export {};
