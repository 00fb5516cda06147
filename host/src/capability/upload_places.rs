//! Places of images: what is stored of whom, and what is under way, for an image
//! store that many hosts share and that cannot count, as S3 cannot.
//!
//! The task store counts for it, exactly and for all hosts together. A place is
//! taken before an image comes, and settled once it is stored. From then until
//! it is settled it is *in doubt*: its host says every [`RENEW_AFTER`] that it
//! still looks after it, and if it does not within [`LEASE`], the host has died,
//! and any other looks whether the image is there. A stored image's place is in
//! doubt again while the image is being deleted. So whatever dies, what is
//! counted is what is there.
//!
//! In SQL, with `now` passed in as everywhere:
//!
//! ```sql
//! upload_place(
//!     id uuid PRIMARY KEY, kind text, owner text, name text, bytes bigint, since timestamptz,
//!     until timestamptz)                            -- null: stored
//!   UNIQUE (owner, kind, name) WHERE until IS NULL;  (owner, kind);  (until) WHERE until IS NOT NULL
//! -- take, with the owner locked (pg_advisory_xact_lock), and if max_store is set, all of them:
//! SELECT count(*), sum(bytes), count(until) FROM upload_place
//!   WHERE owner = $owner AND kind = $kind AND (name <> $name OR until IS NOT NULL)
//! SELECT sum(bytes) FROM upload_place                                    -- max_store
//! INSERT … (until = $now + LEASE) ON CONFLICT (id) DO NOTHING
//! hold:      UPDATE … SET until = $now + LEASE WHERE id = ANY($ids) AND until IS NOT NULL RETURNING id
//! settle:    DELETE … WHERE id = $id OR (owner, kind, name) = ($owner, $kind, $name) AND until IS NULL
//!            INSERT … (until = NULL)
//! doubt:     UPDATE … SET until = $now + LEASE WHERE (owner, kind, name) = (…) AND until IS NULL
//!            RETURNING id
//! free:      DELETE … WHERE id = $id AND until IS NOT NULL
//! abandoned: UPDATE … SET until = $now + LEASE WHERE id = ANY(ARRAY(
//!              SELECT id … WHERE until <= $now ORDER BY until LIMIT $n FOR UPDATE SKIP LOCKED))
//!            RETURNING id, kind, owner, name
//! ```

use std::time::Duration;

use concept_refinement_domain::capability::{ImageKind, ImageLimit, ImageLimits};
use concept_refinement_domain::image::Format;
use concept_refinement_domain::image_path::{ImagePath, folder};

use super::Answer;

/// How long a place in doubt is its host's without being held again.
pub const LEASE: Duration = Duration::from_secs(30);

/// How often a host holds its places: twice more before the lease ends, should
/// one fail.
pub const RENEW_AFTER: Duration = Duration::from_secs(10);

/// Where an image is, whatever its format: an image of the same name and another
/// format replaces it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PlacePath {
    /// Uploads and refined images are counted apart.
    pub kind: ImageKind,
    /// The tag of the owner.
    pub owner: String,
    /// The name within what the owner has of this kind.
    pub name: String,
}

/// A place for an image that is to come.
#[derive(Clone, Debug)]
pub struct NewPlace {
    /// A UUID, drawn by who takes it.
    pub id: String,
    /// Which image is to come.
    pub path: PlacePath,
    /// The longest that it may be, in bytes.
    pub longest: u64,
    /// What its owner may have of this kind. None: no limit.
    pub limits: Option<ImageLimits>,
    /// What all images together may take, in bytes. None: no limit.
    pub max_store: Option<u64>,
}

/// Whether a place was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The image may come.
    Taken,
    /// Its owner has too much.
    LimitReached(ImageLimit),
    /// All images together have too much.
    StoreFull,
}

/// A place in doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoubtfulPlace {
    /// Which place.
    pub id: String,
    /// Which image may be there or not.
    pub path: PlacePath,
}

/// What a store counts for a store of images that cannot. Each call is one
/// atomic step.
pub trait UploadPlaces: Send + Sync {
    /// Judges by the limits and takes the place, in doubt. A stored image that
    /// the new one would replace does not count. What accepted tasks were
    /// promised counts for all images together. A repeat changes nothing.
    fn take(&self, place: NewPlace) -> Answer<'_, Admission>;

    /// Holds places in doubt for another [`LEASE`]. Answers those that are lost:
    /// somebody else looked after them.
    fn hold(&self, ids: Vec<String>) -> Answer<'_, Vec<String>>;

    /// The image is stored with so many bytes, and takes the place of an image of
    /// the same path. True even if the place was lost.
    fn settle(&self, place: DoubtfulPlace, bytes: u64) -> Answer<'_, ()>;

    /// Puts a stored image's place in doubt, since the image is to be deleted.
    /// None: it has none.
    fn doubt(&self, path: PlacePath) -> Answer<'_, Option<DoubtfulPlace>>;

    /// The image of a place in doubt did not come, or is gone. A repeat changes
    /// nothing.
    fn free(&self, id: String) -> Answer<'_, ()>;

    /// Places in doubt that nobody holds any longer, the oldest first, which the
    /// caller holds from now on.
    fn abandoned(&self, limit: u32) -> Answer<'_, Vec<DoubtfulPlace>>;
}

impl PlacePath {
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

impl From<&ImagePath> for PlacePath {
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
