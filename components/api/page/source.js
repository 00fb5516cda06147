// The original: none, a file (uploaded at once), a URL, or the image of a concept. Its
// errors are shown below it.

import { deleteUpload } from './api.js';
import { $, announce, say } from './dom.js';
import { Offline, Refusal, Unusable, sentence } from './errors.js';
import { addressOf, clear as clearImage, safe, show as showImage, showFile } from './images.js';
import { limits, problem } from './inspection.js';
import * as names from './names.js';
import * as part from './part.js';
import { upload } from './upload.js';

const TRIES = 5;
const PAUSE = 2000;

/** Why there is no picture of an original. */
const UNSHOWN = {
  file: 'This browser cannot show the image.',
  address: 'No preview. The service fetches the image itself.',
  concept: 'This image cannot be shown. It may have been deleted.',
};

const NONE = { kind: 'none' };
let source = NONE;

export async function init() {
  $('file').addEventListener('change', () => {
    const [file] = $('file').files;
    // Allows the same file to be chosen again.
    $('file').value = '';
    if (file) choose(file);
  });
  $('remove').addEventListener('click', () => {
    clear();
    $('file').focus();
  });
  $('address').addEventListener('change', () => point($('address').value));
  $('address').addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    point($('address').value);
    if (source.kind === 'address') $('prompt').focus();
  });
  document.addEventListener('user', () => {
    // What was stored belongs to the user before.
    if (source.stored) Object.assign(source, { stored: null, sending: null, isUsed: false });
  });
  $('file-hint').textContent = `or drop it here, or paste it. ${await limits()}.`;
}

/** Sets a file, and uploads it. */
export function choose(file) {
  const words = file.name ? `${file.name}, ${size(file.size)}` : size(file.size);
  replace({ kind: 'file', file, words, leaving: new AbortController() });
  send(source);
}

/** Sets a URL that was typed or dropped. */
export function point(text) {
  const address = withScheme(text.trim());
  $('address').value = address;
  replace(address ? { kind: 'address', address, isTyped: true } : NONE);
}

/** Sets the original of another request: a concept, whose image's URL is given too if it is
 * known, or an image. */
export function adopt({ original_image_url: address, original_concept_id: concept }, words) {
  const isTyped = !concept && !isOwn(address);
  replace({ kind: concept ? 'concept' : 'address', concept, address, words, isTyped });
  $('address').value = isTyped ? address : '';
}

export function clear() {
  $('address').value = '';
  replace(NONE);
}

/** Called when a task is deleted along with its upload and its concept. */
export function forget({ metadata, result_id: concept }) {
  const isGone = source.concept ? source.concept === concept : isOwn(metadata.original_image_url) && isShowing(metadata);
  if (isGone) clear();
}

/** The upload now belongs to a task, and must not be removed when it is replaced. */
export function handOver() {
  source.isUsed = true;
}

/** Whether the original of this request is the one that is shown. */
export function isShowing({ original_image_url: address, original_concept_id: concept }) {
  if (source.concept || concept) return source.concept === concept;
  return source.kind !== 'none' && (source.address === address || source.stored?.image_url === address);
}

/** Whether its file has to be uploaded, perhaps again. */
export const isToUpload = () => source.kind === 'file' && !source.sending;

/** Its field in a request: waits until an upload has finished. */
export async function fields() {
  const typed = $('address').value.trim();
  if (source.kind === 'none' && typed) point(typed);
  if (source.kind === 'concept') return { original_concept_id: source.concept };
  if (source.kind !== 'file') return { original_image_url: source.address ?? null };
  if (!source.sending) send(source);
  return { original_image_url: (await source.sending).image_url };
}

export function complain(text) {
  say($('image-error'), text);
  for (const input of [$('file'), $('address')]) input.setAttribute('aria-invalid', String(Boolean(text)));
}

/** The element to focus when the image is the problem. */
export const focusable = () => ($('empty').hidden ? ($('address-row').hidden ? $('remove') : $('address')) : $('file'));

