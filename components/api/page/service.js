// What the page needs to know about the service before any other request.

/** Whether there are anonymous users, and the quota of each user. Empty if that is
 * unknown. */
export const service = fetch('/page/service.json')
  .then((answer) => (answer.ok ? answer.json() : {}))
  .catch(() => ({}));
