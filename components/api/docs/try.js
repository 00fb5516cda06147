// A form for each operation, which sends the request that it describes.

import { LANGUAGES } from '/docs/code.js';
import { el, resolved } from '/docs/shown.js';

const LONGEST_SHOWN = 200_000;

let token = '';

// Empty: the cookie is used.
export function setToken(text) {
  token = text;
}

export function tryIt(api, { method, path, object, id }) {
  const inputs = (object.parameters ?? []).map((parameter) => input(api, id, parameter));
  const body = object.requestBody && bodyOf(id, object.requestBody.content);
  const outcome = el('p', { className: 'outcome', role: 'status' });
  const shown = el('div', {});
  const send = el('button', { className: 'main', type: 'submit' }, 'Send');
  const stop = el('button', { type: 'button', hidden: true }, 'Stop');
  const form = el('form', { className: 'try' },
    el('h4', {}, 'Try it'),
    ...inputs.flatMap((one) => one.elements),
    ...(body?.elements ?? []),
    el('div', { className: 'row' }, send, stop),
    outcome, shown);
  form.append(asCode(form, () => described(api, object, requestOf(method, path, inputs, body))));

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const leave = new AbortController();
    stop.onclick = () => leave.abort();
    send.disabled = true;
    stop.hidden = false;
    outcome.className = 'outcome';
    outcome.textContent = 'Sent…';
    shown.replaceChildren();
    try {
      const request = requestOf(method, path, inputs, body);
      const begin = performance.now();
      const answer = await fetch(request.url, { ...request, signal: leave.signal });
      const took = Math.round(performance.now() - begin);
      outcome.classList.add(answer.ok ? 'good' : 'bad');
      outcome.textContent = `${answer.status} after ${took} ms`;
      shown.append(headersOf(answer));
      await show(answer, shown);
    } catch (problem) {
      if (problem.name === 'AbortError') {
        outcome.textContent += ' Stopped.';
      } else {
        outcome.classList.add('bad');
        outcome.textContent = `There was no whole answer: ${problem.message}`;
      }
    } finally {
      send.disabled = false;
      stop.hidden = true;
    }
  });
  return form;
}

// The request that the form would send, in a language of choice.
function asCode(form, request) {
  const code = el('pre', { tabIndex: 0 });
  const said = el('span', { role: 'status' });
  const choice = el('select', { ariaLabel: 'Language' },
    ...Object.keys(LANGUAGES).map((name) => el('option', { value: name }, name)));
  const copy = el('button', { type: 'button' }, 'Copy');
  const folded = el('details', { className: 'answer code' },
    el('summary', {}, 'As code'),
    el('p', { className: 'hint' }, 'It reads your token from the environment variable TOKEN.'),
    el('div', { className: 'row' }, choice, copy, said),
    code);
  const write = () => {
    said.textContent = '';
    if (folded.open) code.textContent = LANGUAGES[choice.value](request());
  };
  folded.addEventListener('toggle', write);
  form.addEventListener('input', write);
  copy.addEventListener('click', async () => {
    write();
    try {
      await navigator.clipboard.writeText(code.textContent);
      said.textContent = 'Copied.';
    } catch {
      // Browsers refuse it on pages without https.
      getSelection().selectAllChildren(code);
      said.textContent = 'It is selected: copy it.';
    }
  });
  return folded;
}

// What the code of a request is made of.
function described(api, object, { url, method, headers, body }) {
  const types = Object.values(object.responses)
    .flatMap((response) => Object.keys(resolved(api, response).content ?? {}));
  const answers = types.includes('image/*') ? 'image' : types.includes('text/event-stream') ? 'events' : 'text';
  const file = object.requestBody && !object.requestBody.content['application/json'];
  return {
    url: new URL(url, location.origin).href,
    method,
    headers: [...headers].filter(([name]) => name !== 'authorization'),
    json: file ? undefined : body,
    file: file ? (body?.name ?? 'logo.png') : undefined,
    needsToken: (object.security ?? api.security).length > 0,
    answers,
  };
}

function input(api, id, parameter) {
  const schema = resolved(api, parameter.schema);
  const name = `${id}-${parameter.name}`;
  const control = schema.enum
    ? el('select', { id: name },
      ...(parameter.required ? [] : [el('option', { value: '' }, 'any')]),
      ...schema.enum.map((value) => el('option', { value }, value)))
    : el('input', {
      id: name,
      type: schema.type === 'integer' ? 'number' : 'text',
      placeholder: parameter.example ?? schema.default ?? '',
      required: Boolean(parameter.required),
      autocomplete: 'off',
      spellcheck: false,
    });
  const label = el('label', { htmlFor: name }, parameter.name);
  return { parameter, control, elements: [label, control] };
}

function bodyOf(id, content) {
  const json = content['application/json'];
  if (!json) {
    const accept = Object.keys(content).join(',');
    const file = el('input', { id: `${id}-body`, type: 'file', accept, required: true });
    const read = () => ({ type: file.files[0]?.type || 'image/png', body: file.files[0] });
    return { read, elements: [el('label', { htmlFor: file.id }, 'Body'), file] };
  }
  const examples = Object.values(json.examples);
  const area = el('textarea', { id: `${id}-body`, spellcheck: false, required: true });
  const choice = el('select', { id: `${id}-example` },
    ...examples.map(({ summary }, at) => el('option', { value: at }, summary)));
  const fill = () => {
    area.value = JSON.stringify(examples[choice.value].value, null, 2);
  };
  choice.addEventListener('change', fill);
  fill();
  return {
    read: () => ({ type: 'application/json', body: area.value }),
    elements: [
      el('label', { htmlFor: choice.id }, 'Example'), choice,
      el('label', { htmlFor: area.id }, 'Body'), area,
    ],
  };
}

function requestOf(method, path, inputs, body) {
  const headers = new Headers();
  const query = new URLSearchParams();
  let url = path;
  for (const { parameter, control } of inputs) {
    const value = control.value.trim();
    if (parameter.in === 'path') {
      const escaped = value.split('/').map(encodeURIComponent).join('/');
      url = url.replace(`{${parameter.name}}`, escaped);
    } else if (value && parameter.in === 'query') {
      query.set(parameter.name, value);
    } else if (value) {
      headers.set(parameter.name, value);
    }
  }
  if (query.size) url += `?${query}`;
  if (token) headers.set('authorization', `Bearer ${token}`);
  const sent = body?.read();
  if (sent) headers.set('content-type', sent.type);
  return { url, method: method.toUpperCase(), headers, body: sent?.body };
}

function headersOf(answer) {
  const lines = [...answer.headers].map(([name, value]) => `${name}: ${value}`);
  return el('details', { className: 'answer' },
    el('summary', {}, 'Header fields'),
    el('pre', { tabIndex: 0 }, lines.join('\n')));
}

async function show(answer, shown) {
  const type = (answer.headers.get('content-type') ?? '').split(';')[0];
  if (type.startsWith('image/')) {
    const picture = el('img', { className: 'picture', alt: 'The image that was answered' });
    picture.src = URL.createObjectURL(await answer.blob());
    picture.onload = () => URL.revokeObjectURL(picture.src);
    shown.append(picture);
    return;
  }
  const block = el('pre', { tabIndex: 0 });
  if (type === 'text/event-stream') {
    shown.append(block);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      block.textContent = (block.textContent + value).slice(-LONGEST_SHOWN);
      block.scrollTop = block.scrollHeight;
    }
  }
  const said = await answer.text();
  if (!said) return;
  block.textContent = (type === 'application/json' ? pretty(said) : said).slice(0, LONGEST_SHOWN);
  shown.append(block);
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
