//! Storing and removing: whole or not at all.

use std::fmt::Debug;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use concept_refinement_domain::capability::{
    CapabilityError, ErrorKind, ImageInfo, ImageKind, ImageLength, ImageLimit, NewImage,
    StoredOrNot,
};
use concept_refinement_domain::hex::hex;
use futures::channel::mpsc;
use futures::future::{Either, select};
use futures::{FutureExt, StreamExt, stream};
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;

use super::{
    DurableImageBackend, ImageBackend, OwnedImageBackend, START, Store, at_most, contents, image,
    noise, signing, whole, within,
};
use crate::tasks::at_once;

/// For what is bound to happen.
const TIMEOUT: Duration = Duration::from_secs(30);

pub async fn an_image_is_read_as_it_was_stored<B: ImageBackend>() {
    let store = Store::<B>::start();
    for (n, media_type) in ["image/png", "image/jpeg", "image/webp", "image/gif"]
        .into_iter()
        .enumerate()
    {
        for kind in [ImageKind::Upload, ImageKind::Refined] {
            for length in [0, 1, 65_536, 1_000_003] {
                let bytes = noise(length);
                let mut new = image("ada \"/\0 ☕️", &format!("a-{n}-{length}"), &bytes);
                new.kind = kind;
                new.media_type = media_type.into();
                let stored = store.stored(new.clone(), &bytes).await;
                let origin = B::PUBLIC_URL.unwrap_or_default();
                assert_eq!(stored.url, format!("{origin}/api/images/{}", stored.path));
                let info = store.stat(&stored.path).await.unwrap();
                let expected = ImageInfo {
                    path: stored.path.clone(),
                    kind,
                    owner: new.owner,
                    media_type: media_type.into(),
                    size: length as u64,
                    etag: info.etag.clone(),
                    sha256: Some(hex(&Sha256::digest(&bytes))),
                    created_at: START,
                    original_had_credentials: false,
                };
                assert_eq!(info, expected);
                assert_eq!(stored.sha256, expected.sha256);
                let (read_info, read) =
                    store.images.get(&stored.path, None).await.unwrap().unwrap();
                assert_eq!(read_info, expected);
                assert!(whole(read).await.unwrap() == bytes, "{length} bytes");
            }
        }
    }
    assert_eq!(store.backend.stored_count(), 4 * 2 * 4);
}

pub async fn what_is_not_whole_is_not_stored<B: ImageBackend>() {
    let store = Store::<B>::start();
    let bytes = noise(300_000);
    let declared = |length: u64| NewImage {
        length: ImageLength::Exactly(length),
        ..image("ada", "a", &bytes)
    };
    for length in [0, 1, 299_999, 300_001, u64::MAX] {
        let put = store.images.put(declared(length), contents(&bytes)).await;
        assert_eq!(put, Ok(StoredOrNot::WrongLength), "{length}");
    }
    let nothing = store.images.put(declared(1), stream::empty().boxed()).await;
    assert_eq!(nothing, Ok(StoredOrNot::WrongLength));
    // One that never ends is not read to its end.
    let endless = stream::repeat(Bytes::from_static(&[7; 1000]))
        .map(Ok)
        .boxed();
    let put = store.images.put(declared(300_000), endless).await;
    assert_eq!(put, Ok(StoredOrNot::WrongLength));
    let mut undeclared = image("ada", "a", &bytes);
    undeclared.length = ImageLength::AtMost(299_999);
    for sent in [&bytes[..], &[]] {
        let put = store.images.put(undeclared.clone(), contents(sent)).await;
        assert_eq!(put, Ok(StoredOrNot::WrongLength));
    }
    assert_eq!(store.backend.stored_count(), 0);
}

pub async fn an_image_of_undeclared_length_is_as_long_as_it_came<B: ImageBackend>() {
    let store = Store::<B>::start();
    let bytes = noise(300_000);
    for (name, length) in [("a", 1), ("b", 299_999), ("c", 300_000)] {
        let sent = &bytes[..length];
        let mut undeclared = image("ada", name, sent);
        undeclared.length = ImageLength::AtMost(300_000);
        let path = store.stored(undeclared, sent).await.path;
        assert_eq!(store.stat(&path).await.unwrap().size, length as u64);
        assert_eq!(store.read(&path, None).await.as_deref(), Some(sent));
    }
}

/// Though all of its bytes came before.
pub async fn what_its_sender_breaks_off_is_not_stored<B: ImageBackend>() {
    let store = Store::<B>::start();
    let bytes = noise(300_000);
    let error = CapabilityError::unavailable("The sender is gone.");
    let broken = contents(&bytes)
        .chain(stream::iter([Err(error.clone())]))
        .boxed();
    let put = store.images.put(image("ada", "a", &bytes), broken).await;
    assert_eq!(put, Err(error));
    assert_eq!(store.backend.stored_count(), 0);
}

