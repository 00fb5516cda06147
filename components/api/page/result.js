// A completed refinement: before and after, and actions.

import * as api from './api.js';
import * as aspects from './aspects.js';
import * as compare from './compare.js';
import { $, announce, make, say } from './dom.js';
import { Offline, sentence } from './errors.js';
import { confirmed } from './confirm.js';
import { safe } from './images.js';
import * as names from './names.js';
import * as part from './part.js';
import { badges } from './provenance.js';
import { remove } from './removal.js';
import * as versions from './versions.js';

const DIFFERENT = 'Refined, with differences:';

let current = null;
/** Shows what could not be loaded, once there is a connection. */
let repeat = null;
const showAgain = () => show(current, { isNew: false });

/** `refineAgain` and `revise` get the task whose result, or whose request, is continued;
 * `restart` begins anew. */
export function init({ refineAgain, revise, restart, deleted }) {
  versions.init();
  addEventListener('online', () => repeat?.());
  $('again').addEventListener('click', () => refineAgain(current));
  $('revise').addEventListener('click', () => revise(current));
  $('another').addEventListener('click', restart);
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
  repeat = null;
  const { metadata, image_url: address } = task;
  const prompt = metadata.refinement_prompt.trim();
  $('result-prompt').textContent = prompt;
  $('facts').replaceChildren(
    ...fact('What it shows', metadata.logo_description),
    ...fact('Theme', metadata.theme_description),
    ...fact('Strength', metadata.strength?.toString()),
    ...fact('Kept', aspects.words(metadata)),
    ...fact('Part', part.words(metadata)),
    ...fact('Soft edge', metadata.mask_feather?.toString()),
    ...fact('The model saw', metadata.region_only ? 'only this part' : null),
    ...fact('Took', took(task)),
  );
  say($('delete-error'), null);
  say($('stage-note'), null);
  const link = safe(address ?? '');
  for (const id of ['download', 'again']) $(id).hidden = !address;
  tellNotes([]);
  $('badges').replaceChildren();
  versions.hide();
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
  const lineage = askForLineage(task, isNew);
  const original = metadata.original_image_url ?? (await lineage).original;
  if (current !== task) return;
  if (link) offer(link, names.ofResult(original));
  await showPair({ address: original, words: 'The original' }, { address, words: `Refined: ${prompt}` }, isNew);
}

/** Compares two versions, by default the original and the result. */
async function showPair(before, after, isNew) {
  say($('no-picture'), null);
  say($('stage-note'), null);
  const shown = await compare.show(before, after, { isNew });
  if (!shown) return;
  if (repeat !== showAgain) repeat = shown.hasAfter ? null : () => showPair(before, after, false);
  if (!shown.hasAfter) {
    say($('no-picture'), 'The refined image cannot be loaded. Reload the page to try again.');
  } else if (!shown.hasBefore) {
    say($('stage-note'), 'The original can no longer be shown, so this is the result alone.');
  }
}

/** The result keeps the name for its own refinements. */
function offer(address, name) {
  names.remember(address, name);
  $('download').href = names.download(address, name);
}

/** Shows what is known of the result besides its task, and returns the URL of its original. */
async function askForLineage(task, isNew) {
  const answer = await api.lineage(task.result_id).catch((error) => error);
  if (current !== task) return {};
  if (answer instanceof Offline) repeat = showAgain;
  const { concepts = [] } = answer;
  const concept = concepts.find(({ id }) => id === task.result_id);
  if (!concept) return {};
  const { notes, provenance } = concept;
  if (notes.length > 0) {
    tellNotes(notes);
    if (isNew) announce(`${DIFFERENT} ${notes.join(' ')}`);
  }
  if (provenance) $('badges').replaceChildren(...badges({ ...provenance, marks: [provenance.mark] }));
  versions.show(concepts, concept, (before, after) => showPair(before, after, false));
  return { original: concept.original_image_url };
}

/** The model's notes say what differs from the prompt, such as words that it did not
 * understand. */
function tellNotes(notes) {
  $('result-title').textContent = notes.length ? DIFFERENT : 'Refined';
  $('notes').replaceChildren(...notes.map((note) => make('li', { textContent: note })));
  $('notes').hidden = notes.length === 0;
}

export function leave() {
  current = null;
  repeat = null;
  compare.clear();
  $('compare').hidden = true;
  $('split-bar').hidden = true;
  versions.hide();
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
