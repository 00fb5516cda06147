// What a client's `refine` makes of answers that are not the service's own.

const WISH = { image: new Uint8Array([0]), prompt: 'lighter' };
const EMPTY = { status: 204 };

/** For each case its name, its path, and what became of the refinement. */
export async function outcomes(Client, stub) {
  const outcomes = [];
  for (const { name, path, answers } of stub.cases) {
    const client = new Client('http://service.test', { token: 't', fetch: stubbed(stub, path, answers) });
    const told = await client.refine(WISH).then(
      () => [null, null, true],
      (error) => [error.name, error.message, Boolean(error.upload)],
    );
    outcomes.push([name, path, told]);
  }
  return outcomes;
}

/** What cannot stand in a header is refused before anything is sent, and not shown. */
export async function unsent(Client) {
  for (const odd of ['a\nb', 'k\u20acy']) {
    for (const [token, idempotencyKey] of [[odd], [() => odd], ['t', odd]]) {
      let requests = 0;
      const answered = async () => new Response(null, { status: 400 + requests++ });
      const client = new Client('http://service.test', { token, fetch: answered });
      const error = await client.refine(WISH, { idempotencyKey }).catch((error) => error);
      if (requests > 0 || error.name !== 'TypeError' || String(error).includes(odd)) throw error;
    }
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

/** Who has no token is refused, or has a session. */
export async function isKnown(Client) {
  for (const [token, expected] of [[() => '', [401, 1]], [() => null, [401, 1]], ['', [404, 3]]]) {
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

/** A page in place of an answer deletes nothing. */
export async function untouched(Client) {
  const fetch = async () => new Response('<!doctype html>', { headers: { 'Content-Type': 'text/html' } });
  const client = new Client('http://service.test', { token: 't', fetch });
  const error = await client.deleteTask('t').then(() => ({}), (error) => error);
  if (error.name !== 'RefinementError') throw error;
}

/** A stream that breaks off is asked for again, and one that only ends is not. */
export async function goesOn(Client) {
  const whole = 'event: task\ndata: {"status":"completed"}\n\n';
  const broken = new ReadableStream({ start: (stream) => stream.error(new TypeError('terminated')) });
  for (const [bodies, name] of [[[broken, whole]], [[''], 'ServiceUnreachableError']]) {
    const headers = { 'Content-Type': 'text/event-stream' };
    const answered = async () => new Response(bodies.shift(), { headers });
    const client = new Client('http://service.test', { token: 't', patience: 0, fetch: answered });
    const error = await client.watch('t').next().then(() => ({}), (error) => error);
    if (error.name !== name) throw error;
  }
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
