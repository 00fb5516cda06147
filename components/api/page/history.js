// Earlier refinements, newest first, a page at a time.

import * as api from './api.js';
import { confirmed } from './confirm.js';
import { $, announce, make, say } from './dom.js';
import { Offline, Refusal, failure, isCancelled, parts, sentence } from './errors.js';
import { show as showImage } from './images.js';
import { remove } from './removal.js';
import { address, current } from './router.js';
import { service } from './service.js';
import { ago } from './times.js';

/** Polling interval for refinements in progress, and for a list that is out of reach, in
 * milliseconds. */
const PAUSE = 3000;

let cursor = null;
let asking = null;
/** Identifies the latest request: results of older ones are dropped. */
let round = 0;

/** `deleted` gets a task that was deleted, `refineAgain` one whose result is refined
 * further. */
export function init(on) {
  service.then(({ anonymous_sessions: isAnonymous, removes_old_data: isRemoved }) => {
    $('lasting').hidden = !isAnonymous;
    $('retention').hidden = !isRemoved;
  });
  $('more').addEventListener('click', async () => {
    const before = $('tiles').children.length;
    await load(cursor, on);
    $('tiles').children[before]?.querySelector('a').focus();
  });
  return () => load(null, on);
}

/** Marks the refinement that is shown. */
export function mark() {
  for (const link of $('tiles').querySelectorAll('a')) {
    if (link.dataset.task === current()) link.setAttribute('aria-current', 'true');
    else link.removeAttribute('aria-current');
  }
}

async function load(from, on) {
  clearTimeout(asking);
  round += 1;
  const mine = round;
  $('history').setAttribute('aria-busy', 'true');
  try {
    const { tasks, next_cursor: next } = await api.tasks(from);
    if (mine !== round) return;
    say($('history-error'), null);
    const tiles = tasks.map((task) => tile(task, on));
    if (from) $('tiles').append(...tiles);
    else $('tiles').replaceChildren(...tiles);
    cursor = next;
    $('more').hidden = !next;
    $('history').hidden = $('tiles').children.length === 0;
    mark();
    later(() => poll(on));
  } catch (error) {
    if (mine !== round || (error instanceof Refusal && error.status === 401)) return;
    $('history').hidden = false;
    say($('history-error'), sentence(error));
    const isAway = error instanceof Offline || error.status >= 500;
    later(() => (isAway ? load(from, on) : poll(on)));
  } finally {
    if (mine === round) $('history').removeAttribute('aria-busy');
  }
}

/** Asks after a pause, once somebody looks, unless the list is loaded anew by then. */
function later(ask) {
  asking = setTimeout(() => {
    // The page asks for a token.
    if ($('history').hidden) return;
    if (document.hidden) later(ask);
    else ask();
  }, PAUSE);
}

/** Updates refinements in progress, except for the one that is shown, which the page
 * watches. */
async function poll(on) {
  const mine = round;
  for (const item of underWay().filter(({ dataset }) => dataset.task !== current())) {
    if (!(await renew(item, on))) return;
  }
  if (mine === round && underWay().length > 0) later(() => poll(on));
}

const underWay = () => [...$('tiles').children].filter((item) => 'task' in item.dataset);

/** False: there is nothing more to poll. */
async function renew(item, on) {
  try {
    const task = await api.task(item.dataset.task);
    if (isUnderWay(task) || !item.isConnected) return true;
    const hadFocus = item.contains(document.activeElement);
    const now = tile(task, on);
    item.replaceWith(now);
    mark();
    if (hadFocus) now.querySelector('a').focus();
  } catch (error) {
    if (!(error instanceof Refusal)) return true;
    if (error.status === 404) item.remove();
    return error.status !== 401;
  }
  return true;
}

const isUnderWay = ({ status }) => status === 'pending' || status === 'processing';

function tile(task, on) {
  const prompt = task.metadata.refinement_prompt.trim();
  const picture = make('span', { className: 'thumb' });
  const words = WORDS[task.status];
  if (task.image_url) {
    const img = make('img', { alt: '', loading: 'lazy', decoding: 'async' });
    picture.append(img);
    showImage(img, task.image_url);
  } else {
    picture.append(make('span', { className: 'thumb-words', textContent: words(task) }));
  }
  picture.dataset.status = task.status;
  const state = task.image_url ? '' : `${words(task)} `;
  const link = make(
    'a',
    { href: address(task.task_id) },
    picture,
    make('span', { className: 'tile-prompt', textContent: prompt }),
    make('span', { className: 'visually-hidden', textContent: `. ${state}` }),
    make('time', { dateTime: task.created_at, textContent: ago(Date.parse(task.created_at), api.now()) }),
  );
  link.dataset.route = '';
  link.dataset.task = task.task_id;
  const actions = make('p', { className: 'tile-actions' });
  const item = make('li', {}, link, actions);
  if (task.image_url) actions.append(action('Refine again', prompt, () => on.refineAgain(task)));
  actions.append(action('Delete', prompt, () => discard(task, item, on.deleted)));
  if (isUnderWay(task)) item.dataset.task = task.task_id;
  return item;
}

/** A button that names what it acts on to screen readers. */
function action(name, prompt, act) {
  const button = make('button', { type: 'button', className: name === 'Delete' ? 'link delete' : 'link', textContent: name });
  button.setAttribute('aria-label', `${name}: ${prompt}`);
  button.addEventListener('click', act);
  return button;
}

const WORDS = {
  pending: () => 'Under way',
  processing: () => 'Under way',
  failed: (task) => (isCancelled(task) ? 'Cancelled' : parts(failure(task.error_message).text)[0]),
  completed: () => 'Image deleted',
};

async function discard(task, item, deleted) {
  if (!(await confirmed())) return;
  say($('history-error'), null);
  try {
    await remove(task);
  } catch (error) {
    return say($('history-error'), sentence(error));
  }
  const neighbour = item.nextElementSibling ?? item.previousElementSibling;
  item.remove();
  (neighbour?.querySelector('a') ?? $('panel')).focus();
  $('history').hidden = $('tiles').children.length === 0;
  announce('The refinement is deleted.');
  deleted(task);
}
