//! All images of a kind.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use concept_refinement_capability::images::Listed;
use concept_refinement_domain::capability::{ImageKind, ImageLength, NewImage};
use concept_refinement_domain::image_path::without_format;
use concept_refinement_domain::session::IS_ANONYMOUS;
use concept_refinement_domain::timestamp::Timestamp;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};

use super::{DurableImageBackend, ImageBackend, Store, image, signing};

const KINDS: [ImageKind; 2] = [ImageKind::Upload, ImageKind::Refined];

/// All of what is listed; a list may leave out what would cost a look at each.
async fn listed<B: ImageBackend>(store: &Store<B>, kind: ImageKind) -> Vec<Listed> {
    let names = store.images.list(kind).await.unwrap();
    let names: Vec<Listed> = names.try_collect().await.unwrap();
    let mut listed = Vec::new();
    for image in names {
        listed.extend(match image.is_whole() {
            true => Some(image),
            false => {
                let described = store.images.describe(&image.path).await.unwrap();
                described.inspect(|told| assert_eq!(told.anonymous_owner, image.anonymous_owner))
            }
        });
    }
    listed
}

/// The paths with their times; no path comes twice.
async fn list<B: ImageBackend>(store: &Store<B>, kind: ImageKind) -> BTreeMap<String, Timestamp> {
    let listed = listed(store, kind).await;
    let count = listed.len();
    let images: BTreeMap<_, _> = listed
        .into_iter()
        .map(|image| (image.path, image.created_at))
        .collect();
    assert_eq!(images.len(), count, "one comes twice");
    images
}

fn of_kind(kind: ImageKind, owner: &str, name: &str) -> NewImage {
    NewImage {
        kind,
        ..image(owner, name, b"image")
    }
}

pub async fn all_images_of_a_kind_are_listed<B: ImageBackend>() {
    let store = Store::<B>::start();
    let mut expected = KINDS.map(|_| BTreeMap::new());
    for (kind, expected) in KINDS.into_iter().zip(&expected) {
        assert_eq!(list(&store, kind).await, *expected, "there are none yet");
    }
    let media_types = ["image/png", "image/jpeg", "image/webp", "image/gif"];
    for owner in ["ada", "", "../..", "bob \0 ☕️"] {
        for (kind, expected) in KINDS.into_iter().zip(&mut expected) {
            for (n, media_type) in media_types.into_iter().enumerate() {
                store.clock.advance(Duration::from_millis(1));
                let mut new = of_kind(kind, owner, &format!("{n}-1"));
                new.media_type = media_type.into();
                let stored = store.stored(new, b"image").await;
                let info = store.stat(&stored.path).await.unwrap();
                expected.insert(stored.path, info.created_at);
            }
        }
    }
    for (kind, expected) in KINDS.into_iter().zip(expected) {
        assert_eq!(expected.len(), 16);
        assert_eq!(list(&store, kind).await, expected);
    }
}

pub async fn an_anonymous_owner_is_listed<B: ImageBackend>() {
    let store = Store::<B>::start();
    let kind = ImageKind::Upload;
    let mut expected = BTreeMap::new();
    for (owner, metadata) in [
        ("anonymous", Some("true")),
        ("anonymous ☕️", Some("true")),
        ("named", Some("false")),
        ("said nothing of", None),
    ] {
        let mut new = of_kind(kind, owner, "a");
        let said = metadata.map(|value| (IS_ANONYMOUS.to_owned(), value.to_owned()));
        new.metadata.extend(said);
        let stored = store.stored(new, b"image").await;
        let anonymous_owner = (metadata == Some("true")).then(|| owner.to_owned());
        expected.insert(stored.path, anonymous_owner);
    }
    let listed: BTreeMap<_, _> = listed(&store, kind)
        .await
        .into_iter()
        .map(|image| (image.path, image.anonymous_owner))
        .collect();
    assert_eq!(listed, expected);
}

pub async fn what_is_replaced_or_deleted_is_not_listed<B: ImageBackend>() {
    let store = Store::<B>::start();
    let kind = ImageKind::Refined;
    let first = store.stored(of_kind(kind, "ada", "a"), b"image").await;
    store.clock.advance(Duration::from_secs(1));
    let mut other_format = of_kind(kind, "ada", "a");
    other_format.media_type = "image/jpeg".into();
    let second = store.stored(other_format, b"image").await;
    let now = store.stat(&second.path).await.unwrap().created_at;
    assert_eq!(list(&store, kind).await, [(second.path, now)].into());
    store.images.delete(&first.path).await.unwrap();
    assert_eq!(list(&store, kind).await.len(), 1);
    let path = list(&store, kind).await.into_keys().next().unwrap();
    store.images.delete(&path).await.unwrap();
    store.images.delete(&path).await.unwrap();
    assert_eq!(list(&store, kind).await, BTreeMap::new());
}

pub async fn what_is_not_whole_is_not_listed<B: DurableImageBackend>() {
    let store = Store::<B>::start();
    // More than any store holds before it writes.
    const HALF: &[u8] = &[0; 1 << 20];
    let mut begun = of_kind(ImageKind::Upload, "ada", "a");
    begun.length = ImageLength::Exactly(2 * HALF.len() as u64);
    let half = stream::iter([Ok(Bytes::from_static(HALF))]).chain(stream::pending());
    let mut put = store.images.put(begun, half.boxed());
    // It has begun and waits for the rest.
    while store.backend.stored_count() == 0 {
        assert!((&mut put).now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    for kind in KINDS {
        assert_eq!(list(&store, kind).await, BTreeMap::new());
    }
    drop(put);
}

pub async fn what_comes_and_goes_meanwhile_ends_no_list<B: ImageBackend>() {
    let store = Store::<B>::start();
    let kind = ImageKind::Upload;
    let mut paths = Vec::new();
    for owner in 0..20 {
        for name in ["a", "b", "c"] {
            let new = of_kind(kind, &format!("user {owner}"), name);
            paths.push(store.stored(new, b"image").await.path);
        }
    }
    let mut listing = store.images.list(kind).await.unwrap();
    let name = |image: Listed| without_format(&image.path).to_owned();
    let mut listed = vec![name(listing.next().await.unwrap().unwrap())];
    // All of one half goes, whole owners with it; others come.
    let (gone, stored_count) = paths.split_at(30);
    for path in gone {
        store.images.delete(path).await.unwrap();
    }
    for owner in 15..25 {
        let new = of_kind(kind, &format!("user {owner}"), "new");
        store.stored(new, b"image").await;
    }
    while let Some(next) = listing.next().await {
        listed.push(name(next.unwrap()));
    }
    listed.sort();
    assert!(listed.is_sorted_by(|a, b| a < b), "one comes twice");
    for path in stored_count {
        let name = without_format(path).to_owned();
        assert!(listed.contains(&name), "{path} was there all the time");
    }
}

pub async fn a_crash_leaves_what_was_stored_to_be_listed<B: DurableImageBackend>() {
    let store = Store::<B>::start();
    for n in 0..5 {
        let new = of_kind(ImageKind::Refined, "ada", &format!("{n}"));
        store.stored(new, b"image").await;
    }
    let expected = list(&store, ImageKind::Refined).await;
    assert_eq!(expected.len(), 5);
    let crashed = store.backend.crash(signing(None), store.clock.clone());
    let crashed = Store::of(crashed, store.clock.clone());
    assert_eq!(list(&crashed, ImageKind::Refined).await, expected);
}
