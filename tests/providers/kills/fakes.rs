//! A fake of each provider, which forgets as the original does, and fails in each way that
//! there is.

use std::time::{Duration, Instant};

use concept_refinement_tests::provider::Asked;
use concept_refinement_tests::server::Reply;
use serde_json::{Value, json};

use super::shop::{Shop, Work};
use crate::kinds::{Kind, reply};
use crate::replicate::{created, prediction};

/// OpenAI names no work.
pub fn openai(shop: &Shop, asked: &Asked) -> Reply {
    unnamed(shop, asked, Kind::OpenAi.success(&shop.picture))
}

/// Stability names no work.
pub fn stability(shop: &Shop, asked: &Asked) -> Reply {
    unnamed(shop, asked, Kind::Stability.success(&shop.picture))
}

/// JigsawStack names no work, but where its output is.
pub fn jigsawstack(shop: &Shop, asked: &Asked) -> Reply {
    let answer = || json!({"success": true, "url": shop.output_url(asked)});
    shop.output(asked)
        .unwrap_or_else(|| unnamed(shop, asked, reply(&answer())))
}

/// Makes what is asked for, each time.
fn unnamed(shop: &Shop, asked: &Asked, image: Reply) -> Reply {
    let dice = shop.dice();
    if dice < 10 {
        return Reply::status(503);
    }
    shop.make(&asked.key());
    unsure(dice, image).after(Duration::from_millis(u64::from(dice) * 3))
}

/// An answer that may fail after all was made.
fn unsure(dice: u32, image: Reply) -> Reply {
    match dice {
        10..15 => Reply::status(502),
        15..20 => image.without_end(20),
        20..25 => Reply::raw(b""),
        _ => image,
    }
}

/// Cog is told by which name each is known, and forgets what has ended.
pub fn cog(shop: &Shop, asked: &Asked) -> Reply {
    let id = asked.path.strip_prefix("/predictions/").unwrap();
    let dice = shop.dice();
    match dice {
        0..5 => return Reply::status(503),
        // All its places are taken.
        5..10 => return Reply::status(409),
        _ => {}
    }
    let now = Instant::now();
    let mut works = shop.works();
    works.retain(|_, work| work.end > now);
    let work = works.entry(id.to_owned()).or_insert_with(|| {
        let prompt = asked.key();
        shop.make(&prompt);
        Work {
            end: now + Duration::from_millis(u64::from(dice) * 20),
            ..Work::of(&prompt)
        }
    });
    let answer = unsure(dice, Kind::Cog.success(&shop.picture));
    match dice {
        // It breaks off while the work goes on.
        20..25 => answer,
        _ => answer.after(work.end - now),
    }
}

/// Replicate names each, and remembers it.
pub fn replicate(shop: &Shop, asked: &Asked) -> Reply {
    if let Some(output) = shop.output(asked) {
        return output;
    }
    let dice = shop.dice();
    if let Some(id) = asked.path.strip_prefix("/v1/predictions/") {
        let mut works = shop.works();
        let Some(work) = works.get_mut(id) else {
            return Reply::status(404);
        };
        work.looks += 1;
        return match (dice, work.looks) {
            (0..15, _) => Reply::status(503),
            (15..25, _) => reply(&named(id, "processing", Value::Null)).without_end(20),
            (_, 1) => reply(&named(id, "processing", Value::Null)),
            _ => reply(&named(id, "succeeded", json!(shop.output_url(asked)))),
        };
    }
    if dice < 10 {
        return Reply::status(503);
    }
    let (prompt, id) = (asked.key(), shop.name());
    shop.make(&prompt);
    shop.works().insert(id.clone(), Work::of(&prompt));
    let made = created(&named(&id, "starting", Value::Null));
    match dice {
        10..20 => made.without_end(20),
        _ => made.after(Duration::from_millis(u64::from(dice))),
    }
}

fn named(id: &str, status: &str, output: Value) -> Value {
    let mut prediction = prediction(status, output);
    prediction["id"] = id.into();
    prediction
}

/// `ComfyUI` is told by which name each is known, and remembers it.
pub fn comfyui(shop: &Shop, asked: &Asked) -> Reply {
    let dice = shop.dice();
    if asked.method == "GET" && dice < 15 && !asked.path.starts_with("/view") {
        return Reply::status(503);
    }
    let mut works = shop.works();
    if let Some(id) = asked.path.strip_prefix("/history/") {
        let id = id.replace("%2D", "-");
        return match works.get_mut(&id) {
            Some(work) if work.looks > 1 => reply(&json!({&id: {
                "outputs": {"9": {"images": [
                    {"filename": "1.png", "subfolder": "", "type": "output"},
                ]}},
                "status": {"status_str": "success", "completed": true, "messages": []},
            }})),
            Some(work) => {
                work.looks += 1;
                reply(&json!({}))
            }
            None => reply(&json!({})),
        };
    }
    match asked.path.as_str() {
        "/queue" => {
            let running = works.iter().filter(|(_, work)| work.looks <= 1);
            let running: Vec<_> = running.map(|(id, _)| json!([1, id, {}, {}, []])).collect();
            reply(&json!({"queue_running": running, "queue_pending": []}))
        }
        "/upload/image" => reply(&json!({"name": "a.png", "subfolder": "", "type": "input"})),
        "/prompt" => {
            let prompt = asked.key();
            shop.make(&prompt);
            let id = asked.json()["prompt_id"].as_str().unwrap().to_owned();
            works.insert(id.clone(), Work::of(&prompt));
            let queued = reply(&json!({"prompt_id": id, "number": 3, "node_errors": {}}));
            match dice {
                0..20 => queued.without_end(10),
                _ => queued,
            }
        }
        _ if dice < 15 => Reply::status(503),
        _ => Reply::picture(&shop.picture),
    }
}
