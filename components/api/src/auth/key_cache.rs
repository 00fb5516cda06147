//! This instance's cache of the token issuer's keys.
//!
//! They are fetched when first needed, when a token names an unknown key, and when they
//! are stale; the domain decides how often. One request fetches at a time; others use the
//! cached keys, or wait if there are none. No request waits for long: a fetch goes on
//! without it. An issuer that is down ends no session: keys are replaced only by newer ones.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use concept_refinement_domain::issuer_keys::{LONGEST_WAIT, STALE, time_to_fetch};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_tokens::KeySet;
use futures::future::{Either, select};

use super::token_cache::TokenCache;
use crate::log;
use crate::ports::{KeyDocument, Ports};

/// How often a request that waits for another's fetch checks whether it has ended: within
/// an instance, one request cannot wake another.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

pub struct KeyCache {
    url: String,
    cached: RefCell<Option<Cached>>,
    /// When the last fetch began.
    last_fetch: Cell<Option<Timestamp>>,
    /// Whoever fetches holds a clone, also if the fetch is dropped before its end.
    fetching: Rc<()>,
}

struct Cached {
    keys: Rc<Keys>,
    document: Vec<u8>,
    fetched: Timestamp,
}

/// A snapshot of the keys.
pub struct Keys {
    pub set: KeySet,
    /// The tokens that they have verified.
    pub verified: RefCell<TokenCache>,
}

impl KeyCache {
    pub fn new(url: String) -> Self {
        Self {
            url,
            cached: RefCell::new(None),
            last_fetch: Cell::new(None),
            fetching: Rc::new(()),
        }
    }

    /// The cached keys; if there are none, they are fetched. The error says after how
    /// many seconds they will be fetched again.
    pub async fn keys<P: Ports>(self: &Rc<Self>, ports: &P) -> Result<Rc<Keys>, u32> {
        let Some(keys) = self.cached() else {
            self.fetch_if_due(ports).await;
            return self.cached().ok_or_else(|| {
                let seconds = self.time_to_fetch(ports.now()).as_secs();
                u32::try_from(seconds).unwrap_or_default().max(1)
            });
        };
        if self.is_stale(ports.now()) {
            let (cache, fetching) = (Rc::clone(self), ports.clone());
            ports.spawn(async move { cache.fetch_if_due(&fetching).await });
        }
        Ok(keys)
    }

    /// Fetches newer keys for a token whose key is unknown, if allowed.
    pub async fn newer<P: Ports>(self: &Rc<Self>, ports: &P, than: &Rc<Keys>) -> Option<Rc<Keys>> {
        self.fetch_if_due(ports).await;
        self.cached().filter(|keys| !Rc::ptr_eq(keys, than))
    }

    fn cached(&self) -> Option<Rc<Keys>> {
        let cached = self.cached.borrow();
        cached.as_ref().map(|cached| Rc::clone(&cached.keys))
    }

    fn is_stale(&self, now: Timestamp) -> bool {
        let cached = self.cached.borrow();
        let age = cached.as_ref().and_then(|it| since(it.fetched, now));
        age.is_none_or(|age| age >= STALE) && self.time_to_fetch(now).is_zero()
    }

    fn time_to_fetch(&self, now: Timestamp) -> Duration {
        let since_fetch = self.last_fetch.get().and_then(|last| since(last, now));
        time_to_fetch(self.cached.borrow().is_some(), since_fetch)
    }

    /// Fetches if it is due, or waits for the fetch in progress. A fetch that takes longer
    /// than anybody waits goes on, so that its keys are there for the next request.
    async fn fetch_if_due<P: Ports>(self: &Rc<Self>, ports: &P) {
        if self.is_fetching() {
            let end = async {
                while self.is_fetching() {
                    ports.sleep(POLL_INTERVAL).await;
                }
            };
            ports.timeout(LONGEST_WAIT, end).await;
        } else if self.time_to_fetch(ports.now()).is_zero() {
            let (cache, fetching) = (Rc::clone(self), ports.clone());
            let fetch = Box::pin(async move { cache.fetch(&fetching).await });
            let limit = pin!(ports.sleep(LONGEST_WAIT));
            if let Either::Right(((), rest)) = select(fetch, limit).await {
                ports.spawn(rest);
            }
        }
    }

    fn is_fetching(&self) -> bool {
        Rc::strong_count(&self.fetching) > 1
    }

    async fn fetch<P: Ports>(&self, ports: &P) {
        let _fetching = Rc::clone(&self.fetching);
        self.last_fetch.set(Some(ports.now()));
        let fetched = ports.key_set(&self.url).await;
        let KeyDocument { bytes, is_known } = match fetched {
            Ok(document) => document,
            Err(error) => return warn(&error),
        };
        let fetched = ports.now();
        let mut cached = self.cached.borrow_mut();
        if let Some(cached) = cached.as_mut().filter(|cached| cached.document == bytes) {
            cached.fetched = fetched;
            return;
        }
        let Some((set, skipped)) = KeySet::parse(&bytes) else {
            return warn("the answer is not a JWK Set");
        };
        if !is_known {
            for key in skipped {
                log::warn(format_args!("{key}"));
            }
        }
        if set.is_empty() {
            warn("none of them can be used");
        }
        let verified = RefCell::default();
        *cached = Some(Cached {
            keys: Rc::new(Keys { set, verified }),
            document: bytes,
            fetched,
        });
    }
}

/// None: the clock was set back.
fn since(begin: Timestamp, now: Timestamp) -> Option<Duration> {
    (begin <= now).then(|| now.since(begin))
}

fn warn(error: &str) {
    log::warn(format_args!("the issuer's keys cannot be fetched: {error}"));
}
