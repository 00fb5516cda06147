// A client of the concept refinement service, over nothing but `fetch`.

export { Client } from './client.js';
export type {
  CallOptions,
  ClientOptions,
  CurrentTask,
  ImageBytes,
  ListOptions,
  Refined,
  RefineOptions,
  Refinement,
  SubmitOptions,
  TaskEvent,
} from './options.js';
export {
  ApiError,
  ConflictError,
  RefinementError,
  ServiceUnreachableError,
  TaskDeletedError,
  TaskFailedError,
} from './errors.js';
export type * from './schemas.js';
