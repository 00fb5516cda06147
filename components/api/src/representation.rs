//! Concepts as JSON. For tasks see the domain's `task_response`.

use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::provenance::Provenance;
use concept_refinement_domain::timestamp::{Timestamp, rfc3339, rfc3339_or_null};
use concept_refinement_domain::webhook::WebhookDelivery;
use serde::Serialize;

/// A refined concept.
#[derive(Serialize)]
pub struct ConceptResponse<'a> {
    id: &'a str,
    task_id: &'a str,
    /// Signed URL of the refined image.
    image_url: String,
    /// As sent in the request.
    original_image_url: &'a str,
    refinement_prompt: &'a str,
    logo_description: Option<&'a str>,
    theme_description: Option<&'a str>,
    color_palettes: &'a [String],
    /// Whether the user was anonymous.
    is_anonymous: bool,
    /// The model's notes on its work.
    notes: &'a [String],
    /// The concept that it was refined from, which may have been deleted since.
    original_concept_id: Option<&'a str>,
    /// Null if version 0.1 stored the concept or its image.
    provenance: Option<ProvenanceResponse<'a>>,
    #[serde(serialize_with = "rfc3339")]
    created_at: Timestamp,
}

/// Where a refined image says that it comes from.
#[derive(Serialize)]
pub struct ProvenanceResponse<'a> {
    #[serde(flatten)]
    provenance: &'a Provenance,
    /// Of the stored image, in hexadecimal.
    sha256: &'a str,
}

impl<'a> ConceptResponse<'a> {
    /// `image_url`: the signed URL of the concept's image.
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
            original_concept_id: content.parent_id.as_deref(),
            provenance: content
                .provenance
                .as_ref()
                .zip(content.image_sha256.as_deref())
                .map(|(provenance, sha256)| ProvenanceResponse { provenance, sha256 }),
            created_at: concept.created_at,
        }
    }
}

/// The state of a task's webhook.
#[derive(Serialize)]
pub struct WebhookResponse<'a> {
    /// As sent in the request.
    url: &'a str,
    /// `pending` until the receiver has accepted it, or no more attempts will be made.
    state: &'static str,
    /// The oldest first.
    attempts: Vec<AttemptResponse<'a>>,
    /// Null before the task has ended, and if there will be no more attempts.
    #[serde(serialize_with = "rfc3339_or_null")]
    next_attempt_at: Option<Timestamp>,
}

/// An attempt to deliver a webhook.
#[derive(Serialize)]
pub struct AttemptResponse<'a> {
    /// When it began.
    #[serde(serialize_with = "rfc3339")]
    at: Timestamp,
    /// The status of the receiver's answer; null if there was none.
    status: Option<u16>,
    /// What went wrong, as a sentence; null if it was delivered.
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
