// Accepts images that are dropped or pasted anywhere on the page.

import { $ } from './dom.js';
import { choose, point } from './source.js';

/** `isWelcome` tells whether an image is accepted now. */
export function init(isWelcome, onTaken) {
  const takes = (transfer) => isWelcome() && [...(transfer?.types ?? [])].some((type) => type === 'Files' || type === 'text/uri-list');

  addEventListener('dragover', (event) => {
    if (!takes(event.dataTransfer)) return;
    event.preventDefault();
    $('stage').classList.add('over');
  });
  addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) $('stage').classList.remove('over');
  });
  addEventListener('drop', (event) => {
    $('stage').classList.remove('over');
    if (!takes(event.dataTransfer)) return;
    event.preventDefault();
    take(event.dataTransfer, event.dataTransfer.getData('text/uri-list').split(/\r?\n/)[0]);
  });
  addEventListener('paste', (event) => {
    if (!isWelcome()) return;
    const isWriting = event.target.closest?.('input, textarea');
    const text = event.clipboardData?.getData('text/plain').trim() ?? '';
    const address = !isWriting && /^https?:\/\/\S+$/i.test(text) ? text : '';
    if (take(event.clipboardData, address, Boolean(isWriting && text))) event.preventDefault();
  });

  function take(transfer, address, isText = false) {
    const file = [...(transfer?.files ?? [])].find(({ type }) => type.startsWith('image/')) ?? transfer?.files?.[0];
    if (file && !isText) choose(file);
    else if (address) point(address);
    else return false;
    onTaken();
    return true;
  }
}
