//! The ports of the routes, in terms of the domain.
//!
//! They are the parts of the WIT interfaces that the API uses; `wit/` has the promises.

use std::future::Future;

use concept_refinement_domain::capability::{
    ByteRange, Cancellation, CapabilityError, CapabilityState, ConceptPage, Erased, Fenced,
    ImageInfo, NewImage, NewTask, Position, Resolved, StoredOrNot, Submission, TaskPage,
};
use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::spending::Spending;
use concept_refinement_domain::task::{Change, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::webhook::{Redelivery, WebhookDelivery};
use futures::stream::LocalBoxStream;

pub use concept_refinement_guest::{ByteStream, Clock};

/// What a capability answers, unless a port says otherwise.
type Result<T, E = CapabilityError> = std::result::Result<T, E>;

/// The changes of one task. Dropping it unsubscribes.
pub type Changes = LocalBoxStream<'static, Change>;

/// An issuer's key set as it was published.
#[derive(Clone, Debug, Default)]
pub struct KeyDocument {
    pub bytes: Vec<u8>,
    /// Whether another instance had it before, so that its faults are in the log.
    pub is_known: bool,
}

/// All ports together. Clones share state.
pub trait Ports: Clock + Clone + 'static {
    /// A stored image's bytes. A response passes them on as they arrive.
    type Contents;

    // Of `task-store`.

    async fn submit(&self, task: NewTask) -> Result<Submission>;

    async fn withdraw(&self, id: &str, error_message: &str) -> Result<Fenced>;

    /// Stores until when an anonymous user has a session, if the user owns a task, a
    /// concept or (as the caller knows) an image.
    async fn renew_session(&self, user: &str, until: Timestamp, owns_images: bool) -> Result<()>;

    async fn task(&self, user: &str, id: &str) -> Result<Option<Task>>;

    async fn tasks(
        &self,
        user: &str,
        status: Option<Status>,
        limit: u32,
        after: Option<Position>,
    ) -> Result<TaskPage>;

    /// How many tasks the user has created in the current window.
    async fn used(&self, user: &str, window: Window) -> Result<u32>;

    /// What the user's tasks of the current window cost.
    async fn spending(&self, user: &str, window: Window) -> Result<Spending>;

    async fn cancel(&self, user: &str, id: &str) -> Result<Option<Cancellation>>;

    async fn delete_task(&self, user: &str, id: &str) -> Result<bool>;

    /// Erases what is stored about the user, at most `limit` of each kind.
    async fn erase_user(&self, user: &str, limit: u32) -> Result<Erased>;

    async fn watch(&self, user: &str, id: &str) -> Result<Option<Changes>>;

    // Of `task-queue`.

    async fn publish(&self, message: Vec<u8>) -> Result<()>;

    /// Where a pending task is among those that wait, if that is known: 1 is claimed next.
    async fn position(&self, task_id: &str) -> Result<Option<u32>>;

    // Of `image-store`.

    /// Stores an image. [`StoredOrNot::WrongLength`] if the contents are
    /// shorter or longer than declared.
    async fn put(&self, image: NewImage, contents: &mut impl ByteStream) -> Result<StoredOrNot>;

    /// The bytes of an image, to be read here.
    fn chunks(contents: Self::Contents) -> LocalBoxStream<'static, Vec<u8>>;

    async fn stat(&self, path: &str) -> Result<Option<ImageInfo>>;

    async fn image(
        &self,
        path: &str,
        range: Option<ByteRange>,
    ) -> Result<Option<(ImageInfo, Self::Contents)>>;

    /// Whether the owner has an upload.
    async fn has_uploads(&self, owner: &str) -> Result<bool>;

    async fn delete_image(&self, path: &str) -> Result<()>;

    /// Deletes uploads of an owner, at most `limit`. True: there may be more.
    async fn delete_uploads(&self, owner: &str, limit: u32) -> Result<bool>;

    async fn sign(&self, path: &str, origin: &str) -> Result<String>;

    async fn resolve(&self, url: &str, origin: &str) -> Result<Option<Resolved>>;

    // Of `concept-store`.

    async fn concept(&self, user: &str, id: &str) -> Result<Option<Concept>>;

    async fn concepts(
        &self,
        user: &str,
        limit: u32,
        after: Option<Position>,
    ) -> Result<ConceptPage>;

    /// The user's concepts that were refined from this one, the oldest first.
    async fn children(&self, user: &str, id: &str, limit: u32) -> Result<Vec<Concept>>;

    /// When the first concept of anybody was created whose image has these bytes.
    async fn find_image(&self, sha256: &str) -> Result<Option<Timestamp>>;

    /// Returns the path of the concept's image.
    async fn delete_concept(&self, user: &str, id: &str) -> Result<Option<String>>;

    // Of `webhook-store`.

    async fn webhook(&self, user: &str, task_id: &str) -> Result<Option<WebhookDelivery>>;

    async fn redeliver(&self, user: &str, task_id: &str) -> Result<Redelivery>;

    // Of `health`.

    async fn check(&self) -> Vec<CapabilityState>;

    /// The model's description.
    async fn model(&self) -> String;

    // Of the platform.

    /// Fetches the issuer's key set, with limits on size and time. The error is for the
    /// log.
    async fn key_set(&self, url: &str) -> Result<KeyDocument, String>;

    /// A new random UUID in lower case with hyphens.
    fn uuid(&self) -> String;

    /// A new UUID that sorts by time, so that new tasks are adjacent in a store.
    fn task_id(&self) -> String;

    /// Runs work after the response. It may be lost.
    fn spawn(&self, work: impl Future<Output = ()> + 'static);
}

pub trait Settings {
    async fn get(&self, name: &str) -> Option<String>;
}
