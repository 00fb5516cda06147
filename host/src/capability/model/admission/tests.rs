use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;

const MEBI: u64 = 1 << MIB;

/// The header of a PNG, in chunks of three bytes.
fn png(width: u32, height: u32) -> ModelRequest {
    let header = [
        &b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"[..],
        &width.to_be_bytes(),
        &height.to_be_bytes(),
        &[8, 2, 0, 0, 0, 1, 2, 3, 4],
    ];
    request(header.concat())
}

fn request(bytes: Vec<u8>) -> ModelRequest {
    let chunks: Vec<_> = bytes.chunks(3).map(Bytes::copy_from_slice).collect();
    ModelRequest {
        prompt: String::new(),
        strength: 0.7,
        logo_description: None,
        theme_description: None,
        media_type: "image/png".to_owned(),
        length: bytes.len() as u64,
        source_url: None,
        image: stream::iter(chunks).boxed(),
    }
}

fn poll<T>(work: std::pin::Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    work.poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn a_call_needs_room_by_its_pixels() {
    let room = Room::new(4096 * MEBI, 1024 * MEBI);
    let hidden = [&b"\xff\xd8\xff\xe1\xff\xff"[..], &[0; 300_000]].concat();
    for (name, mut request, expected) in [
        ("one pixel", png(1, 1), 24),
        ("a megapixel", png(1024, 1024), 24 + 24),
        ("12 megapixels", png(4000, 3000), 24 + 274),
        ("more than an instance may have", png(60_000, 60_000), 1024),
        ("no image", request(b"text".to_vec()), 1024),
        ("nothing", request(Vec::new()), 1024),
        ("a size that does not come", request(hidden), 1024),
    ] {
        assert_eq!(room.need(&mut request).await, expected, "{name}");
    }
}

#[tokio::test]
async fn what_was_read_is_put_back() {
    let bytes: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    let whole = [&b"GIF89a"[..], &bytes].concat();
    let mut request = request(whole.clone());
    pixels(&mut request.image).await;
    assert_eq!(request.image.collect::<Vec<_>>().await.concat(), whole);
}

#[test]
fn there_is_always_room_for_one() {
    for (total, each, expected) in [
        (4096 * MEBI, 1024 * MEBI, 4096),
        (512 * MEBI, 1024 * MEBI, 1024),
        (0, 0, 1),
        (u64::MAX, u64::MAX, u32::MAX),
    ] {
        assert_eq!(Room::new(total, each).total(), expected);
    }
    assert!(Room::of_machine(16 * MEBI, 2).total() >= 16);
}

#[test]
fn calls_come_in_turn_and_leave_their_room() {
    // Room for two of these, or for one that is larger.
    let admission = Admission::within(8, Room::new(500 * MEBI, 500 * MEBI));
    let (mut a, mut b, mut c) = (png(3000, 3000), png(3000, 3000), png(3000, 3000));
    let (mut large, mut small) = (png(4400, 4300), png(1, 1));
    let Poll::Ready(Some(first)) = poll(pin!(admission.admit(&mut a))) else {
        panic!("there is room for the first");
    };
    let Poll::Ready(Some(second)) = poll(pin!(admission.admit(&mut b))) else {
        panic!("there is room for the second");
    };
    let mut large = Box::pin(admission.admit(&mut large));
    let mut small = Box::pin(admission.admit(&mut small));
    let mut third = Box::pin(admission.admit(&mut c));
    assert!(poll(large.as_mut()).is_pending());
    assert!(
        poll(small.as_mut()).is_pending(),
        "it came after the large one"
    );
    drop(first);
    assert!(
        poll(small.as_mut()).is_pending(),
        "it came after the large one"
    );
    assert!(
        poll(large.as_mut()).is_pending(),
        "the second is still there"
    );
    drop(second);
    let Poll::Ready(Some(running)) = poll(large.as_mut()) else {
        panic!("there is room for the large one");
    };
    assert!(
        poll(small.as_mut()).is_ready(),
        "it fits beside the large one"
    );
    assert!(poll(third.as_mut()).is_pending());
    drop((running, large));
    assert!(poll(third.as_mut()).is_ready());
}

#[test]
fn who_gives_up_leaves_the_line() {
    let admission = Admission::within(8, Room::new(500 * MEBI, 500 * MEBI));
    let (mut a, mut b, mut c) = (png(3000, 3000), png(6000, 6000), png(3000, 3000));
    let first = poll(pin!(admission.admit(&mut a)));
    assert!(first.is_ready());
    let mut waiting = Box::pin(admission.admit(&mut b));
    assert!(poll(waiting.as_mut()).is_pending());
    let mut next = Box::pin(admission.admit(&mut c));
    assert!(poll(next.as_mut()).is_pending());
    drop(waiting);
    assert!(poll(next.as_mut()).is_ready());
}

#[test]
fn calls_are_bounded_also_where_each_needs_little() {
    let admission = Admission::within(1, Room::new(500 * MEBI, 500 * MEBI));
    let (mut a, mut b) = (png(1, 1), png(1, 1));
    let first = poll(pin!(admission.admit(&mut a)));
    let mut second = Box::pin(admission.admit(&mut b));
    assert!(poll(second.as_mut()).is_pending());
    drop(first);
    assert!(poll(second.as_mut()).is_ready());
}