pub async fn who_goes_away_leaves_nothing<B: DurableImageBackend>() {
    let store = Store::<B>::start();
    let bytes = noise(3_000_000);
    let (images, image) = (store.images.clone(), image("ada", "a", &bytes));
    let half = contents(&bytes[..2_000_000])
        .chain(stream::pending())
        .boxed();
    let put = tokio::spawn(async move { images.put(image, half).await });
    let stored_count = async |count| {
        while store.backend.stored_count() != count {
            tokio::task::yield_now().await;
        }
    };
    timeout(TIMEOUT, stored_count(1))
        .await
        .expect("nothing was begun");
    put.abort();
    assert!(put.await.unwrap_err().is_cancelled());
    timeout(TIMEOUT, stored_count(0))
        .await
        .expect("something was left");
}

pub async fn the_same_name_replaces_whatever_the_format<B: ImageBackend>() {
    let store = Store::<B>::start();
    let (first, second) = (noise(1000), noise(2000));
    let png = store.stored(image("ada", "a", &first), &first).await;
    let repeated = store.stored(image("ada", "a", &first), &first).await;
    assert_eq!(png, repeated);
    let again = store.stored(image("ada", "a", &second), &second).await;
    assert_eq!((&again.path, &again.url), (&png.path, &png.url));
    assert_ne!(again.sha256, png.sha256);
    assert_eq!(store.read(&png.path, None).await.unwrap(), second);

    let mut gif = image("ada", "a", &first);
    gif.media_type = "image/gif".into();
    let gif = store.stored(gif, &first).await;
    assert_eq!(store.read(&gif.path, None).await.unwrap(), first);
    assert_eq!(store.stat(&png.path).await, None);
    assert_eq!(store.backend.stored_count(), 1);
    store.images.delete(&png.path).await.unwrap();
    assert!(store.stat(&gif.path).await.is_some(), "it is another image");

    let mut refined = image("ada", "a", &second);
    refined.kind = ImageKind::Refined;
    let refined = store.stored(refined, &second).await;
    assert_eq!(store.read(&gif.path, None).await.unwrap(), first);
    assert_eq!(store.read(&refined.path, None).await.unwrap(), second);
}

/// A store may keep short ones elsewhere than long ones.
pub async fn the_same_name_replaces_whatever_the_length<B: ImageBackend>() {
    for kind in [ImageKind::Upload, ImageKind::Refined] {
        let store = Store::<B>::start();
        let mut last = None;
        for length in [10, 65_537, 65_536, 100_000, 3, 300_000] {
            let bytes = noise(length);
            let mut new = image("ada", "a", &bytes);
            new.kind = kind;
            let path = store.stored(new, &bytes).await.path;
            assert!(store.read(&path, None).await.unwrap() == bytes, "{length}");
            let info = store.stat(&path).await.unwrap();
            assert_eq!(info.size, length as u64);
            assert_eq!(store.backend.stored_count(), 1, "{kind:?}, {length}");
            last = Some(path);
        }
        let path = last.unwrap();
        store.images.delete(&path).await.unwrap();
        assert_eq!(store.stat(&path).await, None);
        assert_eq!(store.backend.stored_count(), 0, "{kind:?}");
    }
}

pub async fn owners_do_not_share_names<B: ImageBackend>() {
    let store = Store::<B>::start();
    let owners = ["ada", "bob", "Ada", "", "../bob"];
    let mut stored = Vec::new();
    for (n, owner) in owners.into_iter().enumerate() {
        let bytes = vec![n as u8; 10 + n];
        let path = store.stored(image(owner, "a", &bytes), &bytes).await.path;
        stored.push((owner, bytes, path));
    }
    for (owner, bytes, path) in &stored {
        assert_eq!(store.stat(path).await.unwrap().owner, *owner);
        assert_eq!(store.read(path, None).await.as_ref(), Some(bytes));
    }
    store.images.delete(&stored[0].2).await.unwrap();
    assert!(store.stat(&stored[1].2).await.is_some());
}

