//! `/admin/v1/queue`

use serde_json::json;

use super::AdminServer;
use super::access::Caller;
use super::answer::{Answer, Problem, ok};
use super::input::{Json, log};

pub(super) async fn get(server: &AdminServer) -> Result<Answer, Problem> {
    let operator = &server.operator;
    let queue = operator.administration.queue().await?;
    let now = operator.host.clock.now();
    let oldest = queue
        .oldest_pending
        .map(|oldest| now.since(oldest).as_secs_f64());
    Ok(ok(&json!({
        "paused": queue.is_paused,
        "pending": queue.pending,
        "processing": queue.processing,
        "oldest_pending_seconds": oldest,
    })))
}

pub(super) async fn pause(
    server: &AdminServer,
    caller: &Caller,
    body: Json,
) -> Result<Answer, Problem> {
    let act = body.act(caller)?;
    if server.operator.pause(act.clone()).await? {
        log(&act, format_args!("paused the queue"));
    }
    get(server).await
}

pub(super) async fn resume(
    server: &AdminServer,
    caller: &Caller,
    body: Json,
) -> Result<Answer, Problem> {
    let act = body.act(caller)?;
    if server.operator.resume(act.clone()).await? {
        log(&act, format_args!("resumed the queue"));
    }
    get(server).await
}
