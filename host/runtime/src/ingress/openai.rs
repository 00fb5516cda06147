//! OpenAI's API, as far as the host has to know it: the component answers it, but what the
//! host limits and refuses depends on its paths.

/// Path of the requests that bring their images along and are answered when their task has
/// ended.
pub const EDITS: &str = "/v1/images/edits";
