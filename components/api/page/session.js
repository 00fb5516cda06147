// The user's credentials: with anonymous sessions an HttpOnly cookie, created
// if needed; otherwise a pasted token, which is stored as long as the tab
// lives.

import { refusal } from './errors.js';
import { service } from './service.js';

const KEY = 'concept-refinement-token';

/** Whose the session is, and until when at least: its cookie is not to be read. */
const SESSION_KEY = 'concept-refinement-session';

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

/** Before a request: whether there is something to ask with. Without a session,
 * there is a new one then, or none to be had. */
export async function enter() {
  if (token()) return true;
  const { anonymous_sessions: isAnonymous } = await service;
  // If that is not known, the answer will tell.
  if (isAnonymous === undefined || session().until > Date.now()) return true;
  return isAnonymous && renew();
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
  // For whoever has one, it is a session of the same user.
  const response = await fetch('/api/auth/session', { method: 'POST' });
  if (response.status === 404) return false;
  if (!response.ok) throw await refusal(response);
  const { user_id: user, expires_in: seconds } = await response.json();
  const isAnother = user !== session().user;
  try {
    localStorage.setItem(SESSION_KEY, JSON.stringify({ user, until: Date.now() + seconds * 1000 }));
  } catch {
    // Without storage each visit asks for a session.
  }
  // Another user has another quota.
  if (isAnother) document.dispatchEvent(new Event('user'));
  return true;
}

function session() {
  try {
    return JSON.parse(localStorage.getItem(SESSION_KEY)) ?? {};
  } catch {
    return {};
  }
}
