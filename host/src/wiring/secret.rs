//! The service's secret, from which keys for different purposes are derived. It is
//! generated once, and stored in the data directory, readable only by its owner; if
//! several hosts share a store, it is in that store instead.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::Context as _;
use concept_refinement_capability::directory;
use concept_refinement_capability::engine::SharedSecret;
use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::secret::{self, LENGTH};

/// The file in the data directory.
pub const FILE: &str = "secret";

pub struct Secret([u8; LENGTH]);

impl Secret {
    /// Opens the secret of a data directory; the first call generates it with
    /// `random`.
    pub fn open(directory: &Path, random: impl FnOnce() -> [u8; LENGTH]) -> anyhow::Result<Self> {
        if let Some(existing) = Self::existing(directory)? {
            return Ok(existing);
        }
        let (path, secret) = (directory.join(FILE), random());
        write(directory, &path, &secret)
            .with_context(|| format!("writing the generated secret {}", path.display()))?;
        Ok(Self(secret))
    }

    /// The secret of a data directory. None: it was not generated yet.
    pub fn existing(directory: &Path) -> anyhow::Result<Option<Self>> {
        let path = directory.join(FILE);
        let shown = path.display();
        let opened = directory::existing(File::open(&path));
        let opened = opened.with_context(|| format!("reading the generated secret {shown}"))?;
        let secret = opened.map(read).transpose();
        let secret = secret.with_context(|| format!("the generated secret {shown} is damaged"))?;
        Ok(secret.map(Self))
    }

    /// The secret that the hosts of a store share; the first host generates it with
    /// `random`.
    ///
    /// # Errors
    ///
    /// The store cannot be reached.
    pub async fn shared(
        store: &dyn SharedSecret,
        random: impl FnOnce() -> [u8; LENGTH],
    ) -> Result<Self, CapabilityError> {
        Ok(Self(store.secret(random()).await?))
    }

    /// Whether the secret is this one.
    pub fn is(&self, other: &[u8; LENGTH]) -> bool {
        self.0 == *other
    }

    /// Derives the key for one purpose.
    pub fn key(&self, purpose: &str) -> [u8; LENGTH] {
        secret::derive(&self.0, purpose)
    }
}

/// The secret in a file. An error: the file is damaged.
pub fn read(mut file: impl io::Read) -> io::Result<[u8; LENGTH]> {
    let mut secret = [0; LENGTH];
    file.read_exact(&mut secret)?;
    Ok(secret)
}

/// Writes atomically, even if the process crashes.
fn write(place: &Path, path: &Path, secret: &[u8]) -> std::io::Result<()> {
    let draft = place.join("secret.new");
    let mut file = directory::private_file()
        .create(true)
        .truncate(true)
        .open(&draft)?;
    file.write_all(secret)?;
    file.sync_all()?;
    std::fs::rename(&draft, path)?;
    directory::sync(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_drawn_once() {
        let directory = tempfile::tempdir().unwrap();
        let first = Secret::open(directory.path(), || [7; LENGTH]).unwrap();
        let second = Secret::open(directory.path(), || panic!("drawn again")).unwrap();
        assert_eq!(first.key("a"), second.key("a"));
        assert_ne!(first.key("a"), first.key("b"));
    }

    #[test]
    fn a_damaged_one_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("secret"), b"short").unwrap();
        assert!(Secret::open(directory.path(), || [7; LENGTH]).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        Secret::open(directory.path(), || [7; LENGTH]).unwrap();
        let mode = std::fs::metadata(directory.path().join("secret")).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    }
}
