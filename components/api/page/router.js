// The refinement in the page's address: `/?task=ID`, or none.

let listener = () => {};

export const current = () => new URLSearchParams(location.search).get('task') || null;

export const address = (id) => (id ? `/?task=${encodeURIComponent(id)}` : '/');

/** Navigates there, and notifies the listener. */
export function go(id) {
  if (id !== current()) history.pushState(null, '', address(id));
  listener(id);
}

/** Updates the address to what is already shown. */
export function name(id, { instead = false } = {}) {
  if (id === current()) return;
  history[instead ? 'replaceState' : 'pushState'](null, '', address(id));
}

/** Handles links within the page, and the back button. */
export function listen(onChange) {
  listener = onChange;
  addEventListener('popstate', () => listener(current()));
  document.addEventListener('click', (event) => {
    const link = event.target.closest?.('a[data-route]');
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!link || !isPlain) return;
    event.preventDefault();
    go(new URL(link.href).searchParams.get('task'));
  });
}
