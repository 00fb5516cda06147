//! Outbound HTTP by `wasi:http/client`.

use concept_refinement_domain::timestamp::Timestamp;
use std::time::Duration;
use wasip3::clocks::system_clock;
use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, RequestOptions, Scheme, Trailers};
use wasip3::random::random;
use wit_bindgen::{FutureReader, StreamReader};

use super::piece;
use crate::ports::{ByteStream, Failure, Ports, Post, Response};
use crate::settings::Base;

/// Contract, section 2, in nanoseconds.
const CONNECT_TIMEOUT: u64 = 10_000_000_000;

/// A model may think for long before it says a word. Whoever calls ends the
/// call when it takes too long; a limit of ours would only look like a failure
/// that is worth a repeat.
const SILENCE_TIMEOUT: u64 = 24 * 3_600 * 1_000_000_000;

pub struct Wasi;

impl Ports for Wasi {
    type Stream = Received;

    async fn post(&self, base: &Base, post: Post) -> Result<Response<Received>, Failure> {
        let request = request(base, post).ok_or(Failure::Broken)?;
        let response = client::send(request).await.map_err(failure)?;
        Ok(received(response))
    }

    fn now(&self) -> Timestamp {
        let now = system_clock::now();
        let seconds = u64::try_from(now.seconds).unwrap_or_default();
        Timestamp::from_secs(seconds).plus(Duration::from_nanos(now.nanoseconds.into()))
    }

    fn random(&self) -> u128 {
        u128::from(random::get_random_u64()) << 64 | u128::from(random::get_random_u64())
    }
}

pub struct Received {
    stream: StreamReader<u8>,
    /// Tells whether the body came whole.
    end: Option<FutureReader<Result<Option<Trailers>, ErrorCode>>>,
}

impl ByteStream for Received {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        if let Some(piece) = piece(&mut self.stream).await {
            return Ok(Some(piece));
        }
        match self.end.take() {
            Some(end) => end.await.map(|_| None).map_err(|_| Failure::BrokeOff),
            None => Ok(None),
        }
    }
}

/// The body is written beside the caller: a provider may answer before it has
/// read all of it.
fn request(base: &Base, post: Post) -> Option<Request> {
    let fields: Vec<_> = [
        (
            "accept",
            "application/json, image/png, image/jpeg, image/webp, image/gif".to_owned(),
        ),
        ("accept-encoding", "identity".to_owned()),
        ("content-length", post.body.length().to_string()),
        ("content-type", post.content_type),
        ("user-agent", "concept-refinement".to_owned()),
    ]
    .into_iter()
    .chain(post.credentials)
    .map(|(name, value)| (name.to_owned(), value.into_bytes()))
    .collect();
    let headers = Fields::from_list(&fields).ok()?;
    let options = RequestOptions::new();
    options.set_connect_timeout(Some(CONNECT_TIMEOUT)).ok()?;
    options.set_first_byte_timeout(Some(SILENCE_TIMEOUT)).ok()?;
    options
        .set_between_bytes_timeout(Some(SILENCE_TIMEOUT))
        .ok()?;
    let (mut writer, contents) = wasip3::wit_stream::new();
    let (_, no_trailers) = wasip3::wit_future::new(|| Ok(None));
    let (request, _) = Request::new(headers, Some(contents), no_trailers, Some(options));
    let scheme = match base.https {
        true => Scheme::Https,
        false => Scheme::Http,
    };
    request.set_method(&Method::Post).ok()?;
    request.set_scheme(Some(&scheme)).ok()?;
    request.set_authority(Some(&base.authority)).ok()?;
    request
        .set_path_with_query(Some(&base.join(post.path)))
        .ok()?;
    wit_bindgen::spawn(async move {
        for piece in post.body.into_pieces() {
            // A provider that has heard enough needs no more.
            if !writer.write_all(piece).await.is_empty() {
                return;
            }
        }
    });
    Some(request)
}

fn received(response: wasip3::http::types::Response) -> Response<Received> {
    let status = response.get_status_code();
    let headers = response.get_headers().copy_all();
    let header = |name: &str| {
        let (_, value) = headers
            .iter()
            .find(|(header, _)| header.eq_ignore_ascii_case(name))?;
        String::from_utf8(value.clone()).ok()
    };
    let (_, consumed) = wasip3::wit_future::new(|| Ok(()));
    let (stream, end) = wasip3::http::types::Response::consume_body(response, consumed);
    Response {
        status,
        content_length: header("content-length").and_then(|length| length.parse().ok()),
        content_encoding: header("content-encoding"),
        retry_after: header("retry-after"),
        body: Received {
            stream,
            end: Some(end),
        },
    }
}

fn failure(error: ErrorCode) -> Failure {
    match error {
        ErrorCode::DestinationIpProhibited | ErrorCode::HttpRequestDenied => Failure::Forbidden,
        ErrorCode::DnsTimeout | ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => {
            Failure::Unresolvable
        }
        ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionLimitReached => Failure::Unreachable,
        ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => Failure::TimedOut,
        ErrorCode::TlsProtocolError
        | ErrorCode::TlsCertificateError
        | ErrorCode::TlsAlertReceived(_) => Failure::Tls,
        _ => Failure::Broken,
    }
}
