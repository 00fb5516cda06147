// Where an image comes from, for people: badges for what it bears.

import { make } from './dom.js';

const TERMS = 'https://cv.iptc.org/newscodes/digitalsourcetype/';

const AI = ['Made with AI', 'This image says that a trained model made or edited it.'];

/** By the digital source type in the image. */
const SOURCES = {
  compositeWithTrainedAlgorithmicMedia: AI,
  trainedAlgorithmicMedia: AI,
  algorithmicallyEnhanced: ['Edited by rules', 'This image says that a program edited it by rules, without a trained model.'],
};

const CREDENTIALS = [
  'Content credentials',
  'This image has content credentials (C2PA), which can say who made it and how. They are not read here.',
  'https://contentcredentials.org/',
];

/** A badge for each thing that an image bears, which explains itself on demand. */
export function badges({ source, marks }) {
  const found = marks.includes('c2pa') ? [CREDENTIALS] : [];
  if (Object.hasOwn(SOURCES, source ?? '')) found.push([...SOURCES[source], TERMS + source]);
  return found.map(badge);
}

function badge([name, meaning, address]) {
  const link = make('a', { href: address, rel: 'noreferrer', textContent: 'What that means' });
  const text = make('p', { className: 'note' }, `${meaning} `, link);
  return make('details', { className: 'badge' }, make('summary', { textContent: name }), text);
}
