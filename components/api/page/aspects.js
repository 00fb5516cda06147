// What should stay as it is: four checkboxes.

import { $ } from './dom.js';

const boxes = () => [...$('aspects').querySelectorAll('input')];

/** None if nothing is chosen. */
export function fields() {
  const chosen = boxes().filter(({ checked }) => checked);
  return chosen.length > 0 ? { preserve_aspects: chosen.map(({ value }) => value) } : {};
}

/** Continues from an earlier request. */
export function adopt({ preserve_aspects: chosen = [] }) {
  for (const box of boxes()) box.checked = chosen.includes(box.value);
}

/** For people; nothing if there are none. */
export const words = ({ preserve_aspects: chosen }) => chosen?.join(', ').replace('colors', 'colours');
