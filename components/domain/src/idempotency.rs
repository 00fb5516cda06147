//! Idempotency keys.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::capability::NewTask;
use crate::hex::hex;
use crate::task::{Refinement, Task};
use crate::timestamp::Timestamp;
use crate::webhook::Webhook;

/// Lifetime of a key, counted from its first use.
pub const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

/// The data needed to answer a repeated submission like the first one, even if the
/// task was deleted. The refinement itself is in the repeated request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitted {
    /// The fingerprint of the refinement, in hexadecimal.
    pub fingerprint: String,
    /// The task that was created.
    pub task_id: String,
    /// Whether its user has no account.
    pub is_anonymous: bool,
    /// The path, if its original is an image of this service.
    pub original_path: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
}

impl Submitted {
    /// The record of a task that was created under a key.
    pub fn of(task: &Task, webhook: Option<&Webhook>) -> Self {
        Self {
            fingerprint: hex(&fingerprint(&task.refinement, webhook)),
            task_id: task.id.clone(),
            is_anonymous: task.is_anonymous,
            original_path: task.original_path.clone(),
            created_at: task.created_at,
        }
    }

    /// Whether the key still refers to this submission.
    pub fn is_remembered(&self, now: Timestamp) -> bool {
        self.created_at.plus(REMEMBERED) > now
    }

    /// Whether the key refers to it for this request, which may ask for a shorter time.
    pub fn is_remembered_for(&self, request: &NewTask, now: Timestamp) -> bool {
        let within = request.replayed_within.map(u64::from);
        let within = within.map_or(REMEMBERED, Duration::from_secs);
        self.created_at.plus(within.min(REMEMBERED)) > now
    }

    /// The task as it was at its creation, if `repeat` repeats its submission. None: it
    /// is a different refinement.
    pub fn replay(self, repeat: &NewTask) -> Option<Task> {
        // A hash of the request covers more than is compared here, and the addresses of its
        // uploads differ.
        let is_of_request = repeat.replayed_within.is_some();
        let fingerprint = || fingerprint(&repeat.refinement, repeat.webhook.as_ref());
        let is_same = is_of_request || self.fingerprint == hex(&fingerprint());
        let first = NewTask {
            id: self.task_id,
            is_anonymous: self.is_anonymous,
            original_path: self.original_path,
            ..repeat.clone()
        };
        is_same.then(|| first.created(self.created_at))
    }
}

/// A hash of the contents of a request, which identifies repeats without storing text
/// that a user may delete. Without a webhook it covers only the other fields; and those that
/// came after the first release count only where they were sent, since the hashes of
/// requests without them are stored.
pub fn fingerprint(refinement: &Refinement, webhook: Option<&Webhook>) -> [u8; 32] {
    let mut hash = Sha256::new();
    let Refinement {
        original_image_url,
        refinement_prompt,
        logo_description,
        theme_description,
        original_concept_id,
        preserve_aspects,
        strength,
        seed,
        region,
        mask_url,
        mask_feather,
        region_only,
        deadline_seconds,
    } = refinement;
    let fields = [
        original_image_url.as_ref(),
        Some(refinement_prompt),
        logo_description.as_ref(),
        theme_description.as_ref(),
    ];
    let url = webhook.map(|webhook| Some(&webhook.url));
    for field in fields.into_iter().chain(url) {
        // The length separates the fields, and distinguishes an absent field from an
        // empty one.
        let length = field.map_or(u64::MAX, |text| text.len() as u64);
        hash.update(length.to_be_bytes());
        hash.update(field.map_or("", String::as_str));
    }
    let later = [
        ("original_concept_id", json!(original_concept_id)),
        ("preserve_aspects", json!(preserve_aspects)),
        ("strength", json!(strength)),
        ("seed", json!(seed)),
        ("region", json!(region)),
        ("mask_url", json!(mask_url)),
        ("mask_feather", json!(mask_feather)),
        ("region_only", json!(region_only)),
        ("deadline_seconds", json!(deadline_seconds)),
    ];
    for (name, value) in later {
        if !value.is_null() {
            let field = format!("{name}={value}");
            // No length of a field in front is that of all fields behind it.
            hash.update((u64::MAX - 1).to_be_bytes());
            hash.update((field.len() as u64).to_be_bytes());
            hash.update(field);
        }
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refinement(prompt: &str, logo: Option<&str>, theme: Option<&str>) -> Refinement {
        Refinement {
            original_image_url: Some("https://example.com/a.png".into()),
            refinement_prompt: prompt.into(),
            logo_description: logo.map(Into::into),
            theme_description: theme.map(Into::into),
            ..Refinement::default()
        }
    }

    #[test]
    fn each_field_counts_by_itself() {
        let all = [
            refinement("lighter", None, None),
            refinement("darker", None, None),
            refinement("lighter", Some(""), None),
            refinement("lighter", None, Some("")),
            refinement("lighter", Some("ab"), None),
            refinement("lighter", Some("a"), Some("b")),
            refinement("lightera", Some("b"), None),
        ];
        let edit = |edit: serde_json::Value| {
            let mut whole = json!(refinement("lighter", None, None));
            let fields = edit.as_object().unwrap().clone();
            whole.as_object_mut().unwrap().extend(fields);
            serde_json::from_value::<Refinement>(whole).unwrap()
        };
        let edits = [
            json!({"strength": 0.7}),
            json!({"strength": 1}),
            json!({"seed": 1}),
            json!({"seed": 11}),
            json!({"seed": 1, "strength": 0.7}),
            json!({"region": {"x": 1, "y": 0, "width": 1, "height": 1}}),
            json!({"region": {"x": 0, "y": 1, "width": 1, "height": 1}}),
            json!({"mask_url": "https://example.com/a.png"}),
            json!({"mask_url": "https://example.com/a.png", "mask_feather": 1}),
            json!({"mask_url": "https://example.com/a.png", "region_only": true}),
            json!({"original_image_url": null, "original_concept_id": "a"}),
            json!({"original_image_url": null, "original_concept_id": "b"}),
            json!({"original_concept_id": "a"}),
            json!({"deadline_seconds": 10}),
            json!({"deadline_seconds": 11}),
            json!({"preserve_aspects": ["colors", "layout"]}),
            json!({"preserve_aspects": ["layout", "colors"]}),
        ];
        let all: Vec<_> = all.into_iter().chain(edits.map(edit)).collect();
        let webhook = |url: &str, origin: &str| Webhook {
            url: url.into(),
            origin: origin.into(),
        };
        let (here, there) = (webhook("https://a.example", "a"), webhook("", "a"));
        let distinct: std::collections::HashSet<_> = all
            .iter()
            .flat_map(|one| {
                [None, Some(&here), Some(&there)].map(|webhook| fingerprint(one, webhook))
            })
            .collect();
        assert_eq!(distinct.len(), 3 * all.len());
        let elsewhere = webhook("https://a.example", "b");
        assert_eq!(
            fingerprint(&all[0], Some(&here)),
            fingerprint(&all[0].clone(), Some(&elsewhere))
        );
    }

    /// Keys from before webhooks existed must keep their fingerprints.
    #[test]
    fn without_a_webhook_it_is_what_it_was() {
        let fingerprint = hex(&fingerprint(&refinement("lighter", None, Some("")), None));
        let before = "ba75557c99337f3dbe5aebd0600b46ae3c295e9a0dd3221729fbe11552a2d0be";
        assert_eq!(fingerprint, before);
    }
}
