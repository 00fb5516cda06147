// The entry point: the page's address determines which refinement is shown, and its
// status how.

import * as api from './api.js';
import * as compare from './compare.js';
import * as compose from './compose.js';
import { $ } from './dom.js';
import { Refusal, sentence } from './errors.js';
import * as history from './history.js';
import * as intake from './intake.js';
import * as part from './part.js';
import { isFinal } from './progress.js';
import * as quota from './quota.js';
import * as result from './result.js';
import * as router from './router.js';
import * as samples from './samples.js';
import * as session from './session.js';
import * as signin from './signin.js';
import * as source from './source.js';
import * as suggestions from './suggestions.js';
import * as verification from './verification.js';
import * as views from './views.js';
import * as watching from './watching.js';

/** Identifies the latest visit: results of older ones are dropped. */
let visit = 0;

const reload = history.init({
  deleted(task) {
    if (task.task_id === router.current()) startAnew(task);
    else source.forget(task);
  },
  refineAgain,
});

source.init();
suggestions.init();
compare.init();
part.init();
intake.init(
  () => views.current() === 'compose',
  () => $('prompt').focus(),
);
verification.init();
samples.init((file, prompt) => {
  source.choose(file);
  compose.propose(prompt);
  $('prompt').focus();
});
compose.init({
  accepted(task) {
    router.name(task.task_id);
    show(task, { focus: true });
    reload();
  },
  watch: router.go,
});
watching.init({
  deleted(task) {
    startAnew(task);
    reload();
  },
});
result.init({
  refineAgain,
  revise: (task) => fill(() => compose.revise(task), 'prompt'),
  restart() {
    fill(() => {
      compose.fresh();
      source.clear();
    }, 'file');
  },
  deleted(task) {
    startAnew(task);
    reload();
  },
});
signin.init({
  entered() {
    refreshQuota();
    reload();
    open(router.current(), { focus: true });
  },
  left() {
    views.show('signin', { focus: true });
    $('history').hidden = true;
  },
});
document.addEventListener('signin', () => {
  leave();
  $('history').hidden = true;
  if (session.isRefused()) {
    return miss('This page needs cookies', 'The service does not recognise your session. Allow cookies for this site, then reload the page.', { focus: true });
  }
  signin.refused();
  views.show('signin', { focus: true });
});
$('retry').addEventListener('click', () => open(router.current(), { focus: true }));
router.listen((id) => open(id, { focus: true }));
document.addEventListener('user', refreshQuota);
addEventListener('online', refreshQuota);
document.addEventListener('visibilitychange', () => document.hidden || refreshQuota());
quota.forget();
refreshQuota();
reload();
await open(router.current(), { focus: false });
// Only now it is known what to show.
document.querySelector('main').removeAttribute('aria-busy');

/** Shows the refinement with this id, or the form if there is none. */
async function open(id, { focus }) {
  history.mark();
  if (!id) {
    compose.fresh();
    return begin({ focus });
  }
  leave();
  visit += 1;
  const mine = visit;
  try {
    const task = await api.task(id);
    if (mine === visit) show(task, { focus });
  } catch (error) {
    if (mine !== visit || (error instanceof Refusal && error.status === 401)) return;
    if (error instanceof Refusal && error.status === 404) {
      miss('Nothing to see here', 'There is no such refinement. It was deleted, or it belongs to somebody else.', { focus });
    } else {
      miss('Not now', sentence(error), { focus, mayRetry: true });
    }
  }
}

/** Says why there is nothing to show. */
function miss(title, text, { focus, mayRetry = false }) {
  $('missing-title').textContent = title;
  $('missing-text').textContent = text;
  $('retry').hidden = !mayRetry;
  views.show('missing', { focus });
}

function show(task, { focus, isNew = false }) {
  leave();
  history.mark();
  if (isFinal(task)) part.discard(task.metadata);
  if (task.status === 'completed') {
    views.show('result', { focus });
    result.show(task, { isNew });
  } else if (task.status === 'failed') {
    views.show('compose', { focus });
    compose.failed(task);
    source.render();
  } else {
    views.show('watching', { focus });
    watching.show(task, {
      ended(now) {
        show(now, { focus: false, isNew: true });
        reload();
        // What it cost is known now, and the quota of a failure without cost is given back.
        refreshQuota();
      },
      gone: () => open(task.task_id, { focus: false }),
    });
  }
}

/** The form, in the state in which it was left. */
function begin({ focus }) {
  leave();
  history.mark();
  views.show('compose', { focus });
  source.render();
}

function refineAgain(task) {
  fill(() => compose.refineAgain(task), 'prompt');
}

/** The form, filled in anew, with the focus on one of its fields. */
function fill(write, field) {
  router.name(null);
  begin({ focus: false });
  write();
  $(field).focus();
}

async function refreshQuota() {
  // Runs in the background, so on errors the old values stay.
  const asked = [api.remainingQuota(), api.usage()].map((answer) => answer.catch(() => null));
  const [left, spent] = await Promise.all(asked);
  if (left || spent) quota.show(left, spent);
}

/** Called after this refinement was deleted. */
function startAnew(task) {
  source.forget(task);
  router.name(null, { instead: true });
  compose.fresh();
  begin({ focus: true });
}

/** Ends the activities of the view that is being left. */
function leave() {
  visit += 1;
  watching.stop();
  result.leave();
}