/// Whatever their formats; nobody else's, and no refined ones.
pub async fn all_uploads_of_an_owner_are_deleted<B: ImageBackend>() {
    let store = Store::<B>::start();
    let bytes = noise(1_000);
    let put = async |owner: &str, name: &str, kind, media_type: &str| {
        let mut new = image(owner, name, &bytes);
        new.kind = kind;
        new.media_type = media_type.into();
        new.limits = at_most(4);
        store.stored(new, &bytes).await.path
    };
    let mut uploads = Vec::new();
    for (name, media_type) in [
        ("a", "image/png"),
        ("b", "image/jpeg"),
        ("c", "image/webp"),
        ("d", "image/gif"),
    ] {
        uploads.push(put("ada", name, ImageKind::Upload, media_type).await);
    }
    let refined = put("ada", "a", ImageKind::Refined, "image/png").await;
    let others = put("bob", "a", ImageKind::Upload, "image/png").await;
    let mut steps = 0;
    while store.images.delete_uploads("ada", 3).await.unwrap() {
        steps += 1;
        assert!(steps < 10, "it never ends");
    }
    for path in &uploads {
        assert_eq!(store.stat(path).await, None, "{path}");
    }
    assert_eq!(store.images.has_uploads("ada").await, Ok(false));
    for path in [&refined, &others] {
        assert!(store.stat(path).await.is_some(), "{path}");
    }
    assert_eq!(store.images.delete_uploads("ada", 3).await, Ok(false));
    // They count no longer.
    for name in ["e", "f", "g", "h"] {
        put("ada", name, ImageKind::Upload, "image/png").await;
    }
}

pub async fn what_cannot_be_stored_is_refused<B: ImageBackend>() {
    let store = Store::<B>::start();
    let long = "x".repeat(81);
    let good = image("ada", "a", b"1");
    for name in [
        "", ".", "..", "../a", "a/b", "A", "a.png", "a\0", "é", "a b", &long,
    ] {
        let mut bad = good.clone();
        bad.name = name.into();
        let error = store.images.put(bad, contents(b"1")).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{name:?}");
    }
    for media_type in ["", "text/html", "image/svg+xml", "image/../png"] {
        let mut bad = good.clone();
        bad.media_type = media_type.into();
        let error = store.images.put(bad, contents(b"1")).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{media_type:?}");
    }
    assert_eq!(store.backend.stored_count(), 0);
    let mut longest = good;
    longest.name = "x".repeat(80);
    store.stored(longest, b"1").await;
}

pub async fn at_most_so_many_are_kept<B: ImageBackend>() {
    let store = Store::<B>::start();
    let put = async |owner: &str, name: &str, limits| {
        let mut new = image(owner, name, b"1");
        new.limits = limits;
        store.images.put(new, contents(b"1")).await.unwrap()
    };
    let too_many = StoredOrNot::LimitReached(ImageLimit::Images);
    assert_eq!(put("ada", "a", at_most(0)).await, too_many);
    let StoredOrNot::Stored(a) = put("ada", "a", at_most(2)).await else {
        panic!()
    };
    assert_ne!(put("ada", "b", at_most(2)).await, too_many);
    assert_eq!(put("ada", "c", at_most(2)).await, too_many);
    assert_ne!(
        put("ada", "b", at_most(2)).await,
        too_many,
        "it replaces one"
    );
    assert_ne!(put("bob", "c", at_most(2)).await, too_many, "another owner");
    let mut refined = image("ada", "c", b"1");
    refined.kind = ImageKind::Refined;
    refined.limits = at_most(1);
    store.stored(refined, b"1").await;
    assert_ne!(put("ada", "c", at_most(3)).await, too_many);
    assert_ne!(put("ada", "d", None).await, too_many);
    assert_eq!(put("ada", "e", at_most(4)).await, too_many);
    store.images.delete(&a.path).await.unwrap();
    assert_ne!(put("ada", "e", at_most(4)).await, too_many);
    // The sender learns it without sending.
    let mut silent = image("ada", "f", b"1");
    silent.limits = at_most(4);
    let put = store.images.put(silent, stream::pending().boxed());
    assert_eq!(put.await, Ok(too_many));
}

/// Of each limit, whatever the lengths and however many come at once: what is
/// stored is what fits, and the rest is told why.
pub async fn limits_are_exact_under_concurrency<B: ImageBackend>() {
    const LENGTH: usize = 1000;
    let expected = 5;
    for (limits, limit) in [
        (at_most(5), ImageLimit::Images),
        (within(u32::MAX, 5000, u32::MAX), ImageLimit::Bytes),
        (within(u32::MAX, 5999, u32::MAX), ImageLimit::Bytes),
    ] {
        let store = Store::<B>::start();
        let outcomes = at_once(40, |n| {
            let images = store.images.clone();
            async move {
                let owner = format!("owner {}", n % 2);
                let bytes = vec![7; LENGTH];
                let mut new = image(&owner, &format!("a-{n}"), &bytes);
                new.limits = limits;
                (owner, images.put(new, contents(&bytes)).await.unwrap())
            }
        })
        .await;
        for owner in ["owner 0", "owner 1"] {
            let mut stored = 0;
            for (_, outcome) in outcomes.iter().filter(|(who, _)| who == owner) {
                match outcome {
                    StoredOrNot::Stored(_) => stored += 1,
                    other => assert_eq!(*other, StoredOrNot::LimitReached(limit)),
                }
            }
            assert_eq!(stored, expected, "{owner}, {limits:?}");
        }
        assert_eq!(store.backend.stored_count(), 2 * expected);
    }
}

