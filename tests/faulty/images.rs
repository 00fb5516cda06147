//! The image store.

use std::sync::Arc;

use concept_refinement_domain::capability::{
    ByteRange, ImageInfo, ImageKind, NewImage, Resolved, StoredOrNot,
};
use concept_refinement_host::capability::Answer;
use concept_refinement_host::capability::images::{Contents, ImageStore, Images};
use concept_refinement_tests::faults::Call;

use crate::amid;
use crate::faults::Faults;

pub struct FaultyImages {
    pub faults: Arc<Faults>,
    pub images: Arc<dyn ImageStore>,
}

impl FaultyImages {
    fn around<'a, T: Send + 'a>(&'a self, call: Call, work: Answer<'a, T>) -> Answer<'a, T> {
        Box::pin(self.faults.around(call, work))
    }
}

impl ImageStore for FaultyImages {
    fn put(&self, image: NewImage, contents: Contents) -> Answer<'_, StoredOrNot> {
        let call = match image.kind {
            ImageKind::Upload => Call::UploadPut,
            ImageKind::Refined => Call::ImagePut,
        };
        let contents = amid::with_point(Arc::clone(&self.faults), call, image.length, contents);
        self.around(call, self.images.put(image, contents))
    }

    fn stat<'a>(&'a self, path: &'a str) -> Answer<'a, Option<ImageInfo>> {
        self.around(Call::ImageStat, self.images.stat(path))
    }

    fn get<'a>(
        &'a self,
        path: &'a str,
        range: Option<ByteRange>,
    ) -> Answer<'a, Option<(ImageInfo, Contents)>> {
        self.around(Call::ImageGet, self.images.get(path, range))
    }

    fn delete<'a>(&'a self, path: &'a str) -> Answer<'a, ()> {
        self.around(Call::ImageDelete, self.images.delete(path))
    }

    fn sign<'a>(&'a self, path: &'a str, origin: &'a str) -> Answer<'a, String> {
        self.around(Call::ImageSign, self.images.sign(path, origin))
    }

    fn resolve<'a>(&'a self, url: &'a str, origin: &'a str) -> Answer<'a, Option<Resolved>> {
        self.around(Call::ImageResolve, self.images.resolve(url, origin))
    }

    fn list(&self, kind: ImageKind) -> Answer<'_, Images> {
        self.around(Call::ImageList, self.images.list(kind))
    }

    fn check(&self) -> Answer<'_, ()> {
        self.images.check()
    }
}
