//! What is done to a store, drawn. Who and what is meant is counted from the
//! newest, so that a history goes on meaning something as it is shrunk.

use std::time::Duration;

use concept_refinement_domain::budget::Budget;
use concept_refinement_domain::lease::MAX_DEATHS;
use concept_refinement_domain::money::MicroDollars;
use concept_refinement_domain::quota::{Quota, Window};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;

use crate::tasks::{LEASE, MICROSECOND, OVERDUE};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

pub const USERS: [&str; 4] = ["ada", "bob", "eve", "joe"];

#[derive(Clone, Debug)]
pub struct History {
    /// Whether the clock is set back now and then, and never far ahead.
    pub is_set_back: bool,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub enum Step {
    Submit(Submit),
    Withdraw {
        task: usize,
    },
    Claim {
        task: usize,
        by: By,
    },
    /// So many workers in turn claim it and die.
    Abandon {
        task: usize,
        workers: u32,
    },
    Renew {
        lease: usize,
    },
    /// With the image of its own attempt or of the one before.
    Finish {
        lease: usize,
        is_own: bool,
    },
    Fail {
        lease: usize,
        is_refusal: bool,
    },
    /// Something is known of a call of its model that may cost.
    Pay {
        lease: usize,
        call: Call,
    },
    Release {
        lease: usize,
    },
    Cancel {
        task: usize,
        by: By,
    },
    Delete {
        task: usize,
        by: By,
    },
    DeleteConcept {
        task: usize,
        by: By,
    },
    Erase {
        user: usize,
    },
    Redeliver {
        task: usize,
        by: By,
    },
    /// To so many in all, and so many a receiver, of which receivers and users have
    /// taken some.
    Deliver {
        total: usize,
        per_receiver: usize,
        taken: Vec<(u8, usize)>,
    },
    RecordAttempt {
        delivery: usize,
        code: u16,
    },
    Due {
        limit: u32,
    },
    MissDeadlines {
        limit: u32,
    },
    Recover {
        are_messages_lost: bool,
    },
    /// What was there before the task ended, or with it.
    Expire {
        task: usize,
        is_with_it: bool,
        limit: u32,
    },
    Pass(Duration),
    /// The next step is the first of another window, or the last of this one.
    PassTo {
        window: Window,
        is_new: bool,
    },
    SetBack(Duration),
    Look,
}

#[derive(Clone, Debug)]
pub struct Submit {
    pub user: usize,
    pub key: Option<u8>,
    pub replayed_within: Option<u32>,
    pub prompt: u8,
    pub quota: Option<Quota>,
    pub active_tasks: u32,
    pub budget: Option<Budget>,
    /// Of a call, in micro-dollars.
    pub price: Option<u64>,
    pub deadline_seconds: Option<u32>,
    pub original: Original,
    pub is_anonymous: bool,
    /// The receiver of its webhook, if it has one.
    pub webhook: Option<u8>,
    /// With the id of a task that is there.
    pub has_taken_id: bool,
}

/// What is known of the last call.
#[derive(Clone, Copy, Debug)]
pub enum Call {
    /// It leaves, at this price.
    Begun(Option<u64>),
    Refused,
    /// It cost so much.
    Cost(u64),
}

#[derive(Clone, Copy, Debug)]
pub enum Original {
    Elsewhere,
    Missing,
    Upload,
    /// An image that an earlier task led to.
    Refined,
}

#[derive(Clone, Copy, Debug)]
pub enum By {
    Anybody,
    Owner,
    Stranger,
}

pub fn histories(is_hosts: bool) -> impl Strategy<Value = History> {
    any::<bool>().prop_flat_map(move |is_set_back| {
        vec(step(is_hosts, is_set_back), 1..80)
            .prop_map(move |steps| History { is_set_back, steps })
    })
}

fn step(is_hosts: bool, is_set_back: bool) -> impl Strategy<Value = Step> {
    use Step::{
        Abandon, Cancel, Claim, Delete, DeleteConcept, Deliver, Due, Erase, Expire, Fail, Finish,
        Look, MissDeadlines, Pass, PassTo, Pay, RecordAttempt, Recover, Redeliver, Release, Renew,
        SetBack, Submit, Withdraw,
    };
    let upkeep = u32::from(is_hosts);
    let back = u32::from(is_set_back);
    let lease = newest;
    let task = newest;
    let mostly = || prop::bool::weighted(0.9);
    weighted(vec![
        drawn(16, submit().prop_map(Submit)),
        drawn(4, task().prop_map(|task| Withdraw { task })),
        drawn(16, (task(), by()).prop_map(|(task, by)| Claim { task, by })),
        drawn(
            1,
            (task(), 1..=MAX_DEATHS).prop_map(|(task, workers)| Abandon { task, workers }),
        ),
        drawn(3, lease().prop_map(|lease| Renew { lease })),
        drawn(
            9,
            (lease(), mostly()).prop_map(|(lease, is_own)| Finish { lease, is_own }),
        ),
        drawn(
            4,
            (lease(), any::<bool>()).prop_map(|(lease, is_refusal)| Fail { lease, is_refusal }),
        ),
        drawn(
            4 * upkeep,
            (lease(), call()).prop_map(|(lease, call)| Pay { lease, call }),
        ),
        drawn(3, (task(), by()).prop_map(|(task, by)| Cancel { task, by })),
        drawn(5, lease().prop_map(|lease| Release { lease })),
        drawn(3, (task(), by()).prop_map(|(task, by)| Delete { task, by })),
        drawn(
            2,
            (task(), by()).prop_map(|(task, by)| DeleteConcept { task, by }),
        ),
        drawn(1, (0..USERS.len()).prop_map(|user| Erase { user })),
        drawn(12, pass(is_set_back).prop_map(Pass)),
        drawn(
            2 * u32::from(!is_set_back),
            (select(&Window::ALL), any::<bool>())
                .prop_map(|(window, is_new)| PassTo { window, is_new }),
        ),
        drawn(
            3 * back,
            (1..20u64).prop_map(|seconds| SetBack(Duration::from_secs(seconds))),
        ),
        drawn(5, Just(Look)),
        drawn(
            2,
            (task(), by()).prop_map(|(task, by)| Redeliver { task, by }),
        ),
        drawn(
            6 * upkeep,
            (1..6usize, 1..4usize, vec((0..2u8, 0..USERS.len()), 0..4)).prop_map(
                |(total, per_receiver, taken)| Deliver {
                    total,
                    per_receiver,
                    taken,
                },
            ),
        ),
        drawn(
            5 * upkeep,
            (newest(), select(&[200, 302, 410, 500, 503]))
                .prop_map(|(delivery, code)| RecordAttempt { delivery, code }),
        ),
        drawn(4 * upkeep, (1..4u32).prop_map(|limit| Due { limit })),
        drawn(
            4 * upkeep,
            (1..4u32).prop_map(|limit| MissDeadlines { limit }),
        ),
        drawn(
            upkeep,
            any::<bool>().prop_map(|are_messages_lost| Recover { are_messages_lost }),
        ),
        drawn(
            2 * upkeep,
            (task(), any::<bool>(), 1..4u32).prop_map(|(task, is_with_it, limit)| Expire {
                task,
                is_with_it,
                limit,
            }),
        ),
    ])
}

fn drawn<T>(weight: u32, strategy: impl Strategy<Value = T> + 'static) -> (u32, BoxedStrategy<T>) {
    (weight, strategy.boxed())
}

fn weighted<T: std::fmt::Debug>(mut all: Vec<(u32, BoxedStrategy<T>)>) -> Union<BoxedStrategy<T>> {
    all.retain(|(weight, _)| *weight > 0);
    Union::new_weighted(all)
}

fn submit() -> impl Strategy<Value = Submit> {
    let quota = (1..4u32, select(&Window::ALL)).prop_map(|(limit, window)| Quota { limit, window });
    let budget = (0..9u64, select(&Window::ALL)).prop_map(|(limit, window)| Budget {
        limit: MicroDollars(limit),
        window,
    });
    let active_tasks = prop_oneof![3 => Just(1), 1 => 2..4u32];
    let original = prop_oneof![
        4 => Just(Original::Elsewhere),
        1 => Just(Original::Missing),
        1 => Just(Original::Upload),
        2 => Just(Original::Refined),
    ];
    (
        0..USERS.len(),
        proptest::option::of(0..2u8),
        prop_oneof![
            3 => Just(None),
            1 => Just(Some(0)),
            1 => Just(Some(600)),
        ],
        prop_oneof![4 => Just(0), 1 => Just(1)],
        (
            proptest::option::of(quota),
            active_tasks,
            proptest::option::of(budget),
            proptest::option::of(1..4u64),
            proptest::option::weighted(0.3, select(&[15, 30])),
        ),
        original,
        any::<bool>(),
        proptest::option::of(0..2u8),
        prop::bool::weighted(0.1),
    )
        .prop_map(
            |(
                user,
                key,
                replayed_within,
                prompt,
                (quota, active_tasks, budget, price, deadline_seconds),
                original,
                is_anonymous,
                webhook,
                has_taken_id,
            )| Submit {
                user,
                key,
                replayed_within,
                prompt,
                quota,
                active_tasks,
                budget,
                price,
                deadline_seconds,
                original,
                is_anonymous,
                webhook,
                has_taken_id,
            },
        )
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        4 => proptest::option::of(1..4u64).prop_map(Call::Begun),
        1 => Just(Call::Refused),
        2 => (0..6u64).prop_map(Call::Cost),
    ]
}

fn newest() -> impl Strategy<Value = usize> {
    prop_oneof![6 => Just(0), 3 => 1..3usize, 1 => 3..9usize]
}

fn by() -> impl Strategy<Value = By> {
    prop_oneof![2 => Just(By::Anybody), 3 => Just(By::Owner), 1 => Just(By::Stranger)]
}

fn pass(is_set_back: bool) -> impl Strategy<Value = Duration> {
    weighted(vec![
        (
            2,
            select(vec![
                MICROSECOND,
                Duration::from_secs(1),
                OVERDUE - MICROSECOND,
                OVERDUE,
            ])
            .boxed(),
        ),
        (4, select(vec![LEASE - MICROSECOND, LEASE]).boxed()),
        (
            u32::from(!is_set_back),
            select(vec![HOUR, DAY - MICROSECOND, DAY, DAY * 4]).boxed(),
        ),
    ])
}
