// Asks where an image comes from: a file is chosen or dropped, and nothing of it is kept.

import { verify } from './api.js';
import { $, announce, make, say } from './dom.js';
import { sentence } from './errors.js';
import { problem } from './inspection.js';
import { badges } from './provenance.js';
import { service } from './service.js';
import { date } from './times.js';

const NO_MARK = 'It has no mark that says where it comes from. That does not show that no AI was used.';

/** Identifies the latest file: answers about older ones are dropped. */
let latest = null;

/** Shows the place to ask, if the service answers. */
export async function init() {
  $('origin-file').addEventListener('change', () => {
    const [file] = $('origin-file').files;
    $('origin-file').value = '';
    if (file) ask(file);
  });
  const isOfFiles = (event) => event.dataTransfer?.types.includes('Files');
  $('origin').addEventListener('dragover', (event) => {
    if (!isOfFiles(event)) return;
    // Elsewhere on the page a file is an original.
    event.stopPropagation();
    event.preventDefault();
    $('origin').classList.add('over');
    $('stage').classList.remove('over');
  });
  $('origin').addEventListener('dragleave', () => $('origin').classList.remove('over'));
  $('origin').addEventListener('drop', (event) => {
    if (!isOfFiles(event)) return;
    event.stopPropagation();
    event.preventDefault();
    $('origin').classList.remove('over');
    ask(event.dataTransfer.files[0]);
  });
  $('origin').hidden = !(await service).verify;
}

async function ask(file) {
  latest = file;
  say($('origin-error'), null);
  tell(`Looking at ${file.name || 'the image'}…`);
  try {
    const found = await problem(file);
    const answer = found ? null : await verify(file);
    if (latest !== file) return;
    if (found) fail(found);
    else show(file, answer);
  } catch (error) {
    if (latest === file) fail(sentence(error));
  }
}

function show(file, { made_here: isOurs, made_at: time, source, marks }) {
  const made = isOurs
    ? `Made here on ${date(Date.parse(time))}.`
    : 'Not made here, or changed since: no image of this service has exactly this content.';
  const found = badges({ source, marks });
  const unknown = source && found.length === 0 ? `It names its source as “${source}”.` : null;
  tell(made, ...(found.length > 0 ? [] : [unknown ?? NO_MARK]));
  $('origin-answer').prepend(make('p', { className: 'chosen', textContent: file.name }));
  $('origin-answer').append(...found);
}

function tell(...sentences) {
  $('origin-answer').replaceChildren(...sentences.map((textContent) => make('p', { textContent })));
  announce(sentences.join(' '));
}

function fail(text) {
  $('origin-answer').replaceChildren();
  say($('origin-error'), text);
  announce(text);
}
