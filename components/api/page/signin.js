// Asks for a token if there are no anonymous sessions.

import { $, say } from './dom.js';
import * as names from './names.js';
import * as quota from './quota.js';
import * as session from './session.js';

/** `entered` is called with a token to try, `left` when it is removed. */
export function init({ entered, left }) {
  $('signin').addEventListener('submit', (event) => {
    event.preventDefault();
    const text = $('token').value.trim().replace(/^Bearer\s+/i, '');
    // Other characters cannot be sent in a header.
    if (!/^[\x21-\x7e]+$/.test(text)) return say($('token-error'), 'Paste a token: one word, without spaces.');
    session.keep(text);
    $('token').value = '';
    say($('token-error'), null);
    render();
    entered();
  });
  $('signout').addEventListener('click', () => {
    names.forgetAll();
    session.forget();
    quota.forget();
    render();
    left();
  });
  render();
}

/** Why a token is needed (again). */
export function refused() {
  // If several requests were refused at once, the first one has already reported it.
  if (session.token()) say($('token-error'), 'This token was not accepted. It may have expired.');
  names.forgetAll();
  session.forget();
  quota.forget();
  render();
}

function render() {
  $('signout').hidden = !session.token();
}
