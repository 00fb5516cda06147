use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use concept_refinement_capability::model::RetryLater;
use concept_refinement_capability::payments::Payments;

use super::*;
use crate::model::memory::Admitted;

const MEBI: u64 = 1 << 20;

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
        task_id: String::new(),
        prompt: String::new(),
        strength: 0.7,
        seed: None,
        logo_description: None,
        theme_description: None,
        media_type: "image/png".to_owned(),
        length: bytes.len() as u64,
        source_url: None,
        options: Vec::new(),
        mask: None,
        image: stream::iter(chunks).boxed(),
        reopen: None,
        retry_later: RetryLater::default(),
        deadline: Instant::now() + Duration::from_secs(300),
        payments: Payments::default(),
    }
}

fn poll<T>(work: std::pin::Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    work.poll(&mut Context::from_waker(Waker::noop()))
}

fn admission(calls: usize, total: u64) -> Admission {
    Admission::new(calls, ModelMemory::new(total * MEBI, total * MEBI), true)
}

/// A call from its arrival until it may run.
async fn admit(admission: &Admission, request: &mut ModelRequest) -> (Admitted, CallPermit) {
    let mut permit = admission.enter(request).await.unwrap();
    (permit.ticket.admitted().await, permit)
}

#[tokio::test]
async fn a_call_needs_room_by_its_pixels() {
    let hidden = [&b"\xff\xd8\xff\xe1\xff\xff"[..], &[0; 300_000]].concat();
    for (name, mut request, expected) in [
        ("one pixel", png(1, 1), Some(24)),
        ("a megapixel", png(1024, 1024), Some(24 + 24)),
        ("12 megapixels", png(4000, 3000), Some(24 + 274)),
        ("no image", request(b"text".to_vec()), None),
        ("nothing", request(Vec::new()), None),
        ("a size that does not come", request(hidden), None),
    ] {
        let need = need(&mut request).await;
        let need = (need < u64::MAX).then_some(need / MEBI);
        assert_eq!(need, expected, "{name}");
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
fn calls_come_in_turn_and_leave_their_room() {
    // Room for two of these, or for one that is larger.
    let admission = admission(8, 500);
    let (mut a, mut b, mut c) = (png(3000, 3000), png(3000, 3000), png(3000, 3000));
    let (mut large, mut small) = (png(4400, 4300), png(1, 1));
    let Poll::Ready(first) = poll(pin!(admit(&admission, &mut a))) else {
        panic!("there is room for the first");
    };
    let Poll::Ready(second) = poll(pin!(admit(&admission, &mut b))) else {
        panic!("there is room for the second");
    };
    let mut large = Box::pin(admit(&admission, &mut large));
    let mut small = Box::pin(admit(&admission, &mut small));
    let mut third = Box::pin(admit(&admission, &mut c));
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
    let Poll::Ready(running) = poll(large.as_mut()) else {
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
    let admission = admission(8, 500);
    let (mut a, mut b, mut c) = (png(3000, 3000), png(6000, 6000), png(3000, 3000));
    let first = poll(pin!(admit(&admission, &mut a)));
    assert!(first.is_ready());
    let mut waiting = Box::pin(admit(&admission, &mut b));
    assert!(poll(waiting.as_mut()).is_pending());
    let mut next = Box::pin(admit(&admission, &mut c));
    assert!(poll(next.as_mut()).is_pending());
    drop(waiting);
    assert!(poll(next.as_mut()).is_ready());
}

#[test]
fn calls_are_bounded_also_where_each_needs_little() {
    let admission = admission(1, 500);
    let (mut a, mut b) = (png(1, 1), png(1, 1));
    let first = poll(pin!(admit(&admission, &mut a)));
    let mut second = Box::pin(admit(&admission, &mut b));
    assert!(poll(second.as_mut()).is_pending());
    drop(first);
    assert!(poll(second.as_mut()).is_ready());
}

/// One call of which the instance grows into the other's memory.
#[tokio::test]
async fn an_instance_without_room_ends_and_comes_back_before_later_calls() {
    let memory = ModelMemory::new(100 * MEBI, 100 * MEBI);
    let admission = Admission::new(8, Arc::clone(&memory), false);
    let (first, _first) = admit(&admission, &mut png(1, 1)).await;
    let (second, mut permit) = admit(&admission, &mut png(1, 1)).await;
    let (first, second) = (Arc::new(first), Arc::new(second));
    let meter = first.meter();
    assert_eq!(meter.grow(60 * MEBI), Ok(true));
    assert!(second.meter().grow(41 * MEBI).is_err());
    assert!(second.has_ended() && !first.has_ended());
    drop(second);

    // It is put off, and goes before one that came later.
    let mut again = Box::pin(permit.ticket.admitted());
    assert!(poll(again.as_mut()).is_pending());
    let mut large = png(1, 1);
    let mut later = Box::pin(admit(&admission, &mut large));
    assert!(poll(later.as_mut()).is_pending());
    drop((meter, first));
    let Poll::Ready(second) = poll(again.as_mut()) else {
        panic!("there is room for it now");
    };
    let used = memory.in_use();
    assert_eq!(
        (used.bytes, used.limit),
        (82 * MEBI, 100 * MEBI),
        "{used:?}"
    );
    assert!(poll(later.as_mut()).is_ready());
    assert_eq!(
        Arc::new(second).meter().grow(82 * MEBI),
        Ok(true),
        "it was set aside"
    );
    assert_eq!(memory.in_use().put_off, 1);
}
