//! Images in S3, on two servers, with their reservations in the task store: SQLite or
//! Postgres.

use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use concept_refinement_capability::clock::{Clock, ManualClock};
use concept_refinement_capability::images::{ImageStore, Options, Signing};
use concept_refinement_capability::room::Room;
use concept_refinement_capability::tasks;
use concept_refinement_capability::upload_reservations::{TERM, UploadReservations};
use concept_refinement_embedded::tasks::SqliteTasks;
use concept_refinement_host::Trust;
use concept_refinement_s3::S3Images;
use concept_refinement_tests::s3::{Kind, Place, shared};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::postgres::{OnServer, Schema, Server};

use super::{DurableImageBackend, ImageBackend, SharedImageBackend, signing};

/// For what is bound to happen.
const TIMEOUT: Duration = Duration::from_secs(30);

pub type S3sFs = InS3<OfS3sFs>;
pub type Moto = InS3<OfMoto>;
pub type CountedByPostgres<S> = InS3<CountedBy<S>>;

/// A server of S3, and a task store that counts for it.
pub trait Kinded {
    const KIND: Kind = Kind::S3sFs;

    fn reservations(options: tasks::Options, clock: Arc<ManualClock>) -> Reservations {
        let tasks = SqliteTasks::in_memory(options, clock).unwrap();
        Reservations {
            reservations: Arc::new(tasks),
            schema: None,
        }
    }

    /// The same task store, as another host has it.
    fn reservations_of_another(
        reservations: &Reservations,
        _: tasks::Options,
        _: Arc<ManualClock>,
    ) -> Reservations {
        reservations.clone()
    }

    /// How many images are on their way.
    fn under_way(counted: &Counted) -> u64 {
        counted.room.occupancy().uploads
    }
}

pub struct OfS3sFs;

pub struct OfMoto;

/// Counted by Postgres.
pub struct CountedBy<S>(PhantomData<S>);

impl Kinded for OfS3sFs {}

impl Kinded for OfMoto {
    const KIND: Kind = Kind::Moto;
}

impl<S: Server> Kinded for CountedBy<S> {
    fn reservations(options: tasks::Options, clock: Arc<ManualClock>) -> Reservations {
        OnServer::<S>::open(options, clock).into()
    }

    fn reservations_of_another(
        reservations: &Reservations,
        options: tasks::Options,
        clock: Arc<ManualClock>,
    ) -> Reservations {
        let schema = reservations.schema.clone().unwrap();
        OnServer::<S>::open_on(schema, options, clock).into()
    }

    /// A host is not told what others do.
    fn under_way(counted: &Counted) -> u64 {
        let schema = counted.reservations.schema.as_ref().unwrap();
        let counted = schema.query("SELECT count(until) FROM upload_reservation");
        counted.parse().unwrap()
    }
}

impl<S: Server> From<OnServer<S>> for Reservations {
    fn from(on: OnServer<S>) -> Self {
        Self {
            schema: Some(on.schema()),
            reservations: on.store,
        }
    }
}

#[derive(Clone)]
pub struct Reservations {
    reservations: Arc<dyn UploadReservations>,
    schema: Option<Arc<Schema>>,
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
pub struct Counted {
    reservations: Reservations,
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
            upload_reservations: Arc::clone(&counted.reservations.reservations),
            memory: 1 << 20,
        };
        let (url, time) = (place.url(), Arc::clone(&clock) as Arc<dyn Clock>);
        let opened = S3Images::open(&url, &environment, Trust::default(), options, room, time);
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
        // What is counted is told wherever there is a limit.
        let room = Arc::new(Room::new(Some(u64::MAX / 2), PathBuf::from("/")));
        let options = tasks::Options {
            room: Arc::clone(&room),
            ..tasks::Options::default()
        };
        let counted = Counted {
            reservations: K::reservations(options, clock.clone()),
            room: Arc::clone(&room),
        };
        let unlimited = Arc::default();
        Self::open(signing, clock, shared(K::KIND).place(), counted, &unlimited)
    }

    fn images(&self) -> Arc<dyn ImageStore> {
        Arc::new(self.images.clone())
    }

    /// What is under way is not in the bucket, and counts as well.
    fn stored_count(&self) -> usize {
        let under_way = K::under_way(&self.counted);
        self.place.objects() + usize::try_from(under_way).unwrap()
    }
}

impl<K: Kinded> DurableImageBackend for InS3<K> {
    /// Another host, once it has found the first one dead.
    fn crash(&self, signing: Signing, clock: Arc<ManualClock>) -> Self {
        clock.advance(TERM);
        let (place, counted) = (self.place.clone(), self.counted.clone());
        let after = Self::open(signing, clock, place, counted, &self.counted.room);
        let begin = Instant::now();
        while after.counted.room.occupancy().uploads > 0 {
            assert!(begin.elapsed() < TIMEOUT, "a reservation is still in doubt");
            std::thread::sleep(Duration::from_millis(5));
        }
        after
    }
}

impl<K: Kinded> SharedImageBackend for InS3<K> {
    fn another(&self, max_store: Option<u64>) -> Self {
        let room = Arc::new(Room::new(max_store, PathBuf::from("/")));
        let options = tasks::Options {
            room: Arc::clone(&room),
            ..tasks::Options::default()
        };
        let (place, clock) = (self.place.clone(), self.clock.clone());
        let counted = Counted {
            reservations: K::reservations_of_another(
                &self.counted.reservations,
                options,
                clock.clone(),
            ),
            room: Arc::clone(&self.counted.room),
        };
        Self::open(signing(None), clock, place, counted, &room)
    }

    fn counting_by(&self, reservations: Arc<dyn UploadReservations>) -> Self {
        let counted = Counted {
            reservations: Reservations {
                reservations,
                schema: self.counted.reservations.schema.clone(),
            },
            room: Arc::clone(&self.counted.room),
        };
        let (place, clock) = (self.place.clone(), self.clock.clone());
        Self::open(signing(None), clock, place, counted, &Arc::default())
    }

    fn reservations(&self) -> Arc<dyn UploadReservations> {
        Arc::clone(&self.counted.reservations.reservations)
    }
}
