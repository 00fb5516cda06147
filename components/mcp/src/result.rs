//! What an answer has besides its own fields.

use serde::Serialize;
use serde_json::{Value, json};

use crate::error::{Code, Error};
use crate::message::{Notification, Params};

/// How far a request is.
pub const PROGRESS: &str = "notifications/progress";

/// Tells how far a request is that asked to be told. `token` is the `progressToken` below its
/// `_meta`; `progress` has to grow.
pub fn progress(token: &Value, progress: u32, total: Option<u32>, message: &str) -> Notification {
    let mut params = Params::new();
    params.insert("progressToken".into(), token.clone());
    params.insert("progress".into(), progress.into());
    if let Some(total) = total {
        params.insert("total".into(), total.into());
    }
    params.insert("message".into(), message.into());
    Notification::new(PROGRESS, params)
}

// What kind of result it is, which only stateless revisions tell.
pub const COMPLETE: &str = "complete";
pub const TASK: &str = "task";

/// How long a client may keep what never changes while a server runs, in milliseconds.
const LIFETIME: u32 = 300_000;

/// Says that the result is the same for all clients, and for how long.
pub fn cached(result: &mut Params) {
    result.insert("ttlMs".into(), LIFETIME.into());
    result.insert("cacheScope".into(), json!("public"));
}

/// The fields of a result.
///
/// # Errors
///
/// It is no object, which is a bug.
pub fn fields(result: &impl Serialize) -> Result<Params, Error> {
    match serde_json::to_value(result) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) | Err(_) => Err(Error::new(Code::InternalError, "Internal error")),
    }
}
