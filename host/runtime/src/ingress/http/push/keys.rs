//! Google's keys, which verify the tokens of push requests.

use std::sync::Arc;

use bytes::Bytes;
use concept_refinement_domain::issuer_keys::STALE;
use concept_refinement_tokens::{Compact, KeySet, Signed};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::egress::Egress;

/// The keys that were fetched last.
pub struct KeyCache {
    google: Egress,
    cached: Mutex<Option<Cached>>,
}

struct Cached {
    document: Bytes,
    keys: Arc<KeySet>,
    fetched: Instant,
}

impl KeyCache {
    /// `google`: fetches and caches the document.
    pub fn new(google: Egress) -> Self {
        Self {
            google,
            cached: Mutex::default(),
        }
    }

    /// Whether Google has signed this token. The document's cache decides how often it is
    /// fetched: tokens of unknown keys do not cause more fetches.
    ///
    /// # Errors
    ///
    /// Why there are no keys.
    pub async fn have_signed(&self, token: &Compact<'_>) -> Result<bool, String> {
        match self.recent().map(|keys| keys.judge(token)) {
            Some(Signed::Yes) => Ok(true),
            Some(Signed::No) => Ok(false),
            Some(Signed::Unknown) | None => Ok(self.newest().await?.judge(token) == Signed::Yes),
        }
    }

    fn recent(&self) -> Option<Arc<KeySet>> {
        let cached = self.cached.lock();
        let recent = cached.as_ref().filter(|it| it.fetched.elapsed() < STALE);
        recent.map(|cached| Arc::clone(&cached.keys))
    }

    /// The keys of the document as it is now, or the last ones if it cannot be used.
    async fn newest(&self) -> Result<Arc<KeySet>, String> {
        let document = self.google.issuer_keys().await;
        let mut cached = self.cached.lock();
        let error = match (document, &mut *cached) {
            (Ok(document), Some(cached)) if cached.document == document => {
                cached.fetched = Instant::now();
                return Ok(Arc::clone(&cached.keys));
            }
            (Ok(document), _) => match KeySet::parse(&document) {
                Some((keys, skipped)) => {
                    for skipped in skipped {
                        tracing::warn!("Google: {skipped}");
                    }
                    let keys = Arc::new(keys);
                    *cached = Some(Cached {
                        document,
                        keys: Arc::clone(&keys),
                        fetched: Instant::now(),
                    });
                    return Ok(keys);
                }
                None => "it is not a JWK Set".to_owned(),
            },
            (Err(error), _) => error.to_string(),
        };
        let cached = cached.as_ref().ok_or(error)?;
        Ok(Arc::clone(&cached.keys))
    }
}
