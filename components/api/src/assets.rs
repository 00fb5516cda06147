//! The files that are served as they stand: pages, their scripts and styles,
//! and the description of the API.
//!
//! They are part of the component, so that they are there on every platform.
//! None of them may name anything of another origin, or hold inline script or
//! style.

mod page;

use crate::range;
use crate::request::Request;
use crate::response::{Content, Response};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";
const JSON: &str = "application/json";

/// What is served, by its whole path.
static ASSETS: &[Asset] = &[
    Asset::new("/openapi.json", JSON, include_bytes!("../openapi.json")),
    Asset::new("/docs", HTML, include_bytes!("../docs/index.html")),
    Asset::new("/docs/docs.css", CSS, include_bytes!("../docs/docs.css")),
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

#[derive(Debug, PartialEq, Eq)]
pub struct Asset {
    pub path: &'static str,
    pub media_type: &'static str,
    pub bytes: &'static [u8],
    /// Of the bytes.
    hash: u64,
}

pub fn all() -> impl Iterator<Item = &'static Asset> {
    ASSETS.iter().chain(page::PAGE)
}

pub fn find(path: &str) -> Option<&'static Asset> {
    all().find(|asset| asset.path == path)
}

/// A path keeps its name when its contents change, so a cache has to ask.
pub fn answer<B, C>(asset: &Asset, request: &Request<B>) -> Response<C> {
    let etag = asset.etag();
    let is_known = request
        .headers
        .all("if-none-match")
        .filter_map(|field| std::str::from_utf8(field).ok())
        .any(|field| range::is_known(field, &etag));
    let mut response = Response {
        status: 304,
        headers: vec![("etag", etag.into()), ("cache-control", "no-cache".into())],
        content: Content::None,
    };
    if is_known {
        return response;
    }
    response.status = 200;
    response.content = Content::Bytes(asset.bytes.to_vec());
    response
        .with("content-type", asset.media_type)
        .with("content-length", asset.bytes.len().to_string())
}

impl Asset {
    const fn new(path: &'static str, media_type: &'static str, bytes: &'static [u8]) -> Self {
        Self {
            path,
            media_type,
            bytes,
            hash: fnv_1a(bytes),
        }
    }

    pub fn etag(&self) -> String {
        format!("\"{:016x}\"", self.hash)
    }
}

/// Made while the component is compiled. The bytes are ours, so that nobody
/// looks for two that hash alike.
const fn fnv_1a(mut bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    while let [byte, rest @ ..] = bytes {
        hash = (hash ^ *byte as u64).wrapping_mul(0x0000_0100_0000_01b3);
        bytes = rest;
    }
    hash
}
