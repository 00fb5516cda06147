//! The bindings: the `image-model` interface on one side, `script` on the
//! other.

use std::hint::black_box;

use wasip3::clocks::monotonic_clock;
use wasip3::http::{client, types as http};
use wit_bindgen::{StreamReader, StreamResult};

use crate::hoard::hoard;
use crate::script::{Contents, Place, Script};

// The generated code crosses the boundary of the component, which is unsafe by
// its nature.
#[allow(unsafe_code)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit",
        world: "image-model-component",
    });

    export!(Component with_types_in self);
    use super::Component;
}

use bindings::concept::refinement::types::Usage;
use bindings::concept::refinement::{receipts, usage};
use bindings::exports::concept::refinement::image_model::{
    Answer, Error, Guest, Image, ImageOrLocation, Request, Source, Unavailable,
};
use bindings::wit_stream;

struct Component;

async fn kept(request: Request) -> Error {
    if let Some(receipt) = request.receipt {
        return Error::Refused(String::from_utf8_lossy(&receipt).into_owned());
    }
    let mut kept = Vec::new();
    let own = request.receipt_key;
    for (key, receipt) in [
        ("another".to_owned(), vec![]),
        (own.clone(), vec![0; 4097]),
        (own.clone(), vec![0; 4096]),
    ] {
        kept.push(receipts::put(key, receipt).await.is_ok());
    }
    let receipt = format!("it was handed its receipt: {kept:?}");
    let _ = receipts::put(own, receipt.into_bytes()).await;
    Error::Unknown("nobody knows what came of it".to_owned())
}

impl Guest for Component {
    async fn refine(request: Request) -> Result<Answer, Error> {
        let script = match Script::of(&request.prompt) {
            Some(script) => Some(script),
            // For who cannot choose the prompt.
            None => setting().await.and_then(|prompt| Script::of(&prompt)),
        };
        let script =
            script.ok_or_else(|| Error::Refused("this model knows no such script".to_owned()))?;
        match script {
            Script::Echo => Ok(echo(request)),
            Script::Note(count) => {
                let notes = (1..=count).map(|number| format!("Note {number}."));
                Ok(noted(request, notes.collect()))
            }
            Script::Remark(note) => Ok(noted(request, vec![note])),
            Script::Instant => Ok(answer(request.media_type, tiny_gif(), None)),
            Script::Wait(time) => {
                wait(time.as_nanos()).await;
                Ok(echo(request))
            }
            Script::Answer(contents) => {
                let (media_type, length) = (request.media_type.clone(), request.length);
                Ok(match contents {
                    Contents::Nonsense => answer(media_type, b"This is not an image.".into(), None),
                    Contents::Truncated => answer(media_type, half(request).await, None),
                    Contents::Less => answer(media_type, half(request).await, Some(length)),
                    Contents::Empty => answer(media_type, Vec::new(), None),
                })
            }
            Script::Swell(length) => Ok(swollen(request, length).await),
            Script::Location(url) => Ok(location(url)),
            Script::Tell => Err(told(request).await),
            Script::Fetch(url) => Err(Error::Refused(fetched(&url).await)),
            Script::Refuse(reason) => Err(Error::Refused(reason)),
            Script::Print(text) => {
                println!("{text}");
                eprintln!("\u{1b}[31m{text}");
                Ok(echo(request))
            }
            Script::Keep => Err(kept(request).await),
            Script::KeepAndEcho => {
                let _ = receipts::put(request.receipt_key.clone(), b"work".to_vec()).await;
                Ok(echo(request))
            }
            Script::Unavailable(wait) => Err(Error::Unavailable(Unavailable {
                reason: "the provider is overloaded".to_owned(),
                retry_after: wait.and_then(|wait| wait.as_millis().try_into().ok()),
                is_rate_limit: false,
            })),
            Script::Trap => trap(),
            Script::TrapMidway => Ok(trap_midway(request).await),
            Script::Loop => loop_for_ever(),
            Script::EatMemory => eat_memory(),
            Script::Hoard(what, count) => {
                let got = hoard(&what, count).await;
                wait(500_000_000).await;
                Err(Error::Refused(format!("{got} are held")))
            }
            Script::Say(place, bytes) => said(place, "x".repeat(bytes), request),
            Script::Hold(bytes, time) => {
                hold(bytes, time.as_nanos()).await;
                Ok(echo(request))
            }
            Script::HoldMidway(bytes, time) => {
                let (media_type, length) = (request.media_type.clone(), request.length);
                let image = read(request.image).await;
                let (mut writer, contents) = wit_stream::new();
                wit_bindgen::spawn(async move {
                    let (begin, end) = image.split_at(image.len() / 2);
                    writer.write_all(begin.to_vec()).await;
                    hold(bytes, time.as_nanos()).await;
                    writer.write_all(end.to_vec()).await;
                });
                Ok(streamed(media_type, length, contents, Vec::new()))
            }
            Script::Hang => loop {
                wait(u128::MAX).await;
            },
        }
    }

