//! The operations of the image store as values, and the one place that forwards
//! them.

use concept_refinement_domain::capability::{
    ByteRange, ImageInfo, ImageKind, NewImage, Resolved, StoredOrNot,
};

use super::{Contents, ImageStore, Images};
use crate::capability::Answer;
use crate::capability::intercept::{Intercepted, Operations, replies};

/// An operation of the image store with its arguments.
pub enum ImageOperation<'a> {
    Put {
        image: NewImage,
        contents: Contents,
    },
    Stat {
        path: &'a str,
    },
    Get {
        path: &'a str,
        range: Option<ByteRange>,
    },
    Delete {
        path: &'a str,
    },
    Sign {
        path: &'a str,
        origin: &'a str,
    },
    Resolve {
        url: &'a str,
        origin: &'a str,
    },
    List(ImageKind),
    Check,
}

replies! {
    /// What an operation of the image store answers.
    ImageReply {
        Stored(StoredOrNot),
        Info(Option<ImageInfo>),
        Image(Option<(ImageInfo, Contents)>),
        Url(String),
        Resolved(Option<Resolved>),
        Images(Images),
        Done(()),
    }
}

impl ImageOperation<'_> {
    /// Its name among those of the image store.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Put { .. } => "put",
            Self::Stat { .. } => "stat",
            Self::Get { .. } => "get",
            Self::Delete { .. } => "delete",
            Self::Sign { .. } => "sign",
            Self::Resolve { .. } => "resolve",
            Self::List(_) => "list",
            Self::Check => "check",
        }
    }
}

impl Operations for dyn ImageStore {
    type Operation<'a> = ImageOperation<'a>;
    type Reply = ImageReply;

    fn run<'a>(&'a self, operation: ImageOperation<'a>) -> Answer<'a, ImageReply> {
        use ImageOperation as Asked;
        Box::pin(async move {
            Ok(match operation {
                Asked::Put { image, contents } => self.put(image, contents).await?.into(),
                Asked::Stat { path } => self.stat(path).await?.into(),
                Asked::Get { path, range } => self.get(path, range).await?.into(),
                Asked::Delete { path } => self.delete(path).await?.into(),
                Asked::Sign { path, origin } => self.sign(path, origin).await?.into(),
                Asked::Resolve { url, origin } => self.resolve(url, origin).await?.into(),
                Asked::List(kind) => self.list(kind).await?.into(),
                Asked::Check => self.check().await?.into(),
            })
        })
    }
}

impl ImageStore for Intercepted<dyn ImageStore> {
    fn put(&self, image: NewImage, contents: Contents) -> Answer<'_, StoredOrNot> {
        self.pass(ImageOperation::Put { image, contents })
    }

    fn stat<'a>(&'a self, path: &'a str) -> Answer<'a, Option<ImageInfo>> {
        self.pass(ImageOperation::Stat { path })
    }

    fn get<'a>(
        &'a self,
        path: &'a str,
        range: Option<ByteRange>,
    ) -> Answer<'a, Option<(ImageInfo, Contents)>> {
        self.pass(ImageOperation::Get { path, range })
    }

    fn delete<'a>(&'a self, path: &'a str) -> Answer<'a, ()> {
        self.pass(ImageOperation::Delete { path })
    }

    fn sign<'a>(&'a self, path: &'a str, origin: &'a str) -> Answer<'a, String> {
        self.pass(ImageOperation::Sign { path, origin })
    }

    fn resolve<'a>(&'a self, url: &'a str, origin: &'a str) -> Answer<'a, Option<Resolved>> {
        self.pass(ImageOperation::Resolve { url, origin })
    }

    fn list(&self, kind: ImageKind) -> Answer<'_, Images> {
        self.pass(ImageOperation::List(kind))
    }

    fn check(&self) -> Answer<'_, ()> {
        self.pass(ImageOperation::Check)
    }
}
