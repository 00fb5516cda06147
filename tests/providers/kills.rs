//! Providers that fail in each way that there is, and a service that is killed meanwhile:
//! what was made is told, or made once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::eventually;
use concept_refinement_tests::engines::postgres;
use concept_refinement_tests::pictures::{self, Picture};
use concept_refinement_tests::provider::{Asked, Provider};
use concept_refinement_tests::seed::{number, seed};
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::{Launch, Service};
use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::kinds::{Kind, reply};
use crate::paid_once::{NOT_TWICE, notes};
use crate::replicate::{created, prediction};

const KILLS: usize = 3;

/// Of a task that met each kill.
const DIED: &str = "The task was given up after its worker died 3 times";

/// All tasks together.
const IN_TIME: Duration = Duration::from_secs(240);

/// A provider that counts what it made, by prompt.
struct Shop {
    random: Mutex<StdRng>,
    made: Mutex<HashMap<String, u32>>,
    /// What each work is for, and how often it was looked at.
    works: Mutex<HashMap<String, (String, u32)>>,
    picture: Picture,
}

impl Shop {
    fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self {
            random: Mutex::new(StdRng::seed_from_u64(seed)),
            made: Mutex::default(),
            works: Mutex::default(),
            picture: pictures::png(20, 10),
        })
    }

    /// In 0..100.
    fn dice(&self) -> u32 {
        self.random.lock().unwrap().random_range(0..100)
    }

    fn make(&self, prompt: &str) {
        let mut made = self.made.lock().unwrap();
        *made.entry(prompt.to_owned()).or_default() += 1;
    }

    fn made(&self, prompt: &str) -> u32 {
        let made = self.made.lock().unwrap();
        made.get(prompt).copied().unwrap_or_default()
    }

    fn all(&self) -> u32 {
        self.made.lock().unwrap().values().sum()
    }

    /// It names no work.
    fn openai(&self, asked: &Asked) -> Reply {
        let dice = self.dice();
        if dice < 10 {
            return Reply::status(503);
        }
        self.make(&asked.key());
        let image = Kind::OpenAi.success(&self.picture);
        let reply = match dice {
            10..15 => Reply::status(502),
            15..20 => image.without_end(20),
            20..25 => Reply::raw(b""),
            _ => image,
        };
        reply.after(Duration::from_millis(u64::from(dice) * 3))
    }

    /// It names each.
    fn replicate(&self, asked: &Asked) -> Reply {
        let dice = self.dice();
        if let Some(id) = asked.path.strip_prefix("/v1/predictions/") {
            let mut works = self.works.lock().unwrap();
            let Some((_, looks)) = works.get_mut(id) else {
                return Reply::status(404);
            };
            *looks += 1;
            return match (dice, *looks) {
                (0..15, _) => Reply::status(503),
                (15..25, _) => reply(&named(id, "processing", Value::Null)).without_end(20),
                (_, 1) => reply(&named(id, "processing", Value::Null)),
                _ => {
                    let url = format!("http://{}/files/{id}", asked.header("host").unwrap());
                    reply(&named(id, "succeeded", json!(url)))
                }
            };
        }
        if asked.path.starts_with("/files/") {
            return match dice {
                0..10 => Reply::status(503),
                10..20 => Reply::picture(&self.picture).without_end(20),
                _ => Reply::picture(&self.picture),
            };
        }
        if dice < 10 {
            return Reply::status(503);
        }
        let prompt = asked.key();
        self.make(&prompt);
        let id = format!("p{}", self.random.lock().unwrap().random::<u64>());
        let mut works = self.works.lock().unwrap();
        works.insert(id.clone(), (prompt, 0));
        let made = created(&named(&id, "starting", Value::Null));
        match dice {
            10..20 => made.without_end(20),
            _ => made.after(Duration::from_millis(u64::from(dice))),
        }
    }

    /// It is told by which name each is known.
    fn comfyui(&self, asked: &Asked) -> Reply {
        let dice = self.dice();
        if asked.method == "GET" && dice < 15 && !asked.path.starts_with("/view") {
            return Reply::status(503);
        }
        let mut works = self.works.lock().unwrap();
        if let Some(id) = asked.path.strip_prefix("/history/") {
            let id = id.replace("%2D", "-");
            return match works.get_mut(&id) {
                Some((_, looks)) if *looks > 1 => reply(&json!({&id: {
                    "outputs": {"9": {"images": [
                        {"filename": "1.png", "subfolder": "", "type": "output"},
                    ]}},
                    "status": {"status_str": "success", "completed": true, "messages": []},
                }})),
                Some((_, looks)) => {
                    *looks += 1;
                    reply(&json!({}))
                }
                None => reply(&json!({})),
            };
        }
        match asked.path.as_str() {
            "/queue" => {
                let running = works.iter().filter(|(_, (_, looks))| *looks <= 1);
                let running: Vec<_> = running.map(|(id, _)| json!([1, id, {}, {}, []])).collect();
                reply(&json!({"queue_running": running, "queue_pending": []}))
            }
            "/upload/image" => reply(&json!({"name": "a.png", "subfolder": "", "type": "input"})),
            "/prompt" => {
                let prompt = asked.key();
                self.make(&prompt);
                let id = asked.json()["prompt_id"].as_str().unwrap().to_owned();
                works.insert(id.clone(), (prompt, 0));
                let queued = reply(&json!({"prompt_id": id, "number": 3, "node_errors": {}}));
                match dice {
                    0..20 => queued.without_end(10),
                    _ => queued,
                }
            }
            _ if dice < 15 => Reply::status(503),
            _ => Reply::picture(&self.picture),
        }
    }
}

