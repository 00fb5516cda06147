//! Messages that come twice, at the same time, to whichever instances are there.

use std::panic::AssertUnwindSafe;

use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures;
use futures::FutureExt as _;
use futures::future::join_all;

use concept_refinement_tests::platform::spin::Twice;
use concept_refinement_tests::platform::{Start, new_user, origin};

/// Many more than an instance takes.
const USERS: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tasks_of_many_users_are_worked_on_once_though_each_message_comes_twice() {
    // So that nobody takes over from who is only slow.
    let service = Start::<Twice>::scripted().set("lease", "10m").start();
    let picture = pictures::png(100, 100);
    let url = origin().picture(&picture);
    let users = (0..USERS).map(async |_| {
        let user = new_user(&service);
        let task = user.refined(&url, "wait 100ms").await;
        assert_eq!(task["status"], "completed", "{task}: {}", service.log());
        let concepts = user.get("/api/concepts").await.json()["concepts"].clone();
        assert_eq!(concepts.as_array().unwrap().len(), 1, "{concepts}");
        let image = user.get(task["image_url"].as_str().unwrap()).await;
        assert!(image.body == marked(&picture), "other bytes");
    });
    let users = users.map(|user| AssertUnwindSafe(user).catch_unwind());
    let outcomes = join_all(users).await;
    let failed = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    assert_eq!(failed, 0, "{}", service.log());
    assert_eq!(origin().requests(&url).len(), USERS);
}
