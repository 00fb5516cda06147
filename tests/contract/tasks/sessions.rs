//! What anonymous users left, and until when their sessions protect it.

use std::time::Duration;

use concept_refinement_capability::tasks::Expired;
use concept_refinement_domain::capability::NewTask;
use concept_refinement_domain::session::is_abandoned;
use concept_refinement_domain::timestamp::Timestamp;

use super::{START, Store, TaskBackend, created, new_task};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn day(number: u32) -> Timestamp {
    START.plus(DAY * number)
}

/// Of these, who has no session until then or longer.
async fn without<B: TaskBackend>(store: &Store<B>, users: &[&str], until: u32) -> Vec<String> {
    let asked = users.iter().map(|user| (*user).to_owned()).collect();
    let answered = store.maintenance.without_session(asked, day(until)).await;
    answered.unwrap()
}

/// Whatever was renewed, by the rule of the domain: of anonymous users alone, and
/// a session is forgotten once it protects nothing.
pub async fn what_anonymous_users_left_goes_as_the_rule_says<B: TaskBackend>() {
    let users = [
        ("never", None, true),
        ("early", Some(20), true),
        ("late", Some(50), true),
        ("later", Some(51), true),
        ("named", None, false),
    ];
    for before in [29, 30, 31, 50, 51, 52] {
        let store = Store::<B>::start();
        let renew = async |user: &str, until: u32, owns_images: bool| {
            let renewed = store.tasks.renew_session(user, day(until), owns_images);
            renewed.await.unwrap();
        };
        let mut left = Vec::new();
        for (user, renewed, is_anonymous) in users {
            let new = NewTask {
                is_anonymous,
                ..new_task(user)
            };
            let task = created(store.submit(new).await);
            let concept = store.finish(&store.claim(&task).await).await;
            for until in renewed.into_iter().flat_map(|until| [until, until - 1]) {
                renew(user, until, false).await;
            }
            left.push((renewed, is_anonymous, task, concept));
        }
        renew("owns nothing", 90, false).await;
        renew("owns an image", 90, true).await;

        // One of each at a time, then all sessions that are over.
        let abandon = async |limit| {
            let abandoned = store.maintenance.abandon(day(before), limit).await;
            abandoned.unwrap()
        };
        while abandon(1).await != Expired::default() {}
        assert_eq!(abandon(100).await, Expired::default());

        for (renewed, is_anonymous, task, concept) in left {
            let user = &task.user_id;
            let expected = is_anonymous && is_abandoned(START, renewed.map(day), day(before));
            let is_gone = store.find(&task).await.is_none();
            assert_eq!(is_gone, expected, "{user}'s task before day {before}");
            let found = store.concepts.get(user, &concept).await.unwrap();
            let is_gone = found.is_none();
            assert_eq!(is_gone, expected, "{user}'s concept before day {before}");
        }
        let asked = ["late", "owns nothing", "owns an image"];
        let expected: &[&str] = match before > 50 {
            true => &["late", "owns nothing"],
            false => &["owns nothing"],
        };
        let without_now = without(&store, &asked, before).await;
        assert_eq!(without_now, expected, "before day {before}");
        // At the beginning all had one, unless it is forgotten.
        let forgotten = without(&store, &["early", "late", "later"], 0).await;
        let expected = [("early", 20), ("late", 50), ("later", 51)];
        let expected = expected.iter().filter(|(_, until)| *until < before);
        let expected: Vec<_> = expected.map(|(user, _)| *user).collect();
        assert_eq!(forgotten, expected, "forgotten before day {before}");
    }
}
