// Tells where a task is in the queue, while it waits there.

import * as api from './api.js';

const POLL = 2000;

/**
 * Calls `tell` with where the task is, as "3rd in the queue", or null if that is not
 * known, for as long as it waits. Returns a function that stops it, after which nothing is
 * told.
 */
export function follow(id, tell) {
  const leaving = new AbortController();
  poll(id, tell, leaving.signal);
  return () => leaving.abort();
}

async function poll(id, tell, signal) {
  while (!signal.aborted) {
    // What cannot be asked now is asked again.
    const place = await api.queuePosition(id, signal).catch(() => null);
    if (signal.aborted) return;
    tell(place ? `${ordinal(place)} in the queue` : null);
    await new Promise((resolve) => setTimeout(resolve, POLL));
  }
}

const ENDINGS = { one: 'st', two: 'nd', few: 'rd', other: 'th' };
const RULES = new Intl.PluralRules('en', { type: 'ordinal' });

const ordinal = (number) => `${number}${ENDINGS[RULES.select(number)]}`;
