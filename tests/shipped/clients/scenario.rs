//! What the seed shows to clients, by each of ours.

use std::path::PathBuf;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use concept_refinement_tests::artifacts;
use concept_refinement_tests::pictures;
use concept_refinement_tests::reaper::scratch;
use concept_refinement_tests::receiver::Receiver;
use concept_refinement_tests::server::{Gate, Origin, Reply};
use concept_refinement_tests::service::{Launch, Service};
use concept_refinement_tests::shape::{assert_is_concept, assert_is_task};
use serde_json::{Value, json};

use crate::clients::directory;
use crate::clients::foreign;
use crate::clients::packages::{self, python_path};
use crate::clients::page::Site;
use crate::clients::program::Steps;

/// A service, and those who use it by their clients: each has begun a refinement
/// whose original is held back.
struct World {
    launch: Launch,
    /// None: it is away.
    service: Option<Service>,
    origin: Origin,
    receiver: Receiver,
    gates: Vec<Gate>,
    /// Of originals that nobody gets.
    shut: Vec<Gate>,
    users: Vec<Steps>,
}

impl World {
    fn start() -> Self {
        let (origin, receiver, site) = (Origin::start(), Receiver::start(), Site::new());
        let launch = Launch::new()
            .set("allow-sources", &origin.authority())
            .set("allow-webhooks", &receiver.authority())
            .set("cors-origins", site.origin())
            .set("uploads", "2");
        let service = launch.start();
        let mut world = Self {
            launch: launch.at(&service),
            service: Some(service),
            origin,
            receiver,
            gates: Vec::new(),
            shut: Vec::new(),
            users: Vec::new(),
        };
        let picture = pictures::png(64, 48).bytes;
        let file = scratch("clients").join("picture.png");
        std::fs::write(&file, &picture).unwrap();
        let modules = packages::modules();
        let module = modules.join("index.js");

        let terminal = program("terminal.mjs");
        let mut node = Command::new("node");
        node.arg(&terminal).arg(&module);
        node.arg(world.next().to_string()).arg(&file);
        let mut deno = Command::new(artifacts::npm_tool("deno", "deno"));
        deno.args(["run", "--allow-all", "--no-lock", "--quiet"]);
        deno.env("DENO_DIR", scratch("deno"))
            .env("DENO_NO_UPDATE_CHECK", "1");
        deno.arg(&terminal)
            .arg(format!("file://{}", module.display()));
        deno.arg(world.next().to_string()).arg(&file);
        world.users = vec![
            Steps::of_program("Node", &mut node),
            Steps::of_program("Deno", &mut deno),
        ];
        for (name, kind) in [("Python", "sync"), ("Python with asyncio", "async")] {
            let mut python = Command::new(artifacts::client_python_tool("python"));
            python.env("PYTHONPATH", python_path());
            python.arg(program("scenario.py")).arg(kind);
            python.arg(world.next().to_string()).arg(&file);
            world.users.push(Steps::of_program(name, &mut python));
        }
        let browser = site.open(modules, world.next(), picture);
        world.users.push(browser);
        world
    }

    /// What one more user needs to know.
    fn next(&mut self) -> Value {
        let (original, gate) = self.origin.gated(&pictures::png(120, 80));
        let (held, shut) = self.origin.gated(&pictures::png(8, 8));
        self.gates.push(gate);
        self.shut.push(shut);
        json!({
            "base": self.service.as_ref().unwrap().url(),
            "original": original,
            "missing": self.origin.serve(Reply::status(404)),
            "held": held,
            "mask": mask(),
            "stub": foreign::stub(),
            "hook": self.receiver.hook([Reply::status(204)]),
        })
    }

    /// Each has a task that waits for its original, and was told so when it asked
    /// for another one.
    async fn are_under_way(&mut self) {
        for user in &mut self.users {
            let conflict = user.next("conflict").await;
            assert!(conflict["conflict"].is_string(), "{conflict}");
        }
    }

    /// All go on to the end.
    async fn complete(&mut self) {
        for gate in &self.gates {
            gate.open();
        }
        for user in &mut self.users {
            completes(user).await;
        }
    }
}

