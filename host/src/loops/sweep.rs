//! Publishes again what a queue or a worker lost: pending tasks that nobody
//! took, and tasks whose lease ran out.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::lease::PENDING_OVERDUE;
use concept_refinement_domain::message::message_for;
use concept_refinement_domain::task::Task;
use tokio::sync::watch;

use crate::capability::Capabilities;
use crate::log_throttle::{LONG_SILENCE, LogThrottle};

/// Tasks published in one go.
const BATCH: u32 = 100;

/// The shortest time between two looks, where tasks are due all the time.
const BREATHER: Duration = Duration::from_millis(100);

/// The shortest time between two looks at a store that cannot be used.
const PATIENCE: Duration = Duration::from_secs(1);

/// Publishes what the process before this one left.
pub async fn recover(host: &Capabilities) -> Result<(), CapabilityError> {
    let unfinished = host.maintenance().recover().await?;
    if unfinished > 0 {
        tracing::info!(tasks = unfinished, "taking over unfinished tasks");
    }
    loop {
        let due = host.maintenance().due(BATCH).await?;
        if due.is_empty() {
            return Ok(());
        }
        publish(host, &due).await;
    }
}

/// The same, once the store can be used. False: `stop` was set before.
pub async fn recover_later(host: &Capabilities, mut stop: watch::Receiver<bool>) -> bool {
    static FAULT: LogThrottle = LogThrottle::every(LONG_SILENCE);
    let recovered = async {
        loop {
            tokio::time::sleep(PATIENCE).await;
            match recover(host).await {
                Ok(()) => return,
                Err(error) => {
                    if let Some(times) = FAULT.times() {
                        tracing::error!(%error, times, "unfinished tasks cannot be taken over yet");
                    }
                }
            }
        }
    };
    tokio::select! {
        () = recovered => true,
        _ = stop.wait_for(|stop| *stop) => false,
    }
}

/// Sweeps until `stop` is set: sleeps until the next task is due, or as long as
/// a task that does not exist yet takes to become due.
pub async fn run(host: Arc<Capabilities>, lease: Duration, mut stop: watch::Receiver<bool>) {
    let longest = lease.min(PENDING_OVERDUE);
    let mut shortest = BREATHER;
    loop {
        let wait = match host.maintenance().next_due().await {
            Ok(Some(due)) => due.since(host.clock.now()).min(longest).max(shortest),
            Ok(None) => longest,
            Err(error) => {
                tell(&error);
                longest
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        shortest = match host.maintenance().due(BATCH).await {
            Ok(due) => {
                publish(&host, &due).await;
                BREATHER
            }
            Err(error) => {
                tell(&error);
                PATIENCE
            }
        };
    }
}

fn tell(error: &CapabilityError) {
    static FAULT: LogThrottle = LogThrottle::every(LONG_SILENCE);
    if let Some(times) = FAULT.times() {
        tracing::error!(%error, times, "the task store cannot be swept");
    }
}

/// Publishes tasks (again). One that cannot be published is due again later.
pub async fn publish(host: &Capabilities, tasks: &[Task]) {
    for task in tasks {
        let message = message_for(task);
        if let Err(error) = host.queue.publish(message).await {
            tracing::error!(%error, task = task.id, "a task could not be published again");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Mutex;

    use tokio::time::sleep;

    use super::*;
    use crate::capability::clock::ManualClock;
    use crate::capability::images::Signing;
    use crate::capability::images::memory::MemoryImages;
    use crate::loops::fakes::{Ledger, capabilities};

    /// All that is logged.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, written: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(written)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// In virtual time, while the log goes by the machine's.
    #[tokio::test(start_paused = true)]
    async fn a_store_that_cannot_be_swept_does_not_fill_the_log() {
        let (log, clock) = (Log::default(), Arc::<ManualClock>::default());
        let written = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || written.clone())
            .finish();
        let _logging = tracing::subscriber::set_default(subscriber);
        let signing = Signing {
            key: vec![],
            ttl: Duration::from_secs(1),
            public_url: None,
        };
        let images = Arc::new(MemoryImages::new(signing, clock.clone()));
        let host = Arc::new(capabilities(
            Arc::<Ledger>::default().store(),
            images,
            clock,
        ));
        let (stop, stopped) = watch::channel(false);
        let lease = Duration::from_secs(1);
        let sweeping = tokio::spawn(run(host.clone(), lease, stopped.clone()));
        let recovering = tokio::spawn(async move { recover_later(&host, stopped).await });
        sleep(Duration::from_secs(600)).await;
        stop.send_replace(true);
        sweeping.await.unwrap();
        assert!(!recovering.await.unwrap());
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        for line in ["cannot be swept", "cannot be taken over yet"] {
            assert_eq!(log.matches(line).count(), 1, "{log}");
        }
    }
}
