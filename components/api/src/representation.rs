//! Concepts as JSON. Tasks are in the domain's `task_response`.

use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::timestamp::{Timestamp, rfc3339, rfc3339_or_null};
use concept_refinement_domain::webhook::WebhookDelivery;
use serde::Serialize;

/// A refined concept.
#[derive(Serialize)]
pub struct ConceptResponse<'a> {
    id: &'a str,
    task_id: &'a str,
    /// The refined image, by a signed URL.
    image_url: String,
    /// As sent in the request.
    original_image_url: &'a str,
    refinement_prompt: &'a str,
    logo_description: Option<&'a str>,
    theme_description: Option<&'a str>,
    color_palettes: &'a [String],
    /// Whether the user was anonymous.
    is_anonymous: bool,
    /// What the model said of its work.
    notes: &'a [String],
    #[serde(serialize_with = "rfc3339")]
    created_at: Timestamp,
}

impl<'a> ConceptResponse<'a> {
    /// `image_url` is that of the concept's image, signed.
    pub fn new(concept: &'a Concept, image_url: String) -> Self {
        let content = &concept.content;
        Self {
            id: &concept.id,
            task_id: &content.task_id,
            image_url,
            original_image_url: &content.original_image_url,
            refinement_prompt: &content.refinement_prompt,
            logo_description: content.logo_description.as_deref(),
            theme_description: content.theme_description.as_deref(),
            color_palettes: &content.color_palettes,
            is_anonymous: content.is_anonymous,
            notes: &content.notes,
            created_at: concept.created_at,
        }
    }
}

/// What came of a task's webhook.
#[derive(Serialize)]
pub struct WebhookResponse<'a> {
    /// As sent in the request.
    url: &'a str,
    /// `pending` until the receiver was told, or it was given up.
    state: &'static str,
    /// The oldest first.
    attempts: Vec<AttemptResponse<'a>>,
    /// Null before the task has ended, and where there will be no further attempt.
    #[serde(serialize_with = "rfc3339_or_null")]
    next_attempt_at: Option<Timestamp>,
}

/// An attempt to deliver a webhook.
#[derive(Serialize)]
pub struct AttemptResponse<'a> {
    /// When it began.
    #[serde(serialize_with = "rfc3339")]
    at: Timestamp,
    /// What the receiver answered; null if it did not.
    status: Option<u16>,
    /// What went wrong, in a sentence; null if it was delivered.
    error: Option<&'a str>,
}

impl<'a> WebhookResponse<'a> {
    pub fn new(delivery: &'a WebhookDelivery) -> Self {
        Self {
            url: &delivery.url,
            state: delivery.state.as_str(),
            attempts: delivery
                .attempts
                .iter()
                .map(|attempt| AttemptResponse {
                    at: attempt.at,
                    status: attempt.status,
                    error: attempt.error.as_deref(),
                })
                .collect(),
            next_attempt_at: delivery.next_attempt_at,
        }
    }
}