fn named(id: &str, status: &str, output: Value) -> Value {
    let mut prediction = prediction(status, output);
    prediction["id"] = id.into();
    prediction
}

/// A host that is killed, or several over one database and one bucket.
fn hosts(launch: &Launch, count: usize) -> Vec<Launch> {
    if count == 1 {
        return vec![launch.clone()];
    }
    let tasks = postgres().url(&launch.schema());
    let shared = launch
        .clone()
        .images_in(&launch.place())
        .set("tasks", &tasks)
        .set("lease", "5s");
    let hosts = (0..count).map(|_| shared.elsewhere());
    hosts.collect()
}

/// The tasks of so many users, who all ask at once, through kills. Each user's prompt and
/// how their task ended; and the services, which run on.
async fn outlived(
    shop: &Shop,
    launch: &Launch,
    count: usize,
) -> (Vec<Service>, Vec<(Client, String, Value)>) {
    let tasks = u32::try_from(number("REFINEMENT_PAID_TASKS", 30)).unwrap();
    let launches = hosts(launch, count);
    let mut services: Vec<_> = launches.iter().map(Launch::start).collect();
    let asked = (0..tasks).map(async |number| {
        let client = Client::session(services[0].url()).await;
        let original = client.uploaded(&pictures::png(40, 30)).await;
        let prompt = format!("make it lighter <{number}>");
        let id = client.accepted(&original, &prompt).await;
        (client, prompt, id)
    });
    let asked = join_all(asked).await;
    for kill in 1..=KILLS {
        let enough = tasks * u32::try_from(kill).unwrap() / 5;
        let url = services[0].url();
        eventually("some is made, or all has ended", IN_TIME, async || {
            let ended = asked
                .iter()
                .map(async |(client, _, id)| ended(&client.at(url), id).await.is_some());
            let is_enough = shop.all() >= enough;
            let is_over = is_enough || join_all(ended).await.iter().all(|ended| *ended);
            is_over.then_some(())
        })
        .await;
        let host = kill % count;
        drop(services.remove(host).kill());
        services.insert(host, launches[host].start());
    }
    let url = services[0].url();
    let all = asked.into_iter().map(async |(client, prompt, id)| {
        let client = client.at(url);
        let task = eventually("it ends", IN_TIME, async || ended(&client, &id).await).await;
        (client, prompt, task)
    });
    let all = join_all(all).await;
    (services, all)
}

/// A task that is completed or failed.
async fn ended(client: &Client, id: &str) -> Option<Value> {
    let task = client.get(&format!("/api/tasks/{id}")).await.json();
    let status = task["status"].as_str().unwrap();
    matches!(status, "completed" | "failed").then_some(task)
}

/// Of calls that may have been accepted.
async fn told(client: &Client) -> u32 {
    let notes = notes(client).await;
    let note = notes[0].as_str().unwrap_or_default();
    let Some((_, note)) = note.split_once("asked more than once (") else {
        return 1;
    };
    note.split(' ').next().unwrap().parse().unwrap()
}

