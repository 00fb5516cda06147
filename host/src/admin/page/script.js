// The operator's page. Its address says what is shown: the view, the filter, the open task
// and the job. What the service sends is inserted as text, never as markup.

/** How often the queue and a job are refreshed, in milliseconds. */
const QUEUE_PAUSE = 5_000;
const JOB_PAUSE = 1_000;

/** Tasks or entries that one click shows. */
const PAGE = 50;

/** Most short pages that one click goes through. */
const SHORT_PAGES = 6;

/** Most steps of a task that are kept, and how many of them are the first. */
const MOST_STEPS = 64;
const FIRST_STEPS = 8;

/** A gap worth a look, in milliseconds. */
const LONG_GAP = 10_000;

const FILTER = ['status', 'user', 'since', 'until', 'error', 'model'];
const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;

/* The document */

const $ = (id) => document.getElementById(id);

/** A new element. Children may be text. */
function make(name, properties = {}, ...children) {
  const { dataset, ...others } = properties;
  const element = Object.assign(document.createElement(name), others);
  Object.assign(element.dataset, dataset);
  element.append(...children.filter((child) => (child ?? null) !== null));
  return element;
}

/** Hides the element if the text is empty. */
function say(element, text) {
  element.textContent = text ?? '';
  element.hidden = !text;
}

/** For screen readers. */
function announce(text) {
  const status = $('status');
  // Only a different text is announced.
  status.textContent = status.textContent === text ? `${text}\u00a0` : text;
}

function facts(list, pairs) {
  const shown = pairs.filter(([, value]) => (value ?? '') !== '');
  list.replaceChildren(
    ...shown.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]),
  );
}

/* Words */

const number = (count) => Number(count).toLocaleString('en');
const counted = (count, [one, many] = ['task', 'tasks']) => `${number(count)} ${Number(count) === 1 ? one : many}`;

/** 2300 → 2.3 s, 75000 → 1 min 15 s */
function duration(milliseconds) {
  const time = Math.max(0, milliseconds);
  if (time < 1_000) return `${Math.round(time)} ms`;
  if (time < 59_950) return `${(time / 1_000).toFixed(1).replace(/\.0$/, '')} s`;
  const seconds = Math.round(time / 1_000);
  const sizes = [['d', 86_400], ['h', 3_600], ['min', 60], ['s', 1]];
  const first = sizes.findIndex(([, size]) => seconds >= size);
  const [[big, bigSize], [small, smallSize]] = sizes.slice(first);
  const rest = Math.floor((seconds % bigSize) / smallSize);
  return `${Math.floor(seconds / bigSize)} ${big}${rest ? ` ${rest} ${small}` : ''}`;
}

/** A time of the service, as the operator's clock shows it; to the millisecond if `exact`. */
function moment(time, { hasDate = true, exact = false } = {}) {
  const date = new Date(time);
  const clock = date.toLocaleTimeString('en-GB') + (exact ? `.${String(date.getMilliseconds()).padStart(3, '0')}` : '');
  if (!hasDate) return clock;
  const year = date.getFullYear() === new Date().getFullYear() ? undefined : 'numeric';
  return `${date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year })} ${clock}`;
}

const dayOf = (time) => new Date(time).toDateString();
const when = (time, how) => make('time', { dateTime: time, title: time }, moment(time, how));

/** A beginning, which the command line takes. */
const short = (id) => id.slice(0, 18);

const isOver = ({ status }) => status === 'completed' || status === 'failed';

/** The filter in a sentence. */
function described(filter) {
  const parts = [
    filter.status && `status ${filter.status}`,
    filter.user && `user ${filter.user}`,
    filter.since && `since ${moment(filter.since)}`,
    filter.until && `until ${moment(filter.until)}`,
    filter.error && `error contains “${filter.error}”`,
    filter.model && `model ${filter.model}`,
  ].filter(Boolean);
  return parts.join(', ') || 'all tasks';
}

const ERROR_PREFIX = 'Error in refinement task processing: ';
const brief = (error) => (error?.startsWith(ERROR_PREFIX) ? error.slice(ERROR_PREFIX.length) : error ?? '');

/** Steps whose names say too little. */
const STEPS = {
  delivered: 'Message delivered',
  asked: 'Model asked',
  receipt: 'Receipt stored',
  released: 'Given back',
  lost: 'Lease expired',
  retried: 'Retried as',
};

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/* The service */

/** An answer that is not a success, or (status 0) none. */
class Refusal extends Error {
  constructor(status, body) {
    super(body?.detail ?? `The service answered with status ${status}.`);
    this.status = status;
    this.fields = body?.field_errors ?? {};
  }
}

const KEY = 'concept-refinement-admin-token';
/** For browsers without storage. */
let kept = null;
/** Counts sign-ins: answers to an earlier one are dropped. */
let signIns = 0;

