//! `/api/images/{path}`: a stored image, for its owner or with a signed URL.

use std::time::Duration;

use concept_refinement_domain::capability::{
    Access, ByteRange, CapabilityError, ImageInfo, ImageKind, Resolved,
};
use concept_refinement_domain::image::Format;
use concept_refinement_domain::timestamp::Timestamp;
use url::form_urlencoded;

use super::answer::Answer;
use crate::auth::{self, Credentials};
use crate::conditional::is_unchanged;
use crate::download::{self, Name};
use crate::ports::Ports;
use crate::problem::Problem;
use crate::protection;
use crate::range::{self, Selection};
use crate::request::{Headers, Method, Request};
use crate::response::{Content, Response};
use crate::state::State;

pub const NO_SUCH_IMAGE: Problem = Problem::NotFound("There is no such image.");
pub const BADLY_SIGNED: Problem =
    Problem::Forbidden("The signature of this URL is wrong, incomplete or expired.");

/// The requester of an image.
enum Viewer {
    /// Anyone with a valid signed URL.
    Anyone,
    Owner {
        user: String,
        /// The signature is wrong, incomplete or expired.
        is_badly_signed: bool,
    },
}

pub async fn get<P: Ports>(state: &State<P>, request: &Request, path: &str) -> Answer<P> {
    let now = state.ports.now();
    let resolved = resolve(state, request, path).await?;
    let viewer = viewer(state, request, resolved.as_ref()).await?;
    let name = download::requested(request.query.as_deref())?;
    let path = resolved.ok_or_else(|| viewer.refusal())?.path;
    let max_age = match viewer {
        Viewer::Anyone => remaining_life(request.query.as_deref(), now),
        Viewer::Owner { .. } => None,
    }
    .unwrap_or(state.config.image_url_ttl);

    // Most requests are for the whole image, and need only one call.
    let mut range = None;
    if needs_metadata(request) {
        let info = state.ports.stat(&path).await?;
        let info = info
            .filter(|info| viewer.may_see(info))
            .ok_or_else(|| viewer.refusal())?;
        if is_unchanged(&request.headers, &info.etag) {
            return Ok(described(304, &viewer, &info, max_age));
        }
        if request.method == Method::Head {
            let response = with_content(200, &viewer, &info, max_age, info.size);
            return Ok(named(response, name.as_ref(), &info));
        }
        range = requested_range(&request.headers, &info)?;
    }
    let found = state.ports.image(&path, range).await?;
    let (info, contents) = found
        .filter(|(info, _)| viewer.may_see(info))
        .ok_or_else(|| viewer.refusal())?;
    let response = match range {
        None => with_content(200, &viewer, &info, max_age, info.size),
        Some(ByteRange { offset, length }) => {
            let last = offset.saturating_add(length).saturating_sub(1);
            let content_range = format!("bytes {offset}-{last}/{}", info.size);
            with_content(206, &viewer, &info, max_age, length).with("content-range", content_range)
        }
    };
    Ok(Response {
        content: Content::Stored(contents),
        ..named(response, name.as_ref(), &info)
    })
}

pub async fn delete<P: Ports>(state: &State<P>, request: &Request, path: &str) -> Answer<P> {
    let caller = state.auth.writer(request).await?;
    let path = resolve(state, request, path)
        .await?
        .ok_or(NO_SUCH_IMAGE)?
        .path;
    let info = state.ports.stat(&path).await?;
    let info = info
        .filter(|info| info.owner == caller.user)
        .ok_or(NO_SUCH_IMAGE)?;
    match info.kind {
        ImageKind::Upload => {
            state.ports.delete_image(&path).await?;
            Ok(Response::empty(204))
        }
        ImageKind::Refined => Err(Problem::Conflict(
            "A refined image goes with its concept. Delete that.",
        )),
    }
}

/// Resolves the request's URL. Escaped slashes are accepted, since generated clients
/// treat the path as one parameter.
async fn resolve<P: Ports>(
    state: &State<P>,
    request: &Request,
    path: &str,
) -> Result<Option<Resolved>, CapabilityError> {
    let origin = request.origin.as_str();
    let path = path.replace("%2F", "/").replace("%2f", "/");
    let url = match &request.query {
        Some(query) => format!("{origin}{path}?{query}"),
        None => format!("{origin}{path}"),
    };
    state.ports.resolve(&url, origin).await
}

