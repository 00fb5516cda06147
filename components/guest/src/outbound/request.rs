//! Builds `wasi:http` requests.

use std::time::Duration;

use wasip3::http::types::{self, ErrorCode, Fields, Method, RequestOptions, Scheme};
use wit_bindgen::{FutureReader, StreamReader};

/// A request ready to be sent.
pub struct Request {
    pub(super) request: types::Request,
    pub(super) transmitted: Transmitted,
}

/// The result of sending. It must be kept until the response is read: some platforms
/// close the connection when it is dropped, and the rest of the response is then missing
/// without an error.
pub(super) type Transmitted = FutureReader<Result<(), ErrorCode>>;

/// Timeouts. Anything without one is limited by the caller or the platform.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timeouts {
    pub connect: Option<Duration>,
    /// Until the head of the response arrives.
    pub first_byte: Option<Duration>,
    /// Between bytes of the response's body.
    pub between_bytes: Option<Duration>,
}

const USER_AGENT: (&str, &str) = ("user-agent", "concept-refinement");

/// Builds a request to an absolute `http` or `https` URL without user
/// information. Compression is not accepted, and the user agent is ours unless `fields`
/// names another. None: not possible.
pub fn request<'a>(
    method: &Method,
    url: &str,
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    body: Option<StreamReader<u8>>,
    timeouts: Timeouts,
) -> Option<Request> {
    let url: http::Uri = url.parse().ok()?;
    let scheme = match url.scheme_str()? {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => return None,
    };
    let authority = url.authority()?.as_str();
    if authority.contains('@') {
        return None;
    }
    let path = url.path_and_query().map_or("/", |path| path.as_str());

    let fields: Vec<_> = fields.into_iter().collect();
    let has_user_agent = fields.iter().any(|(name, _)| *name == USER_AGENT.0);
    let ours = (!has_user_agent).then_some(USER_AGENT);
    let fields: Vec<_> = fields
        .into_iter()
        .chain([("accept-encoding", "identity")])
        .chain(ours)
        .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
        .collect();
    let headers = Fields::from_list(&fields).ok()?;
    let (_, no_trailers) = wasip3::wit_future::new(|| Ok(None));
    let options = Some(timeouts.options()?);
    let (request, transmitted) = types::Request::new(headers, body, no_trailers, options);
    request.set_method(method).ok()?;
    request.set_scheme(Some(&scheme)).ok()?;
    request.set_authority(Some(authority)).ok()?;
    request.set_path_with_query(Some(path)).ok()?;
    Some(Request {
        request,
        transmitted,
    })
}

impl Timeouts {
    fn options(self) -> Option<RequestOptions> {
        let nanoseconds =
            |limit: Option<Duration>| limit.and_then(|limit| u64::try_from(limit.as_nanos()).ok());
        let options = RequestOptions::new();
        options
            .set_connect_timeout(nanoseconds(self.connect))
            .ok()?;
        options
            .set_first_byte_timeout(nanoseconds(self.first_byte))
            .ok()?;
        options
            .set_between_bytes_timeout(nanoseconds(self.between_bytes))
            .ok()?;
        Some(options)
    }
}
