// Requests to the service. A response that is not a success is thrown as a Refusal, and
// a failure to reach the service as Offline.

import { Offline, Refusal, refusal } from './errors.js';
import * as quota from './quota.js';
import * as session from './session.js';

/** How far the service's clock is ahead of this one, in milliseconds. */
let ahead = 0;

/** The service's time. */
export const now = () => Date.now() + ahead;

export const tasks = (cursor, limit = 12) =>
  call('GET', `/api/tasks?limit=${limit}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
export const task = (id, signal) => call('GET', taskPath(id), { signal });
/** 1 is next; null if it is not known. */
export const queuePosition = (id, signal) =>
  call('GET', taskPath(id), {
    signal,
    read: (response) => Number(response.headers.get('X-Queue-Position')) || null,
  });
export const cancelTask = (id) => call('POST', `${taskPath(id)}/cancel`);
export const deleteTask = (id) => call('DELETE', taskPath(id));
export const concept = (id) => call('GET', `/api/concepts/${encodeURIComponent(id)}`);
/** A concept, what it was refined from, and what was refined from it, oldest first. */
export const lineage = (id) => call('GET', `/api/concepts/${encodeURIComponent(id)}/lineage`);
export const deleteConcept = (id) => call('DELETE', `/api/concepts/${encodeURIComponent(id)}`);
export const deleteUpload = (path) => call('DELETE', `/api/images/${path}`);
export const remainingQuota = () => call('GET', '/api/quota');
export const usage = () => call('GET', '/api/usage');
export const eventsPath = (id) => `${taskPath(id)}/events`;

/** Sending it again with the same key creates nothing twice. */
export const refine = (wish, key, signal) =>
  call('POST', '/api/concepts/refine', {
    body: JSON.stringify(wish),
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
    signal,
  });

export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** One of the service's images, for a user with a token instead of a cookie. */
export async function image(url) {
  const response = await fetch(url, { headers: session.credentials() });
  if (!response.ok) throw await refusal(response);
  return response.blob();
}

/** What an image says of its origin. Anyone may ask, so no credentials are sent. */
export async function verify(file) {
  const response = await reached(fetch('/api/verify', { method: 'POST', body: file, credentials: 'omit' }));
  if (!response.ok) throw await refusal(response);
  return reached(response.json());
}

/** Sends a request with a session, and repeats it if a new session may help. A request
 * that is known to need one is not sent without. */
export async function withSession(ask) {
  const isUnknown = (error) => error instanceof Refusal && error.status === 401;
  const token = session.token();
  try {
    if (!(await reached(session.enter()))) throw new Refusal(401, null, () => null);
    const known = session.created();
    const answer = await ask().catch(async (error) => {
      if (isUnknown(error) && (await reached(session.renew(known)))) return ask();
      throw error;
    });
    session.accept();
    return answer;
  } catch (error) {
    // A late refusal says nothing of a token that was pasted meanwhile.
    if (isUnknown(error) && session.token() === token) document.dispatchEvent(new Event('signin'));
    // Only who is known is told what else is wrong.
    if (!isUnknown(error) && error.status < 500) session.accept();
    throw error;
  }
}

const taskPath = (id) => `/api/tasks/${encodeURIComponent(id)}`;

function call(method, path, { body, headers, signal, read = (response) => response.json() } = {}) {
  return withSession(async () => {
    const response = await reached(
      fetch(path, {
        method,
        body,
        signal,
        headers: { ...headers, ...session.credentials() },
      }),
    );
    quota.learn((name) => response.headers.get(name));
    const date = Date.parse(response.headers.get('Date'));
    // The header has only whole seconds.
    if (date && Math.abs(date - Date.now()) > 2000) ahead = date - Date.now();
    if (!response.ok) throw await refusal(response);
    return response.status === 204 ? null : reached(read(response));
  });
}

/** Errors of fetch mean nothing to people. */
async function reached(answer) {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Refusal || error.name === 'AbortError') throw error;
    throw new Offline();
  }
}
