// What a client's `refine` makes of answers that are not the service's own.

const WISH = { image: new Uint8Array([0]), prompt: 'lighter' };
const EMPTY = { status: 204 };

/** For each case its name, its path, and what became of the refinement. */
export async function outcomes(Client, stub) {
  const outcomes = [];
  for (const { name, path, answers } of stub.cases) {
    const client = new Client('http://service.test', { token: 't', fetch: stubbed(stub, path, answers) });
    const told = await client.refine(WISH).then(
      () => [[null, null, true], false],
      (error) => [[error.name, error.message, Boolean(error.upload)], error.taskId === 't'],
    );
    outcomes.push([name, path, ...told]);
  }
  return outcomes;
}

/** What is empty or cannot stand in a header is refused before anything is sent, and not shown.
 * Nor is anything sent if there is an argument that JSON has no form for. */
export async function unsent(Client) {
  for (const odd of ['a\nb', 'k\u20acy', '']) {
    for (const [token, idempotencyKey] of [[odd], [() => odd], ['t', odd]]) {
      let requests = 0;
      const fetch = async () => new Response(null, { status: 400 + requests++ });
      const refine = async () => new Client('http://service.test', { token, fetch }).refine(WISH, { idempotencyKey });
      const error = await refine().catch((error) => error);
      if (requests > 0 || error.name !== 'TypeError') throw error;
      if (odd ? error.message.includes(odd) : !error.message.includes('empty')) throw error;
    }
  }
  for (const [odd, named] of [
    [{ strength: NaN }, 'strength'],
    [{ maskFeather: -Infinity }, 'mask_feather'],
    [{ region: { x: Infinity } }, 'x'],
    [{ seed: 3n }, 'BigInt'],
  ]) {
    let requests = 0;
    const fetch = async () => new Response(null, { status: 400 + requests++ });
    const error = await new Client('http://service.test', { token: 't', fetch })
      .refine({ ...WISH, ...odd })
      .catch((error) => error);
    if (requests > 0 || error.name !== 'TypeError' || !error.message.includes(named)) throw error;
  }
}

/** What was uploaded is deleted if there is no token before the submission, and kept after. */
export async function discards(Client) {
  const [uploaded, deleted] = ['POST /api/images', 'DELETE /api/images/u'];
  for (const [mask, without, expected] of [
    [null, 2, [uploaded, deleted]],
    [WISH.image, 2, [uploaded, deleted]],
    [WISH.image, 3, [uploaded, uploaded, deleted, deleted]],
    [null, 3, [uploaded, 'POST /api/concepts/refine']],
  ]) {
    const asked = [];
    let calls = 0;
    const token = () => {
      if (++calls === without) throw new RangeError('there is none');
      return 't';
    };
    const fetch = async (url, { method }) => {
      asked.push(`${method} ${new URL(url).pathname}`);
      if (method === 'DELETE') return new Response(null, { status: 204 });
      const status = asked.at(-1) === uploaded ? 201 : 502;
      return Response.json({ image_url: 'http://service.test/u', path: 'u' }, { status });
    };
    const client = new Client('http://service.test', { token, fetch });
    const error = await client.refine({ ...WISH, mask }).catch((error) => error);
    if (!(error instanceof RangeError) || String(asked) !== String(expected)) throw new Error(`${asked}: ${error}`);
  }
}

/** Gives the case's answers before the service's own. */
function stubbed({ own, last }, path, answers) {
  const left = [...answers];
  return async (url, { headers }) => {
    const { pathname } = new URL(url);
    const isOver = headers['Last-Event-ID'] === last;
    const given = (pathname === path && left.shift()) || (!isOver && own[pathname]) || EMPTY;
    return new Response(given.body ?? null, { status: given.status, headers: given.headers ?? {} });
  };
}

/** How long an answer takes that the service is away does not count. */
export async function isPatient(Client) {
  let seconds = 0.6;
  const answered = async () => {
    if (!seconds) return new Response(null, { status: 404 });
    await new Promise((resolve) => setTimeout(resolve, 1_000 * seconds));
    seconds = 0;
    return new Response(null, { status: 503 });
  };
  const client = new Client('http://service.test', { token: 't', patience: 500, fetch: answered });
  const error = await client.quota().catch((error) => error);
  if (error.status !== 404) throw error;
}

/** Who has no token has a session, unless a function was to give one. */
export async function isKnown(Client) {
  for (const [token, expected] of [[() => null, [undefined, 0]], [undefined, [404, 3]], [null, [404, 3]]]) {
    let requests = 0;
    const fetch = async (url, { headers }) => {
      if (++requests > 9) throw new Error('it asks without an end');
      if (url.endsWith('/session')) return Response.json({ access_token: 't' });
      return new Response(null, { status: headers.Authorization ? 404 : 401 });
    };
    const client = new Client('http://service.test', { token, fetch });
    const error = await client.deleteTask('t').then(() => ({}), (error) => error);
    if (String([error.status, requests]) !== String(expected)) throw error;
  }
}