async fn what_openai_makes_twice_is_told(count: usize) {
    let shop = Shop::new(seed());
    let serving = Arc::clone(&shop);
    let provider = Provider::answering(move |asked| serving.openai(asked));
    let launch = Kind::OpenAi.launch(&provider.url());
    let (_service, ended) = outlived(&shop, &launch, count).await;
    let (mut completed, mut twice) = (0, 0);
    for (client, prompt, task) in &ended {
        if task["status"] == "completed" {
            let made = shop.made(prompt);
            let told = told(client).await;
            assert!(
                (1..=told).contains(&made),
                "{prompt}: {made} made, {told} told"
            );
            completed += 1;
            twice += made - 1;
        }
    }
    println!(
        "{completed} of {} completed, {twice} made again",
        ended.len()
    );
    assert!(completed > 0);
}

async fn nothing_is_made_twice_where_that_is_wanted(count: usize) {
    let shop = Shop::new(seed());
    let serving = Arc::clone(&shop);
    let provider = Provider::answering(move |asked| serving.openai(asked));
    let launch = Kind::OpenAi.launch(&provider.url());
    let launch = launch.set("model-repeat", "never");
    let (_service, ended) = outlived(&shop, &launch, count).await;
    for (_, prompt, task) in ended {
        let made = shop.made(&prompt);
        assert!(made <= 1, "{prompt}: {made} made");
        if task["status"] == "failed" && made == 1 {
            let sentence = task["error_message"].as_str().unwrap();
            let is_right = sentence.ends_with(NOT_TWICE) || sentence.ends_with(DIED);
            assert!(is_right, "{prompt}: {sentence}");
        }
    }
}

async fn what_replicate_named_is_made_once(count: usize) {
    let shop = Shop::new(seed());
    let serving = Arc::clone(&shop);
    let provider = Provider::answering(move |asked| serving.replicate(asked));
    let launch = Launch::new()
        .set("model", "replicate")
        .set("model-url", &provider.url())
        .set("model-name", "black-forest-labs/flux-2-pro")
        .variable("REFINEMENT_MODEL_API_KEY", "r8-hush-1234")
        .set("rate-limit", "unlimited");
    let (_service, ended) = outlived(&shop, &launch, count).await;
    for (client, prompt, task) in ended {
        if task["status"] == "completed" {
            let made = shop.made(&prompt);
            let told = told(&client).await;
            assert!(
                (1..=told).contains(&made),
                "{prompt}: {made} made, {told} told"
            );
        }
    }
    // Whatever was looked at once has a name that is kept: it is the last of its task.
    let works = shop.works.lock().unwrap();
    let mut named: HashMap<&str, u32> = HashMap::new();
    for (prompt, looks) in works.values() {
        *named.entry(prompt).or_default() += u32::from(*looks > 0);
    }
    // A host that is held up for longer than its lease may look at one that it has made
    // while another host went on.
    let is_sure = count == 1;
    assert!(
        !is_sure || named.values().all(|count| *count <= 1),
        "{named:?}"
    );
}

async fn comfyui_makes_everything_once(count: usize) {
    let shop = Shop::new(seed());
    let serving = Arc::clone(&shop);
    let provider = Provider::answering(move |asked| serving.comfyui(asked));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("workflow.json");
    let workflow = json!({
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "{{prompt}}"}},
        "10": {"class_type": "LoadImage", "inputs": {"image": "{{image}}"}},
    });
    std::fs::write(&file, workflow.to_string()).unwrap();
    let launch = Launch::new()
        .set("model", "comfyui")
        .set("model-url", &provider.url())
        .set("model-workflow", file.to_str().unwrap())
        .set("rate-limit", "unlimited");
    let (_service, ended) = outlived(&shop, &launch, count).await;
    for (client, prompt, task) in ended {
        let made = shop.made(&prompt);
        assert!(made <= 1, "{prompt}: {made} made");
        if task["status"] == "completed" {
            assert_eq!((made, told(&client).await), (1, 1), "{prompt}");
        }
    }
}

macro_rules! on_hosts {
    ($count:literal: $($name:ident),+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($count).await;
            }
        )+
    };
}

mod on_one_host {
    on_hosts! {
        1: what_openai_makes_twice_is_told, nothing_is_made_twice_where_that_is_wanted,
        what_replicate_named_is_made_once, comfyui_makes_everything_once
    }
}

mod on_three_hosts {
    on_hosts! {
        3: what_openai_makes_twice_is_told, nothing_is_made_twice_where_that_is_wanted,
        what_replicate_named_is_made_once, comfyui_makes_everything_once
    }
}
