//! The store's secret, from which keys for different purposes are derived. It is
//! generated once, by the first instance that needs it.

use concept_refinement_domain::secret::{LENGTH, derive};

use crate::names;
use crate::ports::{Fault, Machine, Platform};
use crate::store::{Attempts, Store};

impl<P: Platform, M: Machine> Store<P, M> {
    /// Derives the key for one purpose.
    pub async fn key(&self, purpose: &str) -> Result<[u8; LENGTH], Fault> {
        let damaged = Fault::Invalid("The store's own secret is damaged.");
        let stored = self.platform.peek(names::SECRET).await?;
        let secret = match stored {
            Some(secret) => secret,
            None => self.draw().await?,
        };
        let secret: [u8; LENGTH] = secret.try_into().map_err(|_| damaged)?;
        Ok(derive(&secret, purpose))
    }

    async fn draw(&self) -> Result<Vec<u8>, Fault> {
        let mut attempts = Attempts::default();
        loop {
            let (stored, held) = self.platform.read(names::SECRET).await?;
            if let Some(secret) = stored {
                return Ok(secret);
            }
            let secret: Vec<u8> = std::iter::repeat_with(|| self.machine.random().to_le_bytes())
                .take(LENGTH / 8)
                .flatten()
                .collect();
            if self.platform.swap(held, secret.clone()).await? {
                return Ok(secret);
            }
            attempts.pause(&self.machine).await?;
        }
    }
}
