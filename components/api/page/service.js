// What the page has to know of the service before it asks for anything else.

/** Whether there are anonymous users, and how much each user may ask for. Empty if
 * that cannot be told. */
export const service = fetch('/page/service.json')
  .then((answer) => (answer.ok ? answer.json() : {}))
  .catch(() => ({}));
