// The names that results are downloaded under. The service keeps no names of files, so the
// browser does.

import { safe } from './images.js';
import { token } from './session.js';

const KEY = 'concept-refinement-names';

/** As many as a user's uploads, by default. */
const MOST = 100;

/** Characters. With the end below it stays under the 100 that the service takes. */
const LONGEST = 90;

const END = '-refined';

/** Remembers the name of an image of the service: a file's, or a result's. */
export function remember(address, name) {
  const path = pathOf(address);
  const others = Object.entries(names()).filter(([other]) => other !== path);
  write([...others.slice(1 - MOST), [path, name]]);
}

export function forget(address) {
  const path = pathOf(address);
  write(Object.entries(names()).filter(([other]) => other !== path));
}

/** Called before the user's token is forgotten. */
export function forgetAll() {
  write([]);
}

/** The name of an original's result: logo.png → logo-refined */
export function ofResult(original) {
  const name = stem(names()[pathOf(original)] ?? nameInAddress(original));
  if (!name) return 'refined';
  return name.endsWith(END) ? name : name + END;
}

/** The address of an image, such that a browser saves it under a name. */
export function download(address, name) {
  const url = new URL(address);
  url.searchParams.set('download', name);
  return url.href;
}

/** A name without its extension, and without what the service refuses. */
function stem(name) {
  const whole = name.replace(/[/\\\p{Cc}]/gu, '-').trim();
  const bare = whole.replace(/\.[a-z]\w{1,4}$/i, '').replace(/^[.\s]+|[.\s]+$/g, '');
  return [...bare].slice(0, LONGEST).join('');
}

/** The last part of an address from elsewhere; in the service's own it is random. */
function nameInAddress(address) {
  const path = pathOf(address);
  if (path.startsWith('/api/images/')) return '';
  const last = path.split('/').pop();
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

function pathOf(address) {
  const url = safe(address ?? '');
  return url ? new URL(url).pathname : '';
}

/** Names are kept as long as the user's credentials. */
const storage = () => (token() ? sessionStorage : localStorage);

function names() {
  try {
    return JSON.parse(storage().getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

function write(entries) {
  try {
    if (entries.length > 0) storage().setItem(KEY, JSON.stringify(Object.fromEntries(entries)));
    else storage().removeItem(KEY);
  } catch {
    // Without storage a result of a file is just called refined.
  }
}