/// A valid signature is enough. With a bad one, the owner's credentials still count.
async fn viewer<P: Ports>(
    state: &State<P>,
    request: &Request,
    resolved: Option<&Resolved>,
) -> Result<Viewer, Problem> {
    let is_badly_signed = match resolved.map(|image| image.access) {
        Some(Access::Signed) => return Ok(Viewer::Anyone),
        Some(Access::Refused) => true,
        Some(Access::Unsigned) | None => false,
    };
    if is_badly_signed && auth::credentials(&request.headers) == Credentials::None {
        return Err(BADLY_SIGNED);
    }
    let caller = state.auth.reader(request).await?;
    Ok(Viewer::Owner {
        user: caller.user,
        is_badly_signed,
    })
}

impl Viewer {
    fn may_see(&self, info: &ImageInfo) -> bool {
        match self {
            Self::Anyone => true,
            Self::Owner { user, .. } => *user == info.owner,
        }
    }

    /// The error for a viewer who must not see the image.
    fn refusal(&self) -> Problem {
        match self {
            Self::Owner {
                is_badly_signed: true,
                ..
            } => BADLY_SIGNED,
            Self::Anyone | Self::Owner { .. } => NO_SUCH_IMAGE,
        }
    }
}

/// How long the signature remains valid.
fn remaining_life(query: Option<&str>, now: Timestamp) -> Option<Duration> {
    form_urlencoded::parse(query?.as_bytes())
        .find(|(name, _)| name == "expires")
        .and_then(|(_, expires)| expires.parse().ok())
        .map(|expires| Timestamp::from_secs(expires).since(now))
}

/// Whether the response depends on metadata of the image.
fn needs_metadata(request: &Request) -> bool {
    let has = |name| request.headers.all(name).next().is_some();
    request.method == Method::Head || has("range") || has("if-none-match")
}

/// None: the whole image. If `If-Range` has another ETag, the range is ignored.
fn requested_range(headers: &Headers, info: &ImageInfo) -> Result<Option<ByteRange>, Problem> {
    let is_of_another = headers
        .all("if-range")
        .any(|validator| validator != info.etag.as_bytes());
    if is_of_another {
        return Ok(None);
    }
    match headers
        .text("range")
        .map(|field| range::selection(field, info.size))
    {
        Some(Selection::Part(range)) => Ok(Some(range)),
        Some(Selection::Outside) => Err(Problem::RangeNotSatisfiable { size: info.size }),
        Some(Selection::Whole) | None => Ok(None),
    }
}

/// Headers of a response with so many bytes of an image.
fn with_content<C>(
    status: u16,
    viewer: &Viewer,
    info: &ImageInfo,
    max_age: Duration,
    length: u64,
) -> Response<C> {
    described(status, viewer, info, max_age)
        .with("accept-ranges", "bytes")
        .with("content-type", info.media_type.clone())
        .with("content-length", length.to_string())
}

/// Browsers save a response with a name instead of showing it.
fn named<C>(response: Response<C>, name: Option<&Name>, info: &ImageInfo) -> Response<C> {
    match (name, Format::from_media_type(&info.media_type)) {
        (Some(name), Some(format)) => {
            response.with("content-disposition", name.content_disposition(format))
        }
        _ => response,
    }
}

/// Headers of every response with an image. The bytes come from a user, so browsers must
/// not sniff another type.
fn described<C>(status: u16, viewer: &Viewer, info: &ImageInfo, max_age: Duration) -> Response<C> {
    let cache_control = format!("private, immutable, max-age={}", max_age.as_secs());
    let response = Response {
        status,
        headers: vec![
            ("etag", info.etag.clone().into()),
            ("cache-control", cache_control.into()),
            ("content-security-policy", protection::IMAGE.into()),
            ("cross-origin-resource-policy", "cross-origin".into()),
        ],
        content: Content::None,
    };
    match viewer {
        Viewer::Anyone => response,
        Viewer::Owner { .. } => response.with("vary", "Authorization, Cookie"),
    }
}
