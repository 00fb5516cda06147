// The part of the image to change: the tools that mark it, and its fields in a request.

import { deleteUpload } from './api.js';
import { $, announce, say } from './dom.js';
import { Unusable } from './errors.js';
import * as marks from './marks.js';
import { upload } from './upload.js';

const SIDES = ['x', 'y', 'width', 'height'];

/** The last mask that was uploaded, and its shapes. */
let sent = null;

export function init() {
  marks.init(tell);
  const tools = $('tools').querySelectorAll('.chip');
  for (const chip of tools) {
    chip.addEventListener('click', () => {
      marks.pen.tool = chip.value;
      for (const other of tools) other.setAttribute('aria-pressed', String(other === chip));
    });
  }
  $('brush').addEventListener('input', () => (marks.pen.size = $('brush').value / 100));
  $('undo').addEventListener('click', marks.undo);
  $('unmark').addEventListener('click', () => marks.set([]));
  for (const side of SIDES) $(side).addEventListener('input', type);
}

/** For an image, or for numbers only if there is no picture of it. */
export function fit(image) {
  marks.fit(image);
  $('tools').hidden = !image;
}

/** Continues from an earlier request; without one, nothing is marked. */
export function adopt({ region, mask_url: mask, mask_feather: feather, region_only: isOnly } = {}) {
  const isKnown = mask && sent?.image_url === mask;
  marks.reset(isKnown ? sent.shapes : region ? [{ rectangle: region }] : []);
  $('feather').value = feather ?? '';
  $('only').checked = Boolean(isOnly);
  $('part').open = Boolean(region || mask);
  say($('mask-lost'), mask && !isKnown ? 'The mask was not kept. Mark the part again, or all of the image may change.' : null);
}

/** None if all of the image is to change. */
export async function fields() {
  if (marks.isEmpty()) return {};
  const shapes = marks.all();
  const wish = { mask_feather: $('feather').value ? Number($('feather').value) : null, region_only: $('only').checked || null };
  if (isRectangle()) return { ...wish, region: marks.rectangle() };
  const mask = await marks.mask();
  if (!mask) throw new Unusable('This browser cannot draw on so large an image. Use the rectangle.');
  sent = { ...(await upload(mask, () => {}, new AbortController().signal)), shapes };
  return { ...wish, mask_url: sent.image_url };
}

/** Deletes the mask of a request that has ended. */
export function discard({ mask_url: mask }) {
  if (mask && sent?.image_url === mask) deleteUpload(sent.path).catch(() => {});
}

export function complain(text) {
  say($('part-error'), text);
  if (text) $('part').open = true;
}

/** A rectangle, or a mask, for people; nothing if there is neither. */
export function words({ region, mask_url: mask }) {
  if (!region) return mask && 'what was drawn';
  return `${region.width} × ${region.height} pixels at ${region.x}, ${region.y}`;
}

const isRectangle = () => marks.all().length === 1 && Boolean(marks.rectangle());

function type() {
  const [x, y, width, height] = SIDES.map((side) => Number($(side).value));
  if (width && height) marks.set(marks.withRectangle({ x, y, width, height }));
}

function tell() {
  const region = marks.rectangle();
  for (const side of SIDES) if (region || document.activeElement !== $(side)) $(side).value = region?.[side] ?? '';
  const part = marks.isEmpty() ? null : words({ region: isRectangle() && region, mask_url: true });
  $('part-state').textContent = part ? `Marked: ${part}.` : 'Draw on the image, or enter numbers.';
  if (part) {
    announce($('part-state').textContent);
    say($('mask-lost'), null);
  }
  complain(null);
}
