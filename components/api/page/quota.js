// The rest of the user's quota, and when it is reset.

import { $, say } from './dom.js';
import { service } from './service.js';
import { day, moment } from './times.js';

const DAY = 86_400_000;

/** From the headers of a response. */
export function learn(header) {
  const [limit, remaining, reset] = ['Limit', 'Remaining', 'Reset'].map((part) => header(`X-RateLimit-${part}`));
  if (limit && remaining !== null && reset) show({ limit, remaining, reset: Number(reset) });
}

/** `reset` is in seconds. Shows nothing if there is no limit. */
export function show({ limit, remaining, reset }) {
  $('cost').hidden = !limit;
  if (!limit) return say($('quota'), null);
  const time = reset * 1000;
  const when = time - Date.now() > DAY ? `on ${day(time)}` : moment(time);
  say($('quota'), `${remaining} of ${limit} refinements left, resets ${when}`);
}

/** The full quota, for a user who is not known yet. */
export async function forget() {
  say($('quota'), null);
  const { quota } = await service;
  $('cost').hidden = !quota;
  // It may have been learnt meanwhile.
  if (!quota || !$('quota').hidden) return;
  say($('quota'), `${quota.limit} refinement${quota.limit === 1 ? '' : 's'} a ${quota.window}`);
}