function token() {
  try {
    return sessionStorage.getItem(KEY) ?? kept;
  } catch {
    return kept;
  }
}

function keep(text) {
  kept = text;
  try {
    if (text) sessionStorage.setItem(KEY, text);
    else sessionStorage.removeItem(KEY);
  } catch {
    // Without storage it stays in memory.
  }
}

async function call(method, path, body) {
  const mine = signIns;
  const headers = {};
  if (token()) headers.Authorization = `Bearer ${token()}`;
  if (body) headers['Content-Type'] = 'application/json';
  const options = { method, headers, body: body && JSON.stringify(body), cache: 'no-store', credentials: 'omit' };
  const response = await fetch(`/admin/v1/${path}`, options).catch(() => null);
  const answer = (await response?.json().catch(() => null)) ?? null;
  if (mine !== signIns) return new Promise(() => {});
  const isCut = response?.status === 200 && answer === null;
  if (!response || isCut) throw new Refusal(0, { detail: 'The service cannot be reached.' });
  if (response.ok) return answer;
  if (response.status === 401) leave(token() ? 'This token was not accepted.' : null);
  if (response.status === 403) readOnly();
  throw new Refusal(response.status, answer);
}

/** What went wrong, for people. */
function sentence(error) {
  if (!(error instanceof Refusal)) {
    console.error(error);
    return 'Something went wrong on this page. Reload it and try again.';
  }
  const fields = Object.entries(error.fields).map(([field, problems]) => `${field}: ${problems.join(' ')}`);
  return [error.message, ...fields].join(' ');
}

const taskPath = (id) => `tasks/${encodeURIComponent(id)}`;

/* Who is there */

$('signin').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = $('token').value.trim().replace(/^Bearer\s+/i, '');
  // Other characters cannot be sent in a header.
  if (!/^[\x21-\x7e]+$/.test(text)) return refuseToken('Paste a token: one word, without spaces.');
  keep(text);
  enter();
});

$('signout').addEventListener('click', () => {
  keep(null);
  leave(null);
  announce('You are signed out.');
});

function refuseToken(text) {
  say($('token-error'), text);
  $('token').setAttribute('aria-invalid', String(Boolean(text)));
  if (text) $('token').focus();
}

/** The first answer says whether a token is needed. */
async function enter() {
  let problem = null;
  try {
    showQueue(await call('GET', 'queue'));
  } catch (error) {
    problem = error;
  }
  $('main').removeAttribute('aria-busy');
  if (problem?.status === 401) return;
  if (problem && !$('signin').hidden) return refuseToken(sentence(problem));
  open();
  if (problem) queueIsAway(problem);
}

function open() {
  const wasAsked = !$('signin').hidden;
  $('token').value = '';
  refuseToken(null);
  $('signin').hidden = true;
  $('desk').hidden = false;
  $('views').hidden = false;
  $('signout').hidden = !token();
  tick();
  shown = null;
  render({ focus: wasAsked });
}

/** Shows the form, and nothing that needs a token. */
function leave(why) {
  keep(null);
  signIns += 1;
  shown = null;
  task = null;
  job = null;
  clearTimeout(ticking);
  clearTimeout(jobTicking);
  document.body.classList.remove('has-task');
  for (const dialog of document.querySelectorAll('dialog[open]')) dialog.close();
  for (const id of ['task-rows', 'audit-rows', 'facts', 'story', 'webhook-facts', 'webhook-attempts', 'metadata-facts']) {
    $(id).replaceChildren();
  }
  for (const id of ['state', 'pending', 'processing', 'oldest']) $(`queue-${id}`).textContent = '–';
  for (const id of ['panel', 'job', 'task-table', 'audit-table', 'pause', 'drain', 'desk', 'views']) $(id).hidden = true;
  readOnly(false);
  $('signin').hidden = false;
  document.title = 'Sign in – Concept Refinement';
  refuseToken(why);
  $('token').focus();
}

/** The token turned out to be one that may only read. */
function readOnly(isSo = true) {
  $('reader').hidden = !isSo;
  for (const button of document.querySelectorAll('[data-changes]')) {
    button.setAttribute('aria-disabled', String(isSo));
    button.title = isSo ? 'This token is read-only.' : '';
  }
}

/* The address */

function place(search = location.search) {
  const query = new URLSearchParams(search);
  const filter = {};
  for (const name of FILTER) if (query.get(name)) filter[name] = query.get(name);
  return {
    view: query.get('view') === 'audit' ? 'audit' : 'tasks',
    filter,
    task: query.get('task'),
    job: query.get('job'),
  };
}

