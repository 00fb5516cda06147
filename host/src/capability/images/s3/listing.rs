//! All images of a kind. A list of objects has neither their metadata nor what
//! type they are, so each is asked for these.

use std::sync::Arc;

use concept_refinement_domain::capability::{CapabilityError, ImageKind};
use concept_refinement_domain::image_path::{ImagePath, folder};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::bucket::Page;
use super::fault::Fault;
use super::{Inner, is_image};
use crate::capability::images::{Images, Listed};

/// Keys asked for at once: the most that S3 gives.
const PAGE: usize = 1000;

/// Objects asked for their metadata at once.
const AT_ONCE: usize = 16;

pub(super) async fn list(inner: Arc<Inner>, kind: ImageKind) -> Result<Images, CapabilityError> {
    let beginning = format!("{}/", folder(kind));
    let first = inner.bucket.page(&beginning, PAGE, None).await;
    let first = first.map_err(Fault::report)?;
    let pages = stream::try_unfold(Some((inner, beginning, first)), |state| async move {
        let Some((inner, beginning, page)) = state else {
            return Ok(None);
        };
        let Page { objects, next } = page;
        let keys = objects.into_iter().map(|(key, _)| key);
        let listed = listed(
            Arc::clone(&inner),
            keys.filter(|key| is_image(key)).collect(),
        );
        let rest = match next {
            None => None,
            Some(next) => {
                let page = inner.bucket.page(&beginning, PAGE, Some(next)).await;
                Some((inner, beginning, page.map_err(Fault::report)?))
            }
        };
        Ok(Some((listed, rest)))
    });
    Ok(pages.try_flatten().boxed())
}

fn listed(inner: Arc<Inner>, keys: Vec<String>) -> Images {
    stream::iter(keys)
        .map(move |key| {
            let inner = Arc::clone(&inner);
            async move { one(&inner, &key).await.map_err(Fault::report) }
        })
        .buffer_unordered(AT_ONCE)
        .try_filter_map(|listed| async { Ok(listed) })
        .boxed()
}

/// None: it is no image of ours, or was deleted meanwhile.
async fn one(inner: &Inner, key: &str) -> Result<Option<Listed>, Fault> {
    let Some((described, _)) = inner.described(key).await? else {
        return Ok(None);
    };
    let path = format!("{key}.{}", described.format().extension());
    let Some(path) = ImagePath::parse(&path) else {
        return Ok(None);
    };
    let anonymous_owner = match described.is_anonymous {
        true => inner.owner(key, &described).await?,
        false => None,
    };
    Ok(Some(Listed {
        path: path.to_string(),
        created_at: described.created_at(),
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
        if page.objects.iter().any(|(key, _)| is_image(key)) {
            return Ok(true);
        }
        match page.next {
            Some(next) => from = Some(next),
            None => return Ok(false),
        }
    }
}
