// A completed refinement: before and after, and actions.

import * as api from './api.js';
import * as compare from './compare.js';
import { $, announce, make, say } from './dom.js';
import { sentence } from './errors.js';
import { confirmed } from './confirm.js';
import { safe } from './images.js';
import * as names from './names.js';
import * as part from './part.js';
import { remove } from './removal.js';

const DIFFERENT = 'Refined, with differences:';

let current = null;

/** `compose` gets the original, words for it, and the initial values of another refinement, or
 * nothing. */
export function init({ compose, deleted }) {
  $('again').addEventListener('click', () => {
    const { image_url, metadata } = current;
    const { logo_description, theme_description } = metadata;
    compose(image_url, 'The refined image', { refinement_prompt: '', logo_description, theme_description });
  });
  $('revise').addEventListener('click', () => {
    const { metadata } = current;
    compose(metadata.original_image_url, 'The same original', metadata);
  });
  $('another').addEventListener('click', () => compose());
  $('delete').addEventListener('click', async () => {
    const task = current;
    say($('delete-error'), null);
    if (!(await confirmed())) return;
    try {
      await remove(task);
      announce('The refinement is deleted.');
      deleted(task);
    } catch (error) {
      say($('delete-error'), sentence(error));
    }
  });
}

export async function show(task, { isNew }) {
  current = task;
  const { metadata, image_url: address } = task;
  const prompt = metadata.refinement_prompt.trim();
  $('result-prompt').textContent = prompt;
  $('facts').replaceChildren(
    ...fact('What it shows', metadata.logo_description),
    ...fact('Theme', metadata.theme_description),
    ...fact('Strength', metadata.strength?.toString()),
    ...fact('Part', part.words(metadata)),
    ...fact('Soft edge', metadata.mask_feather?.toString()),
    ...fact('The model saw', metadata.region_only ? 'only this part' : null),
    ...fact('Took', took(task)),
  );
  say($('delete-error'), null);
  say($('stage-note'), null);
  const link = safe(address ?? '');
  for (const id of ['download', 'again']) $(id).hidden = !address;
  if (address && link) offer(link, names.ofResult(metadata.original_image_url));
  tellNotes([]);
  if (isNew) announce('The image is refined.');

  $('picture').hidden = true;
  $('empty').hidden = true;
  say($('no-picture'), null);
  if (!address) {
    $('compare').hidden = true;
    $('split-bar').hidden = true;
    say($('no-picture'), 'The refined image was deleted.');
    return;
  }
  askForNotes(task, isNew);
  const { hasBefore, hasAfter } = await compare.show(metadata.original_image_url, address, prompt, { isNew });
  if (current !== task) return;
  if (!hasAfter) say($('no-picture'), 'The refined image cannot be loaded. Reload the page to try again.');
  else if (!hasBefore) say($('stage-note'), 'The original can no longer be shown, so this is the result alone.');
}

/** The result keeps the name for its own refinements. */
function offer(address, name) {
  names.remember(address, name);
  $('download').href = names.download(address, name);
}

/** The model's notes say what differs from the prompt, such as words that it did not
 * understand. */
async function askForNotes(task, isNew) {
  const { notes } = await api.concept(task.result_id).catch(() => ({ notes: [] }));
  if (current !== task || notes.length === 0) return;
  tellNotes(notes);
  if (isNew) announce(`${DIFFERENT} ${notes.join(' ')}`);
}

function tellNotes(notes) {
  $('result-title').textContent = notes.length ? DIFFERENT : 'Refined';
  $('notes').replaceChildren(...notes.map((note) => make('li', { textContent: note })));
  $('notes').hidden = notes.length === 0;
}

export function leave() {
  current = null;
  compare.clear();
  $('compare').hidden = true;
  $('split-bar').hidden = true;
  say($('stage-note'), null);
}

function fact(name, text) {
  return text?.trim() ? [make('dt', { textContent: name }), make('dd', { textContent: text.trim() })] : [];
}

function took({ created_at, completed_at }) {
  const seconds = (Date.parse(completed_at) - Date.parse(created_at)) / 1000;
  if (!Number.isFinite(seconds)) return null;
  if (seconds < 0.1) return 'under 0.1 s';
  return seconds < 10 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
}