async fn completes(user: &mut Steps) {
    let refined = user.next("task").await;
    let task = &refined["task"];
    assert_is_task(task);
    assert_eq!(task["status"], "completed", "{task}");
    let wish = "Make the logo more minimalist and use lighter shades of brown";
    assert_eq!(task["metadata"]["refinement_prompt"], wish);
    let theme = "Warm brown tones, natural feeling";
    assert_eq!(task["metadata"]["theme_description"], theme);
    assert!(refined["size"].as_u64().unwrap() > 100, "{refined}");
    assert_eq!(refined["mediaType"], "image/png");
    assert_eq!(refined["upload"], Value::Null);

    let step = user.any().await;
    assert_is_concept(&step["concept"]);
    assert_eq!(step["concept"]["task_id"], task["task_id"]);
    assert_eq!(step["isSame"], true);
    let own = user.next("own").await;
    assert_eq!(own["own"], "completed");
    assert!(own["size"].as_u64().unwrap() > 100, "{own}");
    let notes = own["notes"].to_string();
    assert!(notes.contains("flurbish"), "{notes}");
    // A task whose submission was answered by a proxy still has its mask and original, and
    // what may not be deleted is told.
    let lost = json!({"lost": [429, "completed", null, 422, true]});
    assert_eq!(user.any().await, lost);
    assert_eq!(user.any().await, json!({"foreign": foreign::outcomes()}));
    masked(user).await;
    refined_further(user, &step["concept"]).await;
    assert_eq!(user.any().await, json!({"tasks": 2, "rest": 4}));
    let step = user.any().await;
    let failed = step["failed"].as_str().unwrap();
    let because = "Error in refinement task processing: Failed to download original image: ";
    assert!(failed.starts_with(because), "{failed}");
    // The mask is of the picture's size, and goes also where a task fails.
    let because = "Error in refinement task processing: Image refinement failed: \
                   the mask must have the original's size, 120 × 80";
    assert_eq!(step["unfit"], json!([because, 404]));
    let message = "The request is not valid. refinement_prompt must be at least 1 character.";
    let refused = json!([422, "VALIDATION_ERROR", ["refinement_prompt"], message]);
    assert_eq!(step["refused"], refused);
    // What was uploaded for them is gone, and does not stand in the way of the next.
    let refusals = [422, 429, 422].map(|status| json!([status, null]));
    let step = user.any().await;
    assert_eq!(step, json!({"refusals": refusals, "kept": true}));
    let cancelled = json!({
        "cancelled": "Cancelled by its user.",
        "again": ["failed", "CONFLICT"],
    });
    assert_eq!(user.any().await, cancelled);
    // The tasks whose original was missing, and whose part did not fit, are given back.
    assert_eq!(user.any().await, json!({"quota": [10, 3, "month"]}));
    assert_eq!(user.any().await, json!({"usage": [null, "0.00", "month"]}));
    let step = user.any().await;
    assert_eq!(step["webhook"], "delivered");
    // It may be over before the answer.
    let redelivery = step["redelivery"].as_str().unwrap();
    assert!(["pending", "delivered"].contains(&redelivery), "{step}");
    assert!(step["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(user.any().await, json!({"gone": 404}));
    assert_eq!(user.any().await, json!({"erased": []}));
}

/// Edits of a part: by a mask, which is not kept, and by a rectangle.
async fn masked(user: &mut Steps) {
    let step = user.any().await;
    let metadata = &step["masked"];
    for (field, value) in [
        ("mask_feather", json!(2)),
        ("seed", json!(7)),
        ("deadline_seconds", json!(200)),
        ("strength", json!(0.5)),
        ("region", Value::Null),
        ("region_only", Value::Null),
    ] {
        assert_eq!(metadata[field], value, "{step}");
    }
    assert_eq!(step["mask"], 404, "{step}");

    let step = user.any().await;
    assert_eq!(step["waited"], "completed", "{step}");
    let region = json!({"x": 10, "y": 20, "width": 30, "height": 40});
    assert_eq!(step["metadata"]["region"], region, "{step}");
    assert_eq!(step["metadata"]["region_only"], true, "{step}");
    assert_eq!(step["position"], Value::Null, "{step}");
}

/// A result becomes an original, and what it was made from and by whom is told.
async fn refined_further(user: &mut Steps, parent: &Value) {
    let step = user.any().await;
    let child = &step["child"];
    assert_is_concept(child);
    assert_eq!(child["original_concept_id"], parent["id"], "{step}");
    assert_eq!(step["lineage"], json!([parent["id"], child["id"]]));
    let asked = &step["asked"];
    assert_eq!(asked["original_image_url"], Value::Null, "{step}");
    assert_eq!(asked["original_concept_id"], parent["id"], "{step}");
    assert_eq!(asked["preserve_aspects"], json!(["layout", "shapes"]));

    let step = user.any().await;
    assert_eq!(step["made"]["made_here"], true, "{step}");
    let foreign = json!({"made_here": false, "made_at": null, "source": null, "marks": []});
    assert_eq!(step["foreign"], foreign);
    for refused in ["both", "neither"] {
        let error = step[refused].as_str().unwrap();
        assert!(["TypeError", "ValueError"].contains(&error), "{step}");
        // Nor is an address without a scheme one of a service.
        assert_eq!(step["bare"], json!(vec![error; 4]), "{step}");
    }
}

/// The left half of a picture of 64 by 48 pixels.
fn mask() -> String {
    STANDARD.encode(pictures::mask(64, 48, [0, 0, 32, 48]).bytes)
}

fn program(name: &str) -> PathBuf {
    directory().join(name)
}

#[tokio::test]
async fn each_client_does_what_the_seed_shows() {
    let mut world = World::start();
    world.are_under_way().await;
    world.complete().await;
}

/// The service is killed while all have a refinement under way, and comes back
/// later than one try takes.
#[tokio::test]
async fn each_client_goes_on_through_a_restart() {
    let mut world = World::start();
    world.are_under_way().await;
    let service = world.service.take().unwrap();
    service.kill();
    world.service = Some(world.launch.start());
    world.complete().await;
}
