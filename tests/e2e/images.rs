//! Stored images over HTTP: validators, ranges, heads.

use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::pictures;
use concept_refinement_tests::tokens::now;

use crate::shared::{new_user, scripted};

#[tokio::test]
async fn an_image_is_served_whole_with_its_headers() {
    let client = new_user(scripted());
    for picture in pictures::all(40, 30) {
        let url = client.uploaded(&picture).await;
        let anybody = Client::new(client.base());
        let image = anybody.get(&url).await;
        assert_eq!((image.status, &image.body[..]), (200, &picture.bytes[..]));
        let size = picture.bytes.len().to_string();
        for (name, expected) in [
            ("content-type", picture.media_type),
            ("content-length", &size),
            ("accept-ranges", "bytes"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(image.header(name), Some(expected), "{name}");
        }
        let etag = image.header("etag").unwrap();
        assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
        let head = anybody.head(&url).await;
        assert_eq!((head.status, head.body.len()), (200, 0));
        for name in ["content-type", "content-length", "etag"] {
            assert_eq!(head.header(name), image.header(name), "{name}");
        }
        // Until the URL expires, which came nearer between the two.
        let (of_image, of_head) = (max_age(&image), max_age(&head));
        assert!(of_head <= of_image, "{of_head} after {of_image}");
        assert!(of_image - of_head < 60, "{of_head} after {of_image}");
        let path = url.split_once("/api/images/").unwrap().1;
        let path = path.split_once('?').unwrap().0;
        let deleted = client.delete(&format!("/api/images/{path}")).await;
        assert_eq!((deleted.status, deleted.body.len()), (204, 0));
        assert_eq!(anybody.get(&url).await.status, 404);
    }
}

/// How long a browser may cache an image, in seconds.
fn max_age(answer: &Answer) -> u64 {
    let cache_control = answer.header("cache-control").unwrap();
    let age = cache_control.strip_prefix("private, immutable, max-age=");
    age.expect(cache_control).parse().unwrap()
}

#[tokio::test]
async fn what_a_cache_knows_is_not_sent_again() {
    let client = new_user(scripted());
    let url = client.uploaded(&pictures::png(40, 30)).await;
    let anybody = Client::new(client.base());
    let etag = anybody.get(&url).await.header("etag").unwrap().to_owned();
    for (known, expected) in [
        (etag.as_str(), 304),
        (&format!("W/{etag}"), 304),
        (&format!("\"other\", {etag}"), 304),
        ("*", 304),
        ("\"other\"", 200),
        ("nonsense", 200),
    ] {
        let known = anybody.with("if-none-match", known);
        let answer = known.get(&url).await;
        assert_eq!(answer.status, expected, "{known:?}");
        assert_eq!(answer.header("etag"), Some(etag.as_str()));
        assert_eq!(answer.body.is_empty(), expected == 304);
        assert_eq!(known.head(&url).await.status, expected);
        // A validator opens nothing.
        let (unsigned, _) = url.split_once('?').unwrap();
        assert_eq!(known.get(unsigned).await.status, 401);
    }
}

#[tokio::test]
async fn a_part_of_an_image_is_served_as_such() {
    let client = new_user(scripted());
    let picture = pictures::png(40, 30);
    let url = client.uploaded(&picture).await;
    let anybody = Client::new(client.base());
    let bytes = &picture.bytes[..];
    let size = bytes.len();
    for (range, part) in [
        ("bytes=0-9", 0..10),
        ("Bytes=0-9", 0..10),
        ("bytes=5-5", 5..6),
        ("bytes=10-", 10..size),
        ("bytes=-10", size - 10..size),
        ("bytes=1-99999999999999999999", 1..size),
        ("bytes=-99999999999999999999", 0..size),
    ] {
        let answer = anybody.with("range", range).get(&url).await;
        assert_eq!(answer.status, 206, "{range}");
        assert_eq!(answer.body, bytes[part.clone()], "{range}");
        let expected = format!("bytes {}-{}/{size}", part.start, part.end - 1);
        assert_eq!(answer.header("content-range"), Some(expected.as_str()));
        assert_eq!(answer.header("content-type"), Some("image/png"));
        let length = part.len().to_string();
        assert_eq!(answer.header("content-length"), Some(length.as_str()));
        // A range is for GET alone (RFC 9110, 14.2).
        let head = anybody.with("range", range).head(&url).await;
        let whole = size.to_string();
        assert_eq!(head.status, 200, "{range}");
        assert_eq!(head.header("content-length"), Some(whole.as_str()));
        assert_eq!(head.header("content-range"), None, "{range}");
    }
    for range in [
        "bytes=9-0",
        "bytes=a-b",
        "items=0-1",
        "bytes=0-1,5-6",
        "nonsense",
    ] {
        let answer = anybody.with("range", range).get(&url).await;
        assert_eq!((answer.status, answer.body.len()), (200, size), "{range}");
    }
    for range in [format!("bytes={size}-"), "bytes=-0".to_owned()] {
        let answer = anybody.with("range", &range).get(&url).await;
        assert_eq!(answer.status, 416, "{range}");
        assert_eq!(answer.error_code(), "RANGE_NOT_SATISFIABLE");
        let expected = format!("bytes */{size}");
        assert_eq!(answer.header("content-range"), Some(expected.as_str()));
    }
}

#[tokio::test]
async fn a_part_is_of_the_image_that_was_meant() {
    let client = new_user(scripted());
    let url = client.uploaded(&pictures::png(40, 30)).await;
    let anybody = Client::new(client.base());
    let etag = anybody.get(&url).await.header("etag").unwrap().to_owned();
    let part = anybody.with("range", "bytes=0-9");
    for (condition, expected) in [
        (etag.as_str(), 206),
        ("\"other\"", 200),
        // Only what is surely the same will do: a weak validator is not, and
        // neither is a time, of which none was told.
        (&format!("W/{etag}"), 200),
        ("Fri, 20 Nov 2026 12:00:00 GMT", 200),
        ("*", 200),
    ] {
        let answer = part.with("if-range", condition).get(&url).await;
        assert_eq!(answer.status, expected, "{condition}");
    }
    let known = part.with("if-none-match", &etag);
    assert_eq!(known.get(&url).await.status, 304, "which comes first");
}

/// A cache may keep an image as long as its URL works, and no longer.
#[tokio::test]
async fn an_image_is_fresh_as_long_as_its_signature_is_good() {
    let client = new_user(scripted());
    let url = client.uploaded(&pictures::png(40, 30)).await;
    let (path, query) = url.split_once('?').unwrap();
    let expires = query
        .split('&')
        .find_map(|part| part.strip_prefix("expires="));
    let expires: u64 = expires.unwrap().parse().unwrap();
    let anybody = Client::new(client.base());
    let etag = anybody.get(&url).await.header("etag").unwrap().to_owned();
    for (name, asker, url) in [
        ("whole", anybody.clone(), url.as_str()),
        ("a part", anybody.with("range", "bytes=0-3"), &url),
        ("known", anybody.with("if-none-match", &etag), &url),
        ("the owner, signed", client.clone(), &url),
        ("the owner", client.clone(), path),
        (
            "the owner, known",
            client.with("if-none-match", &etag),
            path,
        ),
    ] {
        let left = expires.saturating_sub(now());
        let answer = asker.get(url).await;
        let max_age = max_age(&answer);
        let most = if url == path { 3600 } else { left };
        assert!(
            (2600..=most).contains(&max_age),
            "{name}: {max_age}, {left} left"
        );
        // What its owner sees without a signature is not what others see.
        let varies = answer
            .header("vary")
            .is_some_and(|vary| vary.contains("Authorization"));
        assert_eq!(varies, url == path, "{name}: {:?}", answer.header("vary"));
    }
    // Within a step of a quarter the URL stays the same, so that caches work.
    let again = client.uploaded(&pictures::png(40, 30)).await;
    assert_ne!(again.split('?').next(), Some(path), "another image");
}

#[tokio::test]
async fn an_image_keeps_its_url_for_a_while() {
    let client = new_user(scripted());
    let original = client.uploaded(&pictures::png(8, 8)).await;
    let first = client.refined(&original, "echo it").await;
    let id = first["task_id"].as_str().unwrap();
    let task = client.task(id).await;
    let again = task["image_url"].as_str().unwrap();
    // Unless a quarter of an hour ended in between.
    let later = client.task(id).await;
    assert!(first["image_url"] == again || later["image_url"] == again);
}
