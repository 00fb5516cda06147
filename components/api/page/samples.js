// Images to try the service with, each with words that suit it. They are loaded only when
// they are chosen; the page shows small ones.

import { $ } from './dom.js';
import { Offline } from './errors.js';
import { complain } from './source.js';

const PROMPTS = {
  'sample-logo.webp': 'more minimalist, lighter shades of brown',
  'sample-lake.webp': 'warmer, more vivid',
  'sample-badge.webp': 'replace the blue with green',
};

/** `chosen` gets a file and a prompt. */
export function init(chosen) {
  for (const button of $('samples').querySelectorAll('button')) {
    button.addEventListener('click', async () => {
      const name = button.value.split('/').pop();
      const answer = await fetch(button.value).catch(() => null);
      if (!answer?.ok) return complain(new Offline().message);
      chosen(new File([await answer.blob()], name, { type: 'image/webp' }), PROMPTS[name]);
    });
  }
}
