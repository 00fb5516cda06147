// The remaining quota. Only `refine` answers have it, so it is stored until the
// window ends. Before the first one it follows from the service's limit.

import { $, say } from './dom.js';
import { service } from './service.js';
import { day, moment } from './times.js';

const KEY = 'concept-refinement-quota';
const DAY = 86_400_000;

export function learn(header) {
  const [limit, remaining, reset] = ['Limit', 'Remaining', 'Reset'].map((part) => header(`X-RateLimit-${part}`));
  if (!limit || remaining === null || !reset) return;
  store({ limit: Number(limit), remaining: Number(remaining), reset: Number(reset) * 1000 });
}

/** A new user has all of it. */
export async function begin() {
  forget();
  const { quota } = await service;
  if (quota) store({ limit: quota.limit, remaining: quota.limit, reset: end(quota.window, new Date()) });
}

/** Another user has another quota. */
export function forget() {
  try {
    localStorage.removeItem(KEY);
  } catch {
    // Nothing was stored.
  }
  show(null);
  restore();
}

export async function restore() {
  const known = stored();
  if (known) return show(known);
  const { quota } = await service;
  // It may have been learnt meanwhile.
  if (quota && $('quota').hidden) say($('quota'), `${quota.limit} a ${quota.window}`);
}

function stored() {
  try {
    const known = JSON.parse(localStorage.getItem(KEY));
    const isQuota = [known?.limit, known?.remaining, known?.reset].every(Number.isFinite);
    return isQuota && known.reset > Date.now() ? known : null;
  } catch {
    return null;
  }
}

function store(known) {
  try {
    localStorage.setItem(KEY, JSON.stringify(known));
  } catch {
    // Without storage it is shown until the page is closed.
  }
  show(known);
}

/** When the calendar window of now ends, in UTC. */
function end(window, now) {
  const [year, month, day, hour] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate(), now.getUTCHours()];
  if (window === 'hour') return Date.UTC(year, month, day, hour + 1);
  return window === 'day' ? Date.UTC(year, month, day + 1) : Date.UTC(year, month + 1);
}

function show(known) {
  if (!known) return say($('quota'), null);
  const until = known.reset - Date.now() > DAY ? `until ${day(known.reset)}` : `until ${moment(known.reset).replace(/^(at|on) /, '')}`;
  say($('quota'), `${known.remaining} of ${known.limit} left ${until}`);
}
