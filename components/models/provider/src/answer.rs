//! Reads a provider's response: an image, or JSON that contains an image or its URL.
//!
//! The bytes determine the type, never the declared one. An image is kept in chunks;
//! JSON is kept in chunks and once contiguously, then the decoded image: never more than
//! three times the image, or four times if its base64 is not in one piece.

use std::borrow::Cow;
use std::collections::VecDeque;

use base64::Engine as _;
use concept_refinement_domain::chunks;
use concept_refinement_domain::image::{self, Format, Inspector, Limits, Problem};
use concept_refinement_domain::lenient_base64::BASE64;
use concept_refinement_domain::response_headers::is_compressed;
use futures::StreamExt as _;
use serde::de::{Deserialize, DeserializeOwned, IgnoredAny};

use crate::message::{self, message};
use crate::outcome::Error;
use crate::picture::Picture;
use crate::ports::{BrokeOff, ByteStream, Response};
use crate::settings::Settings;

/// As large as a model's answer may be (`docs/limits.md`). The pipeline checks the
/// number of pixels.
pub const MAX_IMAGE: Limits = Limits {
    max_bytes: 50 << 20,
    max_pixels: u64::MAX,
};

/// Size of such an image in base64, with the JSON around it.
pub const MAX_JSON_WITH_IMAGE: u64 = MAX_IMAGE.max_bytes.div_ceil(3) * 4 + (1 << 20);

/// The model's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Image {
        format: Format,
        chunks: VecDeque<Vec<u8>>,
    },
    /// A URL from which the image can be downloaded.
    Location(String),
}

impl Answer {
    /// The image in a provider's JSON.
    pub fn from_json(json: &[u8], settings: &Settings) -> Result<Self, Error> {
        let picture = Picture::in_document(json).map_err(|_| unexpected_json())?;
        Self::of(picture, settings)?.ok_or_else(|| no_image(json, settings))
    }

    /// None: there is no picture.
    pub fn of(picture: Picture<'_>, settings: &Settings) -> Result<Option<Self>, Error> {
        match picture {
            Picture::Absent => Ok(None),
            Picture::Address(address) => {
                let url = settings.base.resolved(address.trim());
                Ok(Some(Self::Location(url)))
            }
            Picture::Image(text) | Picture::Unclear(text) => decoded(&text).map(Some),
        }
    }
}

/// The error for JSON without an image: with its message, if it is short.
pub fn no_image(json: &[u8], settings: &Settings) -> Error {
    let is_short = json.len() <= message::MAX_BYTES;
    let said = is_short.then(|| message(json, settings.key.as_deref()));
    match said.flatten() {
        Some(message) => Error::refused(format!("the provider answered no image: {message}")),
        None => Error::broken("the provider answered no image"),
    }
}

/// JSON of a form that a provider documents.
pub fn parsed<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, Error> {
    serde_json::from_slice(json).map_err(|_| unexpected_json())
}

/// The JSON of a response, of at most `max` bytes.
pub async fn json<T: DeserializeOwned>(response: Response, max: u64) -> Result<T, Error> {
    match reply(response, max).await? {
        Reply::Json(json) => parsed(&json),
        Reply::Image(_) => Err(unexpected_json()),
    }
}

/// The kinds of responses.
pub enum Reply {
    Image(Answer),
    Json(Vec<u8>),
}

/// Reads a response: an image, or JSON of at most `max` bytes.
pub async fn reply(mut response: Response, max: u64) -> Result<Reply, Error> {
    let encoding = response.content_encoding.as_deref();
    if is_compressed(encoding.map(str::as_bytes)) {
        return Err(Error::broken(
            "the provider's answer is compressed in a way that was not asked for",
        ));
    }
    read(&mut response.body, response.content_length, max).await
}

/// The image of a successful response.
pub async fn answer(response: Response, settings: &Settings) -> Result<Answer, Error> {
    match reply(response, MAX_JSON_WITH_IMAGE).await? {
        Reply::Image(answer) => Ok(answer),
        Reply::Json(json) => Answer::from_json(&json, settings),
    }
}

