//! Lists all images of a kind by name. A list of objects contains neither metadata nor
//! types; getting them would cost one request per image.
//!
//! An image that was never stored may have left its second object. It is listed like the
//! image, so that it is removed once nothing refers to it.
//!
//! A list also finds images that count as stored but are not in the bucket.

use std::sync::Arc;

use concept_refinement_capability::images::{Images, Listed};
use concept_refinement_capability::upload_reservations::ImageKey;
use concept_refinement_domain::capability::{CapabilityError, ImageKind};
use concept_refinement_domain::image_path::{ImagePath, folder};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::bucket::{ListedObject, Page};
use super::fault::Fault;
use super::{Inner, SECOND, is_image};

/// Keys per request: the maximum of S3.
const PAGE: usize = 1000;

/// Reservations that are compared at once with the listed objects.
const SETTLED: u32 = 1000;

pub(super) async fn list(inner: Arc<Inner>, kind: ImageKind) -> Result<Images, CapabilityError> {
    let beginning = format!("{}/", folder(kind));
    let first = inner.bucket.page(&beginning, PAGE, None).await;
    let first = first.map_err(Fault::report)?;
    let pages = stream::try_unfold(Some((inner, beginning, first)), move |state| async move {
        let Some((inner, beginning, page)) = state else {
            return Ok(None);
        };
        let Page { objects, next } = page;
        let listed = listed(&inner, kind, objects).await?;
        let rest = match next {
            None => None,
            Some(next) => {
                let page = inner.bucket.page(&beginning, PAGE, Some(next)).await;
                Some((inner, beginning, page.map_err(Fault::report)?))
            }
        };
        let listed = listed.into_iter().map(Ok::<_, CapabilityError>);
        Ok(Some((stream::iter(listed), rest)))
    });
    // A second object comes right after its image.
    let mut last = String::new();
    let once = pages.try_flatten().try_filter(move |image: &Listed| {
        let is_first = image.path != last;
        last.clone_from(&image.path);
        std::future::ready(is_first)
    });
    Ok(once.boxed())
}

/// Keeps those that are images of ours. The owners of uploads come from the task store,
/// at no cost.
async fn listed(
    inner: &Inner,
    kind: ImageKind,
    objects: Vec<ListedObject>,
) -> Result<Vec<Listed>, CapabilityError> {
    let named = objects
        .into_iter()
        .filter_map(|ListedObject { key, modified_at }| {
            let name = key.strip_suffix(SECOND).unwrap_or(&key);
            Some((ImageKey::parse(name)?, modified_at))
        });
    let (keys, times): (Vec<_>, Vec<_>) = named.unzip();
    let owners = match kind {
        ImageKind::Upload => inner.reservations.anonymous_owners(keys.clone()).await?,
        ImageKind::Refined => vec![None; keys.len()],
    };
    let listed = keys.iter().zip(times).zip(owners);
    let listed = listed.map(|((key, created_at), anonymous_owner)| Listed {
        path: key.text(),
        created_at,
        anonymous_owner,
    });
    Ok(listed.collect())
}

/// Corrects the count of images that count as stored but are not in the bucket. Both are
/// read in the order of their names: an image that is listed in another order costs a
/// request, and is found.
pub(super) async fn reconcile(inner: &Arc<Inner>, kind: ImageKind) -> Result<(), CapabilityError> {
    let mut settled = inner.reservations.settled(kind, None, SETTLED).await?;
    if settled.is_empty() {
        return Ok(());
    }
    let mut images = list(Arc::clone(inner), kind).await?;
    let mut image = images.try_next().await?;
    while let Some(last) = settled.last().cloned() {
        for key in settled {
            let name = key.text();
            while image.as_ref().is_some_and(|image| image.path < name) {
                image = images.try_next().await?;
            }
            if image.as_ref().is_none_or(|image| image.path != name) {
                inner.look_for(key).await?;
            }
        }
        let later = inner.reservations.settled(kind, Some(last), SETTLED);
        settled = later.await?;
    }
    Ok(())
}

/// None: it is not an image of ours, or was deleted meanwhile.
pub(super) async fn describe(inner: &Inner, name: &str) -> Result<Option<Listed>, Fault> {
    let Some(key) = ImageKey::parse(name).map(|key| key.text()) else {
        return Ok(None);
    };
    let Some((described, _)) = inner.described(&key).await? else {
        return Ok(None);
    };
    let path = format!("{key}.{}", described.format.extension());
    let Some(path) = ImagePath::parse(&path) else {
        return Ok(None);
    };
    let anonymous_owner = match described.is_anonymous {
        true => inner.owner(&key, &described).await?,
        false => None,
    };
    Ok(Some(Listed {
        path: path.to_string(),
        created_at: described.created_at,
        anonymous_owner,
    }))
}

/// Whether an owner has an upload, by the owner's tag.
pub(super) async fn has_uploads(inner: &Inner, tag: &str) -> Result<bool, Fault> {
    let beginning = format!("{}/{tag}/", folder(ImageKind::Upload));
    // An image that was never stored may have left its second object.
    const SOME: usize = 100;
    let mut from = None;
    loop {
        let page = inner.bucket.page(&beginning, SOME, from).await?;
        if page.objects.iter().any(|object| is_image(&object.key)) {
            return Ok(true);
        }
        match page.next {
            Some(next) => from = Some(next),
            None => return Ok(false),
        }
    }
}

/// Uploads of an owner by the owner's tag, with those that were never stored and have
/// left their second objects. They are as many as fit into a page of `limit` objects.
/// True: there are more.
pub(super) async fn uploads(
    inner: &Inner,
    tag: &str,
    limit: u32,
) -> Result<(Vec<ImageKey>, bool), Fault> {
    let beginning = format!("{}/{tag}/", folder(ImageKind::Upload));
    let most = usize::try_from(limit).unwrap_or(PAGE).clamp(1, PAGE);
    let page = inner.bucket.page(&beginning, most, None).await?;
    let named = page.objects.iter().filter_map(|object| {
        let key = object.key.as_str();
        ImageKey::parse(key.strip_suffix(SECOND).unwrap_or(key))
    });
    let mut uploads: Vec<_> = named.collect();
    // A second object comes right after its image.
    uploads.dedup();
    // Foreign objects stay, and must not be listed again and again.
    let has_more = page.next.is_some() && !uploads.is_empty();
    Ok((uploads, has_more))
}
