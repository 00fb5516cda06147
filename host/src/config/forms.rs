//! Validates the formats of values. Errors are ends of sentences that begin with the name
//! of the setting.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use concept_refinement_capability::service_url;
use concept_refinement_domain::duration;

use super::table::words;

/// One of the words that this setting may have.
pub(super) fn word(setting: &str, text: &str) -> Result<&'static str, String> {
    let words = words(setting);
    let word = words.iter().find(|word| **word == text).copied();
    word.ok_or_else(|| format!("must be {}, not {text:?}", words.join(" or ")))
}

pub(super) fn whole<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("must be a whole number, not {text:?}"))
}

pub(super) fn positive<T: std::str::FromStr + Default + PartialEq>(
    text: &str,
) -> Result<T, String> {
    match whole(text)? {
        number if number == T::default() => Err("must not be zero".to_owned()),
        number => Ok(number),
    }
}

pub(super) fn address(text: &str, example: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("must be an address and a port, as {example}"))
}

/// An address, or `off`.
pub(super) fn or_off(text: &str, example: &str) -> Result<Option<SocketAddr>, String> {
    match text.trim() {
        "off" => Ok(None),
        _ => address(text, example)
            .map(Some)
            .map_err(|problem| format!("{problem}, or off")),
    }
}

pub(super) fn not_empty(text: &str) -> Result<&str, String> {
    match text.trim() {
        "" => Err("must not be empty".to_owned()),
        _ => Ok(text),
    }
}

pub(super) fn directory(text: &str) -> Result<PathBuf, String> {
    match is_url(text) {
        true => Err("must be a directory, not a URL".to_owned()),
        false => not_empty(text).map(PathBuf::from),
    }
}

/// Where a directory is expected. A URL may have a password, so it is not told.
pub(crate) fn is_url(text: &str) -> bool {
    text.contains("://")
}

pub(super) fn retention(text: &str) -> Result<Option<Duration>, String> {
    if text.trim() == "off" {
        return Ok(None);
    }
    match duration::parse(text) {
        Ok(time) if time < Duration::from_secs(1) => Err("must be at least 1s, or off".to_owned()),
        Ok(time) => Ok(Some(time)),
        Err(problem) => Err(format!("{problem}, or off")),
    }
}

pub(super) fn public_url(text: &str) -> Result<String, String> {
    let url = service_url::parse(text).filter(|url| url.path() == "/");
    let url = url.ok_or("must be an http or https origin, as https://images.example.com")?;
    Ok(url.as_str().trim_end_matches('/').to_owned())
}
