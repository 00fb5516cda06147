//! The source of an original, and its name.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use concept_refinement_domain::sentence::sanitize;

use crate::image_file::stem_of_url;
use crate::wiring::refiner::request::OriginalImage;

/// Limit for a shown name, in code points.
const MAX_SHOWN: usize = 200;

pub enum Source {
    Url(String),
    File(PathBuf),
    Stdin,
}

impl Source {
    /// A file whose name looks like a URL can be given as `./NAME`.
    pub fn of(argument: &Path) -> Self {
        match argument.to_str() {
            Some("-") => Self::Stdin,
            Some(url) if url.contains("://") => Self::Url(url.to_owned()),
            _ => Self::File(argument.to_owned()),
        }
    }

    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Url(url) => Some(url),
            Self::File(_) | Self::Stdin => None,
        }
    }

    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Url(_) | Self::Stdin => None,
        }
    }

    /// The name for messages.
    pub fn name(&self) -> String {
        match self {
            Self::Url(url) => sanitize(url, MAX_SHOWN),
            Self::File(path) => sanitize(&path.to_string_lossy(), MAX_SHOWN),
            Self::Stdin => "standard input".to_owned(),
        }
    }

    /// The name of the result without its extension.
    pub fn stem(&self) -> OsString {
        let stem = match self {
            Self::File(path) => path.file_stem().map(OsString::from),
            Self::Url(url) => stem_of_url(url).map(OsString::from),
            Self::Stdin => None,
        };
        stem.unwrap_or_else(|| "image".into())
    }

    /// Reads a file only as far as needed to see that it is too large.
    pub async fn read(&self, max_bytes: u64) -> io::Result<OriginalImage> {
        let path = match self {
            Self::Url(url) => return Ok(OriginalImage::Url(url.clone())),
            Self::File(path) => Some(path.clone()),
            Self::Stdin => None,
        };
        let read = tokio::task::spawn_blocking(move || {
            let input: Box<dyn Read> = match path {
                Some(path) => Box::new(File::open(path)?),
                None => Box::new(io::stdin().lock()),
            };
            let mut bytes = Vec::new();
            let limit = max_bytes.saturating_add(1);
            input.take(limit).read_to_end(&mut bytes)?;
            io::Result::Ok(OriginalImage::from(bytes))
        });
        read.await?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refined_image_is_called_as_its_original() {
        for (argument, expected) in [
            ("logo.png", "logo"),
            ("a/b/logo.v2.png", "logo.v2"),
            ("a/.hidden", ".hidden"),
            ("..", "image"),
            ("-", "image"),
            ("https://example.com/a/logo.png?x=/y.png#z", "logo"),
            ("https://example.com/a/", "a"),
            ("https://example.com", "image"),
            (
                "https://example.com/caf%C3%A9%20au%20lait.jpg",
                "café au lait",
            ),
            (
                "https://example.com/..%2f..%2fetc%2fpasswd",
                "-..-etc-passwd",
            ),
            ("https://example.com/%00%1b%E2%80%AE.png", "---"),
            ("https://example.com/.png", "image"),
            ("https://example.com/v1.2-final", "v1.2-final"),
            ("https://[nonsense", "image"),
        ] {
            let stem = Source::of(Path::new(argument)).stem();
            assert_eq!(stem, *expected, "{argument}");
        }
        let long = format!("https://example.com/{}.png", "a".repeat(3_000));
        assert!(Source::of(Path::new(&long)).stem().len() < 200);
    }
}