function address({ view = 'tasks', filter = {}, task, job }) {
  const query = new URLSearchParams(view === 'audit' ? { view } : filter);
  if (task) query.set('task', task);
  if (job) query.set('job', job);
  return query.size ? `/?${query}` : '/';
}

function go(to, { instead = false, focus = true } = {}) {
  const url = address(to);
  if (url !== location.pathname + location.search) history[instead ? 'replaceState' : 'pushState'](null, '', url);
  render({ focus });
}

addEventListener('popstate', () => render({ focus: true }));

document.addEventListener('click', (event) => {
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  const link = event.target.closest('a[data-route]');
  if (!link || !isPlain || $('desk').hidden) return;
  event.preventDefault();
  // A job is watched wherever one goes.
  go({ ...place(link.search), job: place().job });
});

/** The place that is on show. */
let shown = null;

/** Shows what the address says, and loads what is new about it. */
function render({ focus }) {
  if ($('desk').hidden) return;
  const before = shown;
  const now = place();
  shown = now;
  const isAudit = now.view === 'audit';
  $('tasks').hidden = isAudit;
  $('audit').hidden = !isAudit;
  mark($('to-tasks'), !isAudit);
  mark($('to-audit'), isAudit);
  document.title = `${isAudit ? 'Audit' : now.task ? `Task ${short(now.task)}` : 'Tasks'} – Concept Refinement`;
  const isNew = before?.view !== now.view;
  if (isAudit) {
    closeTask();
    if (isNew) {
      audit.load();
      // Any task shows whether the token may only read.
      call('GET', 'tasks?limit=1').then((any) => any.tasks.forEach(row), () => {});
    }
    if (isNew && focus) $('audit-title').focus();
  } else {
    if (isNew || JSON.stringify(before.filter) !== JSON.stringify(now.filter)) {
      fill(now.filter);
      tasks.load();
      if (focus && !now.task && before) $('tasks-title').focus();
    }
    if (now.task) showTask(now.task, { focus, isNew: before?.task !== now.task });
    else closeTask({ focus });
  }
  if (now.job !== before?.job) watchJob(now.job);
}

function mark(link, isCurrent) {
  if (isCurrent) link.setAttribute('aria-current', 'page');
  else link.removeAttribute('aria-current');
}

/* The queue */

let ticking = null;
/** Whether it is paused, as far as is known. */
let isPaused = false;
/** Whether this page waits until nothing is in progress. */
let isDraining = false;

/** Nothing is asked while nobody looks. */
function tick() {
  clearTimeout(ticking);
  if (document.hidden || $('desk').hidden) return;
  ticking = setTimeout(async () => {
    await refreshQueue();
    if (task && !isOver(task) && !document.querySelector('dialog[open]')) await loadTask(task.task_id);
    tick();
  }, QUEUE_PAUSE);
}

document.addEventListener('visibilitychange', () => {
  if (!document.hidden && !$('desk').hidden) refreshQueue();
  tick();
  tickJob();
});

async function refreshQueue() {
  try {
    showQueue(await call('GET', 'queue'));
  } catch (error) {
    queueIsAway(error);
  }
}

function queueIsAway(error) {
  say($('queue-error'), `${sentence(error)} Trying again.`);
  $('figures').classList.add('is-old');
}

function showQueue({ paused, pending, processing, oldest_pending_seconds: oldest }) {
  say($('queue-error'), null);
  // What could not be loaded meanwhile may be there now.
  if ($('figures').classList.contains('is-old') && !$('task-error').hidden) tasks.load();
  $('figures').classList.remove('is-old');
  isPaused = paused;
  const isBusy = paused && processing > 0;
  $('queue-state').textContent = isBusy && isDraining ? 'Draining' : paused ? 'Paused' : 'Running';
  $('queue-state').classList.toggle('is-paused', paused);
  $('queue-pending').textContent = number(pending);
  $('queue-processing').textContent = number(processing);
  $('queue-oldest').textContent = oldest === null ? 'none' : duration(oldest * 1_000);
  $('pause').hidden = false;
  $('pause').textContent = paused ? 'Resume…' : 'Pause…';
  $('drain').hidden = paused && (isDraining || !isBusy);
  if (!isDraining || isBusy) return;
  isDraining = false;
  announce(paused ? 'The queue is drained.' : 'The queue was resumed before it was drained.');
}

const CHANGES = {
  pause: 'No task is taken from it on any host until it is resumed. What is under way goes on, and users can still submit.',
  resume: 'Workers take tasks again, on all hosts.',
  drain: 'It is paused on all hosts, and this page says when nothing is in progress.',
};

function changeQueue(name) {
  ask({
    title: `${capital(name)} the queue?`,
    text: CHANGES[name],
    button: capital(name),
    async act(reason) {
      await call('POST', `queue/${name === 'resume' ? name : 'pause'}`, { reason });
      isDraining = name === 'drain';
      await refreshQueue();
      return () => {
        $('pause').focus();
        if (name !== 'drain') announce(`The queue is ${name}d.`);
      };
    },
  });
}

