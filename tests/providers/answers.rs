//! Answers with an image, in every form.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures::{self, Picture};
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::server::Reply;
use futures::future::join_all;
use serde_json::json;

use crate::kinds::{Kind, image, refined, reply};

/// Each form in which a provider answers this picture.
fn forms(kind: Kind, provider: &Provider, picture: &Picture) -> Vec<(&'static str, Reply)> {
    let base64 = STANDARD.encode(&picture.bytes);
    let url = provider.serve(Reply::picture(picture));
    let relative = url.trim_start_matches(&provider.url());
    let lines: Vec<_> = base64.as_bytes().chunks(76).collect();
    let lines = String::from_utf8(lines.join(&b'\n')).unwrap();
    let (length, bytes) = (picture.bytes.len(), &picture.bytes);
    let chunk = [
        format!("{length:x}\r\n").as_bytes(),
        bytes,
        b"\r\n0\r\n\r\n",
    ]
    .concat();
    let chunked = "content-type: image/png\r\ntransfer-encoding: chunked\r\n";
    let own = match kind {
        Kind::JigsawStack => vec![
            (
                "output.image_url",
                reply(&json!({"output": {"image_url": url}})),
            ),
            ("url", reply(&json!({"success": true, "url": url}))),
            ("a relative address", reply(&json!({"url": relative}))),
            ("base64", reply(&json!({"url": "", "image": base64}))),
            ("data.url", reply(&json!({"data": {"url": url}}))),
            (
                "an address, declared as text",
                Reply::ok("text/html", json!({"url": url}).to_string().as_bytes()),
            ),
        ],
        Kind::OpenAi => vec![
            ("b64_json", kind.json_with(&base64)),
            ("url", reply(&json!({"data": [{"url": url}]}))),
            (
                "url beside an empty b64_json",
                reply(&json!({"data": [{"b64_json": "", "url": url, "revised_prompt": ""}]})),
            ),
            (
                "b64_json beside an empty url",
                reply(&json!({"data": [{"b64_json": base64, "url": ""}]})),
            ),
            (
                "a relative url",
                reply(&json!({"data": [{"url": relative}]})),
            ),
            ("b64_json in lines", kind.json_with(&lines)),
            (
                "an empty item before it",
                reply(&json!({"data": [{"b64_json": null, "url": null}, {"b64_json": base64}]})),
            ),
        ],
        Kind::Stability => vec![
            ("image", kind.json_with(&base64)),
            ("image in lines", kind.json_with(&lines)),
        ],
        Kind::Cog => vec![
            ("a data URL", kind.json_with(&base64)),
            (
                "an address",
                reply(&json!({"status": "succeeded", "output": url})),
            ),
            (
                "a list",
                reply(&json!({"status": "succeeded", "output": [url, "https://x.example"]})),
            ),
            (
                "after a caption",
                reply(&json!({"status": "succeeded", "output": ["a cat", "", url]})),
            ),
            (
                "in an object",
                reply(&json!({"status": "succeeded", "output": {"caption": "a cat", "png": url}})),
            ),
            (
                "a relative address",
                reply(&json!({"status": "succeeded", "output": relative})),
            ),
        ],
        Kind::Automatic1111 => vec![
            ("images", kind.json_with(&base64)),
            ("images in lines", kind.json_with(&lines)),
            (
                "an empty text before it",
                reply(&json!({"images": ["", base64]})),
            ),
            (
                "a data URL",
                kind.json_with(&format!("data:image/png;base64,{base64}")),
            ),
        ],
    };
    let any = [
        ("bytes", Reply::picture(picture)),
        ("bytes, wrongly declared", Reply::ok("text/html", bytes)),
        ("bytes, status 201", Reply::new(201, "", bytes)),
        (
            "bytes, an empty encoding",
            Reply::new(200, "content-encoding: \r\n", bytes),
        ),
        (
            "bytes, an encoding that is none",
            Reply::new(200, "content-encoding: utf-8\r\n", bytes),
        ),
        ("bytes in chunks", Reply::new(200, chunked, &chunk)),
        (
            "slow bytes",
            Reply::picture(picture).slowly(Duration::from_millis(20)),
        ),
        (
            "slowly in full",
            kind.success(picture).slowly(Duration::from_millis(20)),
        ),
    ];
    own.into_iter().chain(any).collect()
}

#[tokio::test]
async fn the_image_is_stored_byte_for_byte_in_whatever_form_it_came() {
    let picture = pictures::webp(50, 40);
    let cases = Kind::ALL.into_iter().flat_map(|kind| {
        let forms = forms(kind, &kind.pair().provider, &picture);
        forms
            .into_iter()
            .map(move |(form, reply)| (kind, form, reply))
    });
    join_all(cases.map(async |(kind, form, reply)| {
        let pair = kind.pair();
        let prompt = pair.provider.prompt([reply]);
        let (client, task) = pair.refined(&prompt).await;
        assert_eq!(task["status"], "completed", "{kind:?}, {form}: {task}");
        assert!(
            image(&client, &task).await == marked(&picture),
            "{kind:?}, {form}"
        );
        assert_eq!(pair.provider.asked(&prompt).len(), 1, "{kind:?}, {form}");
    }))
    .await;
}

#[tokio::test]
async fn a_provider_that_recovers_is_asked_again() {
    let picture = pictures::png(50, 40);
    join_all(Kind::ALL.map(async |kind| {
        let pair = kind.pair();
        let success = || kind.success(&picture);
        let wait = Reply::new(429, "retry-after: 2\r\ncontent-length: 0\r\n", b"");
        let cases = [
            ("429", vec![wait, success()], 2),
            ("500", vec![Reply::status(500), success()], 1),
            ("breaks off", vec![success().without_end(10), success()], 1),
        ];
        join_all(cases.map(async |(name, replies, seconds)| {
            let prompt = pair.provider.prompt(replies);
            let begin = Instant::now();
            let (client, task) = pair.refined(&prompt).await;
            assert_eq!(task["status"], "completed", "{kind:?}, {name}: {task}");
            assert!(image(&client, &task).await == marked(&picture), "{kind:?}");
            assert_eq!(pair.provider.asked(&prompt).len(), 2, "{kind:?}, {name}");
            // The shortest wait after a first try is three quarters of a second.
            let least = Duration::from_millis(seconds * 1000 - 250);
            assert!(begin.elapsed() >= least, "{kind:?}, {name}: no wait");
        }))
        .await;
    }))
    .await;
}

/// An image in JSON takes no more than three times its size.
#[tokio::test]
async fn a_large_image_fits_into_little_memory() {
    const MIB: usize = 1 << 20;
    let mut picture = pictures::png(50, 40);
    picture.bytes.resize(45 * MIB, 0);
    for kind in [
        Kind::OpenAi,
        Kind::Stability,
        Kind::Cog,
        Kind::Automatic1111,
    ] {
        let provider = Provider::start();
        let service = kind
            .launch(&provider.url())
            .set("model-memory", "136MiB")
            .start();
        let prompt = provider.prompt([kind.success(&picture)]);
        let (client, task) = refined(&service, &prompt).await;
        assert!(image(&client, &task).await == marked(&picture), "{kind:?}");
    }
}
