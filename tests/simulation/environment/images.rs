//! The image store, as a process reaches it.

use bytes::Bytes;
use concept_refinement_capability::Answer;
use concept_refinement_capability::images::{Contents, ImageStore, Images, Listed};
use concept_refinement_domain::capability::{
    ByteRange, ImageInfo, ImageKind, NewImage, Resolved, StoredOrNot,
};
use futures::{TryFutureExt as _, TryStreamExt as _, stream};

use super::{Environment, local};
use crate::faults::Side;

impl ImageStore for Environment {
    /// It can be cut off in the middle as well, which leaves nothing.
    fn put(&self, image: NewImage, contents: Contents) -> Answer<'_, StoredOrNot> {
        local(async move {
            self.point("begin an image", Side::Before).await?;
            let chunks: Vec<Bytes> = contents.try_collect().await?;
            self.call("put an image", self.task(), move |world| {
                world.put_image(image, chunks.concat())
            })
            .await
        })
    }

    fn stat<'a>(&'a self, path: &'a str) -> Answer<'a, Option<ImageInfo>> {
        self.call("stat", self.task(), |world| Ok(world.images.stat(path)))
    }

    fn get<'a>(
        &'a self,
        path: &'a str,
        _: Option<ByteRange>,
    ) -> Answer<'a, Option<(ImageInfo, Contents)>> {
        let found = self.call("get an image", self.task(), |world| {
            Ok(world.images.get(path))
        });
        let streamed = |(info, bytes): (_, Vec<u8>)| {
            let contents: Contents = Box::pin(stream::iter([Ok(bytes.into())]));
            (info, contents)
        };
        Box::pin(found.map_ok(move |found| found.map(streamed)))
    }

    fn has_uploads<'a>(&'a self, owner: &'a str) -> Answer<'a, bool> {
        self.world.images.stored.has_uploads(owner)
    }

    fn delete<'a>(&'a self, path: &'a str) -> Answer<'a, ()> {
        self.call("delete an image", self.task(), |world| {
            world.remove_image(path);
            Ok(())
        })
    }

    fn delete_uploads<'a>(&'a self, owner: &'a str, limit: u32) -> Answer<'a, bool> {
        self.world.images.stored.delete_uploads(owner, limit)
    }

    fn sign<'a>(&'a self, path: &'a str, origin: &'a str) -> Answer<'a, String> {
        self.world.images.stored.sign(path, origin)
    }

    fn resolve<'a>(&'a self, url: &'a str, origin: &'a str) -> Answer<'a, Option<Resolved>> {
        self.world.images.stored.resolve(url, origin)
    }

    fn list(&self, kind: ImageKind) -> Answer<'_, Images> {
        let listed = self.call("list images", "", move |world| Ok(world.images.list(kind)));
        Box::pin(
            listed
                .map_ok(|listed| -> Images { Box::pin(stream::iter(listed.into_iter().map(Ok))) }),
        )
    }

    fn describe<'a>(&'a self, _: &'a str) -> Answer<'a, Option<Listed>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn check(&self) -> Answer<'_, ()> {
        self.world.images.stored.check()
    }
}