onClick('pause', () => changeQueue(isPaused ? 'resume' : 'pause'));
onClick('drain', () => changeQueue('drain'));

/** A click that a read-only token cannot make. */
function onClick(id, act) {
  $(id).addEventListener('click', () => {
    if ($(id).title) announce($(id).title);
    else act();
  });
}

/* A reason for what is done */

let act = null;

/** Asks for a reason for `act`, which returns what to do after the dialog. */
function ask({ title, text, button, act: toDo }) {
  act = toDo;
  $('ask-title').textContent = title;
  $('ask-text').textContent = text;
  $('ask-act').textContent = button;
  $('reason').value = '';
  complain(null);
  $('ask').showModal();
  $('reason').focus();
}

function complain(text) {
  say($('reason-error'), text);
  $('reason').setAttribute('aria-invalid', String(Boolean(text)));
}

$('ask-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const reason = $('reason').value.trim();
  if (!reason) {
    complain('Give a reason.');
    $('reason').focus();
    return;
  }
  complain(null);
  await busy($('ask-act'), async () => {
    try {
      const after = await act(reason);
      $('ask').close();
      after();
    } catch (error) {
      complain(sentence(error));
    }
  });
});

for (const button of document.querySelectorAll('[data-close]')) {
  button.addEventListener('click', () => button.closest('dialog').close());
}

/** Ignores more clicks until it is done. */
async function busy(button, what) {
  if (button.ariaBusy === 'true') return;
  button.ariaBusy = 'true';
  try {
    await what();
  } finally {
    button.ariaBusy = null;
  }
}

/* Lists */

/** A list that is loaded a page at a time, in a table. */
class List {
  #cursor = null;
  /** Counts requests: results of older ones are dropped. */
  #round = 0;

  /** `of` begins the ids of its elements; `ask` gets a cursor; `row` an item. */
  constructor(of, { ask, row, noun, none, loaded = () => {} }) {
    Object.assign(this, { ask, row, noun, none, loaded });
    for (const part of ['table', 'rows', 'summary', 'error', 'more']) this[part] = $(`${of}-${part}`);
    this.more.addEventListener('click', async () => {
      const before = this.rows.children.length;
      await this.load({ more: true });
      this.rows.children[before]?.querySelector('a')?.focus();
    });
  }

