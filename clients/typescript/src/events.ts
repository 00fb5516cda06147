// Server-sent events (HTML Living Standard, 9.2), read from the body of an answer.

import { NO_EVENTS, RefinementError } from './errors.js';
import type { TaskEvent } from './options.js';
import type { DeletedEvent, ProgressEvent, TaskResponse } from './schemas.js';

/** An event, or what the service says beside events. */
export interface RawEvent {
  name: string;
  data: string;
  /** Of the last event that had one. */
  id: string;
  /** In milliseconds: how long to wait before connecting again. */
  retry: number | null;
}

/** A line of the service's is far shorter. */
const MAX_LINE = 1 << 20;

/** Ends where the body ends: an event that is not whole is dropped. */
export async function* rawEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<RawEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  let [id, name, retry]: [string, string, number | null] = ['', '', null];
  let data: string[] = [];
  for await (const piece of body) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE) throw new RefinementError(NO_EVENTS);
    for (const line of lines) {
      if (line === '' || line === '\r') {
        if (data.length > 0 || retry !== null) yield { name, data: data.join('\n'), id, retry };
        [name, data, retry] = ['', [], null];
        continue;
      }
      const [, field, text = ''] = /^([^:]*)(?:: ?(.*?))?\r?$/.exec(line) ?? [];
      if (field === 'event') name = text;
      else if (field === 'data') data.push(text);
      else if (field === 'id') id = text;
      else if (field === 'retry' && /^\d+$/.test(text)) retry = Number(text);
    }
  }
}

/** The event of a task, unless it is of a kind that this client does not know. */
export function taskEvent({ name, data }: RawEvent): TaskEvent | null {
  switch (name) {
    case 'task':
      return { type: 'task', task: parsed<TaskResponse>(data, 'status') };
    case 'progress':
      return { type: 'progress', stage: parsed<ProgressEvent>(data, 'stage').stage };
    case 'deleted':
      return { type: 'deleted', taskId: parsed<DeletedEvent>(data, 'task_id').task_id };
    default:
      return null;
  }
}

/** What an event says, which always has this member. */
function parsed<T>(data: string, member: keyof T): T {
  let cause;
  try {
    const value = JSON.parse(data);
    if (value[member]) return value;
  } catch (error) {
    cause = error;
  }
  throw new RefinementError(NO_EVENTS, { cause });
}

/** Whether nothing follows it. */
export function isLast(event: TaskEvent): boolean {
  if (event.type === 'task') return event.task.status === 'completed' || event.task.status === 'failed';
  return event.type === 'deleted';
}
