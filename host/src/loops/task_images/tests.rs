use concept_refinement_capability::clock::ManualClock;
use concept_refinement_capability::images::{ImageStore as _, Signing};
use concept_refinement_capability::runtime::Tokio;
use concept_refinement_capability::tasks::{Leases as _, Tasks as _};
use concept_refinement_domain::capability::{
    Fenced, Finished, ImageLength, NewImage, NewTask, Stored, StoredOrNot, Submission,
};
use concept_refinement_domain::task_image::{TaskImage, name_for_task};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_embedded::memory::MemoryImages;
use concept_refinement_embedded::tasks::{Options, SqliteTasks};
use concept_refinement_kit::samples::new_task;
use futures::{StreamExt as _, stream};

use super::*;
use crate::loops::tests::fakes::{Roster, SteppedTime, capabilities};

const MINUTE: Duration = Duration::from_secs(60);

const NOW: Timestamp = Timestamp(1_795_176_000_123_456);

struct World {
    clock: Arc<ManualClock>,
    store: Arc<SqliteTasks>,
    images: Arc<MemoryImages>,
    time: Arc<SteppedTime>,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(NOW));
        let store = SqliteTasks::in_memory(Options::default(), clock.clone()).unwrap();
        let signing = Signing {
            key: vec![],
            ttl: MINUTE,
            public_url: None,
        };
        Self {
            store: Arc::new(store),
            images: Arc::new(MemoryImages::new(signing, clock.clone())),
            time: Arc::new(SteppedTime::new(clock.clone())),
            clock,
        }
    }

    fn collector(&self, interval: Duration) -> TaskImages {
        let (store, images) = (self.store.clone(), self.images.clone());
        TaskImages {
            host: Arc::new(capabilities(store, images, self.clock.clone())),
            runtime: self.time.clone(),
            interval,
        }
    }

    /// The path of a new upload.
    async fn upload(&self, owner: &str, name: String) -> String {
        let image = NewImage {
            kind: ImageKind::Upload,
            name,
            owner: owner.into(),
            media_type: "image/png".into(),
            length: ImageLength::Exactly(5),
            metadata: vec![],
            limits: None,
        };
        let contents = stream::iter([Ok(bytes::Bytes::from_static(b"image"))]).boxed();
        match self.images.put(image, contents).await.unwrap() {
            StoredOrNot::Stored(stored) => stored.path,
            other => panic!("{other:?}"),
        }
    }

    /// A task with an original and a mask of its own.
    async fn task(&self, id: &str) -> [String; 2] {
        let paths = [
            self.upload(id, name_for_task(id, TaskImage::Original))
                .await,
            self.upload(id, name_for_task(id, TaskImage::Mask)).await,
        ];
        let [original, mask] = paths.clone();
        let new = NewTask {
            original_path: Some(original),
            mask_path: Some(mask),
            ..new_task(id)
        };
        let submitted = self.store.submit(new).await.unwrap();
        assert!(matches!(submitted, Submission::Created(_)));
        paths
    }

    async fn complete(&self, id: &str) {
        let claimed = self.store.claim(id, None).await.unwrap().unwrap();
        let stored = Stored {
            path: format!("refined/ada/{id}-1.png"),
            url: "https://example.com/refined.png".into(),
            sha256: None,
        };
        let finished = self.store.finish(&claimed.lease, stored.into()).await;
        assert_eq!(finished, Ok(Finished::Done));
    }

    async fn are_kept(&self, paths: &[String]) -> bool {
        let mut kept = 0;
        for path in paths {
            kept += usize::from(self.images.stat(path).await.unwrap().is_some());
        }
        assert!(kept == 0 || kept == paths.len(), "{kept} of {paths:?}");
        kept > 0
    }
}

/// The id of a task.
fn id(number: u32) -> String {
    format!("00000000-0000-7000-8000-{number:012}")
}

