//! What is counted for a store that cannot count: it is what is stored, in whatever order
//! uploads and deletions overtake each other.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use concept_refinement_capability::Answer;
use concept_refinement_capability::upload_reservations::{
    Admission, Change, ImageKey, NewReservation, Reservation, TERM, UploadReservations,
};
use concept_refinement_domain::capability::{ImageKind, StoredOrNot};
use concept_refinement_domain::image_path::ImagePath;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::{StreamExt as _, stream};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{SharedImageBackend, Store, contents, image};

/// For what is bound to happen.
const TIMEOUT: Duration = Duration::from_secs(30);

type Meanwhile = Mutex<Option<BoxFuture<'static, ()>>>;

/// Something else happens once before a reservation is settled, or freed.
struct Overtaken {
    reservations: Arc<dyn UploadReservations>,
    before_settling: Meanwhile,
    before_freeing: Meanwhile,
}

impl Overtaken {
    fn new(reservations: &Arc<dyn UploadReservations>) -> Arc<Self> {
        Arc::new(Self {
            reservations: Arc::clone(reservations),
            before_settling: Mutex::default(),
            before_freeing: Mutex::default(),
        })
    }
}

async fn happen(meanwhile: &Meanwhile) {
    let meanwhile = meanwhile.lock().unwrap().take();
    if let Some(meanwhile) = meanwhile {
        timeout(TIMEOUT, meanwhile).await.expect("it never happens");
    }
}

impl UploadReservations for Overtaken {
    fn take(&self, reservation: NewReservation) -> Answer<'_, Admission> {
        self.reservations.take(reservation)
    }

    fn change(&self, reservation: Reservation, change: Change) -> Answer<'_, bool> {
        Box::pin(async move {
            match change {
                Change::Hold | Change::Claim => {}
                Change::Settle(_) => happen(&self.before_settling).await,
                Change::Free => happen(&self.before_freeing).await,
            }
            self.reservations.change(reservation, change).await
        })
    }

    fn abandoned(&self, limit: u32) -> Answer<'_, Vec<Reservation>> {
        self.reservations.abandoned(limit)
    }

    fn settled(
        &self,
        kind: ImageKind,
        after: Option<ImageKey>,
        limit: u32,
    ) -> Answer<'_, Vec<ImageKey>> {
        self.reservations.settled(kind, after, limit)
    }

    fn anonymous_owners(&self, images: Vec<ImageKey>) -> Answer<'_, Vec<Option<String>>> {
        self.reservations.anonymous_owners(images)
    }
}

fn key(name: &str) -> ImageKey {
    ImageKey::from(&ImagePath::of(&image("ada", name, b"")).unwrap())
}

fn new(reservation: &Reservation) -> NewReservation {
    NewReservation {
        reservation: reservation.clone(),
        longest: 7,
        limits: None,
        max_store: None,
    }
}

async fn settled(reservations: &Arc<dyn UploadReservations>, kind: ImageKind) -> Vec<String> {
    let settled = reservations.settled(kind, None, 100).await.unwrap();
    settled.into_iter().map(|key| key.name).collect()
}

/// These uploads are stored and count, nothing else is or does, and no more is in doubt.
async fn assert_counted<B: SharedImageBackend>(store: &Store<B>, expected: &[&str]) {
    let reservations = store.backend.reservations();
    assert_eq!(settled(&reservations, ImageKind::Upload).await, expected);
    assert_eq!(store.backend.stored_count(), expected.len());
}

/// As when a user is erased meanwhile.
pub async fn what_is_deleted_before_it_is_settled_does_not_count<B: SharedImageBackend>() {
    let store = Store::<B>::start();
    let overtaken = Overtaken::new(&store.backend.reservations());
    let uploading = store.backend.counting_by(overtaken.clone()).images();
    let erasing = Arc::clone(&store.images);
    let erased = async move { while erasing.delete_uploads("ada", 10).await.unwrap() {} };
    *overtaken.before_settling.lock().unwrap() = Some(erased.boxed());
    let put = uploading.put(image("ada", "a", b"1"), contents(b"1")).await;
    assert!(matches!(put, Ok(StoredOrNot::Stored(_))), "{put:?}");
    assert_counted(&store, &[]).await;
}

pub async fn what_is_settled_while_it_is_deleted_does_not_count<B: SharedImageBackend>() {
    let store = Store::<B>::start();
    let of_uploading = Overtaken::new(&store.backend.reservations());
    let of_erasing = Overtaken::new(&store.backend.reservations());
    let uploading = store.backend.counting_by(of_uploading.clone()).images();
    let erasing = store.backend.counting_by(of_erasing.clone()).images();
    let (deleted, is_deleted) = oneshot::channel();
    let (settled, is_settled) = oneshot::channel();
    let (erased, is_erased) = oneshot::channel();
    let before_freeing = async move {
        deleted.send(()).unwrap();
        is_settled.await.unwrap();
    };
    *of_erasing.before_freeing.lock().unwrap() = Some(before_freeing.boxed());
    let before_settling = async move {
        tokio::spawn(async move {
            while erasing.delete_uploads("ada", 10).await.unwrap() {}
            erased.send(()).unwrap();
        });
        is_deleted.await.unwrap();
    };
    *of_uploading.before_settling.lock().unwrap() = Some(before_settling.boxed());
    let put = uploading.put(image("ada", "a", b"1"), contents(b"1")).await;
    assert!(matches!(put, Ok(StoredOrNot::Stored(_))), "{put:?}");
    settled.send(()).unwrap();
    let erased = timeout(TIMEOUT, is_erased).await;
    erased.expect("it is never erased").unwrap();
    assert_counted(&store, &[]).await;
}

