// Deleting a refinement: its concept with the refined image, its task, and its
// upload, if nothing else refers to it.

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
    await removeUpload(task);
  } catch {
    // Ignored: a leftover is harmless.
  }
}

async function removeUpload(task) {
  const path = uploadPath(task);
  if (!path) return;
  const { tasks, next_cursor: more } = await api.tasks(null, MANY);
  const isNeeded = more || tasks.some((other) => uploadPath(other) === path);
  if (isNeeded) return;
  await api.deleteUpload(path);
  names.forget(task.metadata.original_image_url);
}

function uploadPath({ metadata }) {
  const url = safe(metadata.original_image_url);
  return (url && new URL(url).pathname.match(UPLOAD)?.[1]) ?? null;
}

async function unlessGone(deletion) {
  try {
    await deletion;
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 404) throw error;
  }
}
