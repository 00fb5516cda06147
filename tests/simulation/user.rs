//! People who submit, look, lose patience, repeat and delete, by requests to the
//! API.

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use concept_refinement_api::{Body, Content, Headers, Interrupted, Method, Origin, Request};
use concept_refinement_tests::tokens;
use futures::channel::oneshot;
use futures::future::{Either, select};
use serde_json::{Value, json};

use crate::oracle::Invariant;
use crate::random::Random;
use crate::receiver;
use crate::scheduler::OUTSIDE;
use crate::source;
use crate::world::World;

/// Then a client gives a request up.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(30);

const ORIGIN: &str = "https://concepts.example.com";

pub struct User {
    world: Rc<World>,
    name: String,
    token: String,
    random: Random,
    /// For webhooks.
    webhooks: Random,
    /// For deadlines.
    deadlines: Random,
    /// The URL of a refined image, to be refined further.
    last: RefCell<Option<String>>,
}

/// What is asked for, again and again until there is an answer.
struct Wish {
    number: u32,
    url: String,
    key: Option<String>,
    webhook_url: Option<String>,
    deadline_seconds: Option<usize>,
}

/// What became of a submission, as its user is told.
enum Reply {
    /// This task is theirs, a new one or the one that they have.
    Task(String),
    Refused,
}

/// All that is sent of a request at once.
struct Whole(Option<Vec<u8>>);

impl Body for Whole {
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Interrupted> {
        Ok(self.0.take())
    }
}

/// Lets all of them come.
pub fn start(world: &Rc<World>) {
    for number in 0..world.settings.users {
        let name = format!("user-{number}");
        let header = json!({"alg": "HS256", "typ": "JWT"});
        let user = User {
            world: Rc::clone(world),
            token: tokens::signed(&header, &json!({"sub": name, "exp": 4_000_000_000_u64})),
            name,
            random: Random::new(world.settings.seed, 100 + number as u64),
            webhooks: Random::new(world.settings.seed, 200 + number as u64),
            deadlines: Random::new(world.settings.seed, 300 + number as u64),
            last: RefCell::default(),
        };
        let world = Rc::clone(world);
        world.clone().scheduler.spawn(OUTSIDE, async move {
            match world.settings.wild {
                Some(_) => user.come_and_go().await,
                None => user.wait_for_one().await,
            }
            world.users_gone.set(world.users_gone.get() + 1);
        });
    }
}

impl User {
    async fn wait_for_one(&self) {
        let wish = Wish {
            number: 1,
            url: source::FINE.to_owned(),
            key: Some("key".to_owned()),
            webhook_url: (self.world.settings.has_webhook).then(|| receiver::url(&self.webhooks)),
            deadline_seconds: None,
        };
        let id = loop {
            match self.submit(&wish).await {
                Some(Reply::Task(id)) => break id,
                Some(Reply::Refused) => return,
                None => self.sleep(Duration::from_secs(1)).await,
            }
        };
        self.wait_until_final(&id, 1_000).await;
    }

    async fn come_and_go(&self) {
        let mut number = 0;
        while !self.world.is_calm() {
            number += 1;
            let wish = self.wish(number);
            if let Some(id) = self.submit_somehow(&wish).await {
                self.mind(&id).await;
            }
            if self.random.chance(0.2) {
                // Long after, or while it is still worked on.
                self.submit(&wish).await;
            }
            self.sleep(self.random.millis(0, 20_000)).await;
        }
    }

    fn wish(&self, number: u32) -> Wish {
        let url = match self.random.below(20) {
            0 => source::MISSING,
            1 => source::CUT,
            2 => source::SLOW,
            3 => source::SILENT,
            _ => source::FINE,
        };
        let own_image = self.last.borrow().clone();
        let own_image = own_image.filter(|_| self.random.chance(0.3));
        Wish {
            number,
            url: own_image.unwrap_or_else(|| url.to_owned()),
            key: self.random.chance(0.6).then(|| format!("key-{number}")),
            webhook_url: self
                .webhooks
                .chance(0.5)
                .then(|| receiver::url(&self.webhooks)),
            deadline_seconds: (self.deadlines.chance(0.3)).then(|| 10 + self.deadlines.below(30)),
        }
    }

    /// Repeats what was not answered.
    async fn submit_somehow(&self, wish: &Wish) -> Option<String> {
        for _ in 0..8 {
            match self.submit(wish).await {
                Some(Reply::Task(id)) => return Some(id),
                Some(Reply::Refused) => return None,
                None => self.sleep(self.random.millis(0, 4_000)).await,
            }
        }
        None
    }