/// Another host looked for it before it was there.
pub async fn what_is_stored_after_its_reservation_ended_counts<B: SharedImageBackend>() {
    let store = Store::<B>::start();
    let reservations = store.backend.reservations();
    // The contents come once the reservation is lost and another host has freed it.
    let (begin, begun) = oneshot::channel();
    let (free, freed) = oneshot::channel();
    let contents = stream::once(async move {
        begin.send(()).unwrap();
        freed.await.unwrap();
        Ok(vec![1].into())
    });
    let put = store.images.put(image("ada", "a", b"1"), contents.boxed());
    let beside = async {
        begun.await.unwrap();
        store.clock.advance(TERM * 2);
        let _other = store.backend.counting_by(Arc::clone(&reservations));
        let is_freed = async {
            while store.backend.stored_count() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(TIMEOUT, is_freed).await.expect("it is not freed");
        free.send(()).unwrap();
    };
    let (put, ()) = tokio::join!(put, beside);
    assert!(matches!(put, Ok(StoredOrNot::Stored(_))), "{put:?}");
    assert_counted(&store, &["a"]).await;
}

/// Whoever lost a reservation is told, and changes nothing.
pub async fn only_its_holder_writes_a_reservation<B: SharedImageBackend>() {
    let store = Store::<B>::start();
    let reservations = store.backend.reservations();
    let change = |of: &Reservation, change| reservations.change(of.clone(), change);
    let [first, second, third] = [(); 3].map(|()| Reservation::new(key("a")));
    let known = Reservation {
        anonymous_owner: Some("ada".to_owned()),
        ..first.clone()
    };
    assert_eq!(change(&first, Change::Claim).await, Ok(false), "none");
    assert_eq!(change(&first, Change::Settle(1)).await, Ok(false));
    let taken = reservations.take(new(&known)).await;
    assert_eq!(taken, Ok(Admission::Taken));
    assert_eq!(change(&second, Change::Claim).await, Ok(true));
    assert_eq!(change(&first, Change::Hold).await, Ok(false));
    assert_eq!(change(&first, Change::Settle(1)).await, Ok(false));
    assert_eq!(change(&first, Change::Free).await, Ok(false));
    assert_eq!(change(&second, Change::Hold).await, Ok(true));
    assert_eq!(settled(&reservations, ImageKind::Upload).await, [""; 0]);
    assert_eq!(change(&second, Change::Settle(1)).await, Ok(true));
    assert_eq!(settled(&reservations, ImageKind::Upload).await, ["a"]);
    assert_eq!(change(&second, Change::Free).await, Ok(false), "settled");
    // Who looks again does not know whose it is.
    let taken = reservations.take(new(&third)).await;
    assert_eq!(taken, Ok(Admission::Taken));
    let owners = reservations.anonymous_owners(vec![key("a")]).await;
    assert_eq!(owners, Ok(vec![Some("ada".to_owned())]));
    assert_eq!(change(&third, Change::Free).await, Ok(true));
    assert_eq!(change(&third, Change::Free).await, Ok(false), "again");
    assert_eq!(change(&third, Change::Settle(1)).await, Ok(false));
    assert_counted(&store, &[]).await;
}

/// As an earlier version left them, or after a bucket has lost images.
pub async fn what_counts_and_is_gone_is_found<B: SharedImageBackend>() {
    let store = Store::<B>::start();
    let reservations = store.backend.reservations();
    let refined = |name| ImageKey {
        kind: ImageKind::Refined,
        ..key(name)
    };
    for gone in ["a", "c", "e", "f"]
        .map(key)
        .into_iter()
        .chain([refined("a")])
    {
        let reservation = Reservation {
            anonymous_owner: Some("ada".to_owned()),
            ..Reservation::new(gone)
        };
        reservations.take(new(&reservation)).await.unwrap();
        let settled = reservations.change(reservation, Change::Settle(7)).await;
        assert_eq!(settled, Ok(true));
    }
    for name in ["b", "d"] {
        store.stored(image("ada", name, b"1"), b"1").await;
        let mut of_task = image("ada", name, b"1");
        of_task.kind = ImageKind::Refined;
        store.stored(of_task, b"1").await;
    }
    let held = Reservation::new(key("g"));
    reservations.take(new(&held)).await.unwrap();
    let page = reservations.settled(ImageKind::Upload, Some(key("b")), 2);
    assert_eq!(page.await, Ok(vec![key("c"), key("d")]));

    for _ in 0..2 {
        store.images.reconcile().await.unwrap();
        let left = settled(&reservations, ImageKind::Upload).await;
        assert_eq!(left, ["b", "d"]);
        let left = settled(&reservations, ImageKind::Refined).await;
        assert!(!left.contains(&"a".to_owned()), "{left:?}");
    }
    let gone = vec![key("a"), key("f"), refined("a")];
    let owners = reservations.anonymous_owners(gone).await;
    assert_eq!(owners, Ok(vec![None; 3]), "nobody is named any more");
    let freed = reservations.change(held, Change::Free).await;
    assert_eq!(freed, Ok(true), "it is under way");
    assert_eq!(store.backend.stored_count(), 4);
}
