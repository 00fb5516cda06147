//! Images at the limits and beyond, many at once, in bounded memory.

use std::time::{Duration, Instant};

use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures::{self, Picture};
use concept_refinement_tests::server::{Origin, Reply};
use concept_refinement_tests::service::Launch;
use futures::future::join_all;

use crate::originals::FAILED;
use crate::shared::{new_user, scripted_launch};

const MIB: usize = 1 << 20;

/// For what takes a few seconds, and took minutes where answers waited for each other.
const AT_MOST: Duration = Duration::from_secs(40);

/// An image that is as long as this, behind whose end there is nothing of use.
fn long_png(length: usize) -> Vec<u8> {
    let mut bytes = pictures::png(20, 20).bytes;
    bytes.resize(length, 0);
    bytes
}

/// With the limits as they are by default.
fn launch(origin: &Origin) -> Launch {
    scripted_launch()
        .set("allow-sources", &origin.authority())
        .set("max-image-bytes", "20MiB")
}

#[tokio::test]
async fn what_is_too_large_is_not_even_held() {
    let origin = Origin::start();
    let service = launch(&origin).start();
    let before = service.usage().peak;
    let file = long_png(25_000_000);
    let declared = origin.serve(Reply::ok("image/png", &file));
    let undeclared = origin.serve(Reply::new(200, "", &file));
    let redirected = origin.serve(Reply::redirect(302, &undeclared));
    let refused = [&declared, &undeclared, &redirected]
        .into_iter()
        .cycle()
        .take(12);
    let refused = refused.map(async |url| {
        let task = new_user(&service).refined(url, "echo it").await;
        let expected = format!("{FAILED}the file is larger than 20 MiB");
        assert_eq!(task["error_message"], expected);
    });
    let small = origin.picture(&pictures::png(20, 20));
    let well = async {
        let user = new_user(&service);
        for _ in 0..5 {
            user.completed(&small, "echo it").await;
        }
    };
    tokio::join!(join_all(refused), well);
    // Of each that does not tell its length 20 MiB are held, of the others none.
    let grown = (service.usage().peak - before) as usize / MIB;
    assert!(grown < 8 * 20 * 2 + 100, "{grown} MiB");
}

/// Eight that are paid for wait for each other's room, and small ones of others pass.
#[tokio::test]
async fn answers_that_wait_for_room_hold_none() {
    const SMALL: usize = 12;
    let origin = Origin::start();
    let service = launch(&origin).set("image-memory", "128MiB").start();
    let original = origin.picture(&pictures::png(20, 20));
    let located = origin.serve(Reply::ok("image/png", &long_png(30 * MIB)));
    let located = format!("location: {located}");
    let large = (0..8).map(async |index| {
        let prompt = match index % 2 {
            0 => "swell to 30MiB",
            _ => &located,
        };
        new_user(&service).completed(&original, prompt).await;
    });
    let small = (0..SMALL).map(async |_| {
        new_user(&service).completed(&original, "echo it").await;
    });
    let begin = Instant::now();
    let (_, small) = tokio::join!(join_all(large), async {
        join_all(small).await;
        begin.elapsed()
    });
    println!(
        "small ones after {small:?}, all after {:?}",
        begin.elapsed()
    );
    assert!(small < AT_MOST, "small ones after {small:?}");
    assert!(begin.elapsed() < AT_MOST, "all after {:?}", begin.elapsed());
}

/// A server cuts off what is not read for a while, as it may be where others have the room.
#[tokio::test]
async fn answers_that_wait_for_room_wait_without_a_connection() {
    let origin = Origin::start();
    let service = launch(&origin).set("image-memory", "128MiB").start();
    let original = origin.picture(&pictures::png(20, 20));
    // Four at a time have room, for five seconds.
    let located = Reply::ok("image/png", &long_png(30 * MIB));
    let located = located
        .slowly(Duration::from_millis(400))
        .impatient(Duration::from_secs(1));
    let prompt = format!("location: {}", origin.serve(located));
    let begin = Instant::now();
    let all = (0..14).map(async |_| {
        new_user(&service).completed(&original, &prompt).await;
    });
    join_all(all).await;
    println!("all after {:?}", begin.elapsed());
    assert!(begin.elapsed() < AT_MOST, "all after {:?}", begin.elapsed());
}

/// The largest original and the largest answer fit into an instance of the
/// processor together, and nothing beyond is read.
#[tokio::test]
async fn the_largest_original_and_answer_fit_and_no_byte_more() {
    let origin = Origin::start();
    let service = launch(&origin).set("max-image-bytes", "32MiB").start();
    let client = new_user(&service);
    let original = origin.serve(Reply::ok("image/png", &long_png(32 * MIB)));
    for (length, declared) in [(50 * MIB, true), (50 * MIB, false), (50 * MIB + 1, false)] {
        let file = long_png(length);
        let reply = match declared {
            true => Reply::ok("image/png", &file),
            false => Reply::new(200, "", &file),
        };
        let prompt = format!("location: {}", origin.serve(reply));
        let task = client.refined(&original, &prompt).await;
        if length > 50 * MIB {
            let message = task["error_message"].as_str().unwrap();
            assert!(
                message.ends_with("the file is larger than 50 MiB"),
                "{message}"
            );
        } else {
            assert_eq!(task["status"], "completed", "{task}");
            let image = client.get(task["image_url"].as_str().unwrap()).await;
            let answer = Picture {
                bytes: file,
                ..pictures::png(1, 1)
            };
            assert!(image.body == marked(&answer), "other bytes");
        }
    }
    let peak = service.usage().peak as usize / MIB;
    assert!(peak < 600, "{peak} MiB");
}
