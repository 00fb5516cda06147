//! Images in S3, on two servers, with their places in the task store.

use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use concept_refinement_host::capability::clock::{Clock, ManualClock};
use concept_refinement_host::capability::images::s3::S3Images;
use concept_refinement_host::capability::images::{ImageStore, Options, Signing};
use concept_refinement_host::capability::room::Room;
use concept_refinement_host::capability::tasks;
use concept_refinement_host::capability::tasks::sqlite::SqliteTasks;
use concept_refinement_host::capability::upload_places::LEASE;
use concept_refinement_tests::s3::{Kind, Place, shared};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use super::{DurableImageBackend, ImageBackend, SharedImageBackend, signing};

/// For what is bound to happen.
const TIMEOUT: Duration = Duration::from_secs(30);

pub type S3sFs = InS3<OfS3sFs>;
pub type Moto = InS3<OfMoto>;

/// A server of S3.
pub trait Kinded {
    const KIND: Kind;
}

pub struct OfS3sFs;

pub struct OfMoto;

impl Kinded for OfS3sFs {
    const KIND: Kind = Kind::S3sFs;
}

impl Kinded for OfMoto {
    const KIND: Kind = Kind::Moto;
}

pub struct InS3<K> {
    images: S3Images,
    place: Place,
    counted: Counted,
    clock: Arc<ManualClock>,
    kind: PhantomData<K>,
}

/// A task store that counts, and what it told.
#[derive(Clone)]
struct Counted {
    tasks: Arc<SqliteTasks>,
    room: Arc<Room>,
}

impl<K> InS3<K> {
    fn open(
        signing: Signing,
        clock: Arc<ManualClock>,
        place: Place,
        counted: Counted,
        room: &Arc<Room>,
    ) -> Self {
        let variables = place.variables();
        let environment = move |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| value.clone())
        };
        let options = Options {
            signing,
            places: counted.tasks.clone(),
            memory: 1 << 20,
        };
        let (url, time) = (place.url(), Arc::clone(&clock) as Arc<dyn Clock>);
        let opened = S3Images::open(&url, &environment, options, room, time);
        let images = block_in_place(|| Handle::current().block_on(opened)).unwrap();
        // What it counts is told to this room.
        counted.room.leave_disk();
        Self {
            images,
            place,
            counted,
            clock,
            kind: PhantomData,
        }
    }
}

impl<K: Kinded> ImageBackend for InS3<K> {
    fn start(signing: Signing, clock: Arc<ManualClock>) -> Self {
        let room = Arc::<Room>::default();
        let options = tasks::Options {
            room: Arc::clone(&room),
            ..tasks::Options::default()
        };
        let tasks = SqliteTasks::in_memory(options, clock.clone()).unwrap();
        let counted = Counted {
            tasks: Arc::new(tasks),
            room: Arc::clone(&room),
        };
        Self::open(signing, clock, shared(K::KIND).place(), counted, &room)
    }

    fn images(&self) -> Arc<dyn ImageStore> {
        Arc::new(self.images.clone())
    }

    /// What is under way is not in the bucket, and counts as well.
    fn stored_count(&self) -> usize {
        let under_way = self.counted.room.occupancy().uploads;
        self.place.objects() + usize::try_from(under_way).unwrap()
    }
}

impl<K: Kinded> DurableImageBackend for InS3<K> {
    /// Another host, once it has found the first one dead.
    fn crash(&self, signing: Signing, clock: Arc<ManualClock>) -> Self {
        clock.advance(LEASE);
        let (place, counted) = (self.place.clone(), self.counted.clone());
        let after = Self::open(signing, clock, place, counted, &self.counted.room);
        let begin = Instant::now();
        while after.counted.room.occupancy().uploads > 0 {
            assert!(begin.elapsed() < TIMEOUT, "a place is still in doubt");
            std::thread::sleep(Duration::from_millis(5));
        }
        after
    }
}

impl<K: Kinded> SharedImageBackend for InS3<K> {
    fn another(&self, max_store: Option<u64>) -> Self {
        let room = Arc::new(Room::new(max_store, PathBuf::from("/")));
        let (place, counted) = (self.place.clone(), self.counted.clone());
        Self::open(signing(None), self.clock.clone(), place, counted, &room)
    }
}
