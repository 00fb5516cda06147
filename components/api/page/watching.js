// Shows a refinement in progress.

import * as api from './api.js';
import { confirmed } from './confirm.js';
import { $, announce, say } from './dom.js';
import { Refusal, sentence } from './errors.js';
import { addressOf, show as showImage } from './images.js';
import { watch } from './progress.js';
import * as queue from './queue.js';
import { remove } from './removal.js';
import * as source from './source.js';
import { clock } from './times.js';

const STEPS = ['waiting', 'downloading', 'refining', 'storing'];

let leave = () => {};
/** Stops telling where the task is in the queue; null: nobody does. */
let leaveQueue = null;
let current = null;
let isDeleting = false;
/** For the refinement that is shown; see `show`. */
let whenEnded = () => {};
let whenGone = () => {};
let whenDeleted = () => {};

/** `deleted` gets a task that the user has deleted here. */
export function init({ deleted }) {
  whenDeleted = deleted;
  $('cancel').addEventListener('click', () =>
    ending(async (task) => {
      const ended = await cancel(task.task_id);
      // An event may have arrived first.
      if (current !== task) return;
      stop();
      if (ended) whenEnded(ended);
      else whenGone(task);
    }),
  );
  $('forget').addEventListener('click', () =>
    ending(async (task) => {
      if (!(await confirmed()) || current !== task) return;
      isDeleting = true;
      await remove(task);
      if (current !== task) return;
      stop();
      deleted(task);
    }),
  );
}

/** The task in its final state; null if it no longer exists. */
async function cancel(id) {
  try {
    return await api.cancelTask(id);
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return null;
    // It had already ended.
    if (error instanceof Refusal && error.status === 409 && error.body?.task_id) return error.body;
    throw error;
  }
}

async function ending(work) {
  if ($('cancel').getAttribute('aria-disabled') === 'true') return;
  say($('cancel-error'), null);
  busy(true);
  try {
    await work(current);
  } catch (error) {
    say($('cancel-error'), sentence(error));
  } finally {
    isDeleting = false;
    busy(false);
  }
}

/** `ended` gets the task in its final state; `gone` is called if the task no longer
 * exists. */
export function show(task, { ended, gone }) {
  stop();
  current = task;
  whenEnded = ended;
  whenGone = gone;
  $('watching-prompt').textContent = task.metadata.refinement_prompt.trim();
  say($('cancel-error'), null);
  say($('connection'), null);
  step(task.status === 'pending' ? 'waiting' : null);
  showOriginal(task);

  const begin = Date.parse(task.created_at);
  const tick = () => {
    $('elapsed').textContent = clock(api.now() - begin);
  };
  tick();
  const ticking = setInterval(tick, 500);
  const unwatch = watch(task.task_id, {
    task(now) {
      if (now.status === 'completed' || now.status === 'failed') {
        stop();
        ended(now);
      } else if (now.status === 'pending') {
        step('waiting');
      } else if (reached() === 'waiting') {
        // The next event tells the step.
        step(null);
      }
    },
    stage: (stage) => step(stage.startsWith('storing') ? 'storing' : stage),
    gone() {
      // The event may arrive before the response to the deletion.
      const then = isDeleting ? whenDeleted : gone;
      stop();
      then(task);
    },
    reached: (isReached) =>
      say($('connection'), isReached ? null : 'The connection is lost. The work goes on; trying to reach it again…'),
  });
  leave = () => {
    clearInterval(ticking);
    unwatch();
  };
}

export function stop() {
  leave();
  follow(null);
  leave = () => {};
  current = null;
}

function busy(isNow) {
  for (const id of ['cancel', 'forget']) $(id).setAttribute('aria-disabled', String(isNow));
}

const reached = () => document.querySelector('#steps [aria-current]')?.dataset.step;

/** Tells where a task is in the queue, or (null) no longer does. */
function follow(task) {
  if (task && leaveQueue) return;
  leaveQueue?.();
  leaveQueue = task ? queue.follow(task.task_id, (place) => say($('place'), place)) : null;
  if (!task) say($('place'), null);
}

/** The current step; null: it is no longer waiting, but the step is unknown. */
function step(name) {
  const at = name ? STEPS.indexOf(name) : 0;
  follow(name === 'waiting' ? current : null);
  for (const item of $('steps').children) {
    const index = STEPS.indexOf(item.dataset.step);
    item.classList.toggle('done', name ? index < at : index === 0);
    if (index === at && name) {
      if (!item.hasAttribute('aria-current')) announce(`${item.textContent}…`);
      item.setAttribute('aria-current', 'step');
    } else {
      item.removeAttribute('aria-current');
    }
  }
}

async function showOriginal(task) {
  const picture = $('picture');
  $('empty').hidden = true;
  picture.hidden = false;
  picture.alt = 'The original';
  say($('no-picture'), null);
  if (source.isShowing(task.metadata) && picture.naturalWidth) return;
  const address = await addressOf(task.metadata);
  if (current !== task || (await showImage(picture, address)) || current !== task) return;
  picture.hidden = true;
  say($('no-picture'), 'The original cannot be shown here.');
}
