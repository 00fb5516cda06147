//! Examples, made by what makes the answers themselves.

use concept_refinement_domain::concept::{Concept, NewConcept};
use concept_refinement_domain::sentence;
use concept_refinement_domain::task::{Refinement, Stage, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use serde_json::{Value, json};

use crate::event;
use crate::representation::{ConceptResponse, TaskResponse};

pub const TASK_ID: &str = "7d0f5a52-3c1e-4f6b-9a57-2f6f3f1f9d10";
pub const CONCEPT_ID: &str = "c2a4e8f0-5b7d-4c3a-8e91-6d2f0b9a7c55";
pub const USER_ID: &str = "0b6d1f3e-8a24-4d57-b1c9-7e5a3f2d4c68";
pub const IMAGE_PATH: &str =
    "uploads/5f2b7c1d9e3a48f60b1c2d3e4f5a6b7c/3e9c1a7b-2d4f-4b6a-9c8e-1f0a2b3c4d5e.png";
pub const IMAGE_URL: &str = "https://refine.example.com/api/images/refined/\
    5f2b7c1d9e3a48f60b1c2d3e4f5a6b7c/c2a4e8f0-5b7d-4c3a-8e91-6d2f0b9a7c55.png\
    ?expires=1795179600&signature=mVhT0PzF4xq2cJ8kW1nB7sYd3uLgE6oR9aXiQvC5tZI";
pub const UPLOAD_URL: &str = "https://refine.example.com/api/images/uploads/\
    5f2b7c1d9e3a48f60b1c2d3e4f5a6b7c/3e9c1a7b-2d4f-4b6a-9c8e-1f0a2b3c4d5e.png\
    ?expires=1795179600&signature=k2RrJ5wVb8nQ0zYx7TfL3mCq6HsD9gPaUeXiWo1Bv4E";
pub const CURSOR: &str = "eyJhZnRlciI6IjIwMjYtMTEtMjAifQ";
pub const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIwYjZkMWYzZSJ9.c2lnbmF0dXJl";

/// 2026-11-20T12:00:00.123456Z
const CREATED: u64 = 1_795_176_000_123_456;

pub fn request() -> Value {
    json!(refinement(
        "https://storage.example.com/concepts/1234-5678-9012-3456.png"
    ))
}

/// Only what is required, of an upload.
pub fn request_for_upload() -> Value {
    json!({
        "original_image_url": UPLOAD_URL,
        "refinement_prompt": "A bit warmer, with rounded corners",
    })
}

pub fn created() -> Value {
    json!(TaskResponse::new(
        &task(Status::Pending),
        sentence::TASK_CREATED,
        None
    ))
}

pub fn active() -> Value {
    json!(TaskResponse::new(
        &task(Status::Processing),
        sentence::TASK_ACTIVE,
        None
    ))
}

pub fn task_is(status: Status) -> Value {
    let image_url = (status == Status::Completed).then(|| IMAGE_URL.to_owned());
    json!(TaskResponse::new(
        &task(status),
        sentence::task_is(status),
        image_url
    ))
}

pub fn concept() -> Value {
    let Refinement {
        original_image_url,
        refinement_prompt,
        logo_description,
        theme_description,
    } = task(Status::Completed).refinement;
    let concept = Concept {
        id: CONCEPT_ID.into(),
        created_at: Timestamp(CREATED + 4_200_000),
        content: NewConcept {
            task_id: TASK_ID.into(),
            user_id: USER_ID.into(),
            is_anonymous: true,
            image_path: IMAGE_PATH.into(),
            image_url: IMAGE_URL.into(),
            original_image_url,
            refinement_prompt,
            logo_description,
            theme_description,
            color_palettes: Vec::new(),
        },
    };
    json!(ConceptResponse::new(&concept, IMAGE_URL.into()))
}

/// A whole stream.
pub fn events() -> String {
    let shown = |status| {
        let id = event::id(&task(status));
        event::task(&id, &task_is(status)).unwrap()
    };
    let progress = |stage| event::progress(stage).unwrap();
    [
        event::OPENING.to_owned(),
        shown(Status::Pending),
        shown(Status::Processing),
        progress(Stage::Downloading),
        progress(Stage::Refining),
        progress(Stage::StoringImage),
        progress(Stage::StoringConcept),
        shown(Status::Completed),
    ]
    .concat()
}

pub fn events_of_deleted() -> String {
    event::OPENING.to_owned() + &event::deleted(TASK_ID).unwrap()
}

fn task(status: Status) -> Task {
    let later = |seconds: u64| Some(Timestamp(CREATED + seconds * 1_000_000));
    let is_final = matches!(status, Status::Completed | Status::Failed);
    Task {
        id: TASK_ID.into(),
        user_id: USER_ID.into(),
        is_anonymous: true,
        status,
        refinement: refinement("https://storage.example.com/concepts/1234-5678-9012-3456.png"),
        original_path: None,
        created_at: Timestamp(CREATED),
        updated_at: match status {
            Status::Pending => None,
            Status::Processing => later(1),
            Status::Completed | Status::Failed => later(5),
        },
        completed_at: is_final.then(|| later(5)).flatten(),
        result_id: (status == Status::Completed).then(|| CONCEPT_ID.into()),
        image_path: (status == Status::Completed).then(|| IMAGE_PATH.into()),
        error_message: (status == Status::Failed)
            .then(|| sentence::failed(Stage::Downloading, "the address answered 404")),
        lease_until: None,
    }
}

fn refinement(url: &str) -> Refinement {
    Refinement {
        original_image_url: url.into(),
        refinement_prompt: "Make the logo more minimalist and use lighter shades of brown".into(),
        logo_description: Some("A modern coffee shop logo with coffee beans".into()),
        theme_description: Some("Warm brown tones, natural feeling".into()),
    }
}
