//! The keys that an issuer publishes at a URL, as this instance has them.
//!
//! They are fetched when they are first needed, again when a token names one
//! that is not among them, and again when they are old. One request fetches at a
//! time; the others use what there is, or wait for it. An issuer that is down
//! takes nobody's session: keys are replaced by newer ones only.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use concept_refinement_domain::timestamp::Timestamp;

use super::key_set::KeySet;
use crate::log;
use crate::ports::Ports;

/// The issuer is asked again after so long: where there are keys, and where
/// there are none.
const AGAIN: Duration = Duration::from_secs(60);
const AGAIN_WITHOUT: Duration = Duration::from_secs(10);

/// From this age on keys are fetched anew, while they are used as before.
const OLD: Duration = Duration::from_secs(10 * 60);

/// How often a request that waits for another's fetch looks whether it is over:
/// one request of an instance cannot wake another.
const LOOK: Duration = Duration::from_millis(20);

pub struct Published {
    url: String,
    cached: RefCell<Option<Cached>>,
    /// When the issuer was last asked.
    asked: Cell<Option<Timestamp>>,
    is_fetching: Cell<bool>,
}

#[derive(Clone)]
struct Cached {
    set: Rc<KeySet>,
    document: Rc<[u8]>,
    /// Another number for each other set.
    generation: u64,
    fetched: Timestamp,
}

/// The keys of a moment.
#[derive(Clone)]
pub struct Keys {
    pub set: Rc<KeySet>,
    pub generation: u64,
}

/// There are no keys, and none can be had before so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoKeys(pub u32);

impl Published {
    pub fn new(url: String) -> Self {
        Self {
            url,
            cached: RefCell::new(None),
            asked: Cell::new(None),
            is_fetching: Cell::new(false),
        }
    }

    /// The keys that there are; where there are none, they are fetched.
    pub async fn keys<P: Ports + 'static>(self: &Rc<Self>, ports: &P) -> Result<Keys, NoKeys> {
        let now = ports.now();
        let Some((keys, fetched)) = self.cached() else {
            if self.is_fetching.get() || self.may_ask(now, AGAIN_WITHOUT) {
                self.fetch(ports).await;
            }
            return self
                .cached()
                .map(|(keys, _)| keys)
                .ok_or_else(|| self.no_keys(ports.now()));
        };
        if has_passed(fetched, OLD, now) && self.may_ask(now, AGAIN) {
            let (published, fetching) = (Rc::clone(self), ports.clone());
            ports.spawn(async move {
                // Another request may have asked before this begins.
                if published.may_ask(fetching.now(), AGAIN) {
                    published.fetch(&fetching).await;
                }
            });
        }
        Ok(keys)
    }

    /// Other keys than these, for a token that these do not know.
    pub async fn newer<P: Ports>(&self, ports: &P, than: &Keys) -> Option<Keys> {
        if self.is_fetching.get() || self.may_ask(ports.now(), AGAIN) {
            self.fetch(ports).await;
        }
        self.cached()
            .map(|(keys, _)| keys)
            .filter(|keys| keys.generation != than.generation)
    }

    fn cached(&self) -> Option<(Keys, Timestamp)> {
        let cached = self.cached.borrow();
        cached.as_ref().map(|cached| {
            let keys = Keys {
                set: Rc::clone(&cached.set),
                generation: cached.generation,
            };
            (keys, cached.fetched)
        })
    }

    fn may_ask(&self, now: Timestamp, again: Duration) -> bool {
        self.asked
            .get()
            .is_none_or(|asked| has_passed(asked, again, now))
    }

    fn no_keys(&self, now: Timestamp) -> NoKeys {
        let asked = self.asked.get().unwrap_or(now);
        let left = AGAIN_WITHOUT.saturating_sub(now.since(asked)).as_secs();
        NoKeys(u32::try_from(left).unwrap_or_default().max(1))
    }

    /// Fetches, or waits for whoever does.
    async fn fetch<P: Ports>(&self, ports: &P) {
        if self.is_fetching.get() {
            while self.is_fetching.get() {
                ports.sleep(LOOK).await;
            }
            return;
        }
        let _fetching = Fetching::begin(&self.is_fetching);
        self.asked.set(Some(ports.now()));
        let document = match ports.key_set(&self.url).await {
            Ok(document) => document,
            Err(error) => return warn(&error),
        };
        let fetched = ports.now();
        let mut cached = self.cached.borrow_mut();
        match cached.as_mut() {
            Some(cached) if *cached.document == *document => cached.fetched = fetched,
            _ => match KeySet::parse(&document) {
                Some(set) => {
                    if set.is_empty() {
                        warn("none of them can be used");
                    }
                    let generation = cached.as_ref().map_or(0, |cached| cached.generation);
                    *cached = Some(Cached {
                        set: Rc::new(set),
                        document: document.into(),
                        generation: generation + 1,
                        fetched,
                    });
                }
                None => warn("the answer is not a JWK Set"),
            },
        }
    }
}

/// Over also when the fetch is dropped half way.
struct Fetching<'a>(&'a Cell<bool>);

impl<'a> Fetching<'a> {
    fn begin(is_fetching: &'a Cell<bool>) -> Self {
        is_fetching.set(true);
        Self(is_fetching)
    }
}

impl Drop for Fetching<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// Also where the clock was set back.
fn has_passed(begin: Timestamp, span: Duration, now: Timestamp) -> bool {
    now < begin || now.since(begin) >= span
}

fn warn(error: &str) {
    log::warn(format_args!("the issuer's keys cannot be fetched: {error}"));
}
