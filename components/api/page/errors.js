// Shows errors in words, next to their cause.

import { moment, span } from './times.js';

/** The service answered, but not with success. */
export class Refusal extends Error {
  constructor(status, body, header) {
    super(body?.detail ?? `The service answered with status ${status}.`);
    this.status = status;
    /** For a 409 this is the task in progress. */
    this.body = body;
    this.fields = body?.field_errors ?? {};
    this.retryAfter = Number(header('Retry-After')) || null;
    this.limit = Number(header('X-RateLimit-Limit')) || null;
    this.reset = Number(header('X-RateLimit-Reset')) || null;
  }
}

/** The service did not answer. */
export class Offline extends Error {
  constructor() {
    super('The service cannot be reached. Check your connection and try again.');
  }
}

/** A file that the service would refuse. */
export class Unusable extends Error {}

export async function refusal(response) {
  const body = await response.json().catch(() => null);
  return new Refusal(response.status, body, (name) => response.headers.get(name));
}

/** Whoever uses a service on their own machine can change its settings. */
const isOnThisMachine = () => /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(location.hostname);

/** A sentence for an error without a particular place. */
export function sentence(error) {
  if (!(error instanceof Refusal)) {
    return error instanceof Offline || error instanceof Unusable ? error.message : 'Something went wrong on this page. Reload it and try again.';
  }
  // Its sentence says until when.
  if (error.body?.error_code === 'BUDGET_EXCEEDED') return error.message;
  if (error.status === 429 && error.limit) {
    const refinements = error.limit === 1 ? 'the one refinement' : `all ${error.limit} refinements`;
    const used = `You have used ${refinements} that you have for now. You can refine again ${moment(error.reset * 1000)}.`;
    return isOnThisMachine() ? `${used} The setting REFINEMENT_RATE_LIMIT allows more, for example 100/day.` : used;
  }
  return error.retryAfter ? `${error.message} It is worth trying again in ${span(error.retryAfter * 1000)}.` : error.message;
}

/** The names of a request's fields on this page. */
const NAMES = {
  original_image_url: ['image', 'The image’s address'],
  original_concept_id: ['image', 'The refined image'],
  refinement_prompt: ['prompt', 'This'],
  logo_description: ['logo', 'This'],
  theme_description: ['theme', 'This'],
  region: ['part', 'The rectangle'],
  mask_url: ['part', 'The mask'],
  mask_feather: ['part', 'The soft edge'],
};

/** The problems of a refinement that was not accepted, by place. */
export function places(error) {
  const found = {};
  if (!(error instanceof Refusal)) return { form: sentence(error) };
  for (const [field, problems] of Object.entries(error.fields)) {
    const [place, name] = NAMES[field] ?? ['form', field];
    found[place] = problems.map((problem) => completed(place, name, problem)).join(' ');
  }
  if (Object.keys(found).length === 0) {
    found[error.status === 404 ? 'image' : 'form'] = sentence(error);
  }
  return found;
}

/** What to do about an empty field. */
const EMPTY = {
  image: 'Choose an image, or give its address.',
  prompt: 'Say what should change.',
};

function completed(place, name, problem) {
  if (place === 'image' && problem === 'must point to a public address') return 'The image must be on the public internet.';
  const isEmpty = problem === 'is required' || problem === 'must be at least 1 character';
  return (isEmpty && EMPTY[place]) || `${name} ${problem}.`;
}

const FAILED = 'Error in refinement task processing: ';
const REFINING = 'Image refinement failed: ';
const STEPS = [
  ['Failed to download original image: the mask: ', 'part', 'The mask could not be downloaded: '],
  ['Failed to download original image: ', 'image', 'The original could not be downloaded: '],
  [REFINING, 'prompt', 'The image could not be refined: '],
  ['Storing refined image failed: ', 'form', 'The result could not be stored: '],
  ['Storing refined concept data failed: ', 'form', 'The result could not be stored: '],
];

/** Whether a task failed because its user cancelled it. */
export const isCancelled = ({ error_message: message }) => message === 'Cancelled by its user.';

/** What only the operator can do something about, who finds it in the log. */
const OUTAGES = [
  /^the provider (refused the key|wants a key|cannot be connected to|did not answer)/,
  /^the provider answered (401|402|404|429|5\d\d)/,
  /^(the name of the provider cannot be resolved|no secure connection to the provider)/,
  /^the provider's answer broke off/,
  /^the model (crashed|did not answer)/,
];

/** What is wrong with a mask or a rectangle. */
const PART = /^(the (mask|region)|an animation) /;

const isOutage = (reason) => OUTAGES.some((outage) => outage.test(reason));

/** Why a task failed, and where to show that. */
export function failure(message) {
  const reason = message?.startsWith(FAILED) ? message.slice(FAILED.length) : message;
  if (!reason) return { place: 'form', text: 'The refinement failed, and no reason was given.' };
  const step = STEPS.find(([prefix]) => reason.startsWith(prefix));
  if (!step) return { place: 'form', text: ended(reason) };
  const [prefix, place, words] = step;
  const rest = reason.slice(prefix.length);
  if (prefix === REFINING && isOutage(rest)) return { place: 'form', text: 'This service cannot refine at the moment.' };
  const isOfPart = prefix === REFINING && PART.test(rest);
  return { place: isOfPart ? 'part' : place, text: ended(words + rest) };
}

/** Longer texts are folded. */
const LONG = 200;

/** The beginning of a text, and the rest, which may be folded; a short text has no
 * rest. */
export function parts(text) {
  const end = text.length > LONG ? text.search(/[.;] /) : -1;
  if (end < 0) return [text, ''];
  const rest = text.slice(end + 2);
  return [`${text.slice(0, end)}.`, rest.charAt(0).toUpperCase() + rest.slice(1)];
}

const ended = (text) => (/[.!?…]$/.test(text) ? text : `${text}.`);
