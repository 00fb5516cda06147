mod abandoned;
mod clock;
mod leader;
mod rounds;

use std::sync::atomic::{AtomicUsize, Ordering};

use concept_refinement_capability::Answer;
use concept_refinement_capability::clock::ManualClock;
use concept_refinement_capability::images::{Contents, ImageStore, Images};
use concept_refinement_capability::runtime::Tokio;
use concept_refinement_capability::tasks::{TaskStore, Tasks};
use concept_refinement_domain::capability::{
    ByteRange, ImageInfo, NewImage, NewTask, Resolved, StoredOrNot, Submission,
};
use concept_refinement_embedded::tasks::{Options, SqliteTasks};
use concept_refinement_kit::samples::new_task;
use futures::stream;
use parking_lot::Mutex;

use super::*;
use crate::loops::tests::fakes::{broken, capabilities, refused};

const HOUR: Duration = Duration::from_secs(60 * 60);

const NOW: Timestamp = Timestamp(1_795_176_000_123_456);

/// An image store that only lists and deletes. Everything else fails.
#[derive(Default)]
struct Shelf {
    listed: Mutex<Vec<Result<Listed, CapabilityError>>>,
    /// How often it was asked for what a list left out.
    described: AtomicUsize,
    /// Paths whose deletion fails.
    stuck: BTreeSet<String>,
    deleted: Mutex<Vec<String>>,
}

impl Shelf {
    fn of(images: &[(&str, Timestamp)]) -> Arc<Self> {
        Arc::new(Self::holding(images, &[]))
    }

    fn holding(images: &[(&str, Timestamp)], stuck: &[&str]) -> Self {
        let listed = images.iter().map(|(path, created_at)| {
            Ok(Listed {
                path: (*path).to_owned(),
                created_at: *created_at,
                anonymous_owner: None,
            })
        });
        Self {
            listed: Mutex::new(listed.collect()),
            stuck: stuck.iter().map(|path| (*path).to_owned()).collect(),
            ..Self::default()
        }
    }

    fn deleted(&self) -> Vec<String> {
        let mut deleted = self.deleted.lock();
        deleted.sort();
        deleted.clone()
    }
}

impl ImageStore for Shelf {
    fn put(&self, _: NewImage, _: Contents) -> Answer<'_, StoredOrNot> {
        refused()
    }

    fn stat<'a>(&'a self, _: &'a str) -> Answer<'a, Option<ImageInfo>> {
        refused()
    }

    fn get<'a>(
        &'a self,
        _: &'a str,
        _: Option<ByteRange>,
    ) -> Answer<'a, Option<(ImageInfo, Contents)>> {
        refused()
    }

    fn has_uploads<'a>(&'a self, _: &'a str) -> Answer<'a, bool> {
        refused()
    }

    fn delete<'a>(&'a self, path: &'a str) -> Answer<'a, ()> {
        if self.stuck.contains(path) {
            return refused();
        }
        let mut deleted = self.deleted.lock();
        deleted.push(path.to_owned());
        Box::pin(async { Ok(()) })
    }

    fn delete_uploads<'a>(&'a self, _: &'a str, _: u32) -> Answer<'a, bool> {
        refused()
    }

    fn sign<'a>(&'a self, _: &'a str, _: &'a str) -> Answer<'a, String> {
        refused()
    }

    fn resolve<'a>(&'a self, _: &'a str, _: &'a str) -> Answer<'a, Option<Resolved>> {
        refused()
    }

    fn list(&self, _: ImageKind) -> Answer<'_, Images> {
        let listed = self.listed.lock().clone();
        Box::pin(async { Ok(stream::iter(listed).boxed()) })
    }

    fn describe<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Listed>> {
        self.described.fetch_add(1, Ordering::Relaxed);
        let told = Listed {
            path: format!("{name}.png"),
            created_at: NOW,
            anonymous_owner: None,
        };
        Box::pin(ready(Ok(Some(told))))
    }

    fn check(&self) -> Answer<'_, ()> {
        refused()
    }
}

fn store() -> Arc<SqliteTasks> {
    let clock = Arc::new(ManualClock::at(NOW));
    Arc::new(SqliteTasks::in_memory(Options::default(), clock).unwrap())
}

fn garbage(
    tasks: Arc<dyn TaskStore>,
    images: Arc<dyn ImageStore>,
    retention: Option<Duration>,
) -> Garbage {
    let clock = Arc::new(ManualClock::at(NOW));
    Garbage {
        host: Arc::new(capabilities(tasks, images, clock)),
        administration: None,
        runtime: Arc::new(Tokio::default()),
        retention,
        anonymous_retention: None,
        confirmed_day: None,
        interval: HOUR,
    }
}

/// Submits a task whose user has the same name.
async fn submit(store: &SqliteTasks, id: &str, original_path: Option<&str>) {
    let new = NewTask {
        original_path: original_path.map(str::to_owned),
        ..new_task(id)
    };
    let submitted = store.submit(new).await.unwrap();
    assert!(matches!(submitted, Submission::Created(_)));
}

/// Submits a task and deletes it.
async fn forget(store: &SqliteTasks, id: &str) {
    submit(store, id, None).await;
    assert!(Tasks::delete(store, id, id).await.unwrap());
}

