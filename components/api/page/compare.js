// Before and after in one frame, with a slider between them: a range input for
// the keyboard, the frame itself for pointers.

import { $ } from './dom.js';
import { clear as clearImage, show as showImage } from './images.js';

/** Identifies the latest pair: an older one that loads later is not shown. */
let latest = 0;

export function init() {
  const frame = $('compare');
  const split = $('split');
  split.addEventListener('input', () => {
    frame.classList.remove('settling');
    render();
  });
  const follow = (event) => {
    const { left, width } = frame.getBoundingClientRect();
    split.value = Math.round((100 * (event.clientX - left)) / width);
    split.dispatchEvent(new Event('input'));
  };
  frame.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || $('split-bar').hidden) return;
    frame.setPointerCapture(event.pointerId);
    follow(event);
  });
  frame.addEventListener('pointermove', (event) => {
    if (frame.hasPointerCapture(event.pointerId)) follow(event);
  });
}

/** Returns which of the two could be shown, or null if others are to be shown by then: each
 * is an `address` and `words` for it. `isNew` animates the result. */
export async function show(before, after, { isNew }) {
  const frame = $('compare');
  latest += 1;
  const mine = latest;
  frame.hidden = false;
  $('before').alt = before.words;
  $('after').alt = after.words;
  const fit = ({ naturalWidth: width, naturalHeight: height }) => {
    // The slider below has the same width.
    $('stage').style.setProperty('--ratio', String(width / height));
    $('stage').style.setProperty('--natural', `${width}px`);
  };
  const [hasBefore, hasAfter] = await Promise.all([
    showImage($('before'), before.address),
    showImage($('after'), after.address).then((isShown) => {
      if (isShown) fit($('after'));
      return isShown;
    }),
  ]);
  if (latest !== mine) return null;
  frame.classList.toggle('alike', hasBefore && hasAfter && isAlike($('before'), $('after')));
  $('split-bar').hidden = !(hasBefore && hasAfter);
  frame.classList.toggle('single', !(hasBefore && hasAfter));
  frame.hidden = !hasAfter;
  $('split').value = isNew && hasBefore ? 100 : 50;
  render();
  if (isNew && hasBefore) {
    // Draws the initial state first, so that the change is animated.
    frame.getBoundingClientRect();
    frame.classList.add('settling');
    $('split').value = 50;
    render();
  }
  return { hasBefore, hasAfter };
}

/** Whether two pictures have the same shape. */
function isAlike(one, other) {
  const ratio = ({ naturalWidth, naturalHeight }) => naturalWidth / naturalHeight;
  return Math.abs(ratio(one) / ratio(other) - 1) < 0.01;
}

export function clear() {
  latest += 1;
  clearImage($('before'));
  clearImage($('after'));
  $('compare').classList.remove('settling');
}

function render() {
  const value = Number($('split').value);
  $('compare').style.setProperty('--split', `${value}%`);
  $('split').setAttribute('aria-valuetext', `${value} % before, ${100 - value} % after`);
}
