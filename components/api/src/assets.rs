//! Static files: pages, scripts, styles, and the description of the API.
//!
//! They are embedded, so that they are available on every platform. None may refer to
//! another origin, or contain inline scripts or styles.

mod file;
mod page;

use file::{CSS, HTML, JAVASCRIPT, JSON};

pub use file::Asset;

use crate::conditional::is_unchanged;
use crate::request::Request;
use crate::response::{Content, Response};

/// All static files, by path.
static ASSETS: &[Asset] = &[
    Asset::new("/openapi.json", JSON, include_bytes!("../openapi.json")),
    Asset::new("/docs", HTML, include_bytes!("../docs/index.html")),
    Asset::new("/docs/docs.css", CSS, include_bytes!("../docs/docs.css")),
    Asset::new(
        "/docs/code.js",
        JAVASCRIPT,
        include_bytes!("../docs/code.js"),
    ),
    Asset::new(
        "/docs/docs.js",
        JAVASCRIPT,
        include_bytes!("../docs/docs.js"),
    ),
    Asset::new(
        "/docs/shown.js",
        JAVASCRIPT,
        include_bytes!("../docs/shown.js"),
    ),
    Asset::new("/docs/try.js", JAVASCRIPT, include_bytes!("../docs/try.js")),
];

/// The page that browsers show for an unknown path.
const NOTHING_HERE: &[u8] = include_bytes!("../page/nothing-here.html");

pub fn all() -> impl Iterator<Item = &'static Asset> {
    ASSETS.iter().chain(page::PAGE)
}

pub fn find(path: &str) -> Option<&'static Asset> {
    all().find(|asset| asset.path == path)
}

pub fn nothing_here<C>() -> Response<C> {
    Response {
        status: 404,
        headers: vec![
            ("content-type", HTML.into()),
            ("content-length", NOTHING_HERE.len().to_string().into()),
            ("cache-control", "no-store".into()),
        ],
        content: Content::Bytes(NOTHING_HERE.to_vec()),
    }
}

/// Contents may change under the same path, so caches must revalidate.
pub fn answer<C>(asset: &Asset, request: &Request) -> Response<C> {
    let etag = asset.etag();
    let is_unchanged = is_unchanged(&request.headers, &etag);
    let mut response = Response {
        status: 304,
        headers: vec![("etag", etag.into()), ("cache-control", "no-cache".into())],
        content: Content::None,
    };
    if is_unchanged {
        return response;
    }
    response.status = 200;
    response.content = Content::Bytes(asset.bytes.to_vec());
    response
        .with("content-type", asset.media_type)
        .with("content-length", asset.bytes.len().to_string())
}
