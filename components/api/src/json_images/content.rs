//! The content of a data URL, which is a JSON string.

use std::mem;

use memchr::memchr2;

use crate::base64_stream::{Decoder, NotBase64};

/// Decodes the content as it comes.
#[derive(Debug, Default)]
pub struct Content {
    decoder: Decoder,
    /// An escape that is not complete, without its backslash.
    escape: Option<Vec<u8>>,
    /// It is not base64.
    pub is_broken: bool,
}

impl Content {
    /// Appends the bytes that this text completes; of a broken string there are none. What
    /// follows the string; None: it has not ended.
    pub fn take<'a>(&mut self, mut text: &'a [u8], bytes: &mut Vec<u8>) -> Option<&'a [u8]> {
        loop {
            let end = match self.escape {
                Some(_) => 0,
                None => memchr2(b'"', b'\\', text).unwrap_or(text.len()),
            };
            let (plain, after) = text.split_at_checked(end).unwrap_or((text, &[]));
            self.push(plain, bytes);
            let (&byte, behind) = after.split_first()?;
            text = behind;
            match &mut self.escape {
                Some(escape) if escape.is_empty() || byte.is_ascii_hexdigit() => {
                    escape.push(byte);
                    match character(escape) {
                        Ok(None) => continue,
                        Ok(Some(character)) => self.push(&[character], bytes),
                        Err(NotBase64) => self.is_broken = true,
                    }
                    self.escape = None;
                }
                Some(_) => {
                    self.is_broken = true;
                    self.escape = None;
                    // It is no part of the escape, and could end the string.
                    text = after;
                }
                None if byte == b'"' => {
                    let decoder = mem::take(&mut self.decoder);
                    self.is_broken = self.is_broken || decoder.finish(bytes).is_err();
                    return Some(text);
                }
                None => self.escape = Some(Vec::new()),
            }
        }
    }

    fn push(&mut self, text: &[u8], bytes: &mut Vec<u8>) {
        self.is_broken = self.is_broken || self.decoder.push(text, bytes).is_err();
    }
}

/// What an escape stands for, if it can be a character of base64. None: it is not complete.
fn character(escape: &[u8]) -> Result<Option<u8>, NotBase64> {
    match escape {
        [b'/'] => Ok(Some(b'/')),
        [b'u', digits @ ..] if digits.len() < 4 => Ok(None),
        [b'u', b'0', b'0', high, low] => match (digit(*high), digit(*low)) {
            (Some(high), Some(low)) => Ok(Some(high << 4 | low)),
            _ => Err(NotBase64),
        },
        _ => Err(NotBase64),
    }
}

fn digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}