/** Shows the choice, also after something else was shown. */
export async function render() {
  const shown = source;
  const isNone = shown.kind === 'none';
  $('empty').hidden = !isNone;
  $('address-row').hidden = !(isNone || shown.isTyped);
  $('chosen-row').hidden = isNone;
  $('chosen').textContent = shown.words ?? (isNone ? '' : origin(shown.address));
  $('part').hidden = isNone;
  part.fit(null);
  $('picture').hidden = isNone;
  $('picture').alt = isNone ? '' : 'The original';
  say($('no-picture'), null);
  $('stage').dataset.state = shown.isSending ? 'sending' : '';
  $('uploading').hidden = !shown.isSending;
  if (isNone) return clearImage($('picture'));
  const isElsewhere = () => source !== shown || $('stage').dataset.view !== 'compose';
  if (shown.concept) shown.address ??= await addressOf({ original_concept_id: shown.concept });
  if (isElsewhere()) return;
  const isShown = await (shown.kind === 'file' ? showFile($('picture'), shown.file) : showImage($('picture'), shown.address));
  if (isElsewhere()) return;
  if (isShown) return part.fit($('picture'));
  $('picture').hidden = true;
  say($('no-picture'), UNSHOWN[shown.kind]);
}

function replace(next) {
  const left = source;
  source = next;
  complain(null);
  part.adopt();
  left.leaving?.abort();
  // An unused upload would count against the limit.
  if (left.stored && !left.isUsed) {
    names.forget(left.stored.image_url);
    deleteUpload(left.stored.path).catch(() => {});
  }
  render();
}

function send(sent) {
  sent.isSending = true;
  sent.sending = insist(sent);
  // Errors are handled where it is awaited, and by the next line.
  sent.sending.then(
    (stored) => {
      sent.stored = stored;
      if (sent.file.name) names.remember(stored.image_url, sent.file.name);
      sent.isSending = false;
      if (source !== sent) return;
      announce('The image is uploaded.');
      settle();
    },
    (error) => {
      sent.isSending = false;
      sent.sending = null;
      if (source !== sent) return;
      settle();
      // A refused file would be refused again.
      if (!(error instanceof Offline)) replace(NONE);
      const isFull = error instanceof Refusal && error.status === 429 && !error.retryAfter;
      const text = isFull ? `${sentence(error)} Deleting an earlier refinement makes room.` : sentence(error);
      complain(text);
      announce(text);
    },
  );
  announce('Uploading the image.');
  $('upload-progress').removeAttribute('value');
  settle();
}

/** Retries, in case the connection is unreliable. */
async function insist(sent) {
  const found = await problem(sent.file);
  sent.leaving.signal.throwIfAborted();
  if (found) throw new Unusable(found);
  for (let attempt = 1; ; attempt += 1) {
    try {
      const stored = await upload(sent.file, progressed(sent), sent.leaving.signal);
      if (source === sent) complain(null);
      return stored;
    } catch (error) {
      if (!(error instanceof Offline) || attempt === TRIES || sent.leaving.signal.aborted) throw error;
      if (source === sent) complain('The service cannot be reached. Trying again…');
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }
}

const progressed = (sent) => (percent) => {
  if (source === sent) $('upload-progress').value = percent;
};

function settle() {
  if ($('stage').dataset.view !== 'compose') return;
  $('stage').dataset.state = source.isSending ? 'sending' : '';
  $('uploading').hidden = !source.isSending;
}

/** Adds the scheme, which people and browsers leave out. A port is not a scheme. */
function withScheme(text) {
  const isWhole = /^([a-z][a-z\d+.-]*:(?!\d)|\/(?!\/))/i.test(text);
  if (!text || isWhole || /\s/.test(text)) return text;
  return `https://${text.replace(/^\/\//, '')}`;
}

function isOwn(address) {
  const url = safe(address);
  return Boolean(url) && new URL(url).pathname.startsWith('/api/images/');
}

function origin(address) {
  const url = safe(address);
  return url ? `From ${new URL(url).host}` : 'Not an address of an image';
}

function size(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