    async fn describe() -> String {
        let said = setting().await.unwrap_or_default();
        if let Some(description) = said.strip_prefix("describe:") {
            return description.to_owned();
        }
        "The scripted model does what the prompt tells it to do; it is for tests only.".to_owned()
    }
}

/// What `model-name` says.
async fn setting() -> Option<String> {
    bindings::concept::refinement::settings::get("model-name".to_owned()).await
}

fn echo(request: Request) -> Answer {
    noted(request, Vec::new())
}

fn noted(request: Request, notes: Vec<String>) -> Answer {
    streamed(request.media_type, request.length, request.image, notes)
}

fn streamed(
    media_type: String,
    length: u64,
    contents: StreamReader<u8>,
    notes: Vec<String>,
) -> Answer {
    Answer {
        image: ImageOrLocation::Image(Image {
            media_type,
            length: Some(length),
            contents,
        }),
        notes,
        source: Source::Generative,
    }
}

fn location(url: String) -> Answer {
    Answer {
        image: ImageOrLocation::Location(url),
        notes: Vec::new(),
        source: Source::Generative,
    }
}

/// What the request has beside its image, and what it costs to tell that.
async fn told(request: Request) -> Error {
    let usage = Usage {
        cost: Some(60_000),
        input_tokens: Some(7),
        output_tokens: None,
    };
    let is_kept = usage::add(request.receipt_key, usage).await.is_ok();
    let is_refused = usage::add("another".to_owned(), usage).await.is_err();
    let (seed, options) = (request.seed, request.options);
    let mask = match request.mask {
        Some(mask) => format!(
            "{}, {} bytes",
            mask.media_type,
            read(mask.contents).await.len()
        ),
        None => "none".to_owned(),
    };
    Error::Refused(format!(
        "seed {seed:?}, options {options:?}, mask {mask}, usage {is_kept} {is_refused}"
    ))
}

fn said(place: Place, text: String, request: Request) -> Result<Answer, Error> {
    match place {
        Place::Refused => Err(Error::Refused(text)),
        Place::Unavailable => Err(Error::Unavailable(Unavailable {
            reason: text,
            retry_after: None,
            is_rate_limit: false,
        })),
        Place::Location => Ok(location(text)),
        Place::MediaType => Ok(streamed(text, request.length, request.image, Vec::new())),
        Place::Note => Ok(noted(request, vec![text])),
    }
}

/// `declared`: the length, where it is not that of the bytes.
fn answer(media_type: String, bytes: Vec<u8>, declared: Option<u64>) -> Answer {
    let length = declared.unwrap_or(bytes.len() as u64);
    let (mut writer, contents) = wit_stream::new();
    wit_bindgen::spawn(async move {
        // The reader may stop early.
        writer.write_all(bytes).await;
    });
    streamed(media_type, length, contents, Vec::new())
}

