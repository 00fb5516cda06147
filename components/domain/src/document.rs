//! The stored form of tasks and concepts: documents in JSON.
//!
//! A store keeps a document beside the few columns that its queries need. A task has two:
//! the *request*, which is written once, and the *state*, which is written with each change.
//! A value that changes is either in a column or in a document, never in both.
//!
//! A field may be added at any time: versions that do not know it keep it when they write a
//! document back. [`VERSION`] changes only if earlier versions would misunderstand a document,
//! so they refuse it; later ones still have to read it.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::rulebook::TaskRecord;
use crate::task::{Parent, Refinement, Status, Task};
use crate::timestamp::Timestamp;
use crate::trace::{self, TraceContext};

/// The version of the documents that are written. Version 0.1 had none.
pub const VERSION: u32 = 1;

/// The fields of a document that this version does not know.
pub type OtherFields = Map<String, Value>;

/// Why a document cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// Trying again with a later version of this program helps.
    #[error("a later version has written it")]
    Later,
    /// It is damaged.
    #[error("{0}")]
    Malformed(String),
}

/// The values of a task that stores keep in columns, and not in a document. Those of the
/// request never change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// The task's id.
    pub id: String,
    /// The user who owns it.
    pub user_id: String,
    /// Whether the user has no account.
    pub is_anonymous: bool,
    /// The path, if the original is an image of this service.
    pub original_path: Option<String>,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// Its status.
    pub status: Status,
    /// When its status changed last.
    pub updated_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// The refined image's path, until the concept is deleted.
    pub image_path: Option<String>,
    /// When the lease expires, while processing.
    pub lease_until: Option<Timestamp>,
    /// How long the lease lasts after each renewal.
    pub lease: Option<Duration>,
    /// How often its status changed.
    pub revision: u64,
}

/// What was asked.
#[derive(Serialize, Deserialize)]
pub struct Request {
    #[serde(flatten)]
    refinement: Refinement,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mask_path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<Parent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_of: Option<String>,
    #[serde(
        default,
        deserialize_with = "trace::stored",
        skip_serializing_if = "Option::is_none"
    )]
    trace: Option<TraceContext>,
}

/// It is read as it is written, with the version in front. Flattened, a document would be
/// copied before it is read, which takes half as long again.
#[derive(Serialize)]
struct Versioned<T> {
    v: u32,
    #[serde(flatten)]
    document: T,
}

/// A value as a document.
pub fn write(document: &impl Serialize) -> String {
    let versioned = Versioned {
        v: VERSION,
        document,
    };
    // Documents have no maps whose keys are not strings, and nothing else can fail.
    serde_json::to_string(&versioned).unwrap_or_default()
}

/// Reads a document.
///
/// # Errors
///
/// It is damaged, or a later version has written it.
pub fn read<T: DeserializeOwned>(document: &str) -> Result<T, Unreadable> {
    let malformed = |error: serde_json::Error| Unreadable::Malformed(error.to_string());
    match serde_json::from_str(document) {
        Ok(Versioned { document, .. }) => Ok(document),
        Err(_) => read_value(serde_json::from_str(document).map_err(malformed)?),
    }
}

/// The same for a document within another one. It is slower, and takes less code.
///
/// # Errors
///
/// It is damaged, or a later version has written it.
pub fn read_value<T: DeserializeOwned>(document: Value) -> Result<T, Unreadable> {
    let Value::Object(mut fields) = document else {
        return Err(Unreadable::Malformed("it is no object".to_owned()));
    };
    match fields.remove("v").as_ref().and_then(Value::as_u64) {
        Some(version) if version > VERSION.into() => return Err(Unreadable::Later),
        Some(_) => {}
        None => return Err(Unreadable::Malformed("it has no version".to_owned())),
    }
    serde_json::from_value(Value::Object(fields))
        .map_err(|error| Unreadable::Malformed(error.to_string()))
}

/// Of this version or an earlier one.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Versioned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(VersionedVisitor(PhantomData))
    }
}

