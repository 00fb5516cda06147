// The versions of a result: what it was refined from and what was refined from it. Each
// opens, and any two can be compared.

import { $, make } from './dom.js';
import { show as showImage } from './images.js';
import { address } from './router.js';

/** As much of a prompt as a list shows. */
const LONGEST = 40;

let whenChosen = () => {};

/** What can be compared: the first original, then the versions. */
let sides = [];

export function init() {
  for (const id of ['left', 'right']) {
    $(id).addEventListener('change', () => whenChosen(sides[$('left').value], sides[$('right').value]));
  }
}

/** Shows the strip of these concepts, the oldest first, if there are several. `chosen` gets
 * what to compare. */
export function show(concepts, current, chosen) {
  whenChosen = chosen;
  $('versions').hidden = concepts.length < 2;
  if (concepts.length < 2) return;
  sides = [{ address: concepts[0].original_image_url, words: 'The original' }, ...concepts.map(side)];
  $('strip').replaceChildren(...concepts.map((concept, index) => item(concept, sides[index + 1], concept === current)));
  const place = (id) => concepts.findIndex((concept) => concept.id === id) + 1;
  for (const [id, index] of [['left', place(current.original_concept_id)], ['right', place(current.id)]]) {
    $(id).replaceChildren(...sides.map(({ words }, value) => make('option', { value, textContent: shortened(words) })));
    $(id).value = index;
  }
  // Only the strip scrolls: the image stays where it is.
  $('strip').scrollLeft = $('strip').querySelector('[aria-current]').offsetLeft - $('strip').offsetLeft;
}

export function hide() {
  $('versions').hidden = true;
}

const side = ({ image_url: url, refinement_prompt: prompt }, index) => ({ address: url, words: `${index + 1}. ${prompt.trim()}` });

function item({ task_id: task }, { address: url, words }, isCurrent) {
  const img = make('img', { alt: '', loading: 'lazy', decoding: 'async' });
  showImage(img, url);
  const picture = make('span', { className: 'thumb' }, img);
  const link = make('a', { href: address(task) }, picture, make('span', { className: 'tile-prompt', textContent: words }));
  link.dataset.route = '';
  if (isCurrent) link.setAttribute('aria-current', 'true');
  return make('li', {}, link);
}

function shortened(words) {
  const characters = [...words];
  return characters.length > LONGEST ? `${characters.slice(0, LONGEST).join('')}…` : words;
}
