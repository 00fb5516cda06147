// Deleting a refinement: its concept with the refined image, its task, and its
// uploads, if nothing else refers to them.

import * as api from './api.js';
import { Refusal } from './errors.js';
import { safe } from './images.js';
import * as names from './names.js';

const MANY = 100;

/** The paths of uploaded images. */
const UPLOAD = /^\/api\/images\/(uploads\/[\w./-]+)$/;

export async function remove(task) {
  if (task.result_id && task.image_url) {
    await unlessGone(api.deleteConcept(task.result_id));
    names.forget(task.image_url);
  }
  await unlessGone(api.deleteTask(task.task_id));
  try {
    await removeUploads(task);
  } catch {
    // Ignored: a leftover is harmless.
  }
}

async function removeUploads({ metadata }) {
  const paths = uploadPaths(metadata);
  if (paths.length === 0) return;
  const { tasks, next_cursor: more } = await api.tasks(null, MANY);
  const needed = tasks.flatMap((other) => uploadPaths(other.metadata));
  if (more) return;
  for (const path of paths.filter((path) => !needed.includes(path))) {
    await api.deleteUpload(path);
    names.forget(`/api/images/${path}`);
  }
}

function uploadPaths({ original_image_url: original, mask_url: mask }) {
  const urls = [original ?? '', mask ?? ''].map(safe).filter(Boolean);
  return urls.flatMap((url) => new URL(url).pathname.match(UPLOAD)?.[1] ?? []);
}

async function unlessGone(deletion) {
  try {
    await deletion;
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 404) throw error;
  }
}
