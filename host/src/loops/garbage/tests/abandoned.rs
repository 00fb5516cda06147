//! What anonymous users left, over 90 days of a clock.

use concept_refinement_capability::Clock as _;
use concept_refinement_capability::images::Signing;
use concept_refinement_capability::tasks::Maintenance as _;
use concept_refinement_domain::capability::ImageLength;
use concept_refinement_domain::session::{IS_ANONYMOUS, LIFE};
use concept_refinement_embedded::memory::MemoryImages;

use super::*;
use crate::loops::tests::fakes::SteppedTime;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn upload(images: &MemoryImages, owner: &str, is_anonymous: bool) -> String {
    let image = NewImage {
        kind: ImageKind::Upload,
        name: "a".into(),
        owner: owner.into(),
        media_type: "image/png".into(),
        length: ImageLength::Exactly(5),
        metadata: vec![(IS_ANONYMOUS.to_owned(), is_anonymous.to_string())],
        limits: None,
    };
    let contents = stream::iter([Ok(bytes::Bytes::from_static(b"image"))]).boxed();
    match images.put(image, contents).await.unwrap() {
        StoredOrNot::Stored(stored) => stored.path,
        other => panic!("{other:?}"),
    }
}

/// Who reads renews, by which what is owned stays; of who does not, everything
/// goes in its time; and nothing of who is not anonymous.
#[tokio::test]
async fn what_an_anonymous_user_left_goes_after_the_last_session_could_have_ended() {
    let clock = Arc::new(ManualClock::at(NOW));
    let store = SqliteTasks::in_memory(Options::default(), clock.clone()).unwrap();
    let store = Arc::new(store);
    let signing = Signing {
        key: vec![],
        ttl: HOUR,
        public_url: None,
    };
    let images = Arc::new(MemoryImages::new(signing, clock.clone()));
    let mut uploads = Vec::new();
    for (user, is_anonymous) in [("reads", true), ("left", true), ("named", false)] {
        let new = NewTask {
            is_anonymous,
            ..new_task(user)
        };
        store.submit(new).await.unwrap();
        let _ = store.withdraw(user, "No.").await.unwrap();
        uploads.push((user, upload(&images, user, is_anonymous).await));
    }
    let only_uploads = upload(&images, "uploads and reads", true).await;
    let time = Arc::new(SteppedTime::new(clock.clone()));
    let garbage = Garbage {
        host: Arc::new(capabilities(store.clone(), images.clone(), clock.clone())),
        administration: None,
        runtime: time.clone(),
        retention: None,
        anonymous_retention: Some(DAY * 30),
        confirmed_day: None,
        interval: HOUR,
    };
    let (stop, stopped) = watch::channel(false);
    let collecting = tokio::spawn(garbage.run(stopped));
    let there = async |user: &str| {
        let (_, path) = uploads.iter().find(|(known, _)| *known == user).unwrap();
        let task = store.get(user, user).await.unwrap().is_some();
        let image = images.stat(path).await.unwrap().is_some();
        assert_eq!(task, image, "{user}: all or nothing");
        task
    };
    let renew = async |clock: &ManualClock| {
        let until = clock.now().plus(LIFE);
        store.renew_session("reads", until, true).await.unwrap();
        store
            .renew_session("uploads and reads", until, true)
            .await
            .unwrap();
        store
            .renew_session("owns nothing", until, false)
            .await
            .unwrap();
    };
    for day in (0..90).step_by(15) {
        assert!(there("reads").await && there("named").await, "day {day}");
        assert_eq!(there("left").await, day <= 60, "day {day}");
        time.run_on(DAY * 15).await;
        renew(&clock).await;
    }
    assert!(there("reads").await, "after 90 days");
    assert!(images.stat(&only_uploads).await.unwrap().is_some());
    let users = ["reads", "owns nothing"].map(str::to_owned).to_vec();
    let without = store.without_session(users, clock.now()).await.unwrap();
    assert_eq!(without, ["owns nothing"], "nothing is stored for nothing");

    time.run_on(DAY * 59).await;
    assert!(there("reads").await, "its last session ended 29 days ago");
    time.run_on(DAY * 2).await;
    assert!(!there("reads").await && there("named").await);
    assert!(images.stat(&only_uploads).await.unwrap().is_none());
    stop.send_replace(true);
    collecting.await.unwrap();
}

/// A store whose list tells names and owners only: what stays costs no look, round after
/// round.
#[tokio::test]
async fn uploads_of_whoever_may_come_back_are_not_looked_at() {
    let clock = Arc::new(ManualClock::at(NOW));
    let store = SqliteTasks::in_memory(Options::default(), clock).unwrap();
    let now = NOW.plus(DAY * 90);
    store.renew_session("reads", now, true).await.unwrap();
    let old = [("reads", true), ("left", true), ("named", false)];
    let listed = old.map(|(owner, is_anonymous)| {
        Ok(Listed {
            path: format!("uploads/{owner}/a"),
            created_at: NOW,
            anonymous_owner: is_anonymous.then(|| owner.to_owned()),
        })
    });
    let shelf = Arc::new(Shelf {
        listed: Mutex::new(listed.to_vec()),
        ..Shelf::default()
    });
    let garbage = garbage(Arc::new(store), shelf.clone(), None);
    for round in 1..=2 {
        garbage.remove_abandoned(now).await.unwrap();
        let looks = shelf.described.load(Ordering::Relaxed);
        assert_eq!(looks, round, "only what is about to go");
    }
    assert_eq!(shelf.deleted(), ["uploads/left/a.png"; 2]);
}
