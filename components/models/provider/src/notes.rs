//! What a user is told of a request that a model could not honour as a whole.

use concept_refinement_domain::note::NotTaken;
use concept_refinement_domain::strength::Strength;

use crate::model::Taken;

/// Only what was asked for is worth a note.
pub fn notes(takes: &[Taken], strength: f32, seed: Option<u32>, is_masked: bool) -> Vec<String> {
    let is_usual = strength == Strength::DEFAULT.value() as f32;
    let not_taken = NotTaken {
        strength: !takes.contains(&Taken::Strength) && !is_usual,
        seed: !takes.contains(&Taken::Seed) && seed.is_some(),
        mask: !takes.contains(&Taken::Mask) && is_masked,
    };
    not_taken.notes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_and_not_taken_is_told() {
        let all: &[Taken] = &[Taken::Strength, Taken::Seed, Taken::Mask];
        let none: &[Taken] = &[];
        for (name, takes, strength, seed, is_masked, expected) in [
            ("nothing asked", none, 0.7, None, false, 0),
            ("all taken", all, 0.5, Some(1), true, 0),
            ("a strength", none, 0.5, None, false, 1),
            ("a seed", none, 0.7, Some(0), false, 1),
            ("a mask", none, 0.7, None, true, 1),
            ("everything", none, 0.0, Some(1), true, 3),
        ] {
            let notes = notes(takes, strength, seed, is_masked);
            assert_eq!(notes.len(), expected, "{name}");
            assert!(
                notes.iter().all(|note| note.chars().count() <= 200),
                "{name}"
            );
        }
    }
}
