//! Outbound HTTP by `wasi:http/client`.

use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, RequestOptions, Response, Scheme};
use wit_bindgen::StreamReader;

use super::Imports;
use crate::ports;
use crate::ports::{FetchError, Purpose};

/// Tells our host whose word a request is made on, which takes it out before it
/// connects; another platform passes it on, where it means nothing. A request
/// without it is for an original.
const PURPOSE: (&str, &str) = ("concept-refinement-purpose", "model-answer");

/// Contract, section 2, in nanoseconds.
const CONNECT_TIMEOUT: u64 = 10_000_000_000;

impl ports::Http for Imports {
    type Stream = StreamReader<u8>;

    async fn get(
        &self,
        url: &str,
        purpose: Purpose,
    ) -> Result<ports::Response<Self::Stream>, FetchError> {
        let request = request(url, purpose).ok_or(FetchError::Broken)?;
        let response = client::send(request).await.map_err(fetch_error)?;
        Ok(received(response))
    }
}

fn request(url: &str, purpose: Purpose) -> Option<Request> {
    let url = url::Url::parse(url).ok()?;
    let mut fields = vec![
        ("accept", "image/png, image/jpeg, image/webp, image/gif"),
        ("accept-encoding", "identity"),
        ("user-agent", "concept-refinement"),
    ];
    if purpose == Purpose::ModelAnswer {
        fields.push(PURPOSE);
    }
    let fields: Vec<_> = fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
        .collect();
    let headers = Fields::from_list(&fields).ok()?;
    let options = RequestOptions::new();
    options.set_connect_timeout(Some(CONNECT_TIMEOUT)).ok()?;
    let (_, no_trailers) = wasip3::wit_future::new(|| Ok(None));
    let (request, _) = Request::new(headers, None, no_trailers, Some(options));
    let scheme = match url.scheme() {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => return None,
    };
    let authority = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str()?),
        None => url.host_str()?.to_owned(),
    };
    let path_with_query = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    request.set_method(&Method::Get).ok()?;
    request.set_scheme(Some(&scheme)).ok()?;
    request.set_authority(Some(&authority)).ok()?;
    request.set_path_with_query(Some(&path_with_query)).ok()?;
    Some(request)
}

fn received(response: Response) -> ports::Response<StreamReader<u8>> {
    let status = response.get_status_code();
    let headers = response.get_headers().copy_all();
    let header = |name: &str| {
        let (_, value) = headers
            .iter()
            .find(|(header, _)| header.eq_ignore_ascii_case(name))?;
        String::from_utf8(value.clone()).ok()
    };
    // Whether the body came whole is judged by its contents.
    let (_, consumed) = wasip3::wit_future::new(|| Ok(()));
    let (body, _) = Response::consume_body(response, consumed);
    ports::Response {
        status,
        location: header("location"),
        content_length: header("content-length").and_then(|length| length.parse().ok()),
        content_encoding: header("content-encoding"),
        body,
    }
}

fn fetch_error(error: ErrorCode) -> FetchError {
    match error {
        ErrorCode::DestinationIpProhibited | ErrorCode::HttpRequestDenied => FetchError::Forbidden,
        ErrorCode::DnsTimeout | ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => {
            FetchError::Unresolvable
        }
        ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionLimitReached => FetchError::Unreachable,
        ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => FetchError::TimedOut,
        ErrorCode::TlsProtocolError
        | ErrorCode::TlsCertificateError
        | ErrorCode::TlsAlertReceived(_) => FetchError::Tls,
        _ => FetchError::Broken,
    }
}
