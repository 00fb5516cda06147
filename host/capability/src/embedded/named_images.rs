//! The images that concepts name, to learn which of them are missing.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use concept_refinement_domain::image_path::without_format;
use uuid::Uuid;

/// As many concepts are told.
const MAX_TOLD: usize = 5;

/// The ids of concepts by their images, of which there may be millions, so that a hash stands
/// for a path.
#[derive(Default)]
pub struct NamedImages(HashMap<u64, Uuid>);

impl NamedImages {
    /// A concept names this image.
    pub fn add(&mut self, image_path: &str, concept_id: &str) {
        if let Ok(concept_id) = Uuid::parse_str(concept_id) {
            self.0.insert(short(image_path), concept_id);
        }
    }

    /// An image is there. The path may lack its format.
    pub fn remove(&mut self, image_path: &str) {
        self.0.remove(&short(image_path));
    }

    /// Those that are left, as a sentence. None: there are none.
    pub fn missing(&self) -> Option<String> {
        let mut concepts: Vec<_> = self.0.values().copied().collect();
        concepts.sort_unstable();
        let told = concepts.iter().take(MAX_TOLD).map(Uuid::to_string);
        let told = told.collect::<Vec<_>>().join(", ");
        match concepts.len() {
            0 => None,
            1 => Some(format!(
                "1 image that a concept names is missing or damaged: that of {told}"
            )),
            count => {
                let more = if count > MAX_TOLD { ", …" } else { "" };
                Some(format!(
                    "{count} images that concepts name are missing or damaged: those of \
                     {told}{more}"
                ))
            }
        }
    }
}

fn short(path: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    without_format(path).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told() {
        const ONE: &str = "1 image that a concept names is missing or damaged: that of ";
        const SEVERAL: &str = "images that concepts name are missing or damaged: those of";
        let id = |number: u32| format!("00000000-0000-4000-8000-{number:012}");
        let [a, b, c, d, e, f, g] = [0, 1, 2, 3, 4, 5, 6].map(id);
        for (there, expected) in [
            (7, None),
            (6, Some(format!("{ONE}{g}"))),
            (5, Some(format!("2 {SEVERAL} {f}, {g}"))),
            (2, Some(format!("5 {SEVERAL} {c}, {d}, {e}, {f}, {g}"))),
            (0, Some(format!("7 {SEVERAL} {a}, {b}, {c}, {d}, {e}, …"))),
        ] {
            let mut named = NamedImages::default();
            for number in 0..7 {
                named.add(&format!("refined/ab/{number}.png"), &id(number));
            }
            for number in 0..there {
                named.remove(&format!("refined/ab/{number}"));
            }
            // One that no concept names.
            named.remove("refined/ab/8");
            assert_eq!(named.missing(), expected, "{there} of 7");
        }
    }
}
