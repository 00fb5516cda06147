// The user's credentials: with anonymous sessions an HttpOnly cookie, created
// if needed; otherwise a pasted token, which is stored as long as the tab
// lives.

import { refusal } from './errors.js';
import * as quota from './quota.js';

const KEY = 'concept-refinement-token';

/** For browsers that keep nothing. */
let kept = null;
let renewal = null;

export function token() {
  try {
    return sessionStorage.getItem(KEY) ?? kept;
  } catch {
    return kept;
  }
}

export function keep(text) {
  kept = text;
  try {
    sessionStorage.setItem(KEY, text);
  } catch {
    // Without storage it stays in memory.
  }
}

export function forget() {
  kept = null;
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // Nothing was stored.
  }
}

export function credentials() {
  const known = token();
  return known ? { Authorization: `Bearer ${known}` } : {};
}

/** After a 401: whether there is a new session, with which to ask again. */
export function renew() {
  if (token()) return Promise.resolve(false);
  renewal ??= create().finally(() => {
    renewal = null;
  });
  return renewal;
}

async function create() {
  const response = await fetch('/api/auth/session', { method: 'POST' });
  if (response.ok) {
    quota.forget();
    return true;
  }
  if (response.status === 404) return false;
  throw await refusal(response);
}
