//! Limits the time of a call excluding its waits: for the links behind it, which have
//! their own limits, and for a reader of its answer.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};

/// Runs a call within its limit. `waits` tells whether it is waiting; its sender has to
/// outlive the call.
pub async fn within<T>(
    limit: Duration,
    mut waits: watch::Receiver<bool>,
    call: impl Future<Output = T>,
) -> Result<T, Elapsed> {
    let mut call = pin!(call);
    let mut deadline = Instant::now() + limit;
    loop {
        let waiting = timeout_at(deadline, async {
            tokio::select! {
                biased;
                answer = &mut call => Some(answer),
                _ = waits.wait_for(|waits| *waits) => None,
            }
        });
        if let Some(answer) = waiting.await? {
            return Ok(answer);
        }
        let begin = Instant::now();
        tokio::select! {
            biased;
            answer = &mut call => return Ok(answer),
            _ = waits.wait_for(|waits| !*waits) => deadline += begin.elapsed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::future::pending;
    use tokio::time::sleep;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn what_others_take_does_not_count() {
        for (name, before, others, after, is_in_time) in [
            ("quick", 1, 1, 1, true),
            ("others are slow", 4, 1_000, 5, true),
            ("slow before", 11, 0, 0, false),
            ("slow afterwards", 1, 1_000, 10, false),
            ("slow in all", 6, 1_000, 5, false),
        ] {
            let (sender, waits) = watch::channel(false);
            let call = async {
                sleep(SECOND * before).await;
                sender.send_replace(true);
                sleep(SECOND * others).await;
                sender.send_replace(false);
                sleep(SECOND * after).await;
            };
            let ended = within(SECOND * 10, waits, call).await;
            assert_eq!(ended.is_ok(), is_in_time, "{name}");
        }
        let (_sender, waits) = watch::channel(false);
        let alone = within(SECOND, waits, pending::<()>()).await;
        assert!(alone.is_err());
    }
}
