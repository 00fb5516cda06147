//! The keys of records and documents.
//!
//! | key | what | written |
//! |---|---|---|
//! | `user/TAG` | record: a user's [`UserRecord`](crate::user_record::UserRecord) | at each step and stage of a task |
//! | `segment/TAG/NAME` | record: 32 older entries of a user | when they leave the record, and when one changes |
//! | `secret` | record: what signs URLs and sessions | once |
//! | `health` | record: the time of the last check | with each check |
//! | `task/ID` | document: the request of a task | before the swap that creates the task |
//! | `end/ID/NAME` | document: how a task ended, and its concept | before the swap that ends the task or deletes the concept |
//! | `concept/ID` | document: the task of a concept | with its `end` |
//! | `hash/SHA256` | document: a concept whose image has these bytes | before the swap that completes its task |
//! | `key/TAG/HASH` | document: an older idempotency key | before the swap that drops it from the record |
//! | `image/PATH` | document: the description of an image | after its chunks |
//! | `chunk/NAME/N` | document: a part of an image | before the image |
//!
//! `TAG` is a hash of the user's id, which may be any text. `NAME` is random, so that a
//! writer that loses a swap has written only documents that nothing refers to. Such
//! leftovers are never removed, and neither are older idempotency keys, since keys cannot
//! be listed. Nor can records be deleted: what is left of an erased user are a record with
//! counts and empty segments.

use concept_refinement_domain::image_path::{ImagePath, tag_of};

pub const SECRET: &str = "secret";
pub const HEALTH: &str = "health";

pub fn user(user_id: &str) -> String {
    user_of_tag(&tag_of(user_id))
}

pub fn user_of_tag(tag: &str) -> String {
    format!("user/{tag}")
}

pub fn segment(user_id: &str, name: &str) -> String {
    format!("segment/{}/{name}", tag_of(user_id))
}

/// None: not a valid task id.
pub fn task(id: &str) -> Option<String> {
    is_id(id).then(|| format!("task/{id}"))
}

pub fn end(task_id: &str, name: &str) -> String {
    format!("end/{task_id}/{name}")
}

/// None: not a valid concept id.
pub fn concept(id: &str) -> Option<String> {
    is_id(id).then(|| format!("concept/{id}"))
}

/// None: not a SHA-256 in lower-case hexadecimal.
pub fn image_hash(sha256: &str) -> Option<String> {
    let is_hash = sha256.len() == 64
        && sha256
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_hash.then(|| format!("hash/{sha256}"))
}

pub fn key(user_id: &str, hash: &str) -> String {
    format!("key/{}/{hash}", tag_of(user_id))
}

/// The key of a checked image path.
pub fn image(path: &ImagePath) -> String {
    format!("image/{path}")
}

pub fn chunk(name: &str, number: u64) -> String {
    format!("chunk/{name}/{number}")
}

/// Whether it is a UUID in lower case; nothing else becomes part of a key.
fn is_id(id: &str) -> bool {
    id.len() == 36
        && id
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_become_keys() {
        let id = "0190c0de-0000-7000-8000-000000000001";
        assert_eq!(task(id), Some(format!("task/{id}")));
        for id in [
            "",
            "..",
            "a",
            &id.to_uppercase(),
            &format!("{id}/"),
            &"/".repeat(36),
        ] {
            assert_eq!(task(id), None, "{id}");
            assert_eq!(concept(id), None, "{id}");
        }
    }

    #[test]
    fn users_may_be_called_anything() {
        let mut seen = std::collections::HashSet::new();
        for name in ["", "ada", "Ada", "../../etc", "a\0b", &"x".repeat(10_000)] {
            let key = user(name);
            assert_eq!(key.len(), "user/".len() + 32);
            assert!(seen.insert(key), "{name}");
        }
    }
}
