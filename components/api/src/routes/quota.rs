//! The rest of the caller's quota.

use serde::Serialize;

use super::answer::{Answer, json};
use crate::allowance;
use crate::ports::Ports;
use crate::request::Request;
use crate::state::State;

/// All values are null if the quota is unlimited.
#[derive(Default, Serialize)]
pub struct QuotaResponse {
    limit: Option<u32>,
    remaining: Option<u32>,
    /// `hour`, `day` or `month`, in UTC.
    window: Option<&'static str>,
    /// When the window ends, in Unix seconds.
    reset: Option<u64>,
}

pub async fn get<P: Ports>(state: &State<P>, request: &Request) -> Answer<P> {
    let now = state.ports.now();
    let caller = state.auth.reader(request).await?;
    let Some(quota) = allowance::of(state, &caller).quota else {
        return json(200, &QuotaResponse::default());
    };
    let used = state.ports.used(&caller.user, quota.window).await?;
    let left = quota.state(used, now);
    json(
        200,
        &QuotaResponse {
            limit: Some(left.limit),
            remaining: Some(left.remaining),
            window: Some(quota.window.as_str()),
            reset: Some(left.reset.as_secs()),
        },
    )
}
