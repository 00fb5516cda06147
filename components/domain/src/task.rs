//! A refinement task: what it holds, and which state may follow which.

use serde::{Deserialize, Serialize};

use crate::timestamp::Timestamp;

/// The four fields of a refinement request, as sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refinement {
    pub original_image_url: String,
    pub refinement_prompt: String,
    pub logo_description: Option<String>,
    pub theme_description: Option<String>,
}

/// A task is in exactly one of these; the last two are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Pending,
    Processing,
    Completed,
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// A UUID in lower case.
    pub id: String,
    pub user_id: String,
    pub is_anonymous: bool,
    pub status: Status,
    pub refinement: Refinement,
    /// Where the original is an image of this service's own: its path.
    pub original_path: Option<String>,
    pub created_at: Timestamp,
    /// None until the task first changes.
    pub updated_at: Option<Timestamp>,
    /// Set in both final states.
    pub completed_at: Option<Timestamp>,
    /// The refined concept's id, once completed.
    pub result_id: Option<String>,
    /// The refined image's path, once completed, as long as its concept lives.
    pub image_path: Option<String>,
    pub error_message: Option<String>,
    /// Until when its worker holds it, while processing.
    pub lease_until: Option<Timestamp>,
}

/// What can happen to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A worker takes it.
    Claim,
    /// Its worker gives it back.
    Release,
    Complete,
    Fail,
    /// It could not be published after it was created.
    Withdraw,
}

/// The stages of the pipeline that a user can watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    Downloading,
    Refining,
    StoringImage,
    StoringConcept,
}

/// What someone who watches a task is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Task(Box<Task>),
    Progress(Stage),
    Deleted,
}

/// The state that follows, or none where the event cannot happen: it came too
/// late, or twice. Claiming a task that is processing is possible only for one
/// whose lease has run out; see [`crate::lease`].
pub fn next_status(status: Status, event: Event) -> Option<Status> {
    match (status, event) {
        (Status::Pending | Status::Processing, Event::Claim) => Some(Status::Processing),
        (Status::Processing, Event::Release) => Some(Status::Pending),
        (Status::Processing, Event::Complete) => Some(Status::Completed),
        (Status::Processing, Event::Fail) => Some(Status::Failed),
        (Status::Pending, Event::Withdraw) => Some(Status::Failed),
        (Status::Pending, Event::Release | Event::Complete | Event::Fail)
        | (Status::Processing, Event::Withdraw)
        | (Status::Completed | Status::Failed, _) => None,
    }
}

impl Stage {
    pub const ALL: [Self; 4] = [
        Self::Downloading,
        Self::Refining,
        Self::StoringImage,
        Self::StoringConcept,
    ];
}

impl Status {
    pub const ALL: [Self; 4] = [
        Self::Pending,
        Self::Processing,
        Self::Completed,
        Self::Failed,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// Nothing changes any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

impl std::str::FromStr for Status {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [Event; 5] = [
        Event::Claim,
        Event::Release,
        Event::Complete,
        Event::Fail,
        Event::Withdraw,
    ];

    #[test]
    fn only_these_steps_are_possible() {
        use Status::{Completed, Failed, Pending, Processing};
        let possible = [
            (Pending, Event::Claim, Processing),
            (Pending, Event::Withdraw, Failed),
            (Processing, Event::Claim, Processing),
            (Processing, Event::Release, Pending),
            (Processing, Event::Complete, Completed),
            (Processing, Event::Fail, Failed),
        ];
        for status in Status::ALL {
            for event in EVENTS {
                let expected = possible
                    .iter()
                    .find(|(before, cause, _)| (*before, *cause) == (status, event))
                    .map(|(_, _, after)| *after);
                assert_eq!(next_status(status, event), expected, "{status:?} {event:?}");
            }
        }
    }

    #[test]
    fn a_final_state_stays() {
        for status in Status::ALL.into_iter().filter(|status| status.is_final()) {
            for event in EVENTS {
                assert_eq!(next_status(status, event), None);
            }
        }
    }

    #[test]
    fn a_status_reads_back() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
            assert_eq!(
                serde_json::to_value(status).unwrap(),
                serde_json::Value::from(status.as_str())
            );
        }
        for text in ["", "Pending", "pending ", "done"] {
            assert_eq!(text.parse::<Status>(), Err(()), "{text}");
        }
    }
}