  /** `again` keeps what is on show if nothing newer comes. */
  async load({ more = false, again = false } = {}) {
    this.#round += 1;
    const mine = this.#round;
    say(this.error, null);
    this.table.setAttribute('aria-busy', 'true');
    let next = more ? this.#cursor : null;
    let found = 0;
    let isFirst = !more;
    try {
      for (let pages = 1; pages <= SHORT_PAGES; pages += 1) {
        const page = await this.ask(next);
        if (mine !== this.#round) return;
        if (isFirst) this.rows.replaceChildren();
        isFirst = false;
        this.rows.append(...page.items.map(this.row));
        found += page.items.length;
        next = page.next;
        this.#cursor = next;
        this.table.hidden = this.rows.children.length === 0;
        if (!next || found >= PAGE) break;
        this.summary.textContent = `${counted(this.rows.children.length, this.noun)} so far. Still looking further back…`;
      }
    } catch (problem) {
      if (mine !== this.#round) return;
      if (isFirst && !again) this.rows.replaceChildren();
      this.table.hidden = this.rows.children.length === 0;
      this.summary.textContent = '';
      this.more.hidden = true;
      say(this.error, sentence(problem));
      announce(this.error.textContent);
      return;
    } finally {
      if (mine === this.#round) this.table.removeAttribute('aria-busy');
    }
    const count = this.rows.children.length;
    const isShort = next && found < PAGE;
    this.summary.textContent = this.#sum(count, next, isShort);
    this.more.hidden = !next;
    this.more.textContent = isShort ? 'Look further back' : 'Show more';
    announce(this.summary.textContent);
    this.loaded();
  }

  #sum(count, next, isShort) {
    const all = counted(count, this.noun);
    const now = `as of ${moment(Date.now(), { hasDate: false })}`;
    if (isShort) return `${all} so far, and there are older ones to look through, ${now}.`;
    if (next) return `${all} and older ones, ${now}.`;
    return count === 0 ? this.none() : `${all}, and no older ones, ${now}.`;
  }
}

const query = (from, filter = {}) => {
  const parameters = new URLSearchParams({ ...filter, limit: PAGE });
  if (from) parameters.set('cursor', from);
  return parameters;
};

/* The tasks */

const tasks = new List('task', {
  row,
  noun: ['task', 'tasks'],
  none: () => (Object.keys(place().filter).length ? 'No task matches.' : 'There are no tasks.'),
  async ask(from) {
    const { tasks: items, next_cursor: next } = await call('GET', `tasks?${query(from, place().filter)}`);
    return { items, next };
  },
  loaded() {
    choose(rowOf(shown?.task));
    markRow();
  },
});

function row(task) {
  // Who may only read gets no metadata, which every task has.
  if (task.metadata === null) readOnly();
  const { task_id: id, status, attempt } = task;
  const link = taskLink(id);
  link.tabIndex = -1;
  return make(
    'tr',
    { dataset: { task: id } },
    make('td', {}, when(task.created_at)),
    make('td', {}, link),
    make('td', { className: 'user', title: task.user_id ?? '' }, task.user_id ?? ''),
    make('td', {}, statusOf(status), isRetried(task) ? make('span', { className: 'soft' }, ' retried') : null),
    make('td', { className: attempt > 1 ? '' : 'first', dataset: { name: 'attempt' } }, String(attempt ?? '')),
    make('td', { className: 'wide' }, brief(task.error_message)),
  );
}

const isRetried = ({ steps }) => (steps ?? []).some(({ step }) => step === 'retried');

const statusOf = (status) => make('span', { className: 'status', dataset: { status } }, status);

const rowOf = (id) => [...$('task-rows').children].find((row) => row.dataset.task === id);

/** Makes a row the one that Tab reaches. */
function choose(row = $('task-rows').firstElementChild) {
  for (const link of $('task-rows').querySelectorAll('a[tabindex="0"]')) link.tabIndex = -1;
  const link = row?.querySelector('a');
  if (link) link.tabIndex = 0;
  return link;
}

function markRow() {
  for (const row of $('task-rows').children) {
    if (row.dataset.task === shown?.task) row.setAttribute('aria-current', 'true');
    else row.removeAttribute('aria-current');
  }
}

$('task-rows').addEventListener('click', (event) => {
  const row = event.target.closest('tr');
  // Whoever selects a text does not want it opened.
  if (!row || event.target.closest('a') || String(getSelection())) return;
  go({ ...place(), task: row.dataset.task });
});

$('task-rows').addEventListener('focusin', (event) => choose(event.target.closest('tr')));

const MOVES = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 };

/** Keys move only from within the list or the open task: elsewhere letters are letters. */
$('tasks').addEventListener('keydown', (event) => {
  const { key, target } = event;
  const isInList = target.closest('#task-rows');
  const isInTask = target.closest('#panel') && !key.startsWith('Arrow');
  if (!(key in MOVES) || event.ctrlKey || event.metaKey || event.altKey || !(isInList || isInTask)) return;
  const rows = [...$('task-rows').children];
  const at = rows.findIndex((row) => (isInList ? row.contains(target) : row.dataset.task === shown.task));
  const to = at < 0 ? null : rows[at + MOVES[key]];
  if (!to) return;
  event.preventDefault();
  if (isInList) choose(to).focus();
  // An open task follows.
  if (shown.task) go({ ...place(), task: to.dataset.task }, { instead: true, focus: false });
});

document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || event.defaultPrevented || document.querySelector('dialog[open]')) return;
  if (shown?.task) go({ ...place(), task: null });
});

$('close').addEventListener('click', () => go({ ...place(), task: null }));

$('refresh').addEventListener('click', () => {
  tasks.load({ again: true });
  refreshQueue();
  if (shown.task) loadTask(shown.task);
});

/* The filter */

$('filter').addEventListener('submit', (event) => {
  event.preventDefault();
  const fields = $('filter').elements;
  const filter = {};
  for (const name of FILTER) {
    const value = fields[name].value.trim();
    if (value) filter[name] = fields[name].type === 'datetime-local' ? new Date(value).toISOString() : value;
  }
  const isSame = JSON.stringify(filter) === JSON.stringify(place().filter);
  go({ ...place(), filter, task: null }, { focus: false });
  if (isSame) tasks.load();
});

/** Shows a filter in the form. */
function fill(filter) {
  const fields = $('filter').elements;
  for (const name of FILTER) {
    const value = filter[name] ?? '';
    fields[name].value = fields[name].type === 'datetime-local' ? local(value) : value;
  }
  $('clear').hidden = Object.keys(filter).length === 0;
}

/** A time as an input of the operator's own clock takes it. */
function local(time) {
  const at = Date.parse(time);
  if (Number.isNaN(at)) return '';
  const offset = new Date(at).getTimezoneOffset() * 60_000;
  return new Date(at - offset).toISOString().slice(0, 19);
}

/* A task */

/** The task that is open, as it was last loaded. */
let task = null;