/** A session without a token is none of the service. */
export async function isSession(Client) {
  for (const access_token of ['', null, false]) {
    let requests = 0;
    const fetch = async (url) => {
      if (++requests > 9) throw new Error('it asks without an end');
      return Response.json({ access_token }, { status: url.endsWith('/session') ? 201 : 401 });
    };
    const client = new Client('http://service.test', { patience: 0, fetch });
    const error = await client.quota().then(() => ({}), (error) => error);
    if (error.name !== 'RefinementError' || requests !== 2) throw error;
  }
}

/** The service's own come from where it is, with credentials, and others without any. */
export async function images(Client) {
  const path = '/api/images/refined/o/a.png';
  for (const [base, image_url, expected] of [
    ['http://service.test', `http://service.test${path}`, `http://service.test${path}`],
    ['http://service.test', `https://public.test${path}?s=/?`, `http://service.test${path}?s=/?`],
    ['http://service.test', `https://public.test/below${path}#b`, `http://service.test${path}`],
    ['http://service.test', `https://public.test${path}${path}`, `http://service.test${path}`],
    ['http://service.test/below/', `http://public.test${path}`, `http://service.test/below${path}`],
    ['http://service.test', 'http://service.test/b', null],
    ['http://service.test', `https://bucket.test/a?b=${path}`, null],
    ['http://service.test', 'https://bucket.test/api/images/', null],
    ['http://service.test', 'https://bucket.test/api/images/a.png', null],
    ['http://service.test/below', 'https://b.test/api/images/refined/../../../a/b.png', null],
    ['http://service.test/below', 'https://b.test/api/images/refined/%2e%2e/a.png', null],
  ]) {
    let asked;
    const fetch = async (url, { headers, credentials }) => {
      asked = [url, headers.Authorization ?? credentials];
      return new Response('an image', { headers: { 'Content-Type': 'image/png' } });
    };
    await new Client(base, { token: 't', fetch }).image({ image_url });
    const wanted = expected ? [expected, 'Bearer t'] : [image_url, 'omit'];
    if (String(asked) !== String(wanted)) throw new Error(`${image_url}: ${asked}`);
  }
}

/** A page in place of an answer deletes nothing. */
export async function untouched(Client) {
  const fetch = async () => new Response('<!doctype html>', { headers: { 'Content-Type': 'text/html' } });
  const client = new Client('http://service.test', { token: 't', fetch });
  const error = await client.deleteTask('t').then(() => ({}), (error) => error);
  if (error.name !== 'RefinementError') throw error;
}

/** An upload is sent again only twice unless it was surely not stored, and not before the service
 * answers again. */
export async function storesFew(Client) {
  const [up, down] = ['/api/images', '/api/quota'];
  for (const [name, answers, expected, askedFor] of [
    ['lost', [504, 200, 504, 200, 504], 504, [up, down, up, down, up]],
    ['cut', [null, null, 200, null, 200, 201], null, [up, down, down, up, down, up]],
    ['overloaded', [503, 200, 503, 200, 503, 200, 201], null, [up, down, up, down, up, down, up]],
  ]) {
    const asked = [];
    const fetch = async (url) => {
      asked.push(new URL(url).pathname);
      const status = answers.shift();
      if (!status) throw new TypeError('cut');
      return Response.json({ image_url: 'http://service.test/u', path: 'u' }, { status });
    };
    const client = new Client('http://service.test', { token: 't', fetch });
    const error = await client.upload(WISH.image).then(() => null, (error) => error);
    if ((error ? error.status : null) !== expected || String(asked) !== String(askedFor)) {
      throw new Error(`${name}: ${asked}: ${error}`);
    }
  }
}

/** A deletion and a cancellation are sent again while the service is away. That nothing is left to do
 * is a success then, and a refusal at the first try. */
export async function endsOnce(Client) {
  const absent = [404, { error_code: 'NOT_FOUND' }];
  const [failed, completed] = ['failed', 'completed'].map((status) => [409, { task_id: 't', message: 'm', status }]);
  for (const [name, call, answers, expected] of [
    ['deleted', 'deleteTask', [[503], [204]], null],
    ['deleted before', 'deleteTask', [[504], absent], null],
    ['unreachable', 'deleteUpload', [null, absent], null],
    ['erased', 'deleteMe', [null, [502], [204]], null],
    ['absent', 'deleteConcept', [absent], 404],
    ['not routed', 'deleteConcept', [[502], [404]], 404],
    ['cancelled', 'cancelTask', [[503], [200, { task_id: 't' }]], null],
    ['cancelled before', 'cancelTask', [null, failed], null],
    ['completed', 'cancelTask', [null, completed], 409],
    ['failed', 'cancelTask', [failed], 409],
    ['redelivered', 'redeliverWebhook', [[503]], 503],
  ]) {
    const fetch = async () => {
      const given = answers.shift();
      if (!given) throw new TypeError('cut');
      const [status, body] = given;
      return new Response(body ? JSON.stringify(body) : null, { status });
    };
    const client = new Client('http://service.test', { token: 't', fetch });
    const error = await client[call](...(call === 'deleteMe' ? [] : ['t'])).then(() => null, (error) => error);
    if ((error ? error.status : null) !== expected || answers.length > 0) throw new Error(`${name}: ${error}`);
  }
}

