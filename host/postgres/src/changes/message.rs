//! The messages between hosts, as text.
//!
//! A payload is the name of the sender, followed by a line of JSON per message.
//! Unreadable messages are skipped: they come from another release.

use concept_refinement_domain::task::{Stage, Status};
use serde::{Deserialize, Serialize};

/// Postgres takes payloads of less than 8,000 bytes.
const MAX_PAYLOAD: usize = 7_900;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Message {
    /// A task now has this revision and status.
    Changed {
        id: String,
        revision: u64,
        status: Status,
    },
    /// A stage began, of the claim that began at this revision.
    Began {
        id: String,
        revision: u64,
        stage: Stage,
    },
    Deleted {
        id: String,
    },
    /// There is a task to deliver.
    Published,
    /// A redelivery of a webhook was requested.
    Redelivered,
    /// An operator paused or resumed the queue, or started a job.
    Operated,
}

/// Packs messages into payloads, each with as many as fit.
pub(super) fn payloads(host: &str, messages: &[Message]) -> Vec<String> {
    let mut payloads: Vec<String> = Vec::new();
    let mut is_published = false;
    for message in messages {
        // Once is enough.
        if *message == Message::Published && std::mem::replace(&mut is_published, true) {
            continue;
        }
        let Ok(line) = serde_json::to_string(message) else {
            continue;
        };
        match payloads.last_mut() {
            Some(last) if last.len() + 1 + line.len() <= MAX_PAYLOAD => {
                last.push('\n');
                last.push_str(&line);
            }
            _ => payloads.push(format!("{host}\n{line}")),
        }
    }
    payloads
}

/// The sender and its messages.
pub(super) fn read(payload: &str) -> (&str, Vec<Message>) {
    let (host, lines) = payload.split_once('\n').unwrap_or((payload, ""));
    let messages = lines.lines().flat_map(serde_json::from_str);
    (host, messages.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_heard_in_its_order() {
        let id = "0190c0de-0000-7000-8000-000000000001".to_owned();
        let mut messages = vec![
            Message::Published,
            Message::Operated,
            Message::Deleted { id: id.clone() },
        ];
        for revision in 0..200 {
            for status in Status::ALL {
                let id = id.clone();
                messages.push(Message::Changed {
                    id,
                    revision,
                    status,
                });
            }
            for stage in Stage::ALL {
                let id = id.clone();
                messages.push(Message::Began {
                    id,
                    revision,
                    stage,
                });
            }
        }
        let payloads = payloads("host", &messages);
        assert!(payloads.len() > 1);
        let mut heard = Vec::new();
        for payload in &payloads {
            assert!(payload.len() <= MAX_PAYLOAD);
            let (host, messages) = read(payload);
            assert_eq!(host, "host");
            heard.extend(messages);
        }
        assert_eq!(heard, messages);
    }

    #[test]
    fn what_is_of_another_release_is_skipped() {
        let payload = r#"host
sung a 1

{"sung":{"id":"a","revision":1}}
{"changed":{"id":"a"}}
{"changed":{"id":"a","revision":"x","status":"pending"}}
{"began":{"id":"a","revision":1,"stage":"singing"}}
"published""#;
        assert_eq!(read(payload), ("host", vec![Message::Published]));
        assert_eq!(read(""), ("", vec![]));
    }
}
