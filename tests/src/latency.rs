//! How long a client waits.

use std::time::{Duration, Instant};

use futures::future::join_all;

use crate::client::Client;

/// How long each of many reads of a task takes, from the fastest on.
pub async fn latencies(client: &Client, id: &str, time: Duration) -> Vec<Duration> {
    let end = Instant::now() + time;
    let readers = (0..4).map(async |_| {
        let mut latencies = Vec::new();
        while Instant::now() < end {
            let begin = Instant::now();
            client.task(id).await;
            latencies.push(begin.elapsed());
            // As fast as possible would measure how busy this reader keeps the
            // machine.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        latencies
    });
    let mut all = join_all(readers).await.concat();
    all.sort_unstable();
    all
}

/// How long a read takes, which is answered.
pub async fn read(client: &Client, path: &str) -> Duration {
    let begin = Instant::now();
    let answer = client.get(path).await;
    let took = begin.elapsed();
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    took
}

pub fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() - 1) * percent / 100]
}

/// What comes of some work, and what a client waits for its completed task meanwhile, in 99
/// of 100 requests.
pub async fn waiting_beside<T>(
    work: impl Future<Output = T>,
    client: &Client,
    id: &str,
) -> (T, Duration) {
    let mut work = std::pin::pin!(work);
    let mut waits = Vec::new();
    let done = loop {
        let asked = Instant::now();
        let step = async {
            assert_eq!(client.task(id).await["status"], "completed");
            waits.push(asked.elapsed());
            tokio::time::sleep(Duration::from_millis(2)).await;
        };
        tokio::select! {
            biased;
            done = &mut work => break done,
            () = step => {}
        }
    };
    waits.sort_unstable();
    (done, percentile(&waits, 99))
}
