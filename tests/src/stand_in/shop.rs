//! What stand-ins under load have in common: chance, and a count of what was made.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::pictures::{self, Picture};
use crate::provider::Asked;
use crate::server::Reply;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Counts what it made, by prompt.
pub struct Shop {
    pub picture: Picture,
    random: Mutex<StdRng>,
    made: Mutex<HashMap<String, u32>>,
    works: Mutex<HashMap<String, Work>>,
    /// Which outputs were looked at.
    outputs: Mutex<HashSet<String>>,
}

/// What a provider knows under a name.
pub struct Work {
    pub prompt: String,
    /// How often it was looked at.
    pub looks: u32,
    /// When it has ended.
    pub end: Instant,
}

impl Work {
    pub fn of(prompt: &str) -> Self {
        Self {
            prompt: prompt.to_owned(),
            looks: 0,
            end: Instant::now(),
        }
    }
}

impl Shop {
    pub fn new(seed: u64) -> Self {
        Self {
            picture: pictures::png(20, 10),
            random: Mutex::new(StdRng::seed_from_u64(seed)),
            made: Mutex::default(),
            works: Mutex::default(),
            outputs: Mutex::default(),
        }
    }

    /// In 0..100.
    pub fn dice(&self) -> u32 {
        self.random.lock().unwrap().random_range(0..100)
    }

    /// A new name.
    pub fn name(&self) -> String {
        format!("p{}", self.random.lock().unwrap().random::<u64>())
    }

    /// Makes what was asked for, which is paid for.
    pub fn make(&self, prompt: &str) {
        let mut made = self.made.lock().unwrap();
        *made.entry(prompt.to_owned()).or_default() += 1;
    }

    /// How often this was made.
    pub fn made(&self, prompt: &str) -> u32 {
        let made = self.made.lock().unwrap();
        made.get(prompt).copied().unwrap_or_default()
    }

    /// How much was made.
    pub fn all(&self) -> u32 {
        self.made.lock().unwrap().values().sum()
    }

    pub fn works(&self) -> MutexGuard<'_, HashMap<String, Work>> {
        self.works.lock().unwrap()
    }

    /// Makes what is asked for each time, and answers `image`, or fails before or after.
    pub fn unnamed(&self, asked: &Asked, image: Reply) -> Reply {
        let dice = self.dice();
        if dice < 10 {
            return Reply::status(503);
        }
        self.make(&asked.key());
        unsure(dice, image).after(Duration::from_millis(u64::from(dice) * 3))
    }

    /// Makes what is asked for under a new name, and answers that it is `accepted`, or fails
    /// before or while it does.
    pub fn named(&self, dice: u32, asked: &Asked, accepted: impl FnOnce(&str) -> Reply) -> Reply {
        if dice < 10 {
            return Reply::status(503);
        }
        let (prompt, name) = (asked.key(), self.name());
        self.make(&prompt);
        self.works().insert(name.clone(), Work::of(&prompt));
        let made = accepted(&name);
        match dice {
            10..20 => made.without_end(20),
            _ => made.after(Duration::from_millis(u64::from(dice))),
        }
    }

    /// Where a new output is.
    pub fn output_url(&self, asked: &Asked) -> String {
        let host = asked.header("host").unwrap();
        format!("http://{host}/files/{}", self.name())
    }

    /// An output, where one is asked for. It may fail once.
    pub fn output(&self, asked: &Asked) -> Option<Reply> {
        let name = asked.path.strip_prefix("/files/")?;
        let is_first = self.outputs.lock().unwrap().insert(name.to_owned());
        let picture = Reply::picture(&self.picture);
        Some(match self.dice() {
            0..15 if is_first => Reply::status(503),
            15..30 if is_first => picture.without_end(20),
            _ => picture,
        })
    }
}

/// An answer that may fail after all was made.
pub fn unsure(dice: u32, image: Reply) -> Reply {
    match dice {
        10..15 => Reply::status(502),
        15..20 => image.without_end(20),
        20..25 => Reply::raw(b""),
        _ => image,
    }
}
