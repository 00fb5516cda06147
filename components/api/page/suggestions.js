// Words that the local model knows, and that any model understands. A click adds one to
// the prompt, another click removes it.

import { $, make } from './dom.js';

const SUGGESTIONS = [
  'more minimalist',
  'lighter',
  'warmer',
  'shades of brown',
  'more contrast',
  'pencil sketch',
  'only the outlines',
  'vintage',
  'pixel art',
  'transparent background',
  'rounded corners',
];

export function init() {
  $('suggestions').append(
    ...SUGGESTIONS.map((words) => {
      const chip = make('button', { type: 'button', className: 'chip', textContent: words });
      chip.addEventListener('click', () => {
        toggle(words);
        render();
      });
      return make('li', {}, chip);
    }),
  );
  $('prompt').addEventListener('input', render);
  render();
}

export function render() {
  const parts = wishes();
  for (const chip of $('suggestions').querySelectorAll('button')) {
    chip.setAttribute('aria-pressed', String(parts.includes(chip.textContent)));
  }
}

const wishes = () => $('prompt').value.split(',').map((part) => part.trim()).filter(Boolean);

function toggle(words) {
  const parts = wishes();
  const rest = parts.filter((part) => part !== words);
  $('prompt').value = (rest.length < parts.length ? rest : [...parts, words]).join(', ');
}