struct VersionedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for VersionedVisitor<T> {
    type Value = Versioned<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a document with its version in front")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        match fields.next_entry::<&str, u32>()? {
            Some(("v", v)) if v <= VERSION => Ok(Versioned {
                v,
                document: T::deserialize(MapAccessDeserializer::new(fields))?,
            }),
            _ => Err(A::Error::missing_field("v")),
        }
    }
}

/// Whether a number is left out of a document.
pub(crate) fn is_zero<T: Default + PartialEq>(number: &T) -> bool {
    *number == T::default()
}

impl TaskRecord {
    /// What was asked, as a document.
    pub fn request(&self) -> String {
        write(&Request {
            refinement: self.task.refinement.clone(),
            mask_path: self.task.mask_path.clone(),
            parent: self.task.parent.clone(),
            retry_of: self.retry_of.clone(),
            trace: self.trace,
        })
    }

    /// What became of it, as a document.
    pub fn state(&self) -> String {
        write(self)
    }
}

/// What can be read of a stored task.
pub trait FromStored: DeserializeOwned {
    /// What was read from a state document, with the rest of the task.
    #[must_use]
    fn with(self, columns: Columns, request: Request) -> Self;

    /// With these columns and documents.
    ///
    /// # Errors
    ///
    /// A document is damaged, or a later version has written it.
    fn stored(columns: Columns, request: &str, state: &str) -> Result<Self, Unreadable> {
        Ok(read::<Self>(state)?.with(columns, read(request)?))
    }
}

impl FromStored for TaskRecord {
    fn with(self, columns: Columns, request: Request) -> Self {
        Self {
            lease: columns.lease,
            revision: columns.revision,
            retry_of: request.retry_of.clone(),
            trace: request.trace,
            task: self.task.with(columns, request),
            ..self
        }
    }
}

