//! What hosts tell each other, as text.
//!
//! A payload is the sender's name and a line for each message. What cannot be
//! read is skipped: it is of another release.

use concept_refinement_domain::task::{Stage, Status};

/// Postgres takes payloads of less than 8,000 bytes.
const MAX_PAYLOAD: usize = 7_900;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// A task has that revision and status now.
    Changed {
        id: String,
        revision: u64,
        status: Status,
    },
    /// A stage began, of the claim that began with that revision.
    Began {
        id: String,
        revision: u64,
        stage: Stage,
    },
    Deleted {
        id: String,
    },
    /// There is something to deliver.
    Published,
    /// A delivery of a webhook was requested again.
    Redelivered,
}

impl Message {
    fn line(&self) -> String {
        match self {
            Self::Changed {
                id,
                revision,
                status,
            } => format!("changed {id} {revision} {}", status.as_str()),
            Self::Began {
                id,
                revision,
                stage,
            } => format!("began {id} {revision} {}", stage_name(*stage)),
            Self::Deleted { id } => format!("deleted {id}"),
            Self::Published => "published".to_owned(),
            Self::Redelivered => "redelivered".to_owned(),
        }
    }

    fn read(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let kind = words.next()?;
        match kind {
            "published" => return Some(Self::Published),
            "redelivered" => return Some(Self::Redelivered),
            _ => {}
        }
        let id = words.next()?.to_owned();
        if kind == "deleted" {
            return Some(Self::Deleted { id });
        }
        let revision = words.next()?.parse().ok()?;
        let last = words.next()?;
        match kind {
            "changed" => Some(Self::Changed {
                id,
                revision,
                status: last.parse().ok()?,
            }),
            "began" => Some(Self::Began {
                id,
                revision,
                stage: Stage::ALL
                    .into_iter()
                    .find(|stage| stage_name(*stage) == last)?,
            }),
            _ => None,
        }
    }
}

fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Downloading => "downloading",
        Stage::Refining => "refining",
        Stage::StoringImage => "storing-image",
        Stage::StoringConcept => "storing-concept",
    }
}

/// Each with as many messages as it takes.
pub(super) fn payloads(host: &str, messages: &[Message]) -> Vec<String> {
    let mut payloads: Vec<String> = Vec::new();
    for message in messages {
        let line = message.line();
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
    (host, lines.lines().filter_map(Message::read).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_heard_in_its_order() {
        let id = "0190c0de-0000-7000-8000-000000000001".to_owned();
        let mut messages = vec![Message::Published, Message::Deleted { id: id.clone() }];
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
        let payload =
            "host\nsung a 1\n\nchanged a\nchanged a x pending\nbegan a 1 singing\npublished";
        assert_eq!(read(payload), ("host", vec![Message::Published]));
        assert_eq!(read(""), ("", vec![]));
    }
}
