//! `/admin/v1/queue`

use serde_json::json;

use super::AdminServer;
use super::access::Context;
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

/// Pauses the queue, or resumes it.
pub(super) async fn set_paused(
    Context { server, caller }: Context<'_>,
    body: Json,
    is_paused: bool,
) -> Result<Answer, Problem> {
    let act = body.act(caller)?;
    if server.operator.set_paused(is_paused, act.clone()).await? {
        let what = if is_paused { "paused" } else { "resumed" };
        log(&act, format_args!("{what} the queue"));
    }
    get(server).await
}
