//! Static files: pages, scripts, styles, and the description of the API.
//!
//! They are embedded, so that they are available on every platform. None may refer to
//! another origin, or contain inline scripts or styles.

mod file;

use file::{CSS, HTML, JAVASCRIPT, JSON, SVG, WEBP};

pub use file::Asset;

use crate::conditional::is_unchanged;
use crate::request::Request;
use crate::response::{Content, Response};

/// Several files as one.
macro_rules! joined {
    ($($file:literal),+) => {
        concat!($(include_str!($file)),+).as_bytes()
    };
}

/// Files of a folder, served as they are, without a build step, under its name and theirs.
macro_rules! files {
    ($folder:literal: $($media_type:ident: $($name:literal),+;)+) => {
        &[$($(Asset::new(
            concat!("/", $folder, "/", $name),
            $media_type,
            include_bytes!(concat!("../", $folder, "/", $name)),
        ),)+)+]
    };
}

/// What is not served under its own name.
static ASSETS: &[Asset] = &[
    Asset::new("/openapi.json", JSON, include_bytes!("../openapi.json")),
    Asset::new("/docs", HTML, include_bytes!("../docs/index.html")),
    Asset::new("/", HTML, include_bytes!("../page/index.html")),
    Asset::new(
        "/page/base.css",
        CSS,
        joined!(
            "../page/colours.css",
            "../page/shared.css",
            "../page/base.css"
        ),
    ),
    Asset::new(
        "/docs/docs.css",
        CSS,
        joined!("../page/colours.css", "../docs/docs.css"),
    ),
];

/// The page about the API.
static DOCS: &[Asset] = files! { "docs":
    JAVASCRIPT: "code.js", "docs.js", "shown.js", "try.js";
};

/// The web page: styles, script modules and sample images.
static PAGE: &[Asset] = files! { "page":
    SVG: "icon.svg";
    WEBP: "sample-logo.webp", "sample-lake.webp", "sample-badge.webp",
        "small-logo.webp", "small-lake.webp", "small-badge.webp";
    CSS: "stage.css", "panel.css", "history.css";
    JAVASCRIPT: "api.js", "app.js", "aspects.js", "compare.js", "compose.js", "confirm.js",
        "dom.js", "errors.js", "events.js", "history.js", "images.js", "inspection.js",
        "intake.js", "marks.js", "names.js", "part.js", "progress.js", "provenance.js",
        "queue.js", "quota.js", "removal.js", "result.js", "router.js", "samples.js",
        "service.js", "session.js", "signin.js", "source.js", "suggestions.js", "times.js",
        "upload.js", "verification.js", "versions.js", "views.js", "watching.js";
};

/// The page that browsers show for an unknown path.
const NOTHING_HERE: &[u8] = include_bytes!("../page/nothing-here.html");

pub fn all() -> impl Iterator<Item = &'static Asset> {
    ASSETS.iter().chain(DOCS).chain(PAGE)
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
