//! A store on top of a platform: reads and swaps a user's record.

use std::time::Duration;

use crate::documents::{self, Document};
use crate::names;
use crate::ports::{Fault, Machine, Platform, Records};
use crate::user_record::{Outcome, UserRecord};

/// Most attempts to swap. Each task in progress is a writer of its user's record; if a user
/// has very many, a step may use up its attempts. It fails as unavailable then, and its
/// worker repeats it.
const ATTEMPTS: u32 = 64;

/// The longest pause before another attempt.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

#[derive(Default)]
pub struct Store<P, M> {
    pub platform: P,
    pub machine: M,
}

/// Documents to be written before a swap.
#[derive(Default)]
pub struct Written {
    /// Under new names. Those of a failed attempt are removed.
    pub own: Vec<(String, Vec<u8>)>,
    /// The same for every writer, so a writer that has lost must not remove them.
    pub shared: Vec<(String, Vec<u8>)>,
}

impl<P: Platform, M: Machine> Store<P, M> {
    /// Reads a user's record.
    pub async fn user_record(&self, user_id: &str) -> Result<UserRecord, Fault> {
        let record = self.platform.peek(&names::user(user_id)).await?;
        UserRecord::decode(record.as_deref())
    }

    /// Reads a user's record for a swap.
    pub(crate) async fn held(
        &self,
        user_id: &str,
    ) -> Result<(UserRecord, <P as Records>::Held), Fault> {
        let (record, held) = self.platform.read(&names::user(user_id)).await?;
        Ok((UserRecord::decode(record.as_deref())?, held))
    }

    /// Applies a rule to a user's record and swaps it.
    pub async fn change<T>(
        &self,
        user_id: &str,
        mut rule: impl FnMut(&mut UserRecord) -> Result<Outcome<T>, Fault>,
    ) -> Result<T, Fault> {
        self.change_with(user_id, |user_record| {
            Ok((rule(user_record)?, Written::default()))
        })
        .await
    }

    /// The same, with documents that are written before the swap.
    pub async fn change_with<T>(
        &self,
        user_id: &str,
        mut rule: impl FnMut(&mut UserRecord) -> Result<(Outcome<T>, Written), Fault>,
    ) -> Result<T, Fault> {
        let mut attempts = Attempts::default();
        loop {
            let (mut user_record, held) = self.held(user_id).await?;
            let (answer, Written { own, shared }) = match rule(&mut user_record)? {
                (Outcome::Unchanged(answer), _) => return Ok(answer),
                (Outcome::Changed(answer), written) => (answer, written),
            };
            let keys: Vec<_> = own.iter().map(|(key, _)| key.clone()).collect();
            let documents = [shared, own].concat();
            if !documents.is_empty() {
                self.platform.set_many(documents).await?;
            }
            if self.platform.swap(held, user_record.encode()).await? {
                return Ok(answer);
            }
            self.remove_unreferenced(&keys).await;
            attempts.pause(&self.machine).await?;
        }
    }

    /// Removes unreferenced documents. Errors are ignored, since leftovers are harmless.
    pub(crate) async fn remove_unreferenced(&self, keys: &[String]) {
        if !keys.is_empty()
            && let Err(fault) = self.platform.delete_many(keys).await
        {
            crate::log::warn(format_args!("something stays behind: {fault}"));
        }
    }

    /// The document under a key. None: there is none, or no such key.
    pub(crate) async fn document<T: Document>(
        &self,
        key: Option<String>,
    ) -> Result<Option<T>, Fault> {
        let Some(key) = key else {
            return Ok(None);
        };
        let document = self.platform.get(&key).await?;
        document.as_deref().map(documents::decode).transpose()
    }

    /// A new random name.
    pub(crate) fn drawn(&self) -> String {
        format!("{:016x}", self.machine.random())
    }
}

/// Retries of a swap under contention.
#[derive(Default)]
pub(crate) struct Attempts(u32);

impl Attempts {
    /// Waits a random time, which grows with each attempt.
    pub(crate) async fn pause(&mut self, machine: &impl Machine) -> Result<(), Fault> {
        self.0 = self.0.saturating_add(1);
        if self.0 >= ATTEMPTS {
            let reason = "others write the same record all the time";
            return Err(Fault::Unavailable(reason.to_owned()));
        }
        let longest = LONGEST_PAUSE.min(Duration::from_millis(u64::from(self.0)));
        let micros = u64::try_from(longest.as_micros()).unwrap_or(1).max(1);
        machine
            .sleep(Duration::from_micros(machine.random() % micros))
            .await;
        Ok(())
    }
}
