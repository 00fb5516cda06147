// Switches between the page's views: one panel, and the stage next to it.

import { $ } from './dom.js';

const TITLES = {
  compose: 'Concept Refinement',
  watching: 'Refining… – Concept Refinement',
  result: 'Refined – Concept Refinement',
  missing: 'Nothing to see here – Concept Refinement',
  signin: 'Sign in – Concept Refinement',
};

export const current = () => $('stage').dataset.view;

/** `focus`: moves the focus to the view's title, since the user navigated there. */
export function show(view, { focus }) {
  const hadFocus = $('panel').contains(document.activeElement) && !$(current() ?? 'compose').hidden;
  for (const name of Object.keys(TITLES)) $(name).hidden = name !== view;
  const isAlone = view === 'missing' || view === 'signin';
  $('stage').dataset.view = view;
  $('stage').dataset.state = view === 'watching' ? 'working' : '';
  $('stage').hidden = isAlone;
  $('source-bar').hidden = view !== 'compose';
  document.body.classList.toggle('alone', isAlone);
  document.title = TITLES[view];
  // The element that had the focus may be gone.
  if (focus || hadFocus) $(`${view}-title`).focus({ preventScroll: true });
  // The image comes first.
  if (focus) scrollTo(0, 0);
}
