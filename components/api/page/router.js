// Which refinement the page's address names: `/?task=ID`, or none.

let listener = () => {};

export const current = () => new URLSearchParams(location.search).get('task') || null;

export const address = (id) => (id ? `/?task=${encodeURIComponent(id)}` : '/');

/** Goes there, and tells whoever listens. */
export function go(id) {
  if (id !== current()) history.pushState(null, '', address(id));
  listener(id);
}

/** Names what is shown already. */
export function name(id, { instead = false } = {}) {
  if (id === current()) return;
  history[instead ? 'replaceState' : 'pushState'](null, '', address(id));
}

/** Listens to links within the page, and to the back button. */
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
