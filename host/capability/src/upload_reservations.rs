//! Reservations of images: what is stored of whom, and what is under way, for an image
//! store that many hosts share and that cannot count, as S3 cannot.
//!
//! The task store counts for it, exactly and for all hosts together, in one row for
//! each image. A reservation is held before its image comes, until a time of its own, and
//! settled once the image is stored. A host that needs longer extends that time; once it
//! has passed, the host has died, and any other checks whether the image is there. A
//! stored image's reservation is held again while the image is deleted. So whatever dies, the
//! count is what is really stored.

use std::time::Duration;

use concept_refinement_domain::capability::{ImageKind, ImageLimit, ImageLimits};
use concept_refinement_domain::image::Format;
use concept_refinement_domain::image_path::{ImagePath, folder};
use uuid::Uuid;

use super::Answer;

/// How long a reservation is held from the last time on that its host said so.
pub const TERM: Duration = Duration::from_secs(30);

/// Where an image is, whatever its format: an image of the same name and another
/// format replaces it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ImageKey {
    /// Uploads and refined images are counted apart.
    pub kind: ImageKind,
    /// The tag of the owner.
    pub owner: String,
    /// The name within what the owner has of this kind.
    pub name: String,
}

/// A reservation as somebody holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The holder: a UUID, drawn for this time only.
    pub holder: String,
    /// Which image may be there or not.
    pub path: ImageKey,
    /// The owner, where that is an anonymous user: stored with the reservation of an image that
    /// is to come.
    pub anonymous_owner: Option<String>,
}

/// A reservation for an image that is to come.
#[derive(Clone, Debug)]
pub struct NewReservation {
    /// Whose it is to be.
    pub reservation: Reservation,
    /// The longest that the image may be, in bytes.
    pub longest: u64,
    /// What its owner may have of this kind. None: no limit.
    pub limits: Option<ImageLimits>,
    /// What all images together may take, in bytes. None: no limit.
    pub max_store: Option<u64>,
}

/// Whether a reservation was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The image may come.
    Taken,
    /// Its owner has too much.
    LimitReached(ImageLimit),
    /// All images together have too much.
    StoreFull,
}

/// What a store counts for a store of images that cannot. Each call is one
/// atomic step.
pub trait UploadReservations: Send + Sync {
    /// Judges by the limits, and takes the reservation for a [`TERM`]. An image that the new
    /// one would replace does not count against its owner. What accepted tasks were
    /// promised counts for all images together.
    fn take(&self, reservation: NewReservation) -> Answer<'_, Admission>;

    /// Holds a reservation for another [`TERM`]. False: it is free, or somebody else's.
    fn hold(&self, reservation: Reservation) -> Answer<'_, bool>;

    /// Takes over the reservation of an image that is to be deleted, whoever holds it. False:
    /// there is none.
    fn claim(&self, reservation: Reservation) -> Answer<'_, bool>;

    /// The image was stored with so many bytes by who sent it. Holds even if the reservation
    /// was lost.
    fn settle(&self, reservation: Reservation, bytes: u64) -> Answer<'_, ()>;

    /// The image was found with so many bytes. Changes nothing if the reservation was lost.
    fn confirm(&self, reservation: Reservation, bytes: u64) -> Answer<'_, ()>;

    /// The image did not come, or is gone. A repeat changes nothing.
    fn free(&self, reservation: Reservation) -> Answer<'_, ()>;

    /// Reservations whose time has passed, the oldest first. The caller now holds them for
    /// another [`TERM`]; their former holders have lost them.
    fn abandoned(&self, limit: u32) -> Answer<'_, Vec<Reservation>>;

    /// Whose each of these images is, in the same order, where that is an anonymous user.
    fn anonymous_owners(&self, images: Vec<ImageKey>) -> Answer<'_, Vec<Option<String>>>;
}

impl Reservation {
    /// For a new holder.
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
    /// None: not what [`text`](Self::text) gives.
    pub fn parse(text: &str) -> Option<Self> {
        // Whatever the format.
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