/// What a GET request to the address is answered with.
async fn fetched(url: &str) -> String {
    let (_, no_trailers) = wasip3::wit_future::new(|| Ok(None));
    // As models say it that ask their provider.
    let purpose = ("concept-refinement-purpose".to_owned(), b"model".to_vec());
    let Ok(headers) = http::Fields::from_list(&[purpose]) else {
        return "the headers cannot be set".to_owned();
    };
    let (request, _) = http::Request::new(headers, None, no_trailers, None);
    let address = url.strip_prefix("http://").unwrap_or(url);
    let (authority, path) = address.split_once('/').unwrap_or((address, ""));
    let path = format!("/{path}");
    let set = request
        .set_scheme(Some(&http::Scheme::Http))
        .and_then(|()| request.set_authority(Some(authority)))
        .and_then(|()| request.set_path_with_query(Some(&path)));
    if set.is_err() {
        return format!("{url} is no address");
    }
    match client::send(request).await {
        Ok(response) => format!("fetched with status {}", response.get_status_code()),
        Err(error) => format!("not fetched: {error:?}"),
    }
}

async fn swollen(request: Request, length: u64) -> Answer {
    const ZEROS: usize = 64 << 10;
    let media_type = request.media_type.clone();
    let image = read(request.image).await;
    let (mut writer, contents) = wit_stream::new();
    wit_bindgen::spawn(async move {
        let mut left = usize::try_from(length).unwrap_or(usize::MAX) - image.len();
        let mut unread = writer.write_all(image).await;
        while left > 0 && unread.is_empty() {
            unread = writer.write_all(vec![0; left.min(ZEROS)]).await;
            left = left.saturating_sub(ZEROS);
        }
    });
    streamed(media_type, length, contents, Vec::new())
}

async fn trap_midway(request: Request) -> Answer {
    let (media_type, length) = (request.media_type.clone(), request.length);
    let bytes = half(request).await;
    let (mut writer, contents) = wit_stream::new();
    wit_bindgen::spawn(async move {
        writer.write_all(bytes).await;
        trap();
    });
    streamed(media_type, length, contents, Vec::new())
}

async fn half(request: Request) -> Vec<u8> {
    let mut bytes = read(request.image).await;
    bytes.truncate(bytes.len() / 2);
    bytes
}

async fn read(mut image: StreamReader<u8>) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        bytes.reserve(64 * 1024);
        let (result, read) = image.read(bytes).await;
        bytes = read;
        if let StreamResult::Dropped = result {
            return bytes;
        }
    }
}

/// Takes half of the bytes, waits for half of the time, then the other halves.
async fn hold(bytes: usize, nanoseconds: u128) {
    let half = black_box(vec![1u8; bytes / 2]);
    wait(nanoseconds / 2).await;
    let other_half = black_box(vec![1u8; bytes / 2]);
    wait(nanoseconds / 2).await;
    drop((half, other_half));
}

async fn wait(nanoseconds: u128) {
    /// A timer of this length ends after every test.
    const HOUR: u64 = 3_600_000_000_000;
    let nanoseconds = u64::try_from(nanoseconds).unwrap_or(HOUR).min(HOUR);
    monotonic_clock::wait_for(nanoseconds).await;
}

#[allow(clippy::panic, reason = "a crash is what the test asked for")]
fn trap() -> ! {
    panic!("the prompt asked for a crash");
}

fn loop_for_ever() -> ! {
    let mut rounds = 0u64;
    loop {
        rounds = black_box(rounds.wrapping_add(1));
    }
}

fn eat_memory() -> ! {
    const CHUNK: usize = 1 << 20;
    let mut eaten = Vec::new();
    loop {
        eaten.push(black_box(vec![1u8; CHUNK]));
    }
}

/// One transparent pixel.
fn tiny_gif() -> Vec<u8> {
    const HEADER: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff";
    const TRANSPARENT: &[u8] = b"\x21\xf9\x04\x01\0\0\0\0";
    const PIXEL: &[u8] = b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b";
    [HEADER, TRANSPARENT, PIXEL].concat()
}
