//! Idempotency keys: what tells a repeated submission from another one.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::task::Refinement;

/// How long a key is remembered (contract, section 1).
pub const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

/// Tells refinements apart by the values of their four fields, without keeping
/// what a user may want to have deleted.
pub fn fingerprint(refinement: &Refinement) -> [u8; 32] {
    let mut hash = Sha256::new();
    for field in [
        Some(&refinement.original_image_url),
        Some(&refinement.refinement_prompt),
        refinement.logo_description.as_ref(),
        refinement.theme_description.as_ref(),
    ] {
        // The length keeps a field from running into the next one, and an
        // absent one apart from one that is empty.
        let length = field.map_or(u64::MAX, |text| text.len() as u64);
        hash.update(length.to_be_bytes());
        hash.update(field.map_or("", String::as_str));
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refinement(prompt: &str, logo: Option<&str>, theme: Option<&str>) -> Refinement {
        Refinement {
            original_image_url: "https://example.com/a.png".into(),
            refinement_prompt: prompt.into(),
            logo_description: logo.map(Into::into),
            theme_description: theme.map(Into::into),
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
        let distinct: std::collections::HashSet<_> = all.iter().map(fingerprint).collect();
        assert_eq!(distinct.len(), all.len());
        assert_eq!(fingerprint(&all[0]), fingerprint(&all[0].clone()));
    }
}
