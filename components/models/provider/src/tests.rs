//! The world of a provider's model, as its tests want it to be.

mod answers;
mod outcomes;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use concept_refinement_domain::image::Format;
use concept_refinement_domain::payment::Usage;
use concept_refinement_domain::timestamp::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::question::enriched;
pub use crate::script::picture;
use crate::script::{self, KEY, Script, chunks};
use crate::{
    Answer, Base, Body, BrokeOff, ByteStream, Contents, Error, Failure, HttpRequest, Model, Ports,
    Provider, Question, Response, Settings, Taken,
};

pub fn opened(file: &[u8], size: usize) -> Contents {
    now(Contents::open(chunks(file, size), file.len() as u64)).unwrap()
}

/// All of a body.
pub async fn sent(mut body: Body) -> Result<Vec<u8>, Error> {
    let mut sent = Vec::new();
    while let Some(chunk) = body.next().await? {
        assert!(!chunk.is_empty());
        sent.extend(chunk);
    }
    Ok(sent)
}

/// Nothing here waits.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

/// Asked with a prompt and an image.
struct Plain;

impl Provider for Plain {
    fn takes(_: &Settings, _: bool) -> Vec<Taken> {
        Vec::new()
    }

    const DESCRIPTION: &'static str = "A provider for tests.";

    fn request(
        question: &Question,
        original: Contents,
        settings: &Settings,
    ) -> Result<HttpRequest, Error> {
        let fields = json!({"prompt": question.prompt});
        let body = Body::json_with_image(&fields, "image", ("\"", "\""), original)?;
        let request = HttpRequest::post("/refine", "application/json", body);
        Ok(request.with("x-key", settings.key.clone()))
    }
}

struct World {
    reply: RefCell<Option<Result<Response, Failure>>>,
    asked: RefCell<Vec<(String, Value)>>,
}

impl Ports for World {
    async fn send(&self, base: &Base, request: HttpRequest) -> Result<Response, Error> {
        let url = base.join(&request.path);
        let body = sent(request.body).await?;
        let body = serde_json::from_slice(&body).unwrap();
        self.asked.borrow_mut().push((url, body));
        Ok(self.reply.take().unwrap()?)
    }

    async fn keep(&self, _: &[u8]) {}

    async fn add_usage(&self, _: &Usage) {}

    async fn give_up(&self) -> Result<(), Error> {
        Ok(())
    }

    async fn sleep(&self, _: Duration) {}

    fn now(&self) -> Timestamp {
        Timestamp::from_secs(784_111_777 - 60)
    }

    fn random(&self) -> u128 {
        7
    }
}

fn settings() -> Settings {
    script::settings("http://provider.example/", &[]).unwrap()
}

fn question() -> Question {
    Question {
        prompt: enriched("lighter", Some("A cup"), None),
        strength: 0.7,
        seed: None,
        mask: None,
        mask_feather: 0,
        source_url: None,
        random: 7,
        task_id: "5e1f".to_owned(),
        receipt: None,
        time_left: Duration::from_secs(300),
    }
}

fn asked(reply: Result<Response, Failure>) -> Result<Answer, Error> {
    let world = World {
        reply: RefCell::new(Some(reply)),
        asked: RefCell::default(),
    };
    let file = picture(5);
    let original = opened(&file, 10);
    let answer = now(Plain::refine(&world, &settings(), question(), original));
    let sent = json!({"prompt": "lighter. Logo: A cup.", "image": STANDARD.encode(&file)});
    let expected = ("http://provider.example/refine".to_owned(), sent);
    assert_eq!(world.asked.take(), [expected], "asked other than once");
    answer
}

fn response(status: u16, body: &[u8]) -> Response {
    Response {
        status,
        content_length: Some(body.len() as u64),
        content_encoding: None,
        retry_after: None,
        body: chunks(body, 1000),
    }
}

fn image(bytes: &[u8]) -> Answer {
    let mut chunks = VecDeque::new();
    concept_refinement_domain::chunks::append(&mut chunks, bytes.to_vec());
    Answer::Image {
        format: Format::Gif,
        chunks,
    }
}

fn decoded(bytes: Vec<u8>) -> Answer {
    Answer::Image {
        format: Format::Gif,
        chunks: VecDeque::from([bytes]),
    }
}
