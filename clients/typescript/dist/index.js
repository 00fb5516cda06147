// A client of the concept refinement service, over nothing but `fetch`.
export { Client } from './client.js';
export { ApiError, ConflictError, RefinementError, ServiceUnreachableError, TaskDeletedError, TaskFailedError, } from './errors.js';
