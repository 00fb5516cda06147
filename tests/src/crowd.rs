//! Many users at once, each with a task, on a service with the scripted model.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream;
use serde_json::Value;

use crate::client::Client;
use crate::deadline::{SOON, eventually};
use crate::pictures::{self, Picture};
use crate::server::Origin;
use crate::service::{Launch, Service};
use crate::tokens::token;

/// Clients that ask at once.
const AT_ONCE: usize = 32;

/// A service for many users, with the scripted model.
pub fn launch(origin: &Origin) -> Launch {
    Launch::new()
        .scripted()
        .with_tokens()
        .set("allow-sources", &origin.authority())
        .set("rate-limit", "unlimited")
}

/// The largest picture of the tests' that has at most so many bytes.
pub fn picture_within(bytes: usize) -> Picture {
    let sizes = (1..).map(|step| 64 * step);
    let pictures = sizes.map(|size| pictures::jpeg(size, size));
    pictures
        .take_while(|picture| picture.bytes.len() <= bytes)
        .last()
        .unwrap()
}

/// Tasks that wait for a slow model.
pub struct Crowd {
    tasks: Vec<(Client, String)>,
    /// How long the model takes.
    model: Duration,
    /// Since the first was submitted: until all were accepted, and until all
    /// had their originals.
    pub accepted: Duration,
    pub in_flight: Duration,
}

impl Crowd {
    /// So many tasks in flight at once, each of a user of its own, on a model
    /// that takes so long for this prompt. The service has to have room for them.
    pub async fn gather(
        service: &Service,
        origin: &Origin,
        picture: &Picture,
        tasks: usize,
        (prompt, model): (&str, Duration),
    ) -> Self {
        let url = origin.picture(picture);
        // What the tasks take is one thing, and what connections take another.
        let client = Client::fleeting(service.url());
        let begin = Instant::now();
        let submitted = stream::iter(0..tasks).map(async |user| {
            let user = client.bearer(&token(&format!("user {user}")));
            let id = user.accepted(&url, prompt).await;
            (user, id)
        });
        let crowd: Vec<(Client, String)> = submitted.buffer_unordered(AT_ONCE).collect().await;
        let accepted = begin.elapsed();
        let (last, last_id) = crowd.last().unwrap();
        last.task_is(last_id, "processing").await;
        eventually("all originals are downloaded", model / 2, async || {
            (origin.requests(&url).len() == tasks).then_some(())
        })
        .await;
        let in_flight = begin.elapsed();
        assert!(
            in_flight < model,
            "not all were in flight at once: {in_flight:?}"
        );
        Self {
            tasks: crowd,
            model,
            accepted,
            in_flight,
        }
    }

    /// One of the users, with the id of the task.
    pub fn one(&self) -> (&Client, &str) {
        let (user, id) = self.tasks.last().unwrap();
        (user, id)
    }

    /// The tasks, once all are finished.
    pub async fn finished(&self) -> Vec<Value> {
        // All come to their end at once, and each has work left, perhaps beside other programs.
        let limit = self.model + 4 * SOON;
        let finished = stream::iter(&self.tasks);
        let finished = finished.map(async |(user, id)| user.finished_within(id, limit).await);
        finished.buffer_unordered(AT_ONCE).collect().await
    }
}
