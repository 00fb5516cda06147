//! Answers with an image, in every form.

use std::time::{Duration, Instant};

use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures::{self, Picture};
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::stand_in::ALL;
use futures::future::join_all;

use crate::pairs::{Pair, image, pairs, refined};

/// Each form in which a provider answers this picture.
fn forms(pair: &Pair, picture: &Picture) -> Vec<(&'static str, Reply)> {
    let Pair {
        stand_in, provider, ..
    } = pair;
    let slowly = stand_in.success(provider, picture);
    let slowly = slowly.slowly(Duration::from_millis(20));
    let mut forms = stand_in.forms(provider, picture);
    forms.push(("slowly in full", slowly));
    if stand_in.answers_at_once() {
        forms.extend(bytes(picture));
    }
    forms
}

/// The picture itself, as anyone may answer it.
fn bytes(picture: &Picture) -> [(&'static str, Reply); 7] {
    let (length, bytes) = (picture.bytes.len(), &picture.bytes);
    let chunk = [
        format!("{length:x}\r\n").as_bytes(),
        bytes,
        b"\r\n0\r\n\r\n",
    ]
    .concat();
    let chunked = "content-type: image/png\r\ntransfer-encoding: chunked\r\n";
    [
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
    ]
}

#[tokio::test]
async fn the_image_is_stored_byte_for_byte_in_whatever_form_it_came() {
    let picture = pictures::webp(50, 40);
    let cases = pairs().iter().flat_map(|pair| {
        let forms = forms(pair, &picture).into_iter();
        forms.map(move |(form, reply)| (pair, form, reply))
    });
    join_all(cases.map(async |(pair, form, reply)| {
        let label = pair.label();
        let prompt = pair.provider.prompt([reply]);
        let (client, task) = pair.refined(&prompt).await;
        assert_eq!(task["status"], "completed", "{label}, {form}: {task}");
        assert!(
            image(&client, &task).await == marked(&picture),
            "{label}, {form}"
        );
        assert_eq!(pair.provider.asked(&prompt).len(), 1, "{label}, {form}");
    }))
    .await;
}

#[tokio::test]
async fn a_provider_that_recovers_is_asked_again() {
    let picture = pictures::png(50, 40);
    join_all(pairs().iter().map(async |pair| {
        let label = pair.label();
        let success = || pair.stand_in.success(&pair.provider, &picture);
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
            assert_eq!(task["status"], "completed", "{label}, {name}: {task}");
            assert!(image(&client, &task).await == marked(&picture), "{label}");
            assert_eq!(pair.provider.asked(&prompt).len(), 2, "{label}, {name}");
            // The shortest wait after a first try is three quarters of a second.
            let least = Duration::from_millis(seconds * 1000 - 250);
            assert!(begin.elapsed() >= least, "{label}, {name}: no wait");
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
    for stand_in in ALL {
        let provider = stand_in.start();
        let service = stand_in
            .launch(&provider.url())
            .set("model-memory", "136MiB")
            .start();
        let prompt = provider.prompt([stand_in.success(&provider, &picture)]);
        let (client, task) = refined(&service, &prompt).await;
        let image = image(&client, &task).await;
        assert!(image == marked(&picture), "{}", stand_in.label());
    }
}