/// What only claims need is passed over, which takes less than half the time.
impl FromStored for Task {
    fn with(self, columns: Columns, request: Request) -> Self {
        Self {
            id: columns.id,
            user_id: columns.user_id,
            is_anonymous: columns.is_anonymous,
            original_path: columns.original_path,
            created_at: columns.created_at,
            status: columns.status,
            updated_at: columns.updated_at,
            completed_at: columns.completed_at,
            image_path: columns.image_path,
            lease_until: columns.lease_until,
            refinement: request.refinement,
            mask_path: request.mask_path,
            parent: request.parent,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::{Lease, RefinedImage, Stored, TaskFailure};
    use crate::rulebook;
    use crate::task::Task;
    use crate::webhook::Webhook;

    const AT: Timestamp = Timestamp(1_795_176_000_000_000);

    fn columns(record: &TaskRecord) -> Columns {
        let task = record.task.clone();
        Columns {
            id: task.id,
            user_id: task.user_id,
            is_anonymous: task.is_anonymous,
            original_path: task.original_path,
            created_at: task.created_at,
            status: task.status,
            updated_at: task.updated_at,
            completed_at: task.completed_at,
            image_path: task.image_path,
            lease_until: task.lease_until,
            lease: record.lease,
            revision: record.revision,
        }
    }

    fn submitted() -> TaskRecord {
        let webhook = Webhook {
            url: "https://example.com/hook".into(),
            origin: "https://refine.example".into(),
        };
        TaskRecord {
            retry_of: Some("an-id".into()),
            trace: TraceContext::parse(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            ..TaskRecord::new(Task::example(), Some(webhook))
        }
    }

    fn claimed() -> (TaskRecord, Lease) {
        let mut record = submitted();
        let claim = rulebook::claim(&mut record, None, Duration::from_secs(30), AT);
        let rulebook::Claim::Claimed(claimed) = claim.answer else {
            panic!("{claim:?}");
        };
        (record, claimed.lease)
    }

    fn completed() -> TaskRecord {
        let (mut record, lease) = claimed();
        let image = RefinedImage {
            stored: Stored {
                path: "a.png".into(),
                url: "https://refine.example/a.png".into(),
                sha256: None,
            },
            notes: vec!["It was hard.".into()],
            provenance: None,
        };
        let _ = rulebook::finish(&mut record, &lease, image, AT);
        record
    }

    #[test]
    fn a_task_reads_back_in_each_state() {
        let (processing, lease) = claimed();
        let mut failed = processing.clone();
        let _ = rulebook::fail(
            &mut failed,
            &lease,
            &TaskFailure::new("It \"failed\"\0."),
            AT,
        );
        let mut paid = processing.clone();
        let payment = paid
            .payment
            .call_begun("openai", None)
            .with_receipt("a", b"r")
            .unwrap();
        let _ = rulebook::pay(&mut paid, &lease, &payment);
        for record in [submitted(), processing, paid, failed, completed()] {
            let read = TaskRecord::stored(columns(&record), &record.request(), &record.state());
            let value = |text: String| serde_json::from_str::<Value>(&text).unwrap();
            let state: TaskRecord = read_value(value(record.state())).unwrap();
            let request = read_value(value(record.request())).unwrap();
            assert_eq!(state.with(columns(&record), request), record);
            let task = Task::stored(columns(&record), &record.request(), &record.state());
            assert_eq!(task.as_ref(), Ok(&record.task));
            assert_eq!(read, Ok(record));
        }
    }

    /// The stored form: a change of this test is a change of what earlier versions have to
    /// read.
    #[test]
    fn a_task_is_stored_like_this() {
        let record = completed();
        assert_eq!(
            record.request(),
            r#"{"v":1,"original_image_url":"https://example.com/a.png","refinement_prompt":"Make it lighter","logo_description":null,"theme_description":null,"retry_of":"an-id","trace":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}"#
        );
        let id = record.task.result_id.clone().unwrap();
        assert_eq!(
            record.state(),
            format!(
                r#"{{"v":1,"result_id":"{id}","notes":["It was hard."],"attempt":1,"delivery":{{"url":"https://example.com/hook","origin":"https://refine.example","state":"pending","attempts":[],"next_attempt_at":null,"waits":0,"token":0,"lease_until":null}},"steps":[[1000000000,"submitted",0,null,null],[1795176000000000,"claimed",1,null,null],[1795176000000000,"completed",1,null,null]]}}"#
            )
        );
    }

    #[test]
    fn what_a_later_version_added_is_kept() {
        let record = submitted();
        let mut state: Value = serde_json::from_str(&record.state()).unwrap();
        state["colour"] = "blue".into();
        state["delivery"]["colour"] = "red".into();
        state["payment"] = serde_json::json!({ "calls": 1, "colour": "green" });
        let state = state.to_string();
        let mut read = TaskRecord::stored(columns(&record), &record.request(), &state).unwrap();
        let _ = rulebook::claim(&mut read, None, Duration::from_secs(30), AT);
        let written: Value = serde_json::from_str(&read.state()).unwrap();
        assert_eq!(written["colour"], "blue");
        assert_eq!(written["delivery"]["colour"], "red");
        assert_eq!(written["payment"]["colour"], "green");
        assert_eq!(written["attempt"], 1);
    }

    #[test]
    fn a_document_that_cannot_be_used_says_why() {
        let later = Err(Unreadable::Later);
        for (name, state, expected) in [
            ("the least", r#"{"v":1,"attempt":0}"#, Ok(())),
            ("its version behind", r#"{"attempt":0,"v":1}"#, Ok(())),
            (
                "a later version behind",
                r#"{"attempt":0,"v":2}"#,
                later.clone(),
            ),
            ("a later version", r#"{"v":2,"attempt":0}"#, later.clone()),
            ("another form", r#"{"v":2}"#, later),
        ] {
            let found = read::<TaskRecord>(state).map(drop);
            assert_eq!(found, expected, "{name}");
            let found = read_value::<TaskRecord>(serde_json::from_str(state).unwrap());
            assert_eq!(found.map(drop), expected, "{name}");
        }
        for state in ["", "{}", r#"{"v":1}"#, "[]", r#"{"v":1,"attempt":"many"}"#] {
            let found = read::<TaskRecord>(state);
            assert!(matches!(found, Err(Unreadable::Malformed(_))), "{state}");
            let value = serde_json::from_str(state).unwrap_or_default();
            let found = read_value::<TaskRecord>(value);
            assert!(matches!(found, Err(Unreadable::Malformed(_))), "{state}");
        }
    }
}
