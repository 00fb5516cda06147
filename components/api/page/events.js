// An event source that can send a token, unlike the browser's own. Like that one, it
// reconnects automatically with the id of the last event, and closes on a response that
// is not an event stream.

import { credentials } from './session.js';

/** The reconnection delay until the service sets another one. */
const PAUSE = 3000;

/** Far longer than any line of the service. */
const LONGEST = 1 << 20;

export class TokenEvents extends EventTarget {
  readyState = EventSource.CONNECTING;
  #leaving = new AbortController();
  #pause = PAUSE;
  #lastId = '';

  constructor(path) {
    super();
    this.#run(path);
  }

  close() {
    this.readyState = EventSource.CLOSED;
    this.#leaving.abort();
  }

  async #run(path) {
    while (!this.#isClosed()) {
      try {
        const answer = await this.#ask(path);
        if (!isOfEvents(answer)) return this.#giveUp();
        this.readyState = EventSource.OPEN;
        this.dispatchEvent(new Event('open'));
        if (!(await this.#read(answer.body))) return this.#giveUp();
      } catch {
        // The connection was lost or closed.
      }
      if (this.#isClosed()) return;
      this.readyState = EventSource.CONNECTING;
      this.dispatchEvent(new Event('error'));
      await new Promise((resolve) => setTimeout(resolve, this.#pause));
    }
  }

  #ask(path) {
    const headers = { Accept: 'text/event-stream', ...credentials() };
    if (this.#lastId) headers['Last-Event-ID'] = this.#lastId;
    return fetch(path, { headers, cache: 'no-store', signal: this.#leaving.signal });
  }

  /** False: this is not an event stream. */
  async #read(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    let event = {};
    for (;;) {
      const { done, value } = await reader.read();
      // An incomplete event is dropped.
      if (done) return true;
      const lines = (rest + value).split('\n');
      rest = lines.pop();
      if (rest.length > LONGEST) return false;
      for (const line of lines) {
        if (this.#isClosed()) return true;
        event = this.#take(line.replace(/\r$/, ''), event);
      }
    }
  }

  /** The state of the event after another line. */
  #take(line, event) {
    if (line === '') {
      this.#tell(event);
      return {};
    }
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line);
    if (field === 'event') return { ...event, name: value };
    if (field === 'id') return { ...event, id: value };
    if (field === 'data') return { ...event, data: event.data === undefined ? value : `${event.data}\n${value}` };
    if (field === 'retry' && /^\d+$/.test(value)) this.#pause = Number(value);
    return event;
  }

  #tell({ name, id, data }) {
    this.#lastId = id ?? this.#lastId;
    if (data === undefined) return;
    this.dispatchEvent(new MessageEvent(name || 'message', { data, lastEventId: this.#lastId }));
  }

  #giveUp() {
    if (this.#isClosed()) return;
    this.close();
    this.dispatchEvent(new Event('error'));
  }

  #isClosed() {
    return this.readyState === EventSource.CLOSED;
  }
}

function isOfEvents(answer) {
  const type = answer.headers.get('Content-Type') ?? '';
  return answer.status === 200 && type.startsWith('text/event-stream');
}
