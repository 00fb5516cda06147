import type { TaskEvent } from './options.js';
/** An event, or what the service says beside events. */
export interface RawEvent {
    name: string;
    data: string;
    /** Of the last event that had one. */
    id: string;
    /** In milliseconds: how long to wait before connecting again. */
    retry: number | null;
}
/** Ends where the body ends: an event that is not whole is dropped. */
export declare function rawEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<RawEvent>;
/** The event of a task, unless it is of a kind that this client does not know. */
export declare function taskEvent({ name, data }: RawEvent): TaskEvent | null;
/** Whether nothing follows it. */
export declare function isLast(event: TaskEvent): boolean;