    /// Looks at a task for a while, or deletes it, or what came of it.
    async fn mind(&self, id: &str) {
        let task = format!("/api/tasks/{id}");
        if self.random.chance(0.2) {
            self.sleep(self.random.millis(0, 15_000)).await;
            if self.random.chance(0.4) {
                self.cancel(&task).await;
            } else {
                self.delete(&task).await;
            }
            return;
        }
        let looks = self.random.below(30);
        let found = self.wait_until_final(id, looks).await.unwrap_or_default();
        let text = |name: &str| found[name].as_str().map(str::to_owned);
        *self.last.borrow_mut() = text("image_url").or(self.last.take());
        if let Some(concept) = text("result_id").filter(|_| self.random.chance(0.4)) {
            self.world.oracle.borrow_mut().concept_unwanted(id);
            self.delete(&format!("/api/concepts/{concept}")).await;
        }
        if self.webhooks.chance(0.3) {
            let path = format!("{task}/webhook/redeliver");
            self.request(Method::Post, &path, None, vec![]).await;
        }
        if self.random.chance(0.1) {
            self.delete(&task).await;
        }
    }

    async fn submit(&self, wish: &Wish) -> Option<Reply> {
        let refinement = json!({
            "original_image_url": wish.url,
            "refinement_prompt": format!("Make it lighter, {}", wish.number),
            "webhook_url": wish.webhook_url,
            "deadline_seconds": wish.deadline_seconds,
        });
        let key = wish.key.as_deref();
        let path = "/api/concepts/refine";
        let (status, body) = self
            .request(Method::Post, path, key, refinement.to_string().into())
            .await?;
        if !matches!(status, 202 | 409) {
            return Some(Reply::Refused);
        }
        let id = body["task_id"].as_str().unwrap().to_owned();
        let mut oracle = self.world.oracle.borrow_mut();
        let owner = oracle.tasks().get(&id).map(|task| task.user.clone());
        oracle.require(
            owner.as_ref() == Some(&self.name),
            Invariant::NothingLost,
            || format!("{} was told of {id}, which is of {owner:?}", self.name),
        );
        Some(Reply::Task(id))
    }

    async fn wait_until_final(&self, id: &str, looks: usize) -> Option<Value> {
        let path = format!("/api/tasks/{id}");
        for _ in 0..looks {
            match self.request(Method::Get, &path, None, vec![]).await {
                Some((404, _)) => return None,
                Some((200, task)) if task["completed_at"].is_string() => return Some(task),
                Some(_) | None => self.sleep(Duration::from_secs(2)).await,
            }
        }
        None
    }

    /// Repeats until it is done.
    async fn cancel(&self, task: &str) {
        let path = format!("{task}/cancel");
        let cancel = || self.request(Method::Post, &path, None, vec![]);
        while cancel().await.is_none() {
            self.sleep(self.random.millis(100, 4_000)).await;
        }
    }

    /// Repeats until it is done.
    async fn delete(&self, path: &str) {
        let delete = || self.request(Method::Delete, path, None, vec![]);
        while delete().await.is_none() {
            self.sleep(self.random.millis(100, 4_000)).await;
        }
    }

    /// To any process. None: there was no answer, or none that helps.
    async fn request(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Vec<u8>,
    ) -> Option<(u16, Value)> {
        let mut headers = vec![
            ("authorization", format!("Bearer {}", self.token)),
            ("content-type", "application/json".to_owned()),
        ];
        headers.extend(key.map(|key| ("idempotency-key", key.to_owned())));
        let request = Request {
            method,
            path: path.to_owned(),
            query: None,
            origin: Origin::of_url(ORIGIN).unwrap(),
            headers: Headers::from_iter(headers),
        };
        let body = Whole(Some(body));
        let world = &self.world;
        let (group, api) = {
            let processes = world.processes.borrow();
            let up = processes.values();
            let up = up.filter_map(|process| Some((process.group, process.api.borrow().clone()?)));
            let mut up: Vec<_> = up.collect();
            match up.len() {
                0 => return None,
                count => up.swap_remove(self.random.below(count)),
            }
        };
        let (answer, answered) = oneshot::channel();
        world.scheduler.spawn(group, async move {
            // Whoever asked may have left.
            let _ = answer.send(api.handle(request, body).await);
        });
        let timeout = pin!(world.scheduler.sleep(CLIENT_TIMEOUT));
        let Either::Left((Ok(response), _)) = select(answered, timeout).await else {
            return None;
        };
        let is_lost = world.settings.wild.is_some() && !world.is_calm() && self.random.chance(0.03);
        if is_lost || response.status >= 500 {
            return None;
        }
        let body = match response.content {
            Content::Bytes(bytes) => serde_json::from_slice(&bytes).unwrap(),
            _ => Value::Null,
        };
        Some((response.status, body))
    }

    async fn sleep(&self, duration: Duration) {
        self.world.scheduler.sleep(duration).await;
    }
}
