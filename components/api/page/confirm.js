// Asks for confirmation before something is deleted for good.

import { $ } from './dom.js';

/** Whether the user confirms the deletion. */
export function confirmed() {
  const dialog = $('confirm');
  dialog.returnValue = 'keep';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'delete'), { once: true });
  });
}