/// From its first moment until it is stored, refused or given up.
pub async fn what_is_under_way_counts<B: ImageBackend>() {
    let store = Store::<B>::start();
    let limits = within(9, 1000, 2);
    let new = |name: &str, length| NewImage {
        limits,
        length,
        ..image("ada", name, b"")
    };
    let put = async |image: NewImage, bytes: &[u8]| {
        store.images.put(image, contents(bytes)).await.unwrap()
    };
    let first = vec![1; 400];
    let (sender, sent) = mpsc::unbounded();
    let under_way = new("a", ImageLength::Exactly(400));
    let mut declared = Box::pin(store.images.put(under_way, sent.boxed()));
    begun(&mut declared, &store, "ada", 1).await;
    let beyond = put(new("b", ImageLength::Exactly(601)), &[2; 601]).await;
    assert_eq!(beyond, StoredOrNot::LimitReached(ImageLimit::Bytes));
    let silent = new("c", ImageLength::AtMost(500));
    let mut undeclared = Box::pin(store.images.put(silent, stream::pending().boxed()));
    begun(&mut undeclared, &store, "ada", 2).await;
    let third = put(new("d", ImageLength::Exactly(1)), &[3; 1]).await;
    assert_eq!(third, StoredOrNot::LimitReached(ImageLimit::UnderWay));
    let others = image("bob", "a", b"1");
    store.stored(NewImage { limits, ..others }, b"1").await;

    sender.unbounded_send(Ok(Bytes::from(first))).unwrap();
    drop(sender);
    let stored = timeout(TIMEOUT, declared).await.unwrap().unwrap();
    assert!(matches!(stored, StoredOrNot::Stored(_)), "{stored:?}");
    let beyond = put(new("d", ImageLength::Exactly(101)), &[3; 101]).await;
    assert_eq!(beyond, StoredOrNot::LimitReached(ImageLimit::Bytes));
    let within = put(new("d", ImageLength::Exactly(100)), &[3; 100]).await;
    assert!(matches!(within, StoredOrNot::Stored(_)), "{within:?}");
    let nothing = put(new("e", ImageLength::AtMost(0)), b"").await;
    assert_eq!(nothing, StoredOrNot::WrongLength);
}

/// Whoever gives up, or is refused for its contents, leaves no reservation.
pub async fn what_is_given_up_counts_no_longer<B: ImageBackend>() {
    let store = Store::<B>::start();
    let limits = within(1, 100, 1);
    let new = |length| NewImage {
        limits,
        length,
        ..image("ada", "a", b"")
    };
    for length in [ImageLength::Exactly(100), ImageLength::AtMost(100)] {
        for sent in [0, 99, 101] {
            if sent == 99 && length == ImageLength::AtMost(100) {
                continue;
            }
            let mut named = new(length);
            named.name = format!("n-{sent}");
            let put = store.images.put(named, contents(&vec![1; sent])).await;
            assert_eq!(put, Ok(StoredOrNot::WrongLength), "{length:?}, {sent}");
        }
    }
    store
        .stored(new(ImageLength::Exactly(100)), &[1; 100])
        .await;
}

/// Waits until an owner has so many images, one of them under way. An image
/// that no limits admit asks for that: it never takes the place itself.
async fn begun<B: ImageBackend, T: Debug>(
    under_way: &mut (impl Future<Output = T> + Unpin),
    store: &Store<B>,
    owner: &str,
    images: u32,
) {
    let mut question = image(owner, "question", b"?");
    question.limits = within(images, 0, 0);
    let reached = pin!(async {
        loop {
            match store.images.put(question.clone(), contents(b"?")).await {
                Ok(StoredOrNot::LimitReached(ImageLimit::Images)) => return,
                Ok(StoredOrNot::LimitReached(_)) => tokio::task::yield_now().await,
                other => panic!("{other:?}"),
            }
        }
    });
    match timeout(TIMEOUT, select(under_way, reached)).await.unwrap() {
        Either::Left((outcome, _)) => panic!("it ended: {outcome:?}"),
        Either::Right(((), _)) => {}
    }
}

