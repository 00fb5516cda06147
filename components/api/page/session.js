// The user's credentials: with anonymous sessions an HttpOnly cookie, created
// if needed; otherwise a pasted token, which is stored as long as the tab
// lives.

import { refusal } from './errors.js';
import { service } from './service.js';

const KEY = 'concept-refinement-token';

/** The user of the session and its minimum lifetime, since its cookie is unreadable. */
const SESSION_KEY = 'concept-refinement-session';

/** For browsers without storage. */
let kept = null;
let renewal = null;

/** The latest session that this page created, and how many it did. */
let own = null;
let count = 0;
/** Whether the latest was of use. */
let isAccepted = true;

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

/** Before a request: whether there are credentials. If there is no session, a new one
 * is created if possible. */
export async function enter() {
  if (token()) return true;
  const { anonymous_sessions: isAnonymous } = await service;
  // If that is unknown, the response will tell.
  if (isAnonymous === undefined || session().until > Date.now()) return true;
  return isAnonymous && begin();
}

/** To compare: a request's time would not do, since clocks of browsers are coarse. */
export const created = () => count;

/** Called after an answer to a request with credentials. */
export function accept() {
  isAccepted = true;
}

/** Whether the service does not accept its own new session, as where the browser keeps no
 * cookies: the next one would be refused as well. */
export const isRefused = () => !token() && !isAccepted;

/** After a 401, where so many sessions were created before the request: whether there is a
 * new one to try again with. */
export async function renew(known) {
  if (token()) return false;
  return count > known || (!isRefused() && begin());
}

function begin() {
  renewal ??= create().finally(() => {
    renewal = null;
  });
  return renewal;
}

async function create() {
  // If there is a session already, the new one is for the same user.
  const response = await fetch('/api/auth/session', { method: 'POST' });
  if (response.status === 404) return false;
  if (!response.ok) throw await refusal(response);
  const { user_id: user, expires_in: seconds } = await response.json();
  const isAnother = user !== session().user;
  own = { user, until: Date.now() + seconds * 1000 };
  count += 1;
  isAccepted = false;
  try {
    localStorage.setItem(SESSION_KEY, JSON.stringify(own));
  } catch {
    // Without storage each visit requests a session.
  }
  // A new user has a new quota.
  if (isAnother) document.dispatchEvent(new Event('user'));
  return true;
}

function session() {
  if (own) return own;
  try {
    return JSON.parse(localStorage.getItem(SESSION_KEY)) ?? {};
  } catch {
    return {};
  }
}
