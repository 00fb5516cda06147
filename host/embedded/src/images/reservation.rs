//! Images being stored: how many each owner has, and the space that they take.
//!
//! In memory only, so that no reservation outlives its process.

use std::collections::HashMap;
use std::sync::Arc;

use concept_refinement_capability::room;
use concept_refinement_domain::capability::ImageKind;
use concept_refinement_domain::image_limits::ImageUsage;
use concept_refinement_domain::image_path::ImagePath;
use parking_lot::Mutex;

/// Maximum lengths, by owner.
#[derive(Default)]
pub(crate) struct UnderWay(Mutex<HashMap<Owner, Vec<u64>>>);

type Owner = (ImageKind, String);

/// An image that is being stored, until this is dropped.
pub(crate) struct Reservation {
    under_way: Arc<UnderWay>,
    owner: Owner,
    longest: u64,
    /// None: it uses the space that its task was promised.
    room: Option<room::Reservation>,
}

impl UnderWay {
    /// Adds the owner's images in progress to `usage`.
    pub(crate) fn add_to(&self, path: &ImagePath, usage: &mut ImageUsage) {
        if let Some(lengths) = self.0.lock().get(&owner(path)) {
            for longest in lengths {
                usage.add_under_way(*longest);
            }
        }
    }

    pub(crate) fn begin(
        self: &Arc<Self>,
        path: &ImagePath,
        longest: u64,
        room: Option<room::Reservation>,
    ) -> Reservation {
        let owner = owner(path);
        let mut owners = self.0.lock();
        owners.entry(owner.clone()).or_default().push(longest);
        Reservation {
            under_way: Arc::clone(self),
            owner,
            longest,
            room,
        }
    }
}

impl Reservation {
    /// Reports that the first `written` bytes are on the disk now.
    pub(crate) fn wrote_all(&mut self, written: u64) {
        if let Some(room) = &mut self.room {
            room.wrote_all(written);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut owners = self.under_way.0.lock();
        let Some(lengths) = owners.get_mut(&self.owner) else {
            return;
        };
        if let Some(its) = lengths.iter().position(|length| *length == self.longest) {
            lengths.swap_remove(its);
        }
        if lengths.is_empty() {
            owners.remove(&self.owner);
        }
    }
}

fn owner(path: &ImagePath) -> Owner {
    (path.kind, path.tag.clone())
}
