//! The ports of the pipeline, in terms of the domain.

#![allow(async_fn_in_trait, reason = "components have one thread")]

use std::time::Duration;

use concept_refinement_domain::capability::{
    CapabilityError, Fenced, Finished, ImageInfo, Lease, NewImage, RefinedImage, StoredOrNot,
    TaskFailure,
};
use concept_refinement_domain::image::Limits;
use concept_refinement_domain::image::metadata::SourceType;
use concept_refinement_domain::partial_edit::Region;
use concept_refinement_domain::task::Stage;

pub use concept_refinement_domain::purpose::Purpose;
pub use concept_refinement_guest::{Clock, Failure, Random};

use crate::contents::{Contents, Received, Rejected};
use crate::reason::Reason;

/// What a capability answers, unless a port says otherwise.
pub(crate) type Result<T, E = CapabilityError> = std::result::Result<T, E>;

/// The bytes of one image, kept outside of the instance.
pub trait Blob: Sized {
    /// Bytes from elsewhere.
    type Stream;

    /// Appends a stream, to its end, and inspects the image. `declared`: the length of the
    /// whole file, if it is known. Whoever drops this keeps what has arrived.
    async fn fill(
        &mut self,
        contents: Self::Stream,
        declared: Option<u64>,
        limits: Limits,
    ) -> Result<Received, Rejected>;

    /// How many bytes have arrived.
    async fn length(&self) -> u64;

    /// The image that was filled in, without what a model must not see.
    async fn stripped(&self) -> Result<Rewritten<Self>>;

    /// The same with this digital source type.
    async fn marked(&self, source_type: SourceType) -> Result<Rewritten<Self>>;

    /// Moves so much of the space of an empty blob to a new one.
    async fn split(&mut self, length: u64) -> Result<Self>;
}

/// The same image with other metadata.
pub struct Rewritten<B> {
    pub blob: B,
    /// In bytes.
    pub length: u64,
}

/// The streams that the blobs of these ports are filled with.
pub type StreamOf<P> = <<P as Ports>::Blob as Blob>::Stream;

/// A request to a model, without the images.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRequest {
    pub task_id: String,
    pub prompt: String,
    /// 0 to 1.
    pub strength: f32,
    pub seed: Option<u32>,
    pub logo_description: Option<String>,
    pub theme_description: Option<String>,
    pub media_type: &'static str,
    pub source_url: Option<String>,
    /// The key by which receipts identify this call.
    pub receipt_key: String,
    /// How much time the task has left.
    pub time_left: Duration,
    pub options: Vec<(String, String)>,
}

pub struct Answer<S> {
    pub image: ImageOrLocation<S>,
    pub notes: Vec<String>,
    /// How the image was made.
    pub source_type: SourceType,
}

pub enum ImageOrLocation<S> {
    Image {
        /// In bytes, if known beforehand.
        length: Option<u64>,
        contents: S,
    },
    /// A URL from which the image can be downloaded.
    Location(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelError {
    /// Trying again can help, after this time if the provider said so.
    Unavailable {
        reason: String,
        retry_after: Option<Duration>,
    },
    /// It may have been accepted. Trying again can help, but may cost again.
    Unknown(String),
    /// Trying again cannot help.
    Final(Reason),
}

/// What a model sees.
pub struct Images<'a, B> {
    /// The original, or the part of it that it may see.
    pub image: &'a Contents<B>,
    /// What is to change. None: the whole image.
    pub mask: Option<&'a Contents<B>>,
}

/// What is to change of an original.
pub enum Part<B> {
    /// A rectangle of the upright original.
    Region(Region),
    /// As the user sent it.
    Mask(Contents<B>),
}

/// What a model is to see of an original.
pub struct View<S> {
    /// None: the original as it is.
    pub image: Option<S>,
    pub mask: S,
    /// Where it is in the upright original.
    pub area: Region,
    /// How long the result can be, in bytes.
    pub result_length: u64,
}

/// The result of an edit of a part.
pub struct Composite<S> {
    pub image: S,
    pub notes: Vec<String>,
}

/// Requests the rest of a file whose beginning was received, if it is still this version;
/// otherwise the whole file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// Offset of the rest, in bytes.
    pub offset: u64,
    pub etag: String,
}

/// The response to a GET request; redirects are not followed.
pub struct Response<S> {
    pub status: u16,
    pub location: Option<String>,
    /// As declared by the server.
    pub content_length: Option<u64>,
    /// Compression was not requested.
    pub is_compressed: bool,
    pub content_range: Option<String>,
    pub etag: Option<String>,
    pub retry_after: Option<String>,
    pub body: S,
}

/// All ports together.
pub trait Ports: Clock + Random {
    /// The bytes of an image, outside of the instance.
    type Blob: Blob;

    // Of `task-store`.

    /// None: the lease is lost.
    async fn renew(&self, lease: &Lease) -> Result<Option<Lease>>;
    async fn finish(&self, lease: &Lease, image: RefinedImage) -> Result<Finished>;
    async fn fail(&self, lease: &Lease, failure: TaskFailure) -> Result<Fenced>;

    // Of `blobs`.

    /// An empty blob with space for this many bytes. For a model's answer this waits.
    async fn reserve(&self, purpose: Purpose, length: u64) -> Result<Self::Blob>;

    // Of `image-store`.

    async fn put(&self, image: NewImage, contents: &Contents<Self::Blob>) -> Result<StoredOrNot>;
    async fn stat(&self, path: &str) -> Result<Option<ImageInfo>>;
    async fn image(&self, path: &str) -> Result<Option<(ImageInfo, StreamOf<Self>)>>;
    async fn delete_image(&self, path: &str) -> Result<()>;
    async fn sign(&self, path: &str, origin: &str) -> Result<String>;

    // Of `progress`.

    async fn began(&self, lease: &Lease, stage: Stage);

    // Of `image-model`.

    async fn refine(
        &self,
        request: ModelRequest,
        images: &Images<'_, Self::Blob>,
    ) -> Result<Answer<StreamOf<Self>>, ModelError>;

    // Of `partial-edits`.

    /// What a model is to see. An error is a sentence for the user: trying again cannot
    /// help.
    async fn prepare(
        &self,
        original: &Contents<Self::Blob>,
        part: &Part<Self::Blob>,
        part_only: bool,
    ) -> Result<View<StreamOf<Self>>, String>;

    /// Puts what a model has answered into the original. An error is a sentence as above.
    async fn compose(
        &self,
        original: &Contents<Self::Blob>,
        view: (&Contents<Self::Blob>, Region),
        feather: u32,
        answer: &Contents<Self::Blob>,
    ) -> Result<Composite<StreamOf<Self>>, String>;

    // Of HTTP.

    /// `rest`: None for the whole file.
    async fn get(
        &self,
        url: &str,
        purpose: Purpose,
        rest: Option<&Rest>,
        user_agent: &str,
    ) -> Result<Response<StreamOf<Self>>, Failure>;
}
