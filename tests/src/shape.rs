//! The forms that answers have.

use serde_json::Value;

/// A TaskResponse has exactly its eleven keys, and what its status needs.
pub fn assert_is_task(task: &Value) {
    const KEYS: [&str; 11] = [
        "completed_at",
        "created_at",
        "error_message",
        "image_url",
        "message",
        "metadata",
        "result_id",
        "status",
        "task_id",
        "type",
        "updated_at",
    ];
    const METADATA: [&str; 4] = [
        "logo_description",
        "original_image_url",
        "refinement_prompt",
        "theme_description",
    ];
    assert_eq!(keys(task), KEYS, "{task}");
    let mut metadata = keys(&task["metadata"]);
    // Only where there is something to say.
    metadata.retain(|key| !["cost", "notes"].contains(key));
    assert_eq!(metadata, METADATA, "{task}");
    let notes = task["metadata"].get("notes");
    let is_told = |notes: &Value| notes.as_array().is_some_and(|notes| !notes.is_empty());
    assert!(notes.is_none_or(is_told), "{task}");
    let has_cost = task["metadata"].get("cost").is_some();
    assert!(!has_cost || !task["completed_at"].is_null(), "{task}");
    assert_eq!(task["type"], "concept_refinement");
    assert_is_uuid(&task["task_id"]);
    assert_is_time(&task["created_at"]);
    let status = task["status"].as_str().unwrap();
    let (is_changed, is_final) = match status {
        "pending" => (!task["updated_at"].is_null(), false),
        "processing" => (true, false),
        "completed" | "failed" => (true, true),
        other => panic!("no status: {other}"),
    };
    for (field, is_there) in [
        ("updated_at", is_changed),
        ("completed_at", is_final),
        ("result_id", status == "completed"),
        ("error_message", status == "failed"),
    ] {
        assert_eq!(!task[field].is_null(), is_there, "{field}: {task}");
    }
    for time in ["updated_at", "completed_at"] {
        if !task[time].is_null() {
            assert_is_time(&task[time]);
            assert!(task[time].as_str() >= task["created_at"].as_str(), "{task}");
        }
    }
}

pub fn assert_is_concept(concept: &Value) {
    const KEYS: [&str; 13] = [
        "color_palettes",
        "created_at",
        "id",
        "image_url",
        "is_anonymous",
        "logo_description",
        "notes",
        "original_concept_id",
        "original_image_url",
        "provenance",
        "refinement_prompt",
        "task_id",
        "theme_description",
    ];
    assert_eq!(keys(concept), KEYS, "{concept}");
    assert_is_uuid(&concept["id"]);
    assert_is_uuid(&concept["task_id"]);
    assert_is_time(&concept["created_at"]);
    assert_eq!(concept["color_palettes"], Value::Array(Vec::new()));
    let provenance = ["mark", "original_had_credentials", "sha256", "source"];
    assert_eq!(keys(&concept["provenance"]), provenance, "{concept}");
}

/// An answer but for the signatures of images, which change every quarter of an
/// hour: for answers of different moments.
pub fn unsigned(answer: &Value) -> Value {
    let mut answer = answer.clone();
    remove_signatures(&mut answer);
    answer
}

fn remove_signatures(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(remove_signatures),
        Value::Object(fields) => {
            for (name, field) in fields {
                match field.as_str() {
                    Some(url) if name == "image_url" => {
                        *field = url.split('?').next().unwrap().into();
                    }
                    _ => remove_signatures(field),
                }
            }
        }
        _ => {}
    }
}

pub fn keys(object: &Value) -> Vec<&str> {
    let object = object.as_object().unwrap();
    let mut keys: Vec<&str> = object.keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// In lower case, with hyphens.
fn assert_is_uuid(id: &Value) {
    let id = id.as_str().unwrap();
    let groups: Vec<usize> = id.split('-').map(str::len).collect();
    assert_eq!(groups, [8, 4, 4, 4, 12], "{id}");
    let is_hexadecimal = |c: char| matches!(c, '0'..='9' | 'a'..='f' | '-');
    assert!(id.chars().all(is_hexadecimal), "{id}");
}

/// RFC 3339 in UTC with microseconds.
fn assert_is_time(time: &Value) {
    let time = time.as_str().unwrap();
    let form: String = time
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    assert_eq!(form, "0000-00-00T00:00:00.000000Z", "{time}");
}
