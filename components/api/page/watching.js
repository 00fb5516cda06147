// A refinement that is under way.

import * as api from './api.js';
import { $, announce, say } from './dom.js';
import { Refusal, sentence } from './errors.js';
import { show as showImage } from './images.js';
import { watch } from './progress.js';
import * as source from './source.js';
import { clock } from './times.js';

const STEPS = ['waiting', 'downloading', 'refining', 'storing'];

let leave = () => {};
let current = null;
let isCancelling = false;
let whenCancelled = () => {};

/** `cancelled` gets a task that was given up here. */
export function init({ cancelled }) {
  $('cancel').addEventListener('click', async () => {
    const task = current;
    say($('cancel-error'), null);
    cancelling(true);
    try {
      await api.deleteTask(task.task_id);
    } catch (error) {
      // A deleted task counts as cancelled.
      if (!(error instanceof Refusal) || error.status !== 404) {
        say($('cancel-error'), sentence(error));
        return;
      }
    } finally {
      cancelling(false);
    }
    if (current === task) cancelled(task);
  });
  whenCancelled = cancelled;
}

/** `ended` gets the task in its final state; `gone` is called where there is none
 * any more. */
export function show(task, { ended, gone }) {
  stop();
  current = task;
  $('watching-prompt').textContent = task.metadata.refinement_prompt.trim();
  say($('cancel-error'), null);
  say($('connection'), null);
  step(task.status === 'pending' ? 'waiting' : null);
  showOriginal(task.metadata.original_image_url);

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
        // Which step it is comes next.
        step(null);
      }
    },
    stage: (stage) => step(stage.startsWith('storing') ? 'storing' : stage),
    gone() {
      // The event may arrive before the answer to the cancel request.
      const then = isCancelling ? whenCancelled : gone;
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
  leave = () => {};
  current = null;
}

function cancelling(isNow) {
  isCancelling = isNow;
  $('cancel').setAttribute('aria-disabled', String(isNow));
}

const reached = () => document.querySelector('#steps [aria-current]')?.dataset.step;

/** The step that is under way; null: one after waiting, but nobody said which. */
function step(name) {
  const at = name ? STEPS.indexOf(name) : 0;
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

async function showOriginal(address) {
  const picture = $('picture');
  $('empty').hidden = true;
  picture.hidden = false;
  picture.alt = 'The original';
  say($('no-picture'), null);
  if (source.isShowing(address) && picture.naturalWidth) return;
  const isShown = await showImage(picture, address);
  if (isShown || current?.metadata.original_image_url !== address) return;
  picture.hidden = true;
  say($('no-picture'), 'The original cannot be shown here.');
}
