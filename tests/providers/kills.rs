//! Providers that fail in each way that there is, and a service that is killed meanwhile:
//! what was made is told, or made once.
//!
//! `REFINEMENT_PAID_TASKS` is the number of tasks of each test, `REFINEMENT_SEED` decides
//! what happens.

mod fakes;
mod outliving;
mod shop;

use std::collections::HashMap;
use std::sync::Arc;

use concept_refinement_tests::provider::{Asked, Provider};
use concept_refinement_tests::seed::seed;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::Launch;
use serde_json::json;

use self::outliving::outlived;
use self::shop::Shop;
use crate::kinds::Kind;
use crate::paid_once::NOT_TWICE;

/// Of a task that met each kill.
const DIED: &str = "The task was given up after its worker died 3 times";

/// A provider, and how the service is told of it.
struct Trial {
    name: &'static str,
    launch: fn(&str) -> Launch,
    fake: fn(&Shop, &Asked) -> Reply,
    /// What it knows of work that it is asked for again.
    memory: Memory,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Memory {
    /// None of it, or what runs.
    Short,
    /// All of it, under names that it gives.
    ByItsNames,
    /// All of it, under names that it is told.
    ByOurNames,
}

const OPENAI: Trial = Trial {
    name: "openai",
    launch: |url| Kind::OpenAi.launch(url),
    fake: fakes::openai,
    memory: Memory::Short,
};

const STABILITY: Trial = Trial {
    name: "stability",
    launch: |url| Kind::Stability.launch(url),
    fake: fakes::stability,
    memory: Memory::Short,
};

const JIGSAWSTACK: Trial = Trial {
    name: "jigsawstack",
    launch: |url| Kind::JigsawStack.launch(url),
    fake: fakes::jigsawstack,
    memory: Memory::Short,
};

const COG: Trial = Trial {
    name: "cog",
    launch: |url| Kind::Cog.launch(url),
    fake: fakes::cog,
    memory: Memory::Short,
};

const REPLICATE: Trial = Trial {
    name: "replicate",
    launch: |url| {
        let launch = Kind::Cog.launch(url);
        launch.set("model-name", "black-forest-labs/flux-2-pro")
    },
    fake: fakes::replicate,
    memory: Memory::ByItsNames,
};

const COMFYUI: Trial = Trial {
    name: "comfyui",
    launch: |url| {
        let workflow = json!({
            "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "{{prompt}}"}},
            "10": {"class_type": "LoadImage", "inputs": {"image": "{{image}}"}},
        });
        let launch = Launch::new();
        let file = launch.data().with_file_name("workflow.json");
        std::fs::write(&file, workflow.to_string()).unwrap();
        launch
            .set("model", "comfyui")
            .set("model-url", url)
            .set("model-workflow", file.to_str().unwrap())
            .set("rate-limit", "unlimited")
    },
    fake: fakes::comfyui,
    memory: Memory::ByOurNames,
};

/// On so many hosts, with this `model-repeat`.
async fn tried(trial: &Trial, hosts: usize, repeat: &str) {
    let Trial { name, memory, .. } = trial;
    let seed = seed();
    let shop = Arc::new(Shop::new(seed));
    let (serving, fake) = (Arc::clone(&shop), trial.fake);
    let provider = Provider::answering(move |asked| fake(&serving, asked));
    let launch = (trial.launch)(&provider.url()).set("model-repeat", repeat);
    let outlived = outlived(&shop, &launch, hosts, seed).await;
    println!("{name}, {repeat}: {}", outlived.figures(&shop));
    for task in &outlived.tasks {
        let (prompt, made) = (&task.prompt, shop.made(&task.prompt));
        match &task.reason {
            None => {
                assert_eq!(task.concepts, 1, "{prompt}: completed twice, or lost");
                let is_named = *memory == Memory::ByOurNames;
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
        if repeat == "never" || *memory == Memory::ByOurNames {
            assert!(made <= 1, "{prompt}: {made} made");
        }
        // What is asked for again by its name may fail as anything may.
        if let Some(reason) = &task.reason
            && *memory == Memory::Short
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
    if *memory == Memory::ByItsNames && hosts == 1 {
        is_looked_at_alone(&shop);
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
    ($hosts:literal, $repeat:literal: $($name:ident $trial:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                crate::kills::tried(&crate::kills::$trial, $hosts, $repeat).await;
            }
        )+
    };
}

macro_rules! each {
    ($(mod $module:ident $hosts:literal $repeat:literal;)+) => {
        $(mod $module {
            trials! {
                $hosts, $repeat:
                openai OPENAI, stability STABILITY, jigsawstack JIGSAWSTACK, cog COG,
                replicate REPLICATE, comfyui COMFYUI,
            }
        })+
    };
}

mod what_is_made_is_told {
    each! {
        mod on_one_host 1 "unknown";
        mod on_three_hosts 3 "unknown";
    }
}

mod nothing_is_made_twice_where_that_is_wanted {
    each! {
        mod on_one_host 1 "never";
        mod on_three_hosts 3 "never";
    }
}
