// DOM helpers. Text is inserted as text, never as markup.

export const $ = (id) => document.getElementById(id);

/** A new element with properties and children, which may be text. */
export function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** Shows a text, or hides its element if the text is empty. */
export function say(element, text) {
  element.textContent = text ?? '';
  element.hidden = !text;
}

/** Shows the beginning of a text, and the rest on demand. */
export function sayBriefly(element, [first, rest]) {
  say(element, first);
  if (rest) element.append(make('details', {}, make('summary', { textContent: 'More' }), make('p', { textContent: rest })));
}

/** Announces a change to screen readers. */
export function announce(text) {
  const status = $('status');
  // Clears it first, so that the same sentence is announced again.
  status.textContent = status.textContent === text ? `${text}\u00a0` : text;
}
