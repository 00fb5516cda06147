// Shows images whose URLs come from elsewhere.

import { concept, image } from './api.js';
import { token } from './session.js';

/** The URL, if an image may be loaded from it. */
export function safe(address) {
  try {
    const url = new URL(address, location.href);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : null;
  } catch {
    return null;
  }
}

/** The URL of an original: of an image, or of a concept's. Null if it was deleted. */
export async function addressOf({ original_image_url: address, original_concept_id: id }) {
  if (address || !id) return address;
  return concept(id).then(({ image_url: url }) => url, () => null);
}

/** Shows an image; returns whether that worked. */
export async function show(img, address) {
  const url = safe(address);
  release(img);
  if (!url) {
    img.removeAttribute('src');
    return false;
  }
  if (await loaded(img, url)) return true;
  // A signature is valid for an hour. After that credentials are needed, and browsers
  // send only cookies on their own.
  if (!token() || new URL(url).origin !== location.origin) return false;
  try {
    const blob = await image(url);
    return await loaded(img, URL.createObjectURL(blob));
  } catch {
    return false;
  }
}

/** Shows a local file. */
export function showFile(img, file) {
  release(img);
  return loaded(img, URL.createObjectURL(file));
}

export function clear(img) {
  release(img);
  img.removeAttribute('src');
}

/** Also false if another image has replaced it meanwhile. */
function loaded(img, url) {
  img.src = url;
  const settled = (event) => new Promise((resolve) => img.addEventListener(event, resolve, { once: true }));
  const isShown = () => img.src === url && img.naturalWidth > 0;
  if (img.complete && isShown()) return Promise.resolve(true);
  return Promise.race([settled('load'), settled('error')]).then(isShown);
}

function release(img) {
  if (img.src.startsWith('blob:')) URL.revokeObjectURL(img.src);
}
