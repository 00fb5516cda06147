//! What a hostile model does to take its host's memory: it makes the host hold
//! things for it, and never gives them back.

use wasip3::clocks::monotonic_clock;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, Scheme};
use wasip3::http::{client, types as http};
use wasip3::random::random;
use wasip3::{wit_future, wit_stream};
use wit_bindgen::rt::async_support::FutureReader;

use crate::component::bindings::concept::refinement::settings;
use crate::script::Hoard;

/// One after the other would take long, and be no attack.
const BYTES: usize = 100 * 1024;

/// Longer than a test looks.
const HOUR: u64 = 3_600_000_000_000;

/// Takes this many of what the name says, and answers how many it got.
pub async fn hoard(what: &Hoard, count: usize) -> usize {
    match what {
        Hoard::Fields => all(count, |_| Some(fields())),
        Hoard::Requests => all(count, |_| request(None)),
        Hoard::Streams => all(count, |_| Some(wit_stream::new::<u8>())),
        Hoard::Futures => all(count, |_| Some(wit_future::new::<Errors>(|| Ok(())))),
        Hoard::Timers => all(count, |_| {
            wit_bindgen::spawn(monotonic_clock::wait_for(HOUR));
            Some(())
        }),
        Hoard::Errors => all(count, |_| Some(error())),
        Hoard::Exchanges(url) => {
            let mut answers = Vec::new();
            for _ in 0..count {
                if let Some(request) = request(Some(url)) {
                    answers.extend(client::send(request).await);
                }
            }
            // Their bodies are not read.
            all(answers.len(), |_| answers.pop())
        }
        Hoard::Names => {
            let names = vec!["x".repeat(BYTES); count];
            settings::get_many(names).await.len()
        }
        Hoard::Random => random::get_random_bytes(count as u64).len(),
        Hoard::Print => {
            for _ in 0..count {
                eprintln!("{}", "x".repeat(BYTES));
            }
            count
        }
    }
}

/// Makes so many of them, and holds them until all are made.
fn all<T>(count: usize, make: impl FnMut(usize) -> Option<T>) -> usize {
    let made: Vec<T> = (0..count).map_while(make).collect();
    let count = made.len();
    // Nobody gives them back.
    std::mem::forget(made);
    count
}

fn fields() -> Fields {
    let fields = Fields::new();
    let value = vec![b'x'; BYTES / 2];
    for name in ["a", "b"] {
        // Where it is refused, there are the fields all the same.
        let _ = fields.append(name, &value);
    }
    fields
}

type Errors = Result<(), ErrorCode>;

fn request(url: Option<&str>) -> Option<Request> {
    let (trailers, no_trailers) = wit_future::new(|| Ok(None));
    let (request, method, authority, path) = match url {
        None => {
            let (contents, reader) = wit_stream::new::<u8>();
            let (request, sent) = Request::new(fields(), Some(reader), no_trailers, None);
            std::mem::forget((contents, trailers, sent));
            let method = Method::Other("M".repeat(BYTES));
            (request, method, "host", "/".repeat(60_000))
        }
        Some(url) => {
            let (request, _) = Request::new(Fields::new(), None, no_trailers, None);
            let address = url.strip_prefix("http://").unwrap_or(url);
            let (authority, path) = address.split_once('/').unwrap_or((address, ""));
            (request, Method::Get, authority, format!("/{path}"))
        }
    };
    request.set_method(&method).ok()?;
    request.set_scheme(Some(&Scheme::Http)).ok()?;
    request.set_authority(Some(authority)).ok()?;
    request.set_path_with_query(Some(&path)).ok()?;
    Some(request)
}

/// An error that the host was told, and nobody asks for.
fn error() -> FutureReader<Errors> {
    let (_, no_trailers) = wit_future::new(|| Ok(None));
    let (request, sent) = Request::new(Fields::new(), None, no_trailers, None);
    let (told, telling) = wit_future::new(|| Ok(()));
    std::mem::forget(http::Request::consume_body(request, telling));
    wit_bindgen::spawn(async move {
        let error = ErrorCode::InternalError(Some("x".repeat(BYTES)));
        // The host may have left.
        let _ = told.write(Err(error)).await;
    });
    sent
}
