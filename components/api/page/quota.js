// The remaining quota. Only `refine` answers have it, so it is stored until the
// window ends.

import { $, say } from './dom.js';
import { day, moment } from './times.js';

const KEY = 'concept-refinement-quota';
const DAY = 86_400_000;

export function learn(header) {
  const [limit, remaining, reset] = ['Limit', 'Remaining', 'Reset'].map((part) => header(`X-RateLimit-${part}`));
  if (!limit || remaining === null || !reset) return;
  const known = { limit: Number(limit), remaining: Number(remaining), reset: Number(reset) * 1000 };
  try {
    localStorage.setItem(KEY, JSON.stringify(known));
  } catch {
    // Without storage it is shown until the page is closed.
  }
  show(known);
}

/** Another user has another quota. */
export function forget() {
  try {
    localStorage.removeItem(KEY);
  } catch {
    // Nothing was stored.
  }
  show(null);
}

export function restore() {
  try {
    const known = JSON.parse(localStorage.getItem(KEY));
    const isQuota = [known?.limit, known?.remaining, known?.reset].every(Number.isFinite);
    show(isQuota && known.reset > Date.now() ? known : null);
  } catch {
    show(null);
  }
}

function show(known) {
  if (!known) return say($('quota'), null);
  const until = known.reset - Date.now() > DAY ? `until ${day(known.reset)}` : `until ${moment(known.reset).replace(/^(at|on) /, '')}`;
  say($('quota'), `${known.remaining} of ${known.limit} left ${until}`);
}