/// The first part of an error body.
pub async fn beginning(body: &mut ByteStream) -> Vec<u8> {
    let mut read = Vec::new();
    while read.len() < message::MAX_BYTES
        && let Some(Ok(chunk)) = body.next().await
    {
        read.extend(chunk);
    }
    read
}

async fn read(body: &mut ByteStream, declared: Option<u64>, max_json: u64) -> Result<Reply, Error> {
    let most = max_json.max(MAX_IMAGE.max_bytes);
    if declared.is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let mut inspector = Some(Inspector::new(MAX_IMAGE));
    let mut held = VecDeque::new();
    let mut length = 0u64;
    let broke_off = loop {
        let chunk = match body.next().await {
            Some(Ok(chunk)) => chunk,
            None => break declared.is_some_and(|declared| length < declared),
            Some(Err(_)) => break true,
        };
        if let Some(image) = &mut inspector {
            match image.push(&chunk) {
                Ok(()) => {}
                Err(Problem::NotAnImage) if begins_json(&held, &chunk) => inspector = None,
                Err(problem) => return Err(Error::of_image(problem)),
            }
        }
        length += chunk.len() as u64;
        if inspector.is_none() && length > max_json {
            return Err(too_large());
        }
        chunks::append(&mut held, chunk);
    };
    // A complete image is accepted even if the response breaks off after it (in its
    // trailers), since it was paid for.
    let reply = match inspector.as_ref().map(Inspector::finish) {
        Some(Ok(inspected)) => Ok(Reply::Image(Answer::Image {
            format: inspected.format,
            chunks: held,
        })),
        Some(Err(problem)) => Err(Error::of_image(problem)),
        None => Ok(Reply::Json(joined(held))),
    };
    match reply {
        Ok(Reply::Json(json)) if broke_off && !is_json(&json) => Err(BrokeOff.into()),
        Err(_) if broke_off => Err(BrokeOff.into()),
        reply => reply,
    }
}

fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

fn unexpected_json() -> Error {
    Error::broken("the provider's answer is not JSON of the form that was expected")
}

fn decoded(text: &str) -> Result<Answer, Error> {
    let base64 = text.split_once(',').map_or(text, |(_, base64)| base64);
    let bytes = BASE64
        .decode(&*one_piece(base64))
        .map_err(|_| Error::of_image(Problem::NotAnImage))?;
    let inspected = image::inspect(&bytes, MAX_IMAGE).map_err(Error::of_image)?;
    Ok(Answer::Image {
        format: inspected.format,
        chunks: VecDeque::from([bytes]),
    })
}

/// Base64 without white space, in the usual alphabet even if it was in that for URLs.
fn one_piece(base64: &str) -> Cow<'_, [u8]> {
    let is_odd = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b'-' | b'_');
    if !base64.bytes().any(is_odd) {
        return Cow::Borrowed(base64.as_bytes());
    }
    let mut piece = Vec::with_capacity(base64.len());
    let bytes = base64.bytes().filter(|byte| !byte.is_ascii_whitespace());
    piece.extend(bytes.map(|byte| match byte {
        b'-' => b'+',
        b'_' => b'/',
        byte => byte,
    }));
    Cow::Owned(piece)
}

/// Whether these could be the first bytes of a JSON object, or of a byte order mark.
fn begins_json(held: &VecDeque<Vec<u8>>, chunk: &[u8]) -> bool {
    let first = held.iter().flatten().chain(chunk).next();
    first.is_some_and(|byte| matches!(byte, b'{' | b' ' | b'\t' | b'\r' | b'\n' | 0xef))
}

/// Joins the chunks, freeing each as it is copied, without a byte order mark.
fn joined(chunks: VecDeque<Vec<u8>>) -> Vec<u8> {
    let length = chunks.iter().map(Vec::len).sum();
    let mut whole = Vec::with_capacity(length);
    for chunk in chunks {
        whole.extend(chunk);
    }
    if whole.starts_with(b"\xef\xbb\xbf") {
        whole.drain(..3);
    }
    whole
}

fn too_large() -> Error {
    Error::of_image(Problem::TooLarge {
        max_bytes: MAX_IMAGE.max_bytes,
    })
}
