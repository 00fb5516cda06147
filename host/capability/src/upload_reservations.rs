//! Reservations of images: counts of what each owner has stored and is uploading, on
//! behalf of an image store that many hosts share and that cannot count itself, such as
//! S3.
//!
//! The task store does the counting, exactly and for all hosts together, with one row per
//! image. A reservation is held with a deadline while its image is uploaded, and settled
//! once the image is stored. A host that needs longer extends the deadline; if it passes,
//! the host is assumed dead, and any other host checks whether the image is there. The
//! reservation of a stored image is held again while the image is deleted.
//!
//! Only its holder writes a reservation. A host that loses one after a request to the
//! image store takes it again and checks the image, because the new holder may have
//! checked before that request took effect. So the count matches the stored images,
//! whatever crashes, and in whatever order uploads and deletions overtake each other.

use std::time::Duration;

use concept_refinement_domain::capability::{ImageKind, ImageLimit, ImageLimits};
use concept_refinement_domain::image::Format;
use concept_refinement_domain::image_path::{ImagePath, folder};
use uuid::Uuid;

use super::Answer;

/// How long a reservation is held after its host last extended it.
pub const TERM: Duration = Duration::from_secs(30);

/// The place of an image, without its format: an image of the same name in another format
/// replaces it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ImageKey {
    /// Uploads and refined images are counted separately.
    pub kind: ImageKind,
    /// The tag of the owner.
    pub owner: String,
    /// The name among the owner's images of this kind.
    pub name: String,
}

/// A reservation, together with its holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The holder: a UUID, generated for this one use.
    pub holder: String,
    /// The image, which is perhaps not stored.
    pub path: ImageKey,
    /// The owner, if that is an anonymous user and the holder knows. Stored when the
    /// reservation is taken.
    pub anonymous_owner: Option<String>,
}

/// A reservation for an image that is about to be uploaded.
#[derive(Clone, Debug)]
pub struct NewReservation {
    /// The reservation to take.
    pub reservation: Reservation,
    /// Maximum length of the image, in bytes.
    pub longest: u64,
    /// The owner's limits for this kind. None: no limit.
    pub limits: Option<ImageLimits>,
    /// Limit for all images together, in bytes, a part of which uploads leave to tasks.
    /// None: no limit.
    pub max_store: Option<u64>,
}

/// Whether a reservation was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The image may be uploaded.
    Taken,
    /// Its owner has reached a limit.
    LimitReached(ImageLimit),
    /// All images together have reached the limit.
    StoreFull,
}

/// What becomes of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Its holder needs it for another [`TERM`].
    Hold,
    /// It is taken over for a [`TERM`], even from another holder.
    Claim,
    /// The image is stored, with this many bytes.
    Settle(u64),
    /// The image was not stored, or was deleted.
    Free,
}

/// More bytes than any store has. Longer images count as this, so that sums do not
/// overflow.
pub const LONGEST: u64 = 1 << 50;

/// Counts for an image store that cannot. Each call is one atomic step.
pub trait UploadReservations: Send + Sync {
    /// Checks the limits, and takes the reservation for a [`TERM`], even from another
    /// holder. An image that the new one replaces does not count against its owner. What
    /// accepted tasks were promised counts toward the limit for all images together.
    fn take(&self, reservation: NewReservation) -> Answer<'_, Admission>;

    /// Changes a reservation. False: nothing was changed, because its holder has lost it, or
    /// because there is nothing to claim.
    fn change(&self, reservation: Reservation, change: Change) -> Answer<'_, bool>;

    /// Reservations whose deadline has passed, the oldest first. The caller now holds
    /// them for another [`TERM`]; their previous holders have lost them.
    fn abandoned(&self, limit: u32) -> Answer<'_, Vec<Reservation>>;

    /// Images of this kind that count as stored, by owner and name: at most `limit` of
    /// those after an image, or of all.
    fn settled(
        &self,
        kind: ImageKind,
        after: Option<ImageKey>,
        limit: u32,
    ) -> Answer<'_, Vec<ImageKey>>;

    /// For each of these images, in the same order, its owner if that is an anonymous
    /// user.
    fn anonymous_owners(&self, images: Vec<ImageKey>) -> Answer<'_, Vec<Option<String>>>;
}

impl Reservation {
    /// A reservation with a new holder.
    pub fn new(path: ImageKey) -> Self {
        let holder = Uuid::new_v4().to_string();
        Self {
            holder,
            path,
            anonymous_owner: None,
        }
    }
}

impl ImageKey {
    /// None: not a text that [`text`](Self::text) returns.
    pub fn parse(text: &str) -> Option<Self> {
        // Any format will do.
        let path = format!("{text}.{}", Format::Png.extension());
        ImagePath::parse(&path).as_ref().map(Self::from)
    }

    /// `uploads/<tag>/<name>`.
    pub fn text(&self) -> String {
        format!("{}/{}/{}", folder(self.kind), self.owner, self.name)
    }
}

impl From<&ImagePath> for ImageKey {
    fn from(path: &ImagePath) -> Self {
        let ImagePath {
            kind,
            tag,
            name,
            format: _,
        } = path;
        Self {
            kind: *kind,
            owner: tag.clone(),
            name: name.clone(),
        }
    }
}
