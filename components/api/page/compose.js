// The form, with errors next to their fields.

import * as api from './api.js';
import * as aspects from './aspects.js';
import { $, announce, say, sayBriefly } from './dom.js';
import { Offline, Refusal, failure, isCancelled, parts, places } from './errors.js';
import { isFinal, watch as follow } from './progress.js';
import { service } from './service.js';
import * as part from './part.js';
import * as source from './source.js';
import * as suggestions from './suggestions.js';

/** Seconds between attempts to reach the service. */
const PAUSES = [1, 2, 4, 8, 8, 8];

const FIELDS = ['prompt', 'logo', 'theme'];
const ORDER = ['image', 'part', ...FIELDS, 'form'];

let isBusy = false;
let onAction = null;
/** The words that came with a sample. */
let proposed = '';
/** Stops watching the active refinement that blocks a new one. */
let stopFollowing = () => {};

/** `accepted` gets the new task; `watch` the id of a task in progress. */
export function init({ accepted, watch }) {
  $('compose').addEventListener('submit', (event) => {
    event.preventDefault();
    submit(accepted, watch);
  });
  $('prompt').addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) $('compose').requestSubmit();
  });
  $('form-error-action').addEventListener('click', () => onAction?.());
  for (const field of FIELDS) $(field).addEventListener('input', () => complain(field, null));
  $('strength').addEventListener('input', () => ($('strength-value').textContent = $('strength').value));
  service.then(({ model }) => say($('model'), model));
}

/** Fills in words, unless there are some already. */
export function propose(prompt) {
  if (![proposed, ''].includes($('prompt').value.trim())) return;
  proposed = prompt;
  $('prompt').value = prompt;
  complain('prompt', null);
  suggestions.render();
}

/** An empty form. */
export function fresh() {
  title('Refine an image', 'Say what should change. The original is kept.');
  complainNot();
}

/** A form with the request of another refinement. */
export function revise({ metadata }) {
  fresh();
  source.adopt(metadata, 'The same original');
  write(metadata);
}

/** A form that refines a result further. */
export function refineAgain({ result_id, image_url, metadata }) {
  const { logo_description, theme_description } = metadata;
  fresh();
  source.adopt({ original_concept_id: result_id, original_image_url: image_url }, 'The refined image');
  write({ refinement_prompt: '', logo_description, theme_description });
}

/** A form with a failed refinement, ready for another attempt. */
export function failed(task) {
  const { metadata, error_message } = task;
  complainNot();
  if (!source.isShowing(metadata)) source.adopt(metadata, 'The same original');
  write(metadata);
  if (isCancelled(task)) {
    title('Cancelled', 'Nothing was made. What you asked for is still here.');
    announce('The refinement is cancelled.');
    return;
  }
  const { place, text } = failure(error_message);
  const isTheirs = place !== 'form';
  title('That did not work', isTheirs ? 'Fix the problem and try again.' : 'What you asked for is still here. Try again later.');
  complain(place, text);
  announce(`The refinement failed. ${parts(text)[0]}`);
}

function write(metadata) {
  const { refinement_prompt: prompt, logo_description: logo, theme_description: theme, strength } = metadata;
  $('prompt').value = prompt;
  $('logo').value = logo ?? '';
  $('theme').value = theme ?? '';
  $('strength').value = strength ?? $('strength').defaultValue;
  $('strength-value').textContent = $('strength').value;
  aspects.adopt(metadata);
  $('details').open = Boolean(logo || theme || metadata.preserve_aspects) || strength !== undefined;
  part.adopt(metadata);
  suggestions.render();
}

function title(title, lede) {
  $('compose-title').textContent = title;
  $('compose-lede').textContent = lede;
}

async function submit(accepted, watch) {
  if (isBusy) return;
  complainNot();
  busy(true);
  try {
    const task = await send();
    source.handOver();
    accepted(task);
  } catch (error) {
    explain(error, watch);
  } finally {
    busy(false);
  }
}

async function send() {
  const original = await source.fields();
  const wish = {
    ...original,
    refinement_prompt: $('prompt').value,
    logo_description: $('logo').value.trim() || null,
    theme_description: $('theme').value.trim() || null,
    strength: $('strength').value === $('strength').defaultValue ? null : Number($('strength').value),
    ...aspects.fields(),
    ...(await part.fields()),
  };
  try {
    return await insist(wish);
  } catch (error) {
    if (error instanceof Refusal) part.discard(wish);
    // The session was lost, and with it the user who had uploaded it.
    if (error.status === 404 && source.isToUpload()) return send();
    throw error;
  }
}

async function insist(wish) {
  const key = api.newKey();
  for (const pause of PAUSES) {
    try {
      return await api.refine(wish, key);
    } catch (error) {
      if (!(error instanceof Offline)) throw error;
      complain('form', 'The service cannot be reached. Trying again…');
      await new Promise((resolve) => setTimeout(resolve, pause * 1000));
    }
  }
  return api.refine(wish, key);
}

function explain(error, watch) {
  // It may still say that the service cannot be reached.
  complain('form', null);
  // The upload shows its own error, and the page asks for a token.
  if (!$('image-error').hidden || (error instanceof Refusal && error.status === 401)) return;
  if (error instanceof Refusal && error.status === 409 && error.body?.task_id) {
    const prompt = error.body.metadata?.refinement_prompt?.trim();
    $('form-error').classList.add('calm');
    complain('form', `Another refinement is under way: “${prompt}”. One at a time.`);
    onAction = () => {
      complain('form', null);
      watch(error.body.task_id);
    };
    awaitEnd(error.body.task_id);
    say($('form-error-action'), 'Watch it');
    $('form-error-action').focus();
    return;
  }
  const found = places(error);
  for (const [place, text] of Object.entries(found)) complain(place, text);
  if (found.logo || found.theme) $('details').open = true;
  announce(ORDER.map((place) => found[place]).filter(Boolean).join(' '));
  const first = ORDER.find((place) => found[place]);
  if (first === 'image') source.focusable().focus();
  else if (first === 'part') $('part').firstElementChild.focus();
  else if (FIELDS.includes(first)) $(first).focus();
}

/** The notice disappears when nothing blocks a new refinement any more. */
function awaitEnd(id) {
  const over = () => {
    const hadFocus = document.activeElement === $('form-error-action');
    complain('form', null);
    if ($('compose').hidden) return;
    announce('The other refinement has ended. You can refine now.');
    if (hadFocus) $('submit').focus();
  };
  stopFollowing = follow(id, {
    task: (task) => isFinal(task) && over(),
    gone: over,
    stage() {},
    reached() {},
  });
}

function complain(place, text) {
  if (place === 'image') return source.complain(text);
  if (place === 'part') return part.complain(text);
  if (place !== 'form') {
    $(place).setAttribute('aria-invalid', String(Boolean(text)));
    return sayBriefly($(`${place}-error`), parts(text ?? ''));
  }
  stopFollowing();
  stopFollowing = () => {};
  if (!text) $('form-error').classList.remove('calm');
  $('form-error').hidden = !text;
  $('form-error-text').textContent = text ?? '';
  say($('form-error-action'), null);
}

function complainNot() {
  for (const place of ORDER) complain(place, null);
}

/** Does not disable the button, which would lose the focus. */
function busy(isNow) {
  isBusy = isNow;
  $('submit').setAttribute('aria-disabled', String(isNow));
  $('submit').textContent = isNow ? 'Sending…' : 'Refine';
}
