//! Images in memory: there whole or not at all.

use std::cell::RefCell;
use std::collections::BTreeMap;

use concept_refinement_domain::capability::NewImage;
use sha2::{Digest as _, Sha256};

use crate::flaws::Flaw;

#[derive(Clone)]
pub struct Image {
    pub owner: String,
    pub media_type: String,
    pub bytes: Vec<u8>,
}

pub struct Images {
    stored: RefCell<BTreeMap<String, Image>>,
    flaw: Option<Flaw>,
}

impl Images {
    pub fn new(flaw: Option<Flaw>) -> Self {
        Self {
            stored: RefCell::default(),
            flaw,
        }
    }

    /// Answers the path.
    pub fn put(&self, image: &NewImage, mut bytes: Vec<u8>) -> String {
        let path = format!("refined/{}/{}.gif", image.owner, image.name);
        if self.flaw == Some(Flaw::HalfAnImage) {
            bytes.truncate(bytes.len() / 2);
        }
        let image = Image {
            owner: image.owner.clone(),
            media_type: image.media_type.clone(),
            bytes,
        };
        self.stored.borrow_mut().insert(path.clone(), image);
        path
    }

    pub fn get(&self, path: &str) -> Option<Image> {
        self.stored.borrow().get(path).cloned()
    }

    pub fn delete(&self, path: &str) {
        self.stored.borrow_mut().remove(path);
    }

    pub fn paths(&self) -> Vec<String> {
        self.stored.borrow().keys().cloned().collect()
    }
}

/// A whole image of one pixel whose colours follow from the text.
pub fn picture(of: &str) -> Vec<u8> {
    let hash = Sha256::digest(of);
    let mut bytes = b"GIF89a\x01\x00\x01\x00\x80\x00\x00".to_vec();
    bytes.extend_from_slice(&hash[..6]);
    bytes.extend_from_slice(
        b"!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x01D\x00;",
    );
    bytes
}
