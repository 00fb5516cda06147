//! Providers that fail in each way that there is, and a service that is killed meanwhile:
//! what was made is told, or made once.
//!
//! `REFINEMENT_PAID_TASKS` is the number of tasks of each test, `REFINEMENT_SEED` decides
//! what happens.

mod outliving;

use std::collections::HashMap;
use std::sync::Arc;

use concept_refinement_domain::money::MicroDollars;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::seed::seed;
use concept_refinement_tests::stand_in::shop::Shop;
use concept_refinement_tests::stand_in::{Memory, StandIn};

use self::outliving::{Ended, outlived};
use crate::paid_once::NOT_TWICE;

/// Of a call, in dollars.
const PRICE: &str = "0.07";

/// Of a task that met each kill.
const DIED: &str = "The task was given up after its worker died 3 times";

/// On so many hosts, with this `model-repeat`.
async fn tried(stand_in: &'static dyn StandIn, hosts: usize, repeat: &str) {
    let (label, memory) = (stand_in.label(), stand_in.memory());
    let seed = seed();
    let shop = Arc::new(Shop::new(seed));
    let serving = Arc::clone(&shop);
    let provider = Provider::answering(move |asked| stand_in.under_load(&serving, asked));
    let launch = stand_in.launch(&provider.url());
    let launch = launch.set("model-repeat", repeat).set("model-price", PRICE);
    let outlived = outlived(&shop, &launch, hosts, seed).await;
    println!("{label}, {repeat}: {}", outlived.figures(&shop));
    for task in &outlived.tasks {
        let (prompt, made) = (&task.prompt, shop.made(&task.prompt));
        match &task.reason {
            None => {
                assert_eq!(task.concepts, 1, "{prompt}: completed twice, or lost");
                let is_named = memory == Memory::ByOurNames;
                assert!(!is_named || task.told == 1, "{prompt}: {} told", task.told);
                let most = task.told;
                assert!(
                    (1..=most).contains(&made),
                    "{prompt}: {made} made, {most} told"
                );
            }
            Some(reason) => {
                assert_eq!(task.concepts, 0, "{prompt}");
                // A process that is killed may not have written its last line.
                let most = 1 + task.warned + outlived.kills;
                assert!(made <= most, "{prompt}: {made} made, {most} told: {reason}");
            }
        }
        costs_what_was_made(stand_in, task, made);
        if repeat == "never" || memory == Memory::ByOurNames {
            assert!(made <= 1, "{prompt}: {made} made");
        }
        // What is asked for again by its name may fail as anything may.
        if let Some(reason) = &task.reason
            && memory == Memory::Short
            && repeat == "never"
            && made == 1
        {
            let is_right = reason.ends_with(NOT_TWICE) || reason.ends_with(DIED);
            assert!(is_right, "{prompt}: {reason}");
        }
    }
    outlived.counts_what_it_warned_of();
    // With never, all that a kill meets fails.
    assert!(repeat == "never" || outlived.completed().count() > 0);
    if memory == Memory::ByItsNames && hosts == 1 {
        is_looked_at_alone(&shop);
    }
}

/// What is spent and reserved are the provider's invoices, and the prices of calls of which
/// nobody knows.
fn costs_what_was_made(stand_in: &dyn StandIn, task: &Ended, made: u32) {
    let micros = |text: &str| MicroDollars::parse(text).unwrap().0;
    let price = micros(PRICE);
    let said = stand_in.usage().cost.map(micros);
    let Ended {
        prompt,
        spent,
        reserved,
        ..
    } = task;
    // A process may have been killed before it heard what its call cost.
    let (least, most) = (
        said.unwrap_or(price).min(price),
        said.unwrap_or(price).max(price),
    );
    let counted = spent + reserved;
    match &task.reason {
        None => {
            let told = u64::from(task.told);
            let is_counted = (least * told..=most * told).contains(&counted);
            assert!(is_counted, "{prompt}: {counted} counted for {told} calls");
            assert!(*spent >= least, "{prompt}: {spent} spent");
        }
        Some(reason) => assert!(
            counted >= least * u64::from(made),
            "{prompt}: {made} made, {counted} counted: {reason}"
        ),
    }
}

/// What was looked at once has a name that is kept: it is the last of its task. (A host that
/// is held up for longer than its lease may look at one that it made while another host
/// went on.)
fn is_looked_at_alone(shop: &Shop) {
    let works = shop.works();
    let mut named: HashMap<&str, u32> = HashMap::new();
    for work in works.values() {
        *named.entry(&work.prompt).or_default() += u32::from(work.looks > 0);
    }
    assert!(named.values().all(|count| *count <= 1), "{named:?}");
}

macro_rules! trials {
    (($hosts:literal, $repeat:literal) $($module:ident $StandIn:ident,)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $module() {
                let stand_in = &concept_refinement_tests::stand_in::$module::$StandIn;
                crate::kills::tried(stand_in, $hosts, $repeat).await;
            }
        )+
    };
}

/// One provider for each way to remember what it was asked for. Which host goes on with a task
/// depends on that, and not on the provider's format.
macro_rules! each_memory {
    ($($how:literal),+) => {
        trials! { ($($how),+) comfyui ComfyUi, openai OpenAi, replicate Replicate, }
    };
}

mod what_is_made_is_told {
    mod on_one_host {
        concept_refinement_tests::each_stand_in!(trials! 1, "unknown");
    }

    mod on_three_hosts {
        each_memory!(3, "unknown");
    }
}

mod nothing_is_made_twice_where_that_is_wanted {
    mod on_one_host {
        concept_refinement_tests::each_stand_in!(trials! 1, "never");
    }

    mod on_three_hosts {
        each_memory!(3, "never");
    }
}
