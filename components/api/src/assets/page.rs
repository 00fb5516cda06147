//! The web page: a document, styles, script modules and sample images, served as they
//! are, without a build step.

use super::file::{Asset, CSS, HTML, JAVASCRIPT, SVG, WEBP};

macro_rules! page {
    ($($media_type:ident $name:literal),* $(,)?) => {
        &[
            Asset::new("/", HTML, include_bytes!("../../page/index.html")),
            Asset::new(
                "/page/base.css",
                CSS,
                concat!(
                    include_str!("../../page/shared.css"),
                    include_str!("../../page/base.css"),
                )
                .as_bytes(),
            ),
            $(Asset::new(
                concat!("/page/", $name),
                $media_type,
                include_bytes!(concat!("../../page/", $name)),
            ),)*
        ]
    };
}

pub static PAGE: &[Asset] = page![
    SVG "icon.svg",
    WEBP "sample-logo.webp",
    WEBP "sample-lake.webp",
    WEBP "sample-badge.webp",
    WEBP "small-logo.webp",
    WEBP "small-lake.webp",
    WEBP "small-badge.webp",
    CSS "stage.css",
    CSS "panel.css",
    CSS "history.css",
    JAVASCRIPT "api.js",
    JAVASCRIPT "app.js",
    JAVASCRIPT "aspects.js",
    JAVASCRIPT "compare.js",
    JAVASCRIPT "compose.js",
    JAVASCRIPT "confirm.js",
    JAVASCRIPT "dom.js",
    JAVASCRIPT "errors.js",
    JAVASCRIPT "events.js",
    JAVASCRIPT "history.js",
    JAVASCRIPT "images.js",
    JAVASCRIPT "inspection.js",
    JAVASCRIPT "intake.js",
    JAVASCRIPT "marks.js",
    JAVASCRIPT "names.js",
    JAVASCRIPT "part.js",
    JAVASCRIPT "progress.js",
    JAVASCRIPT "provenance.js",
    JAVASCRIPT "queue.js",
    JAVASCRIPT "quota.js",
    JAVASCRIPT "removal.js",
    JAVASCRIPT "result.js",
    JAVASCRIPT "router.js",
    JAVASCRIPT "samples.js",
    JAVASCRIPT "service.js",
    JAVASCRIPT "session.js",
    JAVASCRIPT "signin.js",
    JAVASCRIPT "source.js",
    JAVASCRIPT "suggestions.js",
    JAVASCRIPT "times.js",
    JAVASCRIPT "upload.js",
    JAVASCRIPT "verification.js",
    JAVASCRIPT "versions.js",
    JAVASCRIPT "views.js",
    JAVASCRIPT "watching.js",
];
