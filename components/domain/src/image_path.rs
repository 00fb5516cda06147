//! The path of an image: `uploads/<owner's tag>/<name>.<format>`.

use std::fmt;

use crate::capability::{ImageKind, NewImage};
use crate::image::Format;
use sha2::{Digest, Sha256};

use crate::hex::hex;

/// Hexadecimal digits: 128 bits, so that no two owners share a tag.
const TAG_LENGTH: usize = 32;
const MAX_NAME_LENGTH: usize = 80;

/// A validated path. No other string is ever used as the name of a file or an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ImagePath {
    /// Determines the folder.
    pub kind: ImageKind,
    /// A hash of the owner's id, which may be any text.
    pub tag: String,
    /// 1 to 80 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// According to the extension.
    pub format: Format,
}

impl ImagePath {
    /// None: invalid name or media type.
    pub fn of(image: &NewImage) -> Option<Self> {
        Some(Self {
            kind: image.kind,
            tag: tag_of(&image.owner),
            name: Some(&image.name).filter(|name| is_name(name))?.clone(),
            format: Format::from_media_type(&image.media_type)?,
        })
    }

    /// None: not a valid path.
    pub fn parse(path: &str) -> Option<Self> {
        let (kind, rest) = path.split_once('/')?;
        let (tag, file) = rest.split_once('/')?;
        let (name, extension) = file.split_once('.')?;
        let is_tag = tag.len() == TAG_LENGTH
            && tag
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let kind = [ImageKind::Upload, ImageKind::Refined]
            .into_iter()
            .find(|candidate| folder(*candidate) == kind)?;
        let format = Format::ALL
            .into_iter()
            .find(|candidate| candidate.extension() == extension)?;
        (is_tag && is_name(name)).then(|| Self {
            kind,
            tag: tag.to_owned(),
            name: name.to_owned(),
            format,
        })
    }
}

impl fmt::Display for ImagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (folder, extension) = (folder(self.kind), self.format.extension());
        write!(f, "{folder}/{}/{}.{extension}", self.tag, self.name)
    }
}

/// The path of an image without its format: an image of the same name in another format
/// replaces it.
pub fn without_format(path: &str) -> &str {
    let name = path.rfind('/').map_or(0, |slash| slash + 1);
    let dot = path.get(name..).and_then(|file| file.find('.'));
    dot.and_then(|dot| path.get(..name + dot)).unwrap_or(path)
}

/// Whether a path, with or without its format, is that of an image.
pub fn is_path_of(path: &str, image: &str) -> bool {
    path == image || path == without_format(image)
}

/// The folder of all images of this kind.
pub fn folder(kind: ImageKind) -> &'static str {
    match kind {
        ImageKind::Upload => "uploads",
        ImageKind::Refined => "refined",
    }
}

fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_LENGTH).contains(&name.len())
        && name
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// A user's tag in keys and paths: a hash, so that no user id can be used for path
/// traversal.
pub fn tag_of(owner: &str) -> String {
    let mut tag = hex(&Sha256::digest(owner));
    tag.truncate(TAG_LENGTH);
    tag
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::capability::ImageLength;

    fn image(name: &str, owner: &str, media_type: &str) -> NewImage {
        NewImage {
            kind: ImageKind::Refined,
            name: name.into(),
            owner: owner.into(),
            media_type: media_type.into(),
            length: ImageLength::Exactly(1),
            metadata: vec![],
            limits: None,
        }
    }

    #[test]
    fn a_path_is_one_of_an_image_in_any_format() {
        for (path, name) in [
            ("uploads/ab/c-1.png", "uploads/ab/c-1"),
            ("uploads/ab/c-1", "uploads/ab/c-1"),
            ("a.b/c.d.e", "a.b/c"),
            ("a.b/c", "a.b/c"),
            ("c.png", "c"),
            ("", ""),
            ("é.é/é.é", "é.é/é"),
        ] {
            assert_eq!(without_format(path), name, "{path}");
            assert!(is_path_of(name, path), "{path}");
        }
        assert!(is_path_of("a/b.png", "a/b.png"));
        assert!(!is_path_of("a/b.png", "a/b.gif"));
        assert!(!is_path_of("a/b.png", "a/b"));
    }

    #[test]
    fn a_path_reads_as_it_was_written() {
        for owner in ["ada", "", "../../etc", "a/b\0c", &"x".repeat(10_000)] {
            let path = ImagePath::of(&image("a-1", owner, "image/webp")).unwrap();
            assert_eq!(ImagePath::parse(&path.to_string()), Some(path));
        }
        let ada = ImagePath::of(&image("a", "ada", "image/png")).unwrap();
        let bob = ImagePath::of(&image("a", "bob", "image/png")).unwrap();
        assert_ne!(ada, bob);
    }

    #[test]
    fn what_cannot_be_a_name_is_refused() {
        let long = "x".repeat(81);
        for name in [
            "", ".", "..", "a/b", "A", "a.png", "a\0", "ä", "a b", "%2e", &long,
        ] {
            assert_eq!(
                ImagePath::of(&image(name, "ada", "image/png")),
                None,
                "{name:?}"
            );
        }
        for media_type in ["", "image/svg+xml", "text/html", "image/png/.."] {
            assert_eq!(
                ImagePath::of(&image("a", "ada", media_type)),
                None,
                "{media_type:?}"
            );
        }
    }

    #[test]
    fn what_is_no_path_names_nothing() {
        let tag = "0123456789abcdef0123456789abcdef";
        assert!(ImagePath::parse(&format!("uploads/{tag}/a.png")).is_some());
        for path in [
            String::new(),
            "/".into(),
            "uploads".into(),
            format!("/uploads/{tag}/a.png"),
            format!("uploads/{tag}/a.png/"),
            format!("uploads/{tag}/a.png\n"),
            format!("uploads/{tag}/a.PNG"),
            format!("uploads/{tag}/a.png.png"),
            format!("uploads/{tag}/a"),
            format!("uploads/{tag}/.png"),
            format!("uploads/{tag}/..png"),
            format!("uploads/{tag}/../a.png"),
            format!("uploads/../uploads/{tag}/a.png"),
            format!("uploads//{tag}/a.png"),
            format!("uploads\\{tag}\\a.png"),
            format!("tmp/{tag}/a.png"),
            format!("Uploads/{tag}/a.png"),
            format!("uploads/{}/a.png", tag.to_uppercase()),
            format!("uploads/{tag}0/a.png"),
            "uploads/../a.png".into(),
            "uploads/................................/a.png".into(),
            format!("uploads/{tag}/%61.png"),
        ] {
            assert_eq!(ImagePath::parse(&path), None, "{path:?}");
        }
    }

    /// Fragments of valid and invalid paths, in any order.
    fn chunks() -> impl Strategy<Value = String> {
        let chunk = proptest::sample::select(vec![
            "uploads",
            "refined",
            "/",
            "\\",
            "..",
            ".",
            "%2e",
            "%2f",
            "\0",
            "0123456789abcdef0123456789abcdef",
            "a-1",
            ".png",
            ".jpg",
            "é",
        ]);
        proptest::collection::vec(chunk, 0..9).prop_map(|chunks| chunks.concat())
    }

    proptest! {
        /// Every valid path is a file in one of the two folders.
        #[test]
        fn what_is_a_path_leads_nowhere_else(path in prop_oneof![chunks(), any::<String>()]) {
            if let Some(parsed) = ImagePath::parse(&path) {
                prop_assert_eq!(parsed.to_string(), path.clone());
                prop_assert_eq!(path.matches('/').count(), 2);
                prop_assert!(!path.contains("..") && !path.starts_with('/'));
            }
        }
    }
}
