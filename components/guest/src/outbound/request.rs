//! A request as `wasi:http` wants it.

use std::time::Duration;

use wasip3::http::types::{self, ErrorCode, Fields, Method, RequestOptions, Scheme};
use wit_bindgen::{FutureReader, StreamReader};

/// A request that can be sent.
pub struct Request {
    pub(super) request: types::Request,
    pub(super) transmitted: Transmitted,
}

/// Tells how the sending went. Nobody is interested, but it has to be kept until
/// the response is read: where it is dropped, some platforms drop the connection
/// too, and what had not come of the response is missing without a word.
pub(super) type Transmitted = FutureReader<Result<(), ErrorCode>>;

/// What is not limited here is limited by whoever calls, or by the platform.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timeouts {
    pub connect: Option<Duration>,
    /// Until the head of the response.
    pub first_byte: Option<Duration>,
    /// Without a byte of the response's body.
    pub between_bytes: Option<Duration>,
}

/// A request to an absolute `http` or `https` URL without user information. An
/// answer that is compressed is not asked for. None: it cannot be made.
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

    let every = [
        ("accept-encoding", "identity"),
        ("user-agent", "concept-refinement"),
    ];
    let fields: Vec<_> = fields
        .into_iter()
        .chain(every)
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