pub async fn deleting_is_repeatable<B: ImageBackend>() {
    let store = Store::<B>::start();
    let bytes = noise(1000);
    let path = store.stored(image("ada", "a", &bytes), &bytes).await.path;
    let other = store.stored(image("ada", "b", &bytes), &bytes).await.path;
    for _ in 0..3 {
        store.images.delete(&path).await.unwrap();
        assert_eq!(store.stat(&path).await, None);
        assert_eq!(store.read(&path, None).await, None);
        assert_eq!(store.backend.stored_count(), 1);
    }
    assert_eq!(store.read(&other, None).await.as_ref(), Some(&bytes));
    let again = store.stored(image("ada", "a", &bytes), &bytes).await.path;
    assert_eq!(store.read(&again, None).await, Some(bytes));
}

pub async fn what_is_being_read_stays_whole<B: ImageBackend>() {
    let store = Store::<B>::start();
    let (first, second) = (noise(2_000_000), vec![9; 3_000_000]);
    let path = store.stored(image("ada", "a", &first), &first).await.path;
    let get = async || store.images.get(&path, None).await.unwrap().unwrap().1;
    let mut replaced = get().await;
    let begin = replaced.next().await.unwrap().unwrap();
    store.stored(image("ada", "a", &second), &second).await;
    let rest = whole(replaced).await.unwrap();
    assert!([begin.to_vec(), rest].concat() == first);

    let mut deleted = get().await;
    let begin = deleted.next().await.unwrap().unwrap();
    store.images.delete(&path).await.unwrap();
    let rest = whole(deleted).await.unwrap();
    assert!([begin.to_vec(), rest].concat() == second);
}

/// One that was stored, one that was deleted, and one of which a half was
/// written as the process ended.
async fn crashed<B: DurableImageBackend>() -> (Store<B>, Store<B>, [String; 2], Vec<u8>) {
    let store = Store::<B>::start();
    let bytes = noise(3_000_000);
    let path = store.stored(image("ada", "a", &bytes), &bytes).await.path;
    let gone = store.stored(image("ada", "b", &bytes), &bytes).await.path;
    store.images.delete(&gone).await.unwrap();
    let half = contents(&bytes[..2_000_000])
        .chain(stream::pending())
        .boxed();
    let mut put = Box::pin(store.images.put(image("ada", "c", &bytes), half));
    // Far enough that there is something half written.
    let begun = async {
        while store.backend.stored_count() == 1 {
            assert!((&mut put).now_or_never().is_none());
            tokio::task::yield_now().await;
        }
    };
    timeout(TIMEOUT, begun).await.expect("nothing was begun");
    let clock = store.clock.clone();
    let after = Store::<B>::of(store.backend.crash(signing(None), clock.clone()), clock);
    drop(put);
    (store, after, [path, gone], bytes)
}

pub async fn what_was_answered_survives_a_crash<B: DurableImageBackend>() {
    let (before, after, [path, gone], bytes) = crashed::<B>().await;
    assert_eq!(after.stat(&path).await, before.stat(&path).await);
    assert_eq!(after.read(&path, None).await.as_ref(), Some(&bytes));
    assert_eq!(after.stat(&gone).await, None);
    let half = path.replace("a.png", "c.png");
    assert_eq!(after.stat(&half).await, None);
    let whole = after.stored(image("ada", "c", &bytes), &bytes).await;
    assert_eq!(whole.path, half, "it can be stored again");
    assert_eq!(after.read(&half, None).await, Some(bytes));
}

pub async fn a_crash_leaves_nothing_but_what_was_stored<B: DurableImageBackend>() {
    let (_, after, _, _) = crashed::<B>().await;
    assert_eq!(after.backend.stored_count(), 1);
}

pub async fn it_belongs_to_one_process_at_a_time<B: OwnedImageBackend>() {
    let store = Store::<B>::start();
    let refused = store.backend.open_again(signing(None), store.clock.clone());
    let sentence = refused.unwrap_err();
    assert!(sentence.contains("in use by another process"), "{sentence}");
    store.stored(image("ada", "a", b"1"), b"1").await;
}

pub async fn a_checked_store_can_be_used<B: ImageBackend>() {
    let store = Store::<B>::start();
    assert_eq!(store.images.check().await, Ok(()));
    store.stored(image("ada", "a", b"1"), b"1").await;
    assert_eq!(store.images.check().await, Ok(()));
    assert_eq!(
        store.backend.stored_count(),
        1,
        "checking leaves nothing behind"
    );
}