function showTask(id, { focus, isNew }) {
  document.body.classList.add('has-task');
  $('panel').hidden = false;
  choose(rowOf(id));
  markRow();
  if (!isNew) return;
  task = null;
  $('panel-title').textContent = `Task ${short(id)}`;
  $('task').hidden = true;
  say($('panel-error'), null);
  $('panel').scrollTop = 0;
  if (focus) $('panel-title').focus();
  rowOf(id)?.scrollIntoView({ block: 'nearest' });
  loadTask(id).then((isThere) => {
    if (isThere) announce(`Task ${short(id)} of ${task.user_id}, ${task.status}.`);
  });
}

function closeTask({ focus = false } = {}) {
  const row = rowOf(task?.task_id);
  const link = choose(row);
  const wasOpen = !$('panel').hidden;
  task = null;
  $('panel').hidden = true;
  document.body.classList.remove('has-task');
  markRow();
  if (wasOpen && focus) (row ? link : $('tasks-title')).focus();
}

/** Whether it is there, and still wanted. */
async function loadTask(id) {
  try {
    const loaded = await call('GET', taskPath(id));
    if (shown?.task !== id) return false;
    const isSame = JSON.stringify(loaded) === JSON.stringify(task);
    task = loaded;
    say($('panel-error'), null);
    if (!isSame) renderTask();
    else if (!isOver(task)) renderStory();
    return true;
  } catch (error) {
    if (shown?.task !== id) return false;
    const isGone = error.status === 404;
    if (isGone) {
      $('task').hidden = true;
      task = null;
    }
    say($('panel-error'), isGone ? 'There is no such task, or there is none any more.' : sentence(error));
    announce($('panel-error').textContent);
    return false;
  }
}

function renderTask() {
  if (task.metadata === null) readOnly();
  $('task').hidden = false;
  const { task_id: id, status, user_id: user } = task;
  const ended = task.completed_at;
  facts($('facts'), [
    ['Status', statusOf(status)],
    ['Error', task.error_message && make('span', { className: 'error' }, task.error_message)],
    ['User', user && routed(user, { filter: { user } })],
    ['Created', when(task.created_at)],
    ['Ended', ended && ended !== task.created_at && make('span', {}, when(ended), ` (${duration(Date.parse(ended) - Date.parse(task.created_at))} later)`)],
    ['Attempt', task.attempt],
    ['Retry of', task.retry_of && taskLink(task.retry_of)],
    ['Id', make('span', { className: 'id' }, id)],
    ['Concept', task.result_id && make('span', { className: 'id' }, task.result_id)],
    ['Image', link(task.image_url, 'Open the refined image')],
  ]);
  $('retry').hidden = status !== 'failed';
  $('cancel').hidden = isOver(task);
  renderStory();
  renderWebhook(task.webhook);
  renderMetadata(task.metadata);
  // The list may have an older state of it.
  const old = rowOf(id);
  if (old && old.querySelector('.status').dataset.status !== status) {
    const hadFocus = old.contains(document.activeElement);
    const now = row(task);
    old.replaceWith(now);
    markRow();
    const chosen = choose(now);
    if (hadFocus) chosen.focus();
  }
}

const routed = (text, to) => make('a', { href: address(to), dataset: { route: '' } }, text);
const taskLink = (id) => Object.assign(routed(short(id), { filter: place().filter, task: id }), { className: 'id', title: id });

