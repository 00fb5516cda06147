//! A user who retries every request until it is answered, and records every
//! promise.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use concept_refinement_domain::sentence::CANCELLED_BY_USER;
use concept_refinement_domain::webhook::LEASE;
use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::deadline::eventually;
use concept_refinement_tests::pictures::Picture;
use concept_refinement_tests::receiver::Receiver;
use concept_refinement_tests::server::{Origin, Reply};
use reqwest::Method;
use serde_json::{Value, json};

use crate::acts::{Act, Original, REFUSE, Then};
use crate::world::{LIMIT, World};

/// Between two questions of the same kind.
const RETRY_INTERVAL: Duration = Duration::from_millis(15);

pub struct User {
    pub name: String,
    pub client: Client,
    pub asked: Vec<Asked>,
    /// Answers that break a promise.
    pub complaints: Vec<String>,
    /// Answers that it had to repeat its request for.
    pub refusals: Vec<String>,
    /// Requests that were not answered.
    pub unanswered: usize,
    origin: Arc<Origin>,
    receiver: Arc<Receiver>,
    patience: Duration,
    is_shared: bool,
}

/// A refinement that was asked for.
pub struct Asked {
    /// Its idempotency key.
    pub key: String,
    /// What the model is to answer.
    pub picture: Picture,
    pub is_refused: bool,
    /// Otherwise than by its user. None: nobody looked at its end.
    pub has_failed: Option<bool>,
    /// Where its user wants to be told of its end.
    pub hook: String,
    /// Once it is accepted.
    pub task: Option<String>,
    pub fate: Fate,
}

/// What its user did with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Kept,
    /// It may have ended before.
    Cancelled,
    TaskDeleted,
    ConceptDeleted,
    /// With all else of its user.
    Erased,
}

/// An answer, and whether it took more than one request.
struct Got {
    answer: Answer,
    is_repeated: bool,
}

impl User {
    pub fn new(name: &str, world: &World) -> Self {
        Self {
            name: name.to_owned(),
            client: Client::user(&world.url, name),
            asked: Vec::new(),
            complaints: Vec::new(),
            refusals: Vec::new(),
            unanswered: 0,
            origin: Arc::clone(&world.origin),
            receiver: Arc::clone(&world.receiver),
            patience: world.patience,
            is_shared: world.is_shared,
        }
    }

    /// Does it from the beginning to the end.
    pub async fn act(&mut self, act: &Act) {
        let picture = act.picture.draw();
        let Some(url) = self.original(act.original, &picture).await else {
            return;
        };
        let key = format!(
            "{}-{}",
            self.name.replace([' ', ':'], "-"),
            self.asked.len()
        );
        let hook = self.receiver.hook([Reply::status(200)]);
        self.asked.push(Asked {
            key: key.clone(),
            picture,
            is_refused: act.prompt == REFUSE,
            has_failed: None,
            hook: hook.clone(),
            task: None,
            fate: Fate::Kept,
        });
        let Some(task) = self.accepted(&url, &act.prompt, &key, &hook).await else {
            return;
        };
        match act.then {
            Then::Wait => {
                self.finished(&task).await;
            }
            Then::DeleteTask(moment) => {
                tokio::time::sleep(moment).await;
                self.delete(&format!("/api/tasks/{task}"), Fate::TaskDeleted)
                    .await;
            }
            Then::CancelTask(moment) => {
                tokio::time::sleep(moment).await;
                self.cancel(&task).await;
            }
            Then::DeleteConcept => {
                let finished = self.finished(&task).await.unwrap_or_default();
                if let Some(concept) = finished["result_id"].as_str() {
                    let path = format!("/api/concepts/{concept}");
                    self.delete(&path, Fate::ConceptDeleted).await;
                }
            }
            Then::Erase => {
                self.finished(&task).await;
                self.erase().await;
            }
            Then::Look => {
                let finished = self.finished(&task).await.unwrap_or_default();
                self.get("/api/tasks").await;
                self.get("/api/concepts").await;
                if let Some(concept) = finished["result_id"].as_str() {
                    self.get(&format!("/api/concepts/{concept}")).await;
                }
            }
        }
    }

    /// Waits until there is nothing left that its receiver is to be told.
    pub async fn is_told(&self) {
        let client = self.client.reconnected();
        for task in self.asked.iter().filter_map(|asked| asked.task.as_ref()) {
            let path = format!("/api/tasks/{task}/webhook");
            eventually("it is told", self.patience + LEASE, async || {
                let webhook = client.get(&path).await;
                let is_over = webhook.status == 404 || webhook.json()["state"] != "pending";
                is_over.then_some(())
            })
            .await;
        }
    }

    async fn original(&mut self, original: Original, picture: &Picture) -> Option<String> {
        match original {
            Original::Elsewhere => Some(self.origin.serve(Reply::picture(picture))),
            Original::Uploaded => {
                let client = self.client.with("content-type", picture.media_type);
                let bytes = Bytes::from(picture.bytes.clone());
                let got = self
                    .insist(&client, Method::POST, "/api/images", bytes)
                    .await?;
                self.expect("an upload", &got, &[201])?;
                Some(got.answer.json()["image_url"].as_str()?.to_owned())
            }
        }
    }

