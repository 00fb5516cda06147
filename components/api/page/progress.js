// Follows a task: by events, or by polling every two seconds if events do not
// work.

import * as api from './api.js';
import { Refusal } from './errors.js';
import { TokenEvents } from './events.js';
import { token } from './session.js';

const POLL = 2000;

/** The first event arrives at once, unless a proxy buffers it. */
const SILENCE = 5000;

export const isFinal = ({ status }) => status === 'completed' || status === 'failed';

/**
 * Calls `on.task`, `on.stage`, `on.gone` and `on.reached` (with whether the
 * service can be reached) until the task has ended. Returns a function that stops
 * watching.
 */
export function watch(id, on) {
  const leaving = new AbortController();
  if ('EventSource' in window) listen(id, on, leaving.signal);
  else poll(id, on, leaving.signal);
  return () => leaving.abort();
}

function listen(id, on, signal) {
  // The browser's own event source sends cookies, but no token.
  const events = new (token() ? TokenEvents : EventSource)(api.eventsPath(id));
  const end = () => {
    clearTimeout(fallback);
    events.close();
  };
  const pollInstead = () => {
    end();
    if (!signal.aborted) poll(id, on, signal);
  };
  const fallback = setTimeout(pollInstead, SILENCE);
  signal.addEventListener('abort', end);

  const heard = (name, use) =>
    events.addEventListener(name, (event) => {
      clearTimeout(fallback);
      use(JSON.parse(event.data));
    });
  heard('task', (task) => {
    if (isFinal(task)) end();
    on.task(task);
  });
  heard('progress', ({ stage }) => on.stage(stage));
  heard('deleted', () => {
    end();
    on.gone();
  });
  // A reconnecting client may have missed nothing.
  events.addEventListener('open', () => on.reached(true));
  events.addEventListener('error', () => {
    // Otherwise it reconnects automatically.
    if (events.readyState === EventSource.CLOSED) pollInstead();
    else on.reached(false);
  });
}

async function poll(id, on, signal) {
  while (!signal.aborted) {
    try {
      const task = await api.task(id, signal);
      if (signal.aborted) return;
      on.reached(true);
      on.task(task);
      if (isFinal(task)) return;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refusal && error.status === 404) return on.gone();
      if (error instanceof Refusal && error.status === 401) return;
      on.reached(false);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL));
  }
}
