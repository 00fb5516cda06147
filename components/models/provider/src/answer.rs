//! Reads a provider's response: an image, or JSON that contains an image or its URL.
//!
//! The bytes determine what it is, never the declared type. An image is kept in chunks;
//! JSON is kept in chunks and once contiguously, then the decoded image: never more than
//! three times the image.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use concept_refinement_domain::chunks;
use concept_refinement_domain::image::{self, Format, Inspector, Limits, Problem};
use concept_refinement_domain::response_headers::is_compressed;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::json::Text;
use crate::message::{self, message, said_in};
use crate::outcome::Error;
use crate::ports::{ByteStream, Failure, Response};

/// As large as a model's answer may be (`docs/limits.md`). The pipeline checks the
/// number of pixels.
pub const MAX_IMAGE: Limits = Limits {
    max_bytes: 50 << 20,
    max_pixels: u64::MAX,
};

/// Size of such an image in base64, with the JSON around it.
pub const MAX_JSON_WITH_IMAGE: u64 = MAX_IMAGE.max_bytes.div_ceil(3) * 4 + (1 << 20);

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

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

/// The image in a provider's JSON.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// In base64, possibly as a data URL.
    Image(Text<'a>),
    Location(String),
    /// The provider's message in place of an image; trying again does not help.
    Refused(String),
    Nothing,
}

impl Answer {
    /// The image that `find` finds in a provider's JSON. `key` is removed from messages.
    pub fn from_json(
        json: &[u8],
        key: Option<&str>,
        find: impl FnOnce(&[u8]) -> serde_json::Result<Found<'_>>,
    ) -> Result<Self, Error> {
        match find(json) {
            Ok(Found::Image(text)) => decoded(&text.0),
            Ok(Found::Location(url)) => Ok(Self::Location(url)),
            Ok(Found::Refused(reason)) => Err(Error::refused(said_in(&reason, key))),
            Ok(Found::Nothing) => Err(Error::refused(match short_message(json, key) {
                Some(message) => format!("the provider answered no image: {message}"),
                None => "the provider answered no image".to_owned(),
            })),
            Err(_) => Err(unexpected_json()),
        }
    }
}

/// The JSON of a response, of at most `max` bytes.
pub async fn json<T: DeserializeOwned>(
    response: Response<impl ByteStream>,
    max: u64,
) -> Result<T, Error> {
    match reply(response, max).await? {
        Reply::Json(json) => serde_json::from_slice(&json).map_err(|_| unexpected_json()),
        Reply::Image(_) => Err(unexpected_json()),
    }
}

/// The kinds of responses.
pub enum Reply {
    Image(Answer),
    Json(Vec<u8>),
}

/// Reads a response: an image, or JSON of at most `max` bytes.
pub async fn reply(response: Response<impl ByteStream>, max: u64) -> Result<Reply, Error> {
    let mut body = plain(response.content_encoding.as_deref(), response.body)?;
    Ok(
        match contents(&mut body, response.content_length, max).await? {
            Contents::Image { format, chunks } => Reply::Image(Answer::Image { format, chunks }),
            Contents::Json(json) => Reply::Json(json),
        },
    )
}

/// Reads a successful response. `find` looks for the image in JSON of at most
/// `max_json` bytes.
pub async fn answer(
    response: Response<impl ByteStream>,
    key: Option<&str>,
    max_json: u64,
    find: impl FnOnce(&[u8]) -> serde_json::Result<Found<'_>>,
) -> Result<Answer, Error> {
    match reply(response, max_json).await? {
        Reply::Image(answer) => Ok(answer),
        Reply::Json(json) => Answer::from_json(&json, key, find),
    }
}

/// The first part of an error body.
pub async fn beginning(body: &mut impl ByteStream) -> Vec<u8> {
    let mut read = Vec::new();
    while read.len() < message::MAX_BYTES {
        match body.next().await {
            Ok(Some(chunk)) => read.extend(chunk),
            Ok(None) | Err(_) => break,
        }
    }
    read
}

#[derive(Debug, PartialEq, Eq)]
enum Contents {
    Image {
        format: Format,
        chunks: VecDeque<Vec<u8>>,
    },
    Json(Vec<u8>),
}

async fn contents(
    body: &mut impl ByteStream,
    declared: Option<u64>,
    max_json: u64,
) -> Result<Contents, Error> {
    let most = max_json.max(MAX_IMAGE.max_bytes);
    if declared.is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let mut inspector = Some(Inspector::new(MAX_IMAGE));
    let mut held = VecDeque::new();
    let mut length = 0u64;
    let broke_off = loop {
        let chunk = match body.next().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break declared.is_some_and(|declared| length < declared),
            Err(_) => break true,
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
    let contents = match inspector {
        Some(image) => match image.finish() {
            Ok(inspected) => Ok(Contents::Image {
                format: inspected.format,
                chunks: held,
            }),
            Err(problem) => Err(Error::of_image(problem)),
        },
        None => Ok(Contents::Json(joined(held))),
    };
    match contents {
        Ok(Contents::Json(json)) if broke_off && !is_json(&json) => Err(Failure::BrokeOff.into()),
        Err(_) if broke_off => Err(Failure::BrokeOff.into()),
        contents => contents,
    }
}

fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

/// The body, unless it is compressed.
fn plain<S>(encoding: Option<&str>, body: S) -> Result<S, Error> {
    match encoding {
        Some(encoding) if is_compressed([encoding.as_bytes()]) => Err(Error::refused(
            "the provider's answer is compressed in a way that was not asked for",
        )),
        Some(_) | None => Ok(body),
    }
}

fn unexpected_json() -> Error {
    Error::refused("the provider's answer is not JSON of the form that was expected")
}

fn decoded(text: &str) -> Result<Answer, Error> {
    let base64 = match text.split_once(',') {
        Some((head, base64)) if head.starts_with("data:") => base64,
        Some(_) | None => text,
    };
    let bytes = BASE64
        .decode(base64.trim())
        .map_err(|_| Error::of_image(Problem::NotAnImage))?;
    let inspected = image::inspect(&bytes, MAX_IMAGE).map_err(Error::of_image)?;
    Ok(Answer::Image {
        format: inspected.format,
        chunks: VecDeque::from([bytes]),
    })
}

/// The provider's message in place of an image, if it is short.
fn short_message(json: &[u8], key: Option<&str>) -> Option<String> {
    match json.len() <= message::MAX_BYTES {
        true => message(json, key),
        false => None,
    }
}

/// Whether these could be the first bytes of a JSON object.
fn begins_json(held: &VecDeque<Vec<u8>>, chunk: &[u8]) -> bool {
    let first = held.iter().flatten().chain(chunk).next();
    first.is_some_and(|byte| matches!(byte, b'{' | b' ' | b'\t' | b'\r' | b'\n'))
}

/// Joins the chunks, freeing each as it is copied.
fn joined(chunks: VecDeque<Vec<u8>>) -> Vec<u8> {
    let length = chunks.iter().map(Vec::len).sum();
    let mut whole = Vec::with_capacity(length);
    for chunk in chunks {
        whole.extend(chunk);
    }
    whole
}

fn too_large() -> Error {
    Error::of_image(Problem::TooLarge {
        max_bytes: MAX_IMAGE.max_bytes,
    })
}