    /// The task's id. Its quota is checked: each task counts once, but for those that failed
    /// for nothing.
    async fn accepted(&mut self, url: &str, prompt: &str, key: &str, hook: &str) -> Option<String> {
        let body = json!({
            "original_image_url": url,
            "refinement_prompt": prompt,
            "logo_description": key,
            "webhook_url": hook,
        });
        let client = self
            .client
            .with("content-type", "application/json")
            .with("idempotency-key", key);
        let body = Bytes::from(body.to_string());
        let got = self
            .insist(&client, Method::POST, "/api/concepts/refine", body)
            .await?;
        self.expect("a submission", &got, &[202])?;
        let task = got.answer.task_id();
        if let Some(asked) = self.asked.last_mut() {
            asked.task = Some(task.clone());
        }
        let used = self.asked.iter().filter(|asked| asked.task.is_some());
        let least = LIMIT - used.count() + self.given_back(Some(true));
        // A repeat may be answered when the task itself has failed.
        let most = least + self.given_back(None) + usize::from(got.is_repeated);
        let told = got.answer.header("x-ratelimit-remaining");
        let left = told.and_then(|told| told.parse().ok());
        if !left.is_some_and(|left: usize| (least..=most).contains(&left)) {
            let ends: Vec<_> = self
                .asked
                .iter()
                .map(|it| (it.fate, it.has_failed))
                .collect();
            self.complain(&format!(
                "{key}: {told:?} are left of the quota, not {least} to {most}: {ends:?}"
            ));
        }
        Some(task)
    }

    /// How many refinements before the last one gave their quota back, since they failed:
    /// those of which this is known, or those of which nobody knows.
    fn given_back(&self, has_failed: Option<bool>) -> usize {
        let before = self
            .asked
            .split_last()
            .map_or(&[][..], |(_, before)| before);
        let of = |asked: &&Asked| asked.task.is_some() && asked.has_failed == has_failed;
        before.iter().filter(of).count()
    }

    /// Keeps how a task ended.
    fn has_ended(&mut self, task: &Value) {
        let asked = self.asked.iter_mut();
        let mut of_task = asked.filter(|asked| asked.task.as_deref() == task["task_id"].as_str());
        if let Some(asked) = of_task.next() {
            let is_cancelled = task["error_message"] == CANCELLED_BY_USER;
            asked.has_failed = Some(task["status"] == "failed" && !is_cancelled);
        }
    }

    /// The task once it is final. None: it is not, for too long.
    pub async fn finished(&mut self, id: &str) -> Option<Value> {
        let begin = Instant::now();
        while begin.elapsed() < self.patience {
            let task = self.get(&format!("/api/tasks/{id}")).await?;
            if matches!(task["status"].as_str(), Some("completed" | "failed")) {
                self.has_ended(&task);
                return Some(task);
            }
            tokio::time::sleep(RETRY_INTERVAL).await;
        }
        None
    }

    async fn get(&mut self, path: &str) -> Option<Value> {
        let client = self.client.clone();
        let got = self
            .insist(&client, Method::GET, path, Bytes::new())
            .await?;
        self.expect(path, &got, &[200])?;
        Some(serde_json::from_slice(&got.answer.body).unwrap_or_default())
    }

    async fn cancel(&mut self, task: &str) {
        if let Some(asked) = self.asked.last_mut() {
            asked.fate = Fate::Cancelled;
        }
        let (client, path) = (self.client.clone(), format!("/api/tasks/{task}/cancel"));
        let got = self
            .insist(&client, Method::POST, &path, Bytes::new())
            .await;
        if let Some(got) = got {
            self.expect(&path, &got, &[200, 409]);
            let task = serde_json::from_slice(&got.answer.body).unwrap_or_default();
            self.has_ended(&task);
        }
    }

    async fn erase(&mut self) {
        for asked in &mut self.asked {
            asked.fate = Fate::Erased;
        }
        let (client, path) = (self.client.clone(), "/api/me");
        let got = self.insist(&client, Method::DELETE, path, Bytes::new());
        if let Some(got) = got.await {
            self.expect(path, &got, &[204]);
        }
    }

    async fn delete(&mut self, path: &str, fate: Fate) {
        if let Some(asked) = self.asked.last_mut() {
            asked.fate = fate;
        }
        let client = self.client.clone();
        let got = self
            .insist(&client, Method::DELETE, path, Bytes::new())
            .await;
        if let Some(got) = got {
            // The first request may have taken effect.
            let expected: &[u16] = match got.is_repeated {
                true => &[204, 404],
                false => &[204],
            };
            self.expect(path, &got, expected);
        }
    }

    async fn insist(
        &mut self,
        client: &Client,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Option<Got> {
        let begin = Instant::now();
        let mut is_repeated = false;
        while begin.elapsed() < self.patience {
            match client.try_send(method.clone(), path, body.clone()).await {
                // Reservations of a dead host are freed by and by.
                Ok(answer) if answer.status == 429 && self.is_shared => {
                    self.refusals.push(format!("{path}: {answer:?}"));
                }
                Ok(answer) if answer.status != 503 => {
                    return Some(Got {
                        answer,
                        is_repeated,
                    });
                }
                Ok(refused) => {
                    self.refusals.push(format!("{path}: {refused:?}"));
                    is_repeated = true;
                }
                Err(_) => {
                    self.unanswered += 1;
                    is_repeated = true;
                }
            }
            tokio::time::sleep(RETRY_INTERVAL).await;
        }
        self.complain(&format!("{method} {path}: no answer"));
        None
    }

    fn expect(&mut self, what: &str, got: &Got, expected: &[u16]) -> Option<()> {
        if expected.contains(&got.answer.status) {
            return Some(());
        }
        self.complain(&format!("{what}: {:?}", got.answer));
        None
    }

    fn complain(&mut self, what: &str) {
        self.complaints.push(format!("{}: {what}", self.name));
    }
}
