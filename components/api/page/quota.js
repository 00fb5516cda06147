// What the user has used of the quota and of the budget, and when they are reset.

import { $, say } from './dom.js';
import { service } from './service.js';
import { day, moment } from './times.js';

const DAY = 86_400_000;

let quota = null;
let usage = null;

/** From the headers of a response. */
export function learn(header) {
  const [limit, remaining, reset] = ['Limit', 'Remaining', 'Reset'].map((part) => Number(header(`X-RateLimit-${part}`)));
  if (limit) show({ limit, remaining, reset });
}

/** What is null stays as it was. */
export function show(left, spent) {
  quota = left ?? quota;
  usage = spent ?? usage;
  $('cost').hidden = !quota?.limit;
  say($('quota'), line());
}

/** The full quota, for a user who is not known yet. */
export async function forget() {
  quota = null;
  usage = null;
  say($('quota'), null);
  const { quota: full } = await service;
  $('cost').hidden = !full;
  // It may have been learnt meanwhile.
  if (!full || !$('quota').hidden) return;
  say($('quota'), `${full.limit} refinement${full.limit === 1 ? '' : 's'} a ${full.window}`);
}

/** Nothing where there is no limit and nothing was spent. */
function line() {
  const money = usage && spending(usage);
  if (!quota?.limit) return money && `${money}, ${resets(usage)}`;
  if (!money) return `${quota.remaining} of ${quota.limit} refinements left, ${resets(quota)}`;
  const refinements = `${quota.limit - quota.remaining} of ${quota.limit} refinements`;
  return quota.reset === usage.reset
    ? `${refinements}, ${money}, ${resets(quota)}`
    : `${refinements}, ${resets(quota)}; ${money}, ${resets(usage)}`;
}

/** What counts towards the budget, and what cannot since its price is unknown. */
function spending({ spent, reserved, limit, unknown_calls: unknown }) {
  const used = Number(spent) + Number(reserved);
  const calls = unknown && `${unknown} call${unknown === 1 ? '' : 's'} of unknown price`;
  const amount = limit ? `${dollars(used)} of ${limit} USD` : used && `${dollars(used)} USD`;
  return [amount, calls].filter(Boolean).join(' and ');
}

/** `reset` is in seconds. */
function resets({ reset }) {
  const time = reset * 1000;
  return `resets ${time - Date.now() > DAY ? `on ${day(time)}` : moment(time)}`;
}

/** With two to six decimals. */
const dollars = (amount) => amount.toFixed(6).replace(/0{1,4}$/, '');
