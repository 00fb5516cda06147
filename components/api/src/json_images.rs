//! JSON in which members of certain names are images, as data URLs in base64 or in base64
//! alone, read as a stream.
//!
//! Images are decoded as they come, so that none is ever held: what is held is the rest of
//! the JSON, which has a limit, and a chunk of the body. It must never judge the JSON: it only
//! finds strings, whose reader finds out whether the rest is JSON at all.

mod content;
mod rest;
#[cfg(test)]
mod tests;

use crate::request::{Body, Interrupted};
use content::Content;
pub use rest::Members;
use rest::Rest;

/// Why the JSON cannot be read further. It stays so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the body was not sent in full")]
    Interrupted,
    #[error("the JSON ends within an image")]
    Unended,
    #[error("an image is not base64")]
    NotBase64,
    #[error("the JSON without its images is too long")]
    TooLarge,
}

/// JSON, whose images are read one after the other.
#[derive(Debug)]
pub struct JsonImages<B> {
    body: B,
    /// A chunk of the body, which is read up to here.
    chunk: Vec<u8>,
    at: usize,
    rest: Rest,
    /// The current image, until it has ended.
    image: Option<Content>,
    fault: Option<Fault>,
}

impl<B: Body> JsonImages<B> {
    /// JSON that has at most so many bytes without its images.
    pub fn new(body: B, max_rest: usize, members: Members) -> Self {
        Self {
            body,
            chunk: Vec::new(),
            at: 0,
            rest: Rest::new(max_rest, members),
            image: None,
            fault: None,
        }
    }

    /// Reads on to the next image, after skipping what is left of the current one. Its index
    /// (0, 1, …), or None at the end of the body.
    pub async fn next(&mut self) -> Result<Option<usize>, Fault> {
        let index = self.find().await;
        self.settle(index)
    }

    /// The next bytes of the current image, possibly empty. None: it has ended, or none has
    /// begun.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        let bytes = self.decode().await;
        self.settle(bytes)
    }

    /// Reads over what is left of the current image, of which at most so many bytes, whether it
    /// is base64 or not: what follows can be read then.
    pub async fn skip(&mut self, mut max: u64) -> Result<(), Fault> {
        loop {
            let length = match self.chunk().await {
                Ok(None) => return Ok(()),
                Ok(Some(bytes)) => bytes.len(),
                // What follows of it comes as text, if anything does.
                Err(Fault::NotBase64 | Fault::Unended) => 0,
                Err(fault) => return Err(fault),
            };
            self.fault = None;
            let left = max.checked_sub(length as u64).ok_or(Fault::TooLarge);
            max = self.settle(left)?;
        }
    }

    /// Why the JSON could not be read further.
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// The JSON without the images, as far as it was read.
    pub fn rest(&self) -> &[u8] {
        self.rest.bytes()
    }

    /// The same, for whom nothing follows: each image is replaced by a string that
    /// [`index`] reads. All other bytes are as they were sent.
    pub fn into_rest(self) -> Vec<u8> {
        self.rest.into_bytes()
    }

    fn settle<T>(&mut self, result: Result<T, Fault>) -> Result<T, Fault> {
        self.fault = self.fault.or(result.as_ref().err().copied());
        result
    }

    async fn find(&mut self) -> Result<Option<usize>, Fault> {
        while self.decode().await?.is_some() {}
        loop {
            let json = self.chunk.get(self.at..).unwrap_or_default();
            if let Some((index, image)) = self.rest.take(json)? {
                self.at = self.chunk.len().saturating_sub(image.len());
                self.image = Some(Content::default());
                return Ok(Some(index));
            }
            if !self.read().await? {
                self.rest.finish()?;
                return Ok(None);
            }
        }
    }

    async fn decode(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let is_read = self.at >= self.chunk.len();
        if self.image.is_some() && is_read && !self.read().await? {
            self.image = None;
            return Err(Fault::Unended);
        }
        let Some(mut image) = self.image.take() else {
            return Ok(None);
        };
        let was_broken = image.is_broken;
        let mut bytes = Vec::new();
        let text = self.chunk.get(self.at..).unwrap_or_default();
        let after = image.take(text, &mut bytes);
        let length = text.len().saturating_sub(after.map_or(0, <[u8]>::len));
        let read = text.get(..length).unwrap_or_default();
        self.at = self.at.saturating_add(read.len());
        let taken = match (was_broken, image.is_broken) {
            (false, false) => Ok(bytes),
            (false, true) => Err(Fault::NotBase64),
            // Of use to nobody, but its length counts.
            (true, _) => Ok(read.to_vec()),
        };
        if after.is_none() {
            self.image = Some(image);
        }
        taken.map(Some)
    }

    /// Replaces the chunk by the next one. False: the body has ended.
    async fn read(&mut self) -> Result<bool, Fault> {
        self.at = 0;
        self.chunk = Vec::new();
        match self.body.chunk().await {
            Ok(Some(chunk)) => self.chunk = chunk,
            Ok(None) => return Ok(false),
            Err(Interrupted) => return Err(Fault::Interrupted),
        }
        Ok(true)
    }
}

/// As a body, it is its current image.
impl<B: Body> Body for JsonImages<B> {
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Interrupted> {
        JsonImages::chunk(self).await.map_err(|_| Interrupted)
    }
}

/// Which image a string of the rest stands for. A client can send such a string itself: it
/// then names an image of the same body, or one that is not there.
pub fn index(text: &str) -> Option<usize> {
    let digits = text.strip_prefix(rest::SCHEME)?;
    let index = digits.parse().ok()?;
    // No other notation of the number.
    (rest::placeholder(index) == text).then_some(index)
}
