//! A provider in memory, for the tests of models: it answers what it was told to, and
//! remembers what it was asked. It never waits.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

use concept_refinement_domain::payment::Usage;
use concept_refinement_domain::timestamp::Timestamp;
use futures::{FutureExt as _, StreamExt as _, stream};

use crate::question;
use crate::{
    Answer, Base, ByteStream, Contents, Error, HttpRequest, Method, Model, Ports, Question,
    Response, Settings,
};

/// The id of the task that asks.
pub const TASK: &str = "5e1f";

/// The key that the provider gets.
pub const KEY: &str = "sk-hush";

/// One transparent pixel, and so many bytes after its end.
pub fn picture(padding: usize) -> Vec<u8> {
    const HEADER: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff";
    const TRANSPARENT: &[u8] = b"\x21\xf9\x04\x01\0\0\0\0";
    const PIXEL: &[u8] = b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b";
    [HEADER, TRANSPARENT, PIXEL, &vec![7; padding]].concat()
}

/// These bytes, in chunks of this size.
pub fn chunks(bytes: &[u8], size: usize) -> ByteStream {
    let chunks: Vec<_> = bytes.chunks(size).map(|chunk| Ok(chunk.to_vec())).collect();
    stream::iter(chunks).boxed_local()
}

/// The provider's answers in their order. After the last one everything is refused.
pub struct Script {
    replies: RefCell<VecDeque<(u16, Vec<u8>)>>,
    /// In the order of the requests.
    pub asked: RefCell<Vec<Asked>>,
    /// The receipts that were stored.
    pub kept: RefCell<Vec<String>>,
    /// What was stored of what the work cost.
    pub usages: RefCell<Vec<Usage>>,
    /// How often work was given up.
    pub given_up: Cell<usize>,
}

/// A request that the provider got.
pub struct Asked {
    pub method: Method,
    pub url: String,
    fields: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Asked {
    /// A field of its head.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let (_, value) = fields.find(|(known, _)| *known == name)?;
        Some(value)
    }

    /// Whether the key is anywhere in it.
    pub fn has_key(&self) -> bool {
        let is_in = |text: &str| text.contains(KEY);
        let mut fields = self.fields.iter();
        is_in(&self.url)
            || fields.any(|(_, value)| is_in(value))
            || is_in(&String::from_utf8_lossy(&self.body))
    }
}

impl Script {
    /// The answers, each a status and a body.
    pub fn of<B: Into<Vec<u8>>>(replies: impl IntoIterator<Item = (u16, B)>) -> Self {
        let replies = replies
            .into_iter()
            .map(|(status, body)| (status, body.into()));
        Self {
            replies: RefCell::new(replies.collect()),
            asked: RefCell::default(),
            kept: RefCell::default(),
            usages: RefCell::default(),
            given_up: Cell::new(0),
        }
    }

    /// Asks a model to make a picture lighter, with this receipt of an earlier call.
    pub fn refine<M: Model>(
        &self,
        settings: &Settings,
        receipt: Option<&str>,
    ) -> Result<Answer, Error> {
        let question = Question {
            prompt: question::enriched("lighter", None, None),
            strength: question::strength(0.7),
            seed: Some(7),
            mask: Some(b"mask".to_vec()),
            mask_feather: 0,
            source_url: question::source_url(None, settings),
            random: self.random(),
            task_id: TASK.to_owned(),
            receipt: receipt.map(|receipt| receipt.as_bytes().to_vec()),
            time_left: Duration::from_secs(300),
        };
        let answer = async {
            let file = picture(0);
            let original = Contents::open(chunks(&file, 10), file.len() as u64).await?;
            M::refine(self, settings, question, original).await
        };
        let waits = Err(Error::refused("the script waits"));
        answer.now_or_never().unwrap_or(waits)
    }

    /// The URLs that were asked for, with their methods.
    pub fn urls(&self) -> Vec<String> {
        let asked = self.asked.borrow();
        let url = |asked: &Asked| format!("{:?} {}", asked.method, asked.url).to_lowercase();
        asked.iter().map(url).collect()
    }
}

impl Ports for Script {
    async fn send(&self, base: &Base, request: HttpRequest) -> Result<Response, Error> {
        let (mut sent, mut body) = (request.body, Vec::new());
        while let Some(chunk) = sent.next().await? {
            body.extend(chunk);
        }
        self.asked.borrow_mut().push(Asked {
            method: request.method,
            url: base.join(&request.path),
            fields: request.fields,
            body,
        });
        let reply = self.replies.borrow_mut().pop_front();
        let (status, body) = reply.ok_or_else(|| Error::refused("the script has ended"))?;
        Ok(Response {
            status,
            content_length: Some(body.len() as u64),
            content_encoding: None,
            retry_after: None,
            body: chunks(&body, 1000),
        })
    }

    async fn keep(&self, receipt: &[u8]) {
        let receipt = String::from_utf8_lossy(receipt).into_owned();
        self.kept.borrow_mut().push(receipt);
    }

    async fn add_usage(&self, usage: &Usage) {
        self.usages.borrow_mut().push(*usage);
    }

    async fn give_up(&self) -> Result<(), Error> {
        self.given_up.update(|times| times + 1);
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

/// Settings with this base URL, the key, and these.
pub fn settings(url: &str, others: &[(&str, &str)]) -> Result<Settings, Error> {
    Settings::of(|name| match name {
        "model-url" => Some(url.to_owned()),
        "model-api-key" => Some(KEY.to_owned()),
        name => {
            let (_, value) = others.iter().find(|(other, _)| *other == name)?;
            Some((*value).to_owned())
        }
    })
}
