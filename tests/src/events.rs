//! What a reader of server-sent events sees.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{BoxStream, Stream};
use serde_json::Value;
use tokio::time::timeout;

use crate::deadline::SOON;

/// A stream of events that somebody reads.
pub struct Events {
    chunks: BoxStream<'static, Option<Bytes>>,
    /// What came after the last whole block.
    text: String,
}

#[derive(Clone, Debug)]
pub struct Event {
    pub name: String,
    pub id: Option<String>,
    pub data: Value,
    pub arrived: SystemTime,
}

/// A stream's text up to an empty line.
enum Block {
    Event(Event),
    Comment,
}

impl Events {
    /// A piece that is an error is an end that was not meant.
    pub fn of<E: 'static>(chunks: impl Stream<Item = Result<Bytes, E>> + Send + 'static) -> Self {
        Self {
            chunks: Box::pin(chunks.map(Result::ok)),
            text: String::new(),
        }
    }

    /// The next event, whatever stands before it. None: the stream has ended as it
    /// should.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let block = timeout(SOON, self.block()).await.expect("nothing came");
            match block.expect("the stream broke off")? {
                Block::Event(event) => return Some(event),
                Block::Comment => {}
            }
        }
    }

    /// The next event of a stream that has not ended.
    pub async fn event(&mut self) -> Event {
        self.next().await.expect("an event")
    }

    /// All events up to the end.
    pub async fn rest(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }

    /// Whether the stream has broken off, when it has come to an end.
    pub async fn breaks_off(&mut self) -> bool {
        loop {
            match timeout(SOON, self.block()).await {
                Ok(Err(())) => return true,
                Ok(Ok(None)) => return false,
                Ok(Ok(Some(_))) => {}
                Err(_) => panic!("it goes on"),
            }
        }
    }

    async fn block(&mut self) -> Result<Option<Block>, ()> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (Block::read(block), rest.to_owned());
                self.text = rest;
                return Ok(Some(block));
            }
            match self.chunks.next().await {
                Some(Some(chunk)) => self.text.push_str(std::str::from_utf8(&chunk).unwrap()),
                Some(None) => return Err(()),
                None => {
                    assert_eq!(self.text, "", "half an event");
                    return Ok(None);
                }
            }
        }
    }
}

impl Block {
    fn read(block: &str) -> Self {
        // The first one says besides how soon a client may come again.
        let block = match block.strip_prefix("retry: ") {
            Some(block) => {
                let (retry, block) = block.split_once('\n').expect("a retry without an event");
                assert!(retry.parse::<u64>().is_ok(), "{retry}");
                block
            }
            None => block,
        };
        if let Some(comment) = block.strip_prefix(':') {
            assert!(!comment.contains('\n'));
            return Self::Comment;
        }
        let field = |name: &str| {
            let of_name =
                |line: &str| Some(line.strip_prefix(name)?.strip_prefix(": ")?.to_owned());
            let mut values = block.lines().filter_map(of_name);
            let value = values.next();
            assert!(values.next().is_none(), "{name} twice: {block}");
            value
        };
        // Before it is looked into.
        let arrived = SystemTime::now();
        Self::Event(Event {
            name: field("event").unwrap(),
            id: field("id"),
            data: serde_json::from_str(&field("data").unwrap()).unwrap(),
            arrived,
        })
    }
}

impl Event {
    /// How long after the change that a `task` event tells it arrived. The change
    /// is dated by the store's clock, which is this machine's, just before it is
    /// committed: the commit is in it.
    pub fn delay(&self) -> Duration {
        let at = self.data["updated_at"].as_str().unwrap();
        let at: jiff::Timestamp = at.parse().unwrap();
        let delay = self.arrived.duration_since(at.into());
        // On a busy machine a host may judge the database's clock wrong by some of them.
        const MAX_AHEAD: Duration = Duration::from_millis(100);
        delay.unwrap_or_else(|ahead| {
            let ahead = ahead.duration();
            assert!(ahead < MAX_AHEAD, "it arrived {ahead:?} before it happened");
            Duration::ZERO
        })
    }

    /// What it tells in a word: a status, a stage, or that the task is deleted.
    pub fn tells(&self) -> String {
        let word = match self.name.as_str() {
            "task" => &self.data["status"],
            "progress" => &self.data["stage"],
            _ => return self.name.clone(),
        };
        word.as_str().unwrap().to_owned()
    }
}
