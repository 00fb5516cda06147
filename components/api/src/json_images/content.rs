//! The content of a data URL, which is a JSON string.

use memchr::memchr2;

use crate::base64_stream::{Decoder, NotBase64};

/// Decodes the content as it comes.
#[derive(Debug, Default)]
pub struct Content {
    decoder: Decoder,
    /// An escape that is not complete, without its backslash.
    escape: Option<Vec<u8>>,
}

impl Content {
    /// Appends the bytes that this text completes. What follows the string; None: it has not
    /// ended.
    pub fn take<'a>(
        &mut self,
        mut text: &'a [u8],
        bytes: &mut Vec<u8>,
    ) -> Result<Option<&'a [u8]>, NotBase64> {
        loop {
            let end = match self.escape {
                Some(_) => 0,
                None => memchr2(b'"', b'\\', text).unwrap_or(text.len()),
            };
            let (plain, after) = text.split_at_checked(end).unwrap_or((text, &[]));
            self.decoder.push(plain, bytes)?;
            let Some((&byte, after)) = after.split_first() else {
                return Ok(None);
            };
            text = after;
            match &mut self.escape {
                Some(escape) => {
                    escape.push(byte);
                    if let Some(character) = character(escape)? {
                        self.escape = None;
                        self.decoder.push(&[character], bytes)?;
                    }
                }
                None if byte == b'"' => return Ok(Some(text)),
                None => self.escape = Some(Vec::new()),
            }
        }
    }

    /// Whether what follows is behind a backslash.
    pub fn is_escaped(&self) -> bool {
        self.escape.as_ref().is_some_and(Vec::is_empty)
    }

    /// Appends the end of the content.
    pub fn finish(self, bytes: &mut Vec<u8>) -> Result<(), NotBase64> {
        self.decoder.finish(bytes)
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