async fn remove_orphans(
    store: &Arc<SqliteTasks>,
    shelf: &Arc<Shelf>,
) -> Result<u64, CapabilityError> {
    let garbage = garbage(store.clone(), shelf.clone(), None);
    let removed = garbage
        .remove_unreferenced(ImageKind::Refined, None)
        .await?;
    assert_eq!((removed.tasks, removed.concepts), (0, 0));
    Ok(removed.images)
}

#[test]
fn rounds_follow_the_retention() {
    let second = Duration::from_secs(1);
    for (retention, expected) in [
        (second, second),
        (second * 9, second),
        (second * 10, second),
        (second * 20, second * 2),
        (
            Duration::from_millis(12_345),
            Duration::from_micros(1_234_500),
        ),
        (HOUR, HOUR / 10),
        (HOUR * 10, HOUR),
        (HOUR * 24 * 36_500, HOUR),
    ] {
        assert_eq!(between_rounds(retention, HOUR), expected, "{retention:?}");
    }
}

#[tokio::test]
async fn only_what_nothing_refers_to_goes() {
    let store = store();
    submit(&store, "a", None).await;
    forget(&store, "b").await;
    forget(&store, "c").await;
    let shelf = Shelf::of(&[
        ("refined/ada/a-1.png", NOW),
        ("refined/ada/b-1.png", NOW),
        ("refined/ada/c-2.png", Timestamp(0)),
        ("refined/ada/unknown-1.png", Timestamp(0)),
        ("refined/ada/logo.png", NOW),
    ]);
    assert_eq!(remove_orphans(&store, &shelf).await, Ok(2));
    let expected = ["refined/ada/b-1.png", "refined/ada/c-2.png"];
    assert_eq!(shelf.deleted(), expected);
}

/// A store whose list tells only names: it is asked for no more than what decides.
#[tokio::test]
async fn what_a_list_leaves_out_is_asked_for_only_where_it_decides() {
    let store = store();
    submit(&store, "a", Some("uploads/ada/needed.png")).await;
    forget(&store, "b").await;
    let later = NOW.plus(Duration::from_secs(1));
    let shelf = Shelf::of(&[("refined/ada/a-1", NOW), ("refined/ada/b-1", NOW)]);
    assert_eq!(remove_orphans(&store, &shelf).await, Ok(1));
    assert_eq!(shelf.deleted(), ["refined/ada/b-1.png"]);
    assert_eq!(shelf.described.load(Ordering::Relaxed), 1);

    let uploads = [
        ("uploads/ada/needed", NOW),
        ("uploads/ada/old", NOW),
        ("uploads/ada/new", later),
    ];
    let shelf = Shelf::of(&uploads);
    let garbage = garbage(store, shelf.clone(), None);
    let removed = garbage
        .remove_unreferenced(ImageKind::Upload, Some(later))
        .await
        .unwrap();
    assert_eq!(removed.images, 1);
    assert_eq!(shelf.deleted(), ["uploads/ada/old.png"]);
    assert_eq!(shelf.described.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn one_that_cannot_be_deleted_keeps_no_other() {
    let paths: Vec<_> = (0..BATCH * 2)
        .map(|n| format!("refined/ada/{n}-1.png"))
        .collect();
    let images: Vec<_> = paths.iter().map(|path| (path.as_str(), NOW)).collect();
    let shelf = Arc::new(Shelf::holding(&images, &[&paths[0], &paths[7]]));
    let expected = u64::from(BATCH) * 2 - 2;
    let store = store();
    for n in 0..BATCH * 2 {
        forget(&store, &n.to_string()).await;
    }
    assert_eq!(remove_orphans(&store, &shelf).await, Ok(expected));
    assert_eq!(shelf.deleted().len() as u64, expected);
}

#[tokio::test]
async fn a_list_that_breaks_off_is_no_reason_to_delete() {
    let shelf = Shelf::of(&[("refined/ada/a-1.png", NOW), ("refined/ada/b-1.png", NOW)]);
    shelf.listed.lock().push(Err(broken()));
    assert_eq!(remove_orphans(&store(), &shelf).await, Err(broken()));
    assert_eq!(shelf.deleted(), [""; 0]);
}

#[tokio::test]
async fn all_that_is_older_goes_however_much_it_is() {
    let store = store();
    let count = BATCH * 2 + 1;
    for n in 0..count {
        let id = n.to_string();
        submit(&store, &id, None).await;
        let _ = store.withdraw(&id, "No.").await.unwrap();
    }
    submit(&store, "a", Some("uploads/ada/needed.png")).await;
    let earlier = before(NOW, Duration::from_micros(1));
    let later = NOW.plus(Duration::from_micros(1));
    let shelf = Shelf::of(&[
        ("uploads/ada/older.png", earlier),
        ("uploads/ada/old.png", NOW),
        ("uploads/ada/needed.png", earlier),
    ]);

    let removed = |tasks: u32, images| {
        Ok(Removed {
            tasks: tasks.into(),
            concepts: 0,
            images,
        })
    };
    let garbage = garbage(store.clone(), shelf.clone(), None);
    assert_eq!(garbage.remove_older(NOW).await, removed(0, 1));
    assert_eq!(shelf.deleted(), ["uploads/ada/older.png"]);
    let both = garbage.remove_older(later).await;
    assert_eq!(both, removed(count, 2), "one was gone, and is again");
    let left = store.get("a", "a").await.unwrap();
    assert!(left.is_some(), "it is to be done");
}
