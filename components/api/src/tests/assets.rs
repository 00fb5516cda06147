//! Pages and other files that are served as they stand.

use super::service::{Call, Service};
use crate::{Method, assets};

#[test]
fn assets_are_served_to_everyone() {
    let service = Service::new();
    for asset in assets::all() {
        let path = asset.path;
        let reply = service.send(Call::get(path));
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.body, asset.bytes, "{path}");
        let length = asset.bytes.len().to_string();
        assert_eq!(reply.header("content-length"), Some(length.as_str()));
        assert_eq!(reply.header("content-type"), Some(asset.media_type));
        assert_eq!(reply.header("cache-control"), Some("no-cache"));

        let head = service.send(Call::new(Method::Head, path));
        assert_eq!(head.status, 200, "{path}");
        assert!(head.body.is_empty(), "{path}");
        assert_eq!(head.headers, reply.headers, "{path}");
    }
}

#[test]
fn a_cache_is_told_when_it_is_up_to_date() {
    let service = Service::new();
    for asset in assets::all() {
        let ask = |etag: &str| service.send(Call::get(asset.path).header("if-none-match", etag));
        let etag = asset.etag();
        let reply = ask(&etag);
        assert_eq!(reply.status, 304, "{}", asset.path);
        assert!(reply.body.is_empty(), "{}", asset.path);
        assert_eq!(reply.header("etag"), Some(etag.as_str()));
        assert_eq!(reply.header("content-length"), None);
        assert_eq!(ask("\"of another version\"").status, 200, "{}", asset.path);
    }
}

#[test]
fn validators_are_those_of_the_contents() {
    let mut etags: Vec<String> = assets::all().map(assets::Asset::etag).collect();
    etags.sort_unstable();
    let count = etags.len();
    etags.dedup();
    assert_eq!(etags.len(), count);
}

/// The content security policy forbids inline script and style, and there may
/// be no network.
#[test]
fn pages_need_nothing_from_elsewhere() {
    for asset in assets::all() {
        let Ok(text) = std::str::from_utf8(asset.bytes) else {
            continue;
        };
        if asset.media_type.starts_with("text/html") {
            for (tag, allowed) in [("<script", "<script src=\"/"), ("<style", "never")] {
                let inline = text.matches(tag).count() - text.matches(allowed).count();
                assert_eq!(inline, 0, "{}: {tag}", asset.path);
            }
            for forbidden in [" style=\"", " onclick=", " onload=", "javascript:"] {
                assert!(!text.contains(forbidden), "{}: {forbidden}", asset.path);
            }
        }
        if asset.media_type.starts_with("text/css") {
            assert!(!text.contains("@import"), "{}", asset.path);
        }
        if !asset.media_type.contains("json") {
            for forbidden in ["src=\"http", "src=\"//", "href=\"//", "url(http", "url(//"] {
                assert!(!text.contains(forbidden), "{}: {forbidden}", asset.path);
            }
        }
    }
}
