// What is left of the user's quota and budget, and when they are reset.

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
  tellOfCost(quota?.limit);
  say($('quota'), line());
}

/** The full quota, for a user who is not known yet. */
export async function forget() {
  quota = null;
  usage = null;
  say($('quota'), null);
  const { quota: full } = await service;
  tellOfCost(full);
  // It may have been learnt meanwhile.
  if (!full || !$('quota').hidden) return;
  say($('quota'), `${counted(full.limit, 'refinement')} a ${full.window}`);
}

function tellOfCost(isSo) {
  for (const words of document.querySelectorAll('.cost')) words.hidden = !isSo;
}

/** Nothing where there is no limit and nothing was spent. */
function line() {
  const refinements = quota?.limit && `${quota.remaining} of ${counted(quota.limit, 'refinement')} left`;
  const money = usage && spending(usage);
  if (refinements && money && quota.reset === usage.reset) return `${refinements}, ${money}, ${resets(quota)}`;
  return [refinements && `${refinements}, ${resets(quota)}`, money && `${money}, ${resets(usage)}`].filter(Boolean).join('; ');
}

/** What counts towards the budget, and what cannot since its price is unknown. */
function spending({ spent, reserved, limit, unknown_calls: unknown }) {
  const used = Number(spent) + Number(reserved);
  // A call may cost more than was reserved for it.
  const amount = limit ? `${dollars(Math.max(0, limit - used))} of ${limit} USD left` : used && `${dollars(used)} USD spent`;
  return [amount, unknown && `${counted(unknown, 'call')} of unknown price`].filter(Boolean).join(' and ');
}

const counted = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** `reset` is in seconds. */
function resets({ reset }) {
  const time = reset * 1000;
  return `resets ${time - Date.now() > DAY ? `on ${day(time)}` : moment(time)}`;
}

/** With two to six decimals. */
const dollars = (amount) => amount.toFixed(6).replace(/0{1,4}$/, '');