/** A link to elsewhere, if it is one that a browser may follow. */
function link(url, text) {
  if (!/^https?:\/\//.test(url ?? '')) return null;
  return make('a', { href: url, rel: 'noreferrer noopener', target: '_blank' }, text);
}

function renderStory() {
  const steps = task.steps ?? [];
  const items = steps.map((step, index) => stepOf(step, steps[index - 1]));
  if (steps.length === MOST_STEPS) {
    items.splice(FIRST_STEPS, 0, make('li', { className: 'note' }, 'What came next is not kept: the story is too long.'));
  }
  if (steps.length === 0) items.push(make('li', { className: 'note' }, 'Nothing is known of it.'));
  else if (!isOver(task)) items.push(make('li', { className: 'note' }, gap(Date.now() - Date.parse(steps.at(-1).at), 'since then')));
  $('story').replaceChildren(...items);
}

const gap = (time, word) => make('span', { className: time >= LONG_GAP ? 'long' : '' }, `${duration(time)} ${word}`);

function stepOf({ at, step, host, attempt, detail }, before) {
  const isStage = step === 'stage' && detail;
  const name = isStage ? `Stage: ${detail}` : STEPS[step] ?? capital(step);
  const kind = { completed: 'good', failed: 'bad', lost: 'bad', cancelled: 'bad' }[step] ?? '';
  const about = [attempt ? `attempt ${attempt}` : null, host].filter(Boolean).join(' · ');
  const more = isStage ? null : detail;
  return make(
    'li',
    { className: kind },
    make('div', { className: 'step' },
      make('strong', {}, name),
      when(at, { hasDate: dayOf(at) !== dayOf(before?.at ?? task.created_at), exact: true })),
    more && make('p', { className: 'detail' }, UUID.test(more) ? taskLink(more) : more),
    make('div', { className: 'step about' },
      make('span', {}, about),
      before && gap(Date.parse(at) - Date.parse(before.at), 'later')),
  );
}

function renderWebhook(webhook) {
  $('webhook').hidden = !webhook;
  if (!webhook) return;
  facts($('webhook-facts'), [
    ['State', statusOf(webhook.state)],
    ['Address', webhook.url],
    ['Next attempt', webhook.next_attempt_at && when(webhook.next_attempt_at)],
  ]);
  $('webhook-facts').querySelector('.status').dataset.status = { delivered: 'completed' }[webhook.state] ?? webhook.state;
  $('webhook-attempts').replaceChildren(
    ...(webhook.attempts ?? []).map(({ at, status, error }) => make(
      'li',
      {},
      make('div', { className: 'step' }, make('strong', {}, status === null ? 'No answer' : `Answered ${status}`), when(at)),
      error && make('p', { className: 'detail' }, error),
    )),
  );
}

function renderMetadata(metadata) {
  $('metadata').hidden = !metadata;
  if (!metadata) return;
  facts($('metadata-facts'), Object.entries(metadata).map(([name, value]) => [capital(name.replaceAll('_', ' ')), value]));
}

onClick('retry', () => {
  const id = task.task_id;
  ask({
    title: 'Retry this task?',
    text: 'It is submitted again as a new task of the same user. It costs nothing of the user’s quota.',
    button: 'Retry',
    async act(reason) {
      const made = await call('POST', `${taskPath(id)}/retry`, { reason });
      return () => changed(`Retried as ${short(made.task_id)}.`, made.task_id);
    },
  });
});

onClick('cancel', () => {
  const id = task.task_id;
  ask({
    title: 'Cancel this task?',
    text: 'It fails with “Cancelled by the operator.”, and its user gets the quota back.',
    button: 'Cancel the task',
    async act(reason) {
      await call('POST', `${taskPath(id)}/cancel`, { reason });
      return () => changed('The task is cancelled.', id);
    },
  });
});

onClick('delete', () => {
  const id = task.task_id;
  ask({
    title: 'Delete this task?',
    text: 'It is forgotten, as if its user had deleted it. That cannot be undone.',
    button: 'Delete',
    async act(reason) {
      await call('DELETE', `${taskPath(id)}?${new URLSearchParams({ reason })}`);
      rowOf(id)?.remove();
      return () => changed('The task is deleted.', null);
    },
  });
});

/** Shows what an act has changed, and this task. */
function changed(words, id) {
  announce(words);
  if (id === shown.task) loadTask(id);
  else go({ ...place(), task: id }, { instead: !id });
  $(id ? 'panel-title' : 'tasks-title').focus();
  // Who has gone further back is left there.
  if ($('task-rows').children.length <= PAGE) tasks.load({ again: true });
  refreshQueue();
}

/* All that match */

/** What was counted: an action, the filter with its end, and how many tasks match. */
let counting = null;

onClick('many', () => {
  const { filter } = place();
  counting = null;
  const isUnderWay = filter.status === 'pending' || filter.status === 'processing';
  const unfit = { retry: filter.status && filter.status !== 'failed', cancel: !isUnderWay };
  for (const radio of $('all-form').elements.action) {
    radio.disabled = Boolean(unfit[radio.value]);
    radio.checked = false;
  }
  [...$('all-form').elements.action].find((radio) => !radio.disabled).checked = true;
  $('all-cancel').textContent = isUnderWay ? 'those that have not ended' : 'if the filter says pending or processing';
  $('all-filter').textContent = `The filter: ${described(filter)}.`;
  $('all-reason').value = '';
  uncount();
  $('all').showModal();
});

$('all-actions').addEventListener('change', uncount);

function uncount() {
  counting = null;
  $('all-count').textContent = '';
  $('all-why').hidden = true;
  say($('all-error'), null);
  $('all-reason').removeAttribute('aria-invalid');
  $('all-act').textContent = 'Count them';
}

$('all-form').addEventListener('submit', (event) => {
  event.preventDefault();
  busy($('all-act'), async () => {
    say($('all-error'), null);
    try {
      if (counting) await start();
      else await count();
    } catch (error) {
      if (error.status === 409) uncount();
      say($('all-error'), sentence(error));
    }
  });
});

async function count() {
  let action = $('all-form').elements.action.value;
  const { filter } = place();
  // Who is deleted as a whole is erased.
  if (action === 'delete' && Object.keys(filter).join() === 'user') action = 'erase';
  // Nothing else can be retried.
  if (action === 'retry') filter.status = 'failed';
  const answer = await call('POST', 'tasks/actions', { action, filter, preview: true });
  const { count: matching, until } = answer;
  filter.until = until;
  if (matching === 0 && action !== 'erase') {
    $('all-count').textContent = 'No task matches.';
    return;
  }
  counting = { action, filter, expect: matching };
  const rest = action === 'erase' ? ' Everything else of this user is erased too: concepts, images, keys and webhooks.' : '';
  $('all-count').textContent = `${counted(matching)} match${matching === 1 ? 'es' : ''}, created before ${moment(until)}.${rest}`;
  $('all-act').textContent = `${capital(action)} ${counted(matching)}`;
  $('all-why').hidden = false;
  $('all-reason').focus();
}

async function start() {
  const reason = $('all-reason').value.trim();
  $('all-reason').setAttribute('aria-invalid', String(!reason));
  if (!reason) {
    say($('all-error'), 'Give a reason.');
    $('all-reason').focus();
    return;
  }
  const { id } = await call('POST', 'tasks/actions', { ...counting, reason });
  $('all').close();
  go({ ...place(), job: id }, { focus: false });
  $('job-title').focus();
}

/* A job */

let job = null;
let jobTicking = null;

function watchJob(id) {
  clearTimeout(jobTicking);
  job = id ? { id, isOver: false } : null;
  $('job').hidden = !id;
  if (!id) return;
  $('job-title').textContent = 'Starting…';
  $('job-figures').textContent = '';
  $('job-progress').removeAttribute('value');
  say($('job-error'), null);
  askAfterJob();
}

function tickJob() {
  clearTimeout(jobTicking);
  if (!job || job.isOver || document.hidden || $('desk').hidden) return;
  jobTicking = setTimeout(askAfterJob, JOB_PAUSE);
}

async function askAfterJob() {
  const mine = job;
  try {
    const now = await call('GET', `jobs/${encodeURIComponent(mine.id)}`);
    if (mine !== job) return;
    say($('job-error'), null);
    showJob(now);
  } catch (error) {
    if (mine !== job) return;
    job.isOver = error.status === 404;
    if (job.isOver) $('job-title').textContent = 'No such job';
    say($('job-error'), job.isOver ? 'It ended long ago, or there never was one.' : `${sentence(error)} Trying again.`);
  }
  tickJob();
}

const DOING = { retry: ['Retrying', 'Retried'], cancel: ['Cancelling', 'Cancelled'], delete: ['Deleting', 'Deleted'], erase: ['Erasing', 'Erased'] };

function showJob({ action, done, failed, left, obstacles }) {
  const total = done + failed + left;
  job.isOver = left === 0;
  const [now, past] = DOING[action];
  $('job-title').textContent = job.isOver ? `${past} ${counted(done)}` : `${now} ${counted(total)}`;
  $('job-progress').max = Math.max(1, total);
  $('job-progress').value = total ? done + failed : 1;
  const why = Object.entries(obstacles).map(([why, count]) => `, ${number(count)} ${why}`).join('');
  $('job-figures').textContent = `${number(done)} done, ${number(failed)} not possible${why}, ${number(left)} left`;
  if (!job.isOver) return;
  announce(`${$('job-title').textContent}. ${$('job-figures').textContent}.`);
  if (shown.view === 'tasks') tasks.load({ again: true });
  refreshQueue();
}

$('job-dismiss').addEventListener('click', () => {
  go({ ...place(), job: null }, { instead: true, focus: false });
  $(shown.view === 'audit' ? 'audit-title' : 'tasks-title').focus();
});

/* The audit */

const audit = new List('audit', {
  row: entry,
  noun: ['entry', 'entries'],
  none: () => 'No operator has done anything yet.',
  async ask(from) {
    const { entries: items, next_cursor: next } = await call('GET', `audit?${query(from)}`);
    return { items, next };
  },
});

function entry({ at, actor, action, target, reason, count }) {
  const named = (name, value) => make('td', { className: 'wide', dataset: { name } }, value);
  return make(
    'tr',
    {},
    make('td', {}, when(at)),
    named('by', actor),
    make('td', {}, action),
    named('to', targetOf(target)),
    named('why', reason),
    named('tasks', number(count)),
  );
}

/** A task, a filter, or the queue. */
function targetOf(target) {
  if (UUID.test(target)) return taskLink(target);
  try {
    const filter = JSON.parse(target);
    return routed(described(filter), { filter });
  } catch {
    return target;
  }
}

$('zone').textContent = Intl.DateTimeFormat().resolvedOptions().timeZone;
enter();
