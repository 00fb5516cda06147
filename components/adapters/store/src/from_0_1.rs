//! Records and documents of 0.1, which bear no version, in the form of this version. What
//! is not mentioned here had the same form.
//!
//! A record gets the new form when it is swapped. Documents that never change stay as they
//! are, so this is needed as long as anything of 0.1 is left.

use concept_refinement_domain::concept;
use concept_refinement_domain::document::OtherFields;
use concept_refinement_domain::task::Status;
use serde_json::{Value, json};

use crate::user_record::entries::Entry;

/// The active task was beside its entry, which was the newest one. Tasks ended in the order
/// of their creation.
pub fn user_record(record: &mut OtherFields) {
    if let Some(Value::Array(segments)) = record.get_mut("segments") {
        for segment in segments {
            *segment = json!({ "name": segment.take() });
        }
    }
    let active = record.remove("active");
    let Some(mut entries) = record.remove("entries") else {
        return;
    };
    let newest = entries
        .as_array_mut()
        .and_then(|entries| entries.last_mut());
    if let (Some(Value::Object(active)), Some(Value::Object(newest))) = (active, newest) {
        newest.insert("active".to_owned(), active_task(active));
    }
    record.insert("tasks".to_owned(), entries);
}

fn active_task(mut old: OtherFields) -> Value {
    let state = taken(&mut old, &["attempt", "deaths", "payment"]);
    let columns = ["status", "updated_at", "lease_until", "lease", "stage"];
    let mut active = taken(&mut old, &columns);
    active.insert("state".to_owned(), versioned(state));
    Value::Object(active)
}

/// The request was beside what is a column now.
pub fn task(document: &mut OtherFields) {
    if let Some(Value::Object(refinement)) = document.remove("refinement") {
        document.insert("request".to_owned(), versioned(refinement));
    }
}

/// It was either a concept or an error message.
pub fn end(document: &mut OtherFields) {
    let state = if let Some(Value::Object(concept)) = document.get("concept") {
        let task_id = concept.get("task_id").and_then(Value::as_str);
        json!({
            "attempt": 0,
            "result_id": task_id.map(concept::id_for),
            "notes": concept.get("notes").cloned().unwrap_or_else(|| json!([])),
        })
    } else if let Some(error_message) = document.remove("error_message") {
        json!({ "attempt": 0, "error_message": error_message })
    } else {
        return;
    };
    for (name, value) in [
        ("state", Some(state)),
        ("concept", document.remove("concept")),
    ] {
        if let Some(Value::Object(inner)) = value {
            document.insert(name.to_owned(), versioned(inner));
        }
    }
}

/// The state of a task whose end has no document: it was deleted with the concept.
pub fn state_without_document(entry: &Entry) -> Value {
    let is_completed = entry.status() == Some(Status::Completed);
    let result_id = is_completed.then(|| concept::id_for(&entry.task_id));
    json!({ "v": VERSION, "attempt": 0, "result_id": result_id })
}

/// The version of the form that is made here.
const VERSION: u32 = 1;

fn versioned(mut document: OtherFields) -> Value {
    document.insert("v".to_owned(), VERSION.into());
    Value::Object(document)
}

fn taken(from: &mut OtherFields, fields: &[&str]) -> OtherFields {
    let taken = fields.iter().filter_map(|field| from.remove_entry(*field));
    taken.collect()
}
