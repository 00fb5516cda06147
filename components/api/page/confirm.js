// Asks before something is gone for good.

import { $ } from './dom.js';

/** Whether it is really to be deleted. */
export function confirmed() {
  const dialog = $('confirm');
  dialog.returnValue = 'keep';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'delete'), { once: true });
  });
}
