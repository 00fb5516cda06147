// Uploads an image with progress, which only `XMLHttpRequest` reports.

import { withSession } from './api.js';
import { Offline, Refusal } from './errors.js';
import { credentials } from './session.js';

/** The stored image: `{image_url, path}`. `onProgress` gets 0 to 100. */
export const upload = (file, onProgress, signal) => withSession(() => send(file, onProgress, signal));

function send(file, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', '/api/images');
    request.responseType = 'json';
    request.setRequestHeader('Content-Type', file.type || 'application/octet-stream');
    for (const [name, value] of Object.entries(credentials())) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => onProgress(total ? (100 * loaded) / total : 0);
    request.onload = () => {
      if (request.status === 201 && request.response) resolve(request.response);
      else reject(new Refusal(request.status, request.response, (name) => request.getResponseHeader(name)));
    };
    // When it refuses a file as too large, the service may close the connection before it
    // has read everything.
    request.onerror = () => reject(new Offline());
    request.onabort = () => reject(new DOMException('left', 'AbortError'));
    signal.addEventListener('abort', () => request.abort());
    request.send(file);
  });
}