#[tokio::test]
async fn the_images_of_a_task_go_when_it_has_ended_and_no_others() {
    let world = World::new();
    let ids = [1, 2, 3, 4, 5, 6].map(id);
    let [completed, failed, cancelled, deleted, processing, pending] = &ids;
    let missing = id(7);
    let mut uploads = Vec::new();
    for id in &ids {
        uploads.push((id, world.task(id).await));
    }
    world.complete(completed).await;
    assert_eq!(world.store.withdraw(failed, "No.").await, Ok(Fenced::Done));
    let ended = world.store.cancel(cancelled, cancelled).await.unwrap();
    assert!(ended.is_some());
    assert_eq!(world.store.delete(deleted, deleted).await, Ok(true));
    let claimed = world.store.claim(processing, None).await.unwrap();
    assert!(claimed.is_some());
    let mask = name_for_task(&missing, TaskImage::Mask);
    let orphan = [world.upload("ada", mask).await];
    let ordinary = [
        world.upload("ada", id(8)).await,
        world.upload("ada", "for-nobody".into()).await,
    ];

    let collector = TaskImages {
        // Its pauses between batches are real, and short.
        runtime: Arc::new(Tokio::default()),
        ..world.collector(MINUTE)
    };
    assert_eq!(collector.remove().await, Ok(0), "they are too young");
    world.clock.advance(MIN_AGE);
    assert_eq!(collector.remove().await, Ok(0), "just not old enough");
    world.clock.advance(Duration::from_micros(1));
    let young = [world
        .upload("eve", name_for_task(&id(9), TaskImage::Original))
        .await];
    assert_eq!(collector.remove().await, Ok(9));
    for (id, paths) in &uploads {
        let is_active = [processing, pending].contains(id);
        assert_eq!(world.are_kept(paths).await, is_active, "{id}");
    }
    assert!(!world.are_kept(&orphan).await);
    assert!(world.are_kept(&ordinary).await);
    assert!(world.are_kept(&young).await);

    world.clock.advance(MINUTE * 60 * 24 * 365);
    assert_eq!(collector.remove().await, Ok(1), "the young one is old now");
    for (id, paths) in &uploads {
        let is_active = [processing, pending].contains(id);
        assert_eq!(world.are_kept(paths).await, is_active, "{id}");
    }
    assert!(world.are_kept(&ordinary).await);
}

#[tokio::test]
async fn what_a_crash_left_goes_within_the_hour() {
    const HOUR: Duration = Duration::from_secs(60 * 60);
    let world = World::new();
    let (stop, stopped) = watch::channel(false);
    let collecting = tokio::spawn(world.collector(24 * HOUR).run(stopped));
    world.time.run_on(7 * MINUTE).await;
    let left = world.task(&id(1)).await;
    world.complete(&id(1)).await;
    world.time.run_on(MIN_AGE - MINUTE).await;
    assert!(world.are_kept(&left).await);
    world.time.run_on(HOUR - MIN_AGE + MINUTE).await;
    assert!(!world.are_kept(&left).await);
    stop.send_replace(true);
    collecting.await.unwrap();
}

#[tokio::test]
async fn an_operator_may_want_it_sooner_and_a_start_is_a_round() {
    let world = World::new();
    let left = world.task(&id(1)).await;
    world.complete(&id(1)).await;
    world.clock.advance(MIN_AGE * 2);
    let (stop, stopped) = watch::channel(false);
    let collecting = tokio::spawn(world.collector(MINUTE).run(stopped));
    world.time.run_on(Duration::from_secs(1)).await;
    assert!(!world.are_kept(&left).await);

    let left = world.task(&id(2)).await;
    world.complete(&id(2)).await;
    world.time.run_on(MIN_AGE + 2 * MINUTE).await;
    assert!(!world.are_kept(&left).await);
    stop.send_replace(true);
    collecting.await.unwrap();
}

#[tokio::test]
async fn one_host_at_a_time_collects_and_gives_it_up() {
    let world = World::new();
    let roster = Roster::default();
    let mut collector = world.collector(MINUTE);
    Arc::get_mut(&mut collector.host).unwrap().leader_leases = roster.of(1);
    assert_eq!(roster.of(2).take(LEASE_NAME, MINUTE).await, Ok(true));
    let left = world.task(&id(1)).await;
    world.complete(&id(1)).await;
    world.clock.advance(MIN_AGE * 2);
    let (stop, stopped) = watch::channel(false);
    let collecting = tokio::spawn(collector.run(stopped));
    world.time.run_on(MINUTE / 2).await;
    assert!(world.are_kept(&left).await, "another host collects");
    roster.of(2).release(LEASE_NAME).await.unwrap();
    world.time.run_on(MINUTE).await;
    assert!(!world.are_kept(&left).await);
    stop.send_replace(true);
    collecting.await.unwrap();
    assert!(roster.is_empty(), "who stops gives it up");
}