/** A stream that breaks off is asked for again. Where none comes, the task is asked for. */
export async function goesOn(Client) {
  const [begun, whole] = ['pending', 'completed'].map(
    (status) => `retry: 10\nevent: task\ndata: {"status":"${status}"}\n\n`,
  );
  const cut = begun.slice(0, -3);
  const silent = () => new ReadableStream({ start: (stream) => stream.error(new TypeError('terminated')) });
  for (const [name, streams, tasks, expected] of [
    ['broken off', [begun, whole], [], ['pending', 'completed']],
    ['silent once', [silent(), whole], ['pending'], ['pending', 'completed']],
    ['silent', [silent(), silent()], ['pending', 'completed'], ['pending', 'completed']],
    ['empty', ['', ''], ['pending', 'completed'], ['pending', 'completed']],
    ['cut', [cut, cut, 404], ['pending', 'completed'], ['pending', 'completed']],
    ['refused', [502, 504], ['processing', 'failed'], ['processing', 'failed']],
    ['unchanged', [begun, '', ''], ['pending', 'failed'], ['pending', 'failed']],
    ['deleted', ['', ''], ['pending', 404], ['pending', 'deleted']],
    ['unknown', [''], [404], ['ApiError']],
    ['no task', [''], [null], ['RefinementError']],
    ['away', ['', ''], ['pending'], ['pending', 'ServiceUnreachableError']],
  ]) {
    const fetch = async (url) => {
      const isStream = url.endsWith('/events');
      const given = (isStream ? streams : tasks).shift();
      if (given === undefined) throw new TypeError('refused');
      if (typeof given === 'number') {
        const body = given === 404 ? { error_code: 'NOT_FOUND' } : {};
        return Response.json(body, { status: given, headers: { 'Retry-After': '3600' } });
      }
      if (!isStream) return Response.json(given ? { task_id: 't', status: given } : { message: 'log in' });
      return new Response(given, { headers: { 'Content-Type': 'text/event-stream' } });
    };
    const told = [];
    try {
      const client = new Client('http://service.test', { token: 't', patience: 0, fetch });
      for await (const event of client.watch('t')) told.push(event.task?.status ?? event.type);
    } catch (error) {
      told.push(error.name);
    }
    if (String(told) !== String(expected)) throw new Error(`${name}: ${told}`);
  }
}

/** A stream that says for too long nothing but that it is there is left. */
export async function asksItself(Client) {
  const asked = [];
  const comment = new TextEncoder().encode(': keep\n\n');
  const fetch = async (url) => {
    asked.push(new URL(url).pathname);
    if (asked.length > 4) return new Response(null, { status: 404 });
    const status = asked.length < 4 ? 'pending' : 'completed';
    if (!url.endsWith('/events')) return Response.json({ task_id: 't', status });
    let comments = 0;
    const pull = (stream) => (comments++ < 100 ? stream.enqueue(comment) : stream.error(new Error('it was read on')));
    return new Response(new ReadableStream({ pull }), { headers: { 'Content-Type': 'text/event-stream' } });
  };
  const { now } = Date;
  const told = [];
  let read = 0;
  Date.now = () => now() + 10_000 * read++;
  try {
    for await (const event of new Client('http://service.test', { token: 't', fetch }).watch('t')) {
      told.push(event.task.status);
    }
  } finally {
    Date.now = now;
  }
  const turn = ['/api/tasks/t/events', '/api/tasks/t'];
  const expected = ['pending', 'completed', ...turn, ...turn];
  if (String([...told, ...asked]) !== String(expected) || read > 50) throw new Error(`${told}: ${asked}`);
}

/** No call outlives its time or its signal, also if no answer ever comes. */
export async function endsInTime(Client) {
  const client = new Client('http://service.test', { token: 't', patience: 0, fetch: () => new Promise(() => {}) });
  const { setTimeout } = globalThis;
  globalThis.setTimeout = (call, _, ...given) => setTimeout(call, 1, ...given);
  for (const call of [client.quota(), client.deleteTask('t'), client.watch('t').next()]) {
    const error = await call.catch((error) => error);
    if (error.name !== 'ServiceUnreachableError') throw new Error(`it ended by ${error}`);
    if (error.cause.name !== 'TimeoutError') throw new Error(`it ended because of ${error.cause}`);
  }
  globalThis.setTimeout = setTimeout;

  const leaving = new AbortController();
  const { signal } = leaving;
  const calls = [client.quota({ signal }), client.deleteTask('t', { signal }), client.cancelTask('t', { signal })];
  leaving.abort(new RangeError('enough'));
  for (const { reason } of await Promise.allSettled(calls)) {
    if (reason !== signal.reason) throw new Error(`it was left by ${reason}`);
  }
}
