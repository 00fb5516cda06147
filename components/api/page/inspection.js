// Inspects a file before it is sent, so that nobody waits for an upload that will be
// refused. The service finds any further problems.

import { service } from './service.js';

const SUPPORTED = 'PNG, JPEG, WebP or GIF';

/** Signatures of image formats that are not supported. */
const OTHERS = [
  ['AVIF', /^\0\0..ftyp(avi[fs]|m[is]f1....(....)*?avif)/s],
  ['HEIC', /^\0\0..ftyp(hei[cxms]|hev[cx]|m[is]f1)/s],
  ['TIFF', /^(II\*\0|MM\0\*)/],
  ['BMP', /^BM....\0\0\0\0/s],
  ['JPEG XL', /^(\0\0\0\x0cJXL \r\n|\xff\x0a)/],
  ['SVG', /^(\xef\xbb\xbf)?\s*(<[?!][^>]*>\s*)*<([\w-]+:)?svg[\s>/]/],
];

const START = 1024;

/** What is wrong with a file, as a sentence; null if no problem was found. */
export async function problem(file) {
  const { max_image_bytes: maxBytes, max_image_pixels: maxPixels } = await service;
  const name = await otherFormat(file);
  if (name) return `${name} images are not supported; use ${SUPPORTED}.`;
  if (file.size > maxBytes) return `The image is larger than ${bytes(maxBytes)}.`;
  if (maxPixels && (await pixelsOf(file)) > maxPixels) return `The image has more than ${pixels(maxPixels)}.`;
  return null;
}

/** Which images are allowed, before one was chosen. */
export async function limits() {
  const { max_image_bytes: maxBytes, max_image_pixels: maxPixels } = await service;
  return `${SUPPORTED}${maxBytes ? `, up to ${bytes(maxBytes)} and ${pixels(maxPixels)}` : ''}`;
}

async function otherFormat(file) {
  try {
    const start = await file.slice(0, START).arrayBuffer();
    const text = String.fromCharCode(...new Uint8Array(start));
    return OTHERS.find(([, beginning]) => beginning.test(text))?.[0];
  } catch {
    // A file that cannot be read is refused by the upload.
    return null;
  }
}

/** 0 if the browser cannot tell. */
async function pixelsOf(file) {
  const image = new Image();
  const url = URL.createObjectURL(file);
  try {
    await new Promise((resolve) => {
      image.onload = resolve;
      image.onerror = resolve;
      image.src = url;
    });
    return image.naturalWidth * image.naturalHeight;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** In the same form as the service: 20971520 → 20 MiB */
function bytes(count) {
  const [unit, size] = [['GiB', 2 ** 30], ['MiB', 2 ** 20], ['KiB', 2 ** 10]].find(([, size]) => count >= size && count % size === 0) ?? ['bytes', 1];
  return `${count / size} ${unit}`;
}

/** 50000000 → 50 million pixels */
const pixels = (count) => (count >= 1e6 && count % 1e6 === 0 ? `${count / 1e6} million pixels` : `${count} pixels`);
