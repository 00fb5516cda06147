//! Users who ask again and again, whatever happens to the hosts.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;
use reqwest::Method;
use serde_json::json;

use super::Place;

/// Between two requests.
const PAUSE: Duration = Duration::from_millis(20);

/// What a user's model does.
const PROMPTS: [&str; 5] = [
    "instant",
    "refuse: bad luck",
    "refuse: no luck",
    "wait 60ms",
    "wait 300ms",
];

/// The ids of all tasks that were accepted.
pub async fn ask(place: Arc<Place>, name: &'static str, mut random: StdRng) -> Vec<String> {
    let mut accepted = Vec::new();
    while !place.is_over() {
        let key = format!("{name}-{}", accepted.len());
        let prompt = PROMPTS[random.random_range(0..PROMPTS.len())];
        let id = accept(&place, name, &key, prompt, &mut random).await;
        finish(&place, name, &id, &mut random).await;
        accepted.push(id);
    }
    accepted
}

/// However often it has to be said.
async fn accept(place: &Place, name: &str, key: &str, prompt: &str, random: &mut StdRng) -> String {
    let body = json!({
        "original_image_url": place.picture,
        "refinement_prompt": prompt,
    });
    loop {
        let user = place.user(random, name).with("idempotency-key", key);
        let user = user.with("content-type", "application/json");
        let refine = user.try_send(Method::POST, "/api/concepts/refine", body.to_string());
        match refine.await {
            Ok(answer) if answer.status == 202 => return answer.task_id(),
            // An operator has retried something.
            Ok(answer) => assert!(matches!(answer.status, 409 | 503), "{answer:?}"),
            Err(_) => {}
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Waits for the end of a task, or of everything.
async fn finish(place: &Place, name: &str, id: &str, random: &mut StdRng) {
    while !place.is_over() {
        tokio::time::sleep(PAUSE).await;
        let user = place.user(random, name);
        let Ok(answer) = user
            .try_send(Method::GET, &format!("/api/tasks/{id}"), "")
            .await
        else {
            continue;
        };
        let is_over = match answer.status {
            404 => true,
            200 => matches!(
                answer.json()["status"].as_str(),
                Some("completed" | "failed")
            ),
            _ => false,
        };
        if is_over {
            return;
        }
    }
}
