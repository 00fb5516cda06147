// Shows /openapi.json, and sends requests that it describes.

import { tryIt, setToken } from '/docs/try.js';
import { el, text, inline, find, fields, resolved } from '/docs/shown.js';

const state = find('state');

try {
  const answer = await fetch('/openapi.json');
  if (!answer.ok) throw new Error(`the answer was ${answer.status}`);
  show(await answer.json());
  state.hidden = true;
  openNamed();
  addEventListener('hashchange', openNamed);
} catch (problem) {
  state.className = 'problem';
  state.textContent = `The description of the API cannot be shown: ${problem.message}.`;
}

function show(api) {
  find('title').textContent = `${api.info.title} API`;
  find('intro').append(
    el('p', { className: 'soft' }, `Version ${api.info.version} · OpenAPI ${api.openapi}`),
    ...text(api.info.description),
  );
  find('who').hidden = false;
  const contents = [];
  for (const tag of api.tags) {
    const operations = operationsOf(api, tag.name);
    find('operations').append(
      el('section', {}, el('h2', {}, capital(tag.name)), ...text(tag.description),
        ...operations.map((operation) => section(api, operation))),
    );
    const links = operations.map(({ id, object }) =>
      el('li', {}, el('a', { href: `#${id}` }, object.summary)));
    contents.push(el('strong', {}, capital(tag.name)), el('ul', {}, ...links));
  }
  contents.push(el('ul', {}, el('li', {}, el('a', { href: '#schemas' }, 'Schemas'))));
  showContents(contents);
  showSchemas(api);
}

function operationsOf(api, tag) {
  const found = [];
  for (const [path, item] of Object.entries(api.paths)) {
    for (const [method, object] of Object.entries(item)) {
      if (object.tags.includes(tag)) found.push({ method, path, object, id: object.operationId });
    }
  }
  return found;
}

// Open beside the text on wide screens, collapsed above it on narrow ones.
function showContents(contents) {
  const wide = matchMedia('(min-width: 60rem)');
  const folded = el('details', {}, el('summary', {}, 'Contents'), ...contents);
  const adapt = () => { folded.open = wide.matches; };
  adapt();
  wide.addEventListener('change', adapt);
  find('contents').append(folded);
}

function section(api, { method, path, object, id }) {
  const inside = el('div', { className: 'inside' });
  const operation = el('details', { className: 'operation', id },
    el('summary', {}, el('h3', {},
      el('span', { className: `method ${method}` }, method.toUpperCase()),
      el('code', {}, path),
      el('span', { className: 'soft' }, object.summary))),
    inside);
  // Rendered only when opened.
  operation.addEventListener('toggle', () => {
    if (inside.childElementCount === 0) fill(api, inside, { method, path, object, id });
  });
  return operation;
}

function fill(api, inside, operation) {
  const { object } = operation;
  inside.append(...text(object.description));
  inside.append(el('p', { className: 'hint' }, whoMayAsk(api, object)));
  const parameters = (object.parameters ?? []).map((parameter) => ({
    name: parameter.name,
    required: parameter.required,
    note: `in the ${parameter.in}`,
    schema: { ...resolved(api, parameter.schema), description: parameter.description },
  }));
  if (parameters.length) inside.append(el('h4', {}, 'Parameters'), fields(api, parameters));
  const bodies = Object.entries(object.requestBody?.content ?? {});
  if (bodies.length) {
    inside.append(el('h4', {}, 'Body'), ...text(object.requestBody.description), ...media(bodies));
  }
  inside.append(el('h4', {}, 'Responses'));
  for (const [status, response] of Object.entries(object.responses)) {
    inside.append(answer(api, status, resolved(api, response)));
  }
  inside.append(tryIt(api, operation));
}

function whoMayAsk(api, object) {
  const names = (object.security ?? api.security).flatMap((way) => Object.keys(way));
  if (names.length === 0) return 'Needs no credentials.';
  const told = { bearer: 'a bearer token', session: 'the cookie of a session', signature: 'a signed URL' };
  return `Needs ${names.map((name) => told[name]).join(' or ')}.`;
}

function answer(api, status, response) {
  const headers = Object.entries(response.headers ?? {}).map(([name, header]) => {
    const { description, schema } = resolved(api, header);
    return { name, schema: { ...schema, description } };
  });
  const bodies = Object.entries(response.content ?? {});
  return el('details', { className: 'answer' },
    el('summary', {}, el('span', { className: 'status' }, status), ' ', ...inline(response.description)),
    ...(headers.length ? [fields(api, headers)] : []),
    ...media(bodies));
}

// Bodies: their types, schemas and examples.
function media(bodies) {
  const types = bodies.map(([type]) => type).join(', ');
  const shown = [];
  for (const [, content] of bodies) {
    const name = content.schema?.$ref && nameOf(content.schema);
    if (name) {
      shown.push(el('p', {}, `${types}: `, el('a', { href: `#schema-${name}` }, name)));
    }
    for (const example of Object.values(content.examples ?? {})) {
      const { value, summary } = example;
      if (summary) shown.push(el('p', { className: 'hint' }, summary));
      shown.push(el('pre', { tabIndex: 0 },
        typeof value === 'string' ? value : JSON.stringify(value, null, 2)));
    }
  }
  return shown.length ? shown : [el('p', {}, types)];
}

function showSchemas(api) {
  const schemas = find('schemas');
  schemas.hidden = false;
  for (const [name, schema] of Object.entries(api.components.schemas)) {
    const properties = Object.entries(schema.properties ?? {}).map(([name, property]) => ({
      name,
      required: schema.required?.includes(name),
      schema: property,
    }));
    const inside = properties.length
      ? fields(api, properties)
      : el('p', {}, `One of ${(schema.enum ?? schema.oneOf.map(nameOf)).join(', ')}.`);
    schemas.append(el('details', { className: 'schema', id: `schema-${name}` },
      el('summary', {}, el('h3', {}, el('code', {}, name))),
      el('div', { className: 'inside' }, ...text(schema.description), inside)));
  }
}

// Opens the operation or schema that a link names.
function openNamed() {
  const named = document.getElementById(location.hash.slice(1));
  if (named?.tagName !== 'DETAILS') return;
  named.open = true;
  named.scrollIntoView();
  named.querySelector('summary').focus({ preventScroll: true });
}

function nameOf(reference) {
  return reference.$ref.split('/').pop();
}

function capital(word) {
  return word[0].toUpperCase() + word.slice(1);
}

find('token-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const token = find('token').value.trim();
  setToken(token);
  find('who-state').textContent = token
    ? 'Requests carry the token.'
    : 'Requests carry the cookie of your session, if you have one.';
});

find('anonymous').addEventListener('click', async () => {
  const said = find('who-state');
  try {
    const answer = await fetch('/api/auth/session', { method: 'POST' });
    const body = await answer.json();
    if (answer.ok) {
      setToken('');
      find('token').value = '';
    }
    said.textContent = answer.ok
      ? `You are the anonymous user ${body.user_id}: requests carry the cookie of the session.`
      : body.detail;
  } catch {
    said.textContent = 'The service cannot be reached.';
  }
});
