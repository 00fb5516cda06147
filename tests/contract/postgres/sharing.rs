//! Users share the connections of a host: whoever waits for a lock keeps no other from
//! them, and whoever is refused waits for none.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use concept_refinement_capability::clock::SystemClock;
use concept_refinement_capability::tasks::{Leases, Pseudonyms, Tasks as _};
use concept_refinement_capability::upload_reservations::{
    Admission, Change, ImageKey, NewReservation, Reservation, UploadReservations as _,
};
use concept_refinement_domain::capability::{ImageKind, Submission};
use concept_refinement_domain::quota::Window;
use concept_refinement_postgres::PostgresTasks;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::postgres::new_schema;
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, block_in_place};
use tokio::time::sleep;

use super::{FIFTEEN, open};
use crate::tasks::{Rules, at_once, created, new_task, with_quota};

/// Far more than there are connections.
const MANY: usize = 100;

/// What needs no lock is answered by then, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(1);

/// A store with few connections, and its schema.
fn store() -> (Arc<PostgresTasks>, String) {
    let schema = new_schema();
    let url = format!("{}&pool=4", FIFTEEN.url(&schema));
    // So near its end, each submission is counted by itself.
    let rules = Rules {
        max_backlog: 500,
        ..Rules::default()
    };
    (open(&url, None, rules, Arc::new(SystemClock)), schema)
}

/// Does this while somebody else holds what a query locks.
async fn while_locked(query: &str, work: impl Future<Output = ()>) {
    let held = format!("BEGIN; {query}; SELECT pg_sleep(60)");
    let holder = "SELECT pid FROM pg_stat_activity \
         WHERE wait_event = 'PgSleep' AND query LIKE '%pg_sleep(60)' AND position($$";
    let holder = format!("{holder}{query}$$ in query) > 0");
    let end = format!("SELECT count(pg_terminate_backend(pid)) FROM ({holder}) AS held");
    thread::scope(|scope| {
        // Its connection is ended by us.
        scope.spawn(|| FIFTEEN.try_execute(&held));
        let work = async {
            eventually("it is locked", SOON, async || {
                (!FIFTEEN.query(&holder).is_empty()).then_some(())
            })
            .await;
            work.await;
        };
        block_in_place(|| Handle::current().block_on(work));
        FIFTEEN.query(&end);
    });
}

/// How many statements wait for a lock of this kind that name this.
async fn waiting(kind: &str, named: &str) -> u32 {
    let sql = format!(
        "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) \
         WHERE NOT granted AND locktype = '{kind}' AND position('{named}' in query) > 0"
    );
    eventually("somebody waits for it", SOON, async || {
        let count: u32 = FIFTEEN.query(&sql).parse().unwrap();
        (count > 0).then_some(count)
    })
    .await
}

fn assert_answered(begin: Instant) {
    assert!(begin.elapsed() < AT_ONCE, "{:?}", begin.elapsed());
}

/// The number by which the store knows a lock.
fn lock_of(schema: &str, purpose: &str) -> String {
    FIFTEEN.query(&format!(
        "SELECT ('x' || encode(substring(sha256('{schema}'::bytea || '\\x00'::bytea \
         || '{purpose}'::bytea) for 8), 'hex'))::bit(64)::bigint"
    ))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_is_refused_waits_for_no_lock() {
    let (store, schema) = store();
    let task = created(store.submit(new_task("ada")).await.unwrap());
    let spent = with_quota("bob", 1, Window::Month);
    let only = created(store.submit(spent.clone()).await.unwrap());
    assert!(store.delete("bob", &only.id).await.unwrap());
    let lock = lock_of(&schema, "backlog");
    while_locked(&format!("SELECT pg_advisory_xact_lock({lock})"), async {
        let begin = Instant::now();
        for submission in at_once(MANY, |number| {
            let (store, quota) = (Arc::clone(&store), spent.quota);
            let mut new = new_task(["ada", "bob"][number % 2]);
            new.quota = quota.filter(|_| number % 2 == 1);
            async move { store.submit(new).await }
        })
        .await
        {
            match submission.unwrap() {
                Submission::Active(active) => assert_eq!(active.task.id, task.id),
                Submission::QuotaExceeded(_) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_answered(begin);

        // Who would be created waits, and without a connection but for one.
        let submitting: Vec<JoinHandle<_>> = (0..MANY)
            .map(|number| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { store.submit(new_task(&format!("user {number}"))).await })
            })
            .collect();
        assert_eq!(waiting("advisory", &lock).await, 1);
        let begin = Instant::now();
        assert!(store.get("ada", &task.id).await.unwrap().is_some());
        assert_answered(begin);
        submitting.iter().for_each(JoinHandle::abort);
    })
    .await;
}

/// What a user does while somebody else has what it has to wait for, many times at once.
#[derive(Clone, Copy, Debug)]
enum Waits {
    Deletes,
    Withdraws,
    Claims,
    Uploads,
}

impl Waits {
    /// The row that it waits for, of the user `greedy` and this task.
    fn row(self, task: &str) -> String {
        match self {
            Self::Deletes | Self::Claims => format!("task WHERE id = '{task}'"),
            Self::Withdraws => {
                let pseudonym = Pseudonyms::default().of("greedy");
                format!("account WHERE pseudonym = '{pseudonym}'")
            }
            Self::Uploads => "upload_reservation WHERE owner = 'greedy'".to_owned(),
        }
    }

    async fn act(self, store: &PostgresTasks, task: &str, reservation: Reservation) {
        // It fails in time, or is aborted.
        let _ = match self {
            Self::Deletes => store.delete("greedy", task).await.map(drop),
            Self::Withdraws => store.withdraw(task, "No.").await.map(drop),
            Self::Claims => Leases::claim(store, task, None).await.map(drop),
            Self::Uploads => store.change(reservation, Change::Hold).await.map(drop),
        };
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_waits_for_a_row_leaves_connections_to_others() {
    for waits in [
        Waits::Deletes,
        Waits::Withdraws,
        Waits::Claims,
        Waits::Uploads,
    ] {
        let (store, schema) = store();
        let [greedy, other] = ["greedy", "ada"].map(|user| {
            let submitted = store.submit(new_task(user));
            created(block_in_place(|| Handle::current().block_on(submitted)).unwrap())
        });
        let reservation = Reservation::new(ImageKey {
            kind: ImageKind::Upload,
            owner: "greedy".to_owned(),
            name: "a".to_owned(),
        });
        let new = NewReservation {
            reservation: reservation.clone(),
            longest: 1,
            limits: None,
            max_store: None,
        };
        assert_eq!(store.take(new).await, Ok(Admission::Taken));
        let row = waits.row(&greedy.id);
        let row = format!("SELECT FROM {schema}.{row} FOR UPDATE");
        while_locked(&row, async {
            let waiting: Vec<JoinHandle<_>> = (0..MANY)
                .map(|_| {
                    let (store, id) = (Arc::clone(&store), greedy.id.clone());
                    let reservation = reservation.clone();
                    tokio::spawn(async move { waits.act(&store, &id, reservation).await })
                })
                .collect();
            self::waiting("transactionid", &schema).await;
            for _ in 0..10 {
                let begin = Instant::now();
                let found = store.get("ada", &other.id).await;
                assert!(found.is_ok_and(|task| task.is_some()), "{waits:?}");
                assert!(
                    begin.elapsed() < AT_ONCE,
                    "{waits:?}: {:?}",
                    begin.elapsed()
                );
                sleep(AT_ONCE / 10).await;
            }
            waiting.iter().for_each(JoinHandle::abort);
        })
        .await;
    }
}
