//! Caches answers: a repeated request gets the earlier answer without another call.
//!
//! Requests are the same if these are the same: the image, byte for byte; the prompt and
//! all other arguments; and the models behind the cache with their components and
//! settings. The user does not matter. Images that a model returned are cached, but URLs
//! of images are not, since they may expire.

#[cfg(target_arch = "wasm32")]
mod component;

use concept_refinement_domain::hex::hex;
use sha2::{Digest as _, Sha256};

/// The contents of a request, without its image.
pub struct Question<'a> {
    /// Identity of the model behind the cache.
    pub identity: &'a str,
    pub prompt: &'a str,
    pub strength: f32,
    pub logo_description: Option<&'a str>,
    pub theme_description: Option<&'a str>,
    pub media_type: &'a str,
    pub seed: Option<u32>,
    pub options: &'a [(String, String)],
    /// The hash of the mask, if there is one.
    pub mask: Option<&'a str>,
}

/// The cache key, a hash that the bytes of the image are added to.
pub struct Key(Sha256);

impl Key {
    pub fn new(question: &Question<'_>) -> Self {
        let mut key = Self(Sha256::new());
        let mut add = |bytes: &[u8]| key.add(bytes);
        add(question.identity.as_bytes());
        add(question.prompt.as_bytes());
        add(&question.strength.to_le_bytes());
        for described in [
            question.logo_description,
            question.theme_description,
            question.mask,
        ] {
            add(&[u8::from(described.is_some())]);
            add(described.unwrap_or_default().as_bytes());
        }
        add(question.media_type.as_bytes());
        add(&[u8::from(question.seed.is_some())]);
        add(&question.seed.unwrap_or_default().to_le_bytes());
        add(&(question.options.len() as u64).to_le_bytes());
        for (name, value) in question.options {
            add(name.as_bytes());
            add(value.as_bytes());
        }
        key
    }

    /// The hash of a mask, to which its bytes are added.
    pub fn of_mask(media_type: &str) -> Self {
        let mut key = Self(Sha256::new());
        key.add(media_type.as_bytes());
        key
    }

    fn add(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// Adds the next bytes of the image.
    pub fn push(&mut self, chunk: &[u8]) {
        self.0.update(chunk);
    }

    pub fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const QUESTION: Question<'_> = Question {
        identity: "1",
        prompt: "lighter",
        strength: 0.7,
        logo_description: None,
        theme_description: None,
        media_type: "image/png",
        seed: None,
        options: &[],
        mask: None,
    };

    fn key(question: &Question<'_>, chunks: &[&str]) -> String {
        let mut key = Key::new(question);
        for chunk in chunks {
            key.push(chunk.as_bytes());
        }
        key.finish()
    }

    #[test]
    fn another_question_has_another_key() {
        let option = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let options = [option("size", "1"), option("size", "2")];
        let questions = [
            QUESTION,
            Question {
                identity: "2",
                ..QUESTION
            },
            Question {
                prompt: "lighter ",
                ..QUESTION
            },
            Question {
                strength: 0.8,
                ..QUESTION
            },
            Question {
                logo_description: Some(""),
                ..QUESTION
            },
            Question {
                logo_description: Some("a cup"),
                ..QUESTION
            },
            Question {
                theme_description: Some("a cup"),
                ..QUESTION
            },
            Question {
                media_type: "image/gif",
                ..QUESTION
            },
            Question {
                seed: Some(0),
                ..QUESTION
            },
            Question {
                mask: Some(""),
                ..QUESTION
            },
            Question {
                options: &options[..1],
                ..QUESTION
            },
            Question {
                options: &options[1..],
                ..QUESTION
            },
            Question {
                options: &options,
                ..QUESTION
            },
        ];
        let mut keys: BTreeSet<_> = questions
            .iter()
            .map(|question| key(question, &["an image"]))
            .collect();
        keys.insert(key(&QUESTION, &["an image."]));
        keys.insert(key(&QUESTION, &[]));
        assert_eq!(keys.len(), questions.len() + 2);
        let parts = key(&QUESTION, &["an ", "", "image"]);
        assert_eq!(parts, key(&QUESTION, &["an image"]));
    }
}
