//! What many hosts that share one store can rely on.

use std::time::Duration;

use concept_refinement_capability::upload_reservations::TERM;
use concept_refinement_domain::capability::{
    CapabilityError, ErrorKind, ImageKind, ImageLength, ImageLimit, ImageLimits, NewImage,
    StoredOrNot,
};
use futures::{StreamExt as _, stream};
use tokio::time::timeout;

use super::{SharedImageBackend, Store, at_most, contents, image, within};
use crate::tasks::at_once;

const LENGTH: usize = 1000;

/// For what is bound to happen.
const TIMEOUT: Duration = Duration::from_secs(30);

fn hosts<B: SharedImageBackend>(max_store: Option<u64>) -> (Store<B>, Vec<Store<B>>) {
    let first = Store::<B>::start();
    let more = (0..3).map(|_| {
        let another = first.backend.another(max_store);
        Store::of(another, first.clock.clone())
    });
    let more = more.collect();
    (first, more)
}

/// So many at once, each with the owner of its number.
async fn at_all_hosts<B: SharedImageBackend>(
    hosts: &[Store<B>],
    limits: Option<ImageLimits>,
    owner: impl Fn(usize) -> String,
) -> Vec<Result<StoredOrNot, CapabilityError>> {
    at_once(30, |n| {
        let images = hosts[n % hosts.len()].images.clone();
        let owner = owner(n);
        async move {
            let bytes = vec![7; LENGTH];
            let mut new = image(&owner, &format!("a-{n}"), &bytes);
            new.limits = limits;
            images.put(new, contents(&bytes)).await
        }
    })
    .await
}

pub async fn limits_are_exact_over_many_hosts<B: SharedImageBackend>() {
    let bytes = within(u32::MAX, 7999, u32::MAX);
    for (limits, limit) in [(at_most(7), ImageLimit::Images), (bytes, ImageLimit::Bytes)] {
        let (first, more) = hosts::<B>(None);
        let mut stored = 0;
        for outcome in at_all_hosts(&more, limits, |_| "ada".to_owned()).await {
            match outcome.unwrap() {
                StoredOrNot::Stored(_) => stored += 1,
                other => assert_eq!(other, StoredOrNot::LimitReached(limit)),
            }
        }
        assert_eq!(stored, 7, "{limit:?}");
        assert_eq!(first.backend.stored_count(), 7, "{limit:?}");
    }
}

/// Refined images count, and are never refused. Uploads leave a twentieth to them.
pub async fn the_room_of_all_images_is_exact_over_many_hosts<B: SharedImageBackend>() {
    const MAX_STORE: usize = 11 * LENGTH;
    let (first, more) = hosts::<B>(Some(MAX_STORE as u64));
    for (n, host) in more.iter().enumerate() {
        let mut refined = image("bob", &format!("r-{n}"), &[7; LENGTH]);
        refined.kind = ImageKind::Refined;
        host.stored(refined, &[7; LENGTH]).await;
    }
    let mut stored = Vec::new();
    for outcome in at_all_hosts(&more, None, |n| format!("user {n}")).await {
        match outcome {
            Ok(StoredOrNot::Stored(image)) => stored.push(image.path),
            Ok(other) => panic!("{other:?}"),
            Err(error) => assert_eq!(error.kind, ErrorKind::Full),
        }
    }
    assert_eq!(stored.len(), 7);
    assert_eq!(first.backend.stored_count(), 10);
    // What is deleted by one host makes room for another.
    more[0].images.delete(&stored[0]).await.unwrap();
    more[1]
        .stored(image("eve", "a", &[7; LENGTH]), &[7; LENGTH])
        .await;
    let left = vec![7; MAX_STORE - MAX_STORE / 20 - 10 * LENGTH];
    let more_than_is_left = [&left[..], b"1"].concat();
    let put = |name: &str, bytes: &[u8]| {
        more[2]
            .images
            .put(image("eve", name, bytes), contents(bytes))
    };
    let full = put("b", &more_than_is_left).await.unwrap_err();
    assert_eq!(full.kind, ErrorKind::Full);
    let stored = put("c", &left).await;
    assert!(matches!(stored, Ok(StoredOrNot::Stored(_))), "{stored:?}");
}

/// A host that goes on holds its places, however long an upload takes.
pub async fn a_dead_hosts_places_are_freed<B: SharedImageBackend>() {
    let (first, mut more) = hosts::<B>(None);
    let limits = within(9, 1000, 1);
    let new = |name: &str| NewImage {
        limits,
        length: ImageLength::Exactly(600),
        ..image("ada", name, b"")
    };
    let dying = more.remove(0);
    let silent = stream::iter([Ok(vec![1; 10].into())]).chain(stream::pending());
    let put = dying.images.put(new("a"), silent.boxed());
    let mut put = Box::pin(put);
    let begun = async {
        while first.backend.stored_count() == 0 {
            assert!(futures::poll!(&mut put).is_pending());
            tokio::task::yield_now().await;
        }
    };
    timeout(TIMEOUT, begun).await.expect("nothing was begun");
    let refused = more[0].images.put(new("b"), contents(&[2; 600])).await;
    let reached = |limit| Ok(StoredOrNot::LimitReached(limit));
    assert_eq!(refused, reached(ImageLimit::Bytes));
    // The end of a process runs nothing of it.
    std::mem::forget(put);
    std::mem::forget(dying);
    first.clock.advance(TERM * 2);
    let after = Store::<B>::of(first.backend.another(None), first.clock.clone());
    let freed = async {
        loop {
            let put = after.images.put(new("b"), contents(&[2; 600]));
            match put.await {
                Ok(StoredOrNot::Stored(_)) => return,
                // It is another host's, or in doubt.
                Ok(StoredOrNot::LimitReached(_)) => {}
                Err(error) if error.kind == ErrorKind::Unavailable => {}
                other => panic!("{other:?}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(TIMEOUT, freed).await.expect("it is not freed");
    assert_eq!(first.backend.stored_count(), 1);
}

pub async fn what_a_host_deletes_is_gone_for_all<B: SharedImageBackend>() {
    let (first, more) = hosts::<B>(None);
    let limits = at_most(1);
    let new = |name: &str| NewImage {
        limits,
        ..image("ada", name, b"1")
    };
    let path = more[0].stored(new("a"), b"1").await.path;
    let refused = more[1].images.put(new("b"), contents(b"1")).await;
    assert_eq!(refused, Ok(StoredOrNot::LimitReached(ImageLimit::Images)));
    assert!(more[1].images.has_uploads("ada").await.unwrap());
    more[2].images.delete(&path).await.unwrap();
    for host in &more {
        assert_eq!(host.stat(&path).await, None);
        assert_eq!(host.images.has_uploads("ada").await, Ok(false));
    }
    more[1].stored(new("b"), b"1").await;
    assert_eq!(first.backend.stored_count(), 1);
}
