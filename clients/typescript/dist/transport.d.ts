import type { CallOptions, ClientOptions, TaskEvent } from './options.js';
interface Call extends CallOptions {
    body?: BodyInit;
    headers?: Record<string, string>;
}
/** Sends the requests of one user to one service. */
export declare class Transport {
    #private;
    token: ClientOptions['token'];
    constructor(base: string | URL, { token, fetch: given, patience }: ClientOptions);
    /** Sent again while the service is away: use it where a repeat does no harm. */
    ask<T>(method: string, path: string, call: Call): Promise<T>;
    /** As `ask`, with the headers of the answer. */
    askAll<T>(method: string, path: string, call: Call): Promise<{
        answer: T;
        headers: Headers;
    }>;
    /** Sent once, for what a repeat would be answered otherwise. */
    askOnce<T>(method: string, path: string, call: Call): Promise<T>;
    /** As `ask`, without credentials, those of a browser included. */
    askOpenly<T>(method: string, path: string, { body, headers, signal }: Call): Promise<T>;
    delete(path: string, call: CallOptions): Promise<void>;
    /** An image. Its URL is signed: it needs no credentials, and gets none. */
    download(signedUrl: string, { signal }: CallOptions): Promise<Blob>;
    /** The events of a task. A stream that breaks off is continued where it was. */
    watch(id: string, path: string, { signal }: CallOptions): AsyncGenerator<TaskEvent, void>;
}
export {};
