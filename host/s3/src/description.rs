//! An image's description, as the metadata of its object.
//!
//! Metadata are headers: plain ASCII, and 2 kB in all on AWS. Metadata that does not fit
//! goes into a second object next to the image, which is written first. The time when an
//! image was stored, its hash, and whether its owner is anonymous are always in the
//! metadata, so that the second object is the same however often the image is stored.

use std::borrow::Cow;

use concept_refinement_domain::capability::ImageInfo;
use concept_refinement_domain::etag;
use concept_refinement_domain::hex::hex;
use concept_refinement_domain::image::Format;
use concept_refinement_domain::image_path::ImagePath;
use concept_refinement_domain::provenance::ORIGINAL_HAD_CREDENTIALS;
use concept_refinement_domain::session::IS_ANONYMOUS;
use concept_refinement_domain::timestamp::Timestamp;
use object_store::{Attribute, Attributes};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};

/// Limit of names and values together, in bytes: AWS allows 2 KiB.
const MAX_METADATA: usize = 1900;

/// Prefix of each name in its header.
const HEADER: usize = "x-amz-meta-".len();

const CREATED_AT: &str = "created-at";
const SHA256: &str = "sha256";
const OWNER: &str = "owner";
/// `true` if the second object has the rest.
const MORE: &str = "more";
const RESERVED: [&str; 4] = [CREATED_AT, SHA256, OWNER, MORE];

const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The description of a new image.
pub(super) struct Description<'a> {
    pub(super) media_type: &'a str,
    pub(super) created_at: Timestamp,
    pub(super) hash: &'a [u8],
    pub(super) owner: &'a str,
    pub(super) metadata: &'a [(String, String)],
}

/// The contents of the second object.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct More {
    pub(super) owner: String,
    metadata: Vec<(String, String)>,
}

/// The description of an image, as far as it is in its object's metadata.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Described {
    pub(super) format: Format,
    pub(super) created_at: Timestamp,
    sha256: String,
    /// None: it is in the second object.
    pub(super) owner: Option<String>,
    pub(super) has_more: bool,
    pub(super) is_anonymous: bool,
    original_had_credentials: bool,
}

impl Description<'_> {
    /// The metadata, and the second object if one is needed.
    pub(super) fn attributes(&self) -> (Attributes, Option<More>) {
        let mut always = vec![
            (Cow::Borrowed(CREATED_AT), self.created_at.0.to_string()),
            (Cow::Borrowed(SHA256), hex(self.hash)),
        ];
        let owner = (Cow::Borrowed(OWNER), escaped(self.owner));
        let mut others = Vec::new();
        let mut all_fit = true;
        for (name, value) in self.metadata {
            let entry = (Cow::Owned(name.replace('_', "-")), escaped(value));
            all_fit &= is_name(&entry.0);
            match name == IS_ANONYMOUS || name == ORIGINAL_HAD_CREDENTIALS {
                true => always.push(entry),
                false if value.is_empty() => {}
                false => others.push(entry),
            }
        }
        let all: usize = [&always, &others, &vec![owner.clone()]]
            .into_iter()
            .flatten()
            .map(size)
            .sum();
        let more = if all_fit && all <= MAX_METADATA {
            always.push(owner);
            always.extend(others);
            None
        } else {
            if size(&owner) <= MAX_METADATA / 2 {
                always.push(owner);
            }
            always.push((Cow::Borrowed(MORE), true.to_string()));
            Some(More {
                owner: self.owner.to_owned(),
                metadata: self.metadata.to_vec(),
            })
        };
        let mut attributes = Attributes::new();
        attributes.insert(Attribute::ContentType, self.media_type.to_owned().into());
        for (name, value) in always {
            attributes.insert(Attribute::Metadata(name), value.into());
        }
        (attributes, more)
    }
}

impl Described {
    /// None: not an image of this service.
    pub(super) fn read(attributes: &Attributes) -> Option<Self> {
        let text = |name: &'static str| {
            let value = attributes.get(&Attribute::Metadata(name.into()));
            value.map(AsRef::as_ref)
        };
        let hash = text(SHA256)?;
        let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        Some(Self {
            format: Format::from_media_type(attributes.get(&Attribute::ContentType)?)?,
            created_at: Timestamp(text(CREATED_AT)?.parse().ok()?),
            sha256: is_hash.then(|| hash.to_lowercase())?,
            owner: text(OWNER).and_then(unescaped),
            has_more: text(MORE) == Some("true"),
            is_anonymous: text("is-anonymous") == Some("true"),
            original_had_credentials: text("original-had-credentials") == Some("true"),
        })
    }

    /// None: it is an image of another format.
    pub(super) fn info(&self, path: &ImagePath, owner: String, size: u64) -> Option<ImageInfo> {
        (self.format == path.format).then(|| ImageInfo {
            path: path.to_string(),
            kind: path.kind,
            owner,
            media_type: path.format.media_type().to_owned(),
            size,
            etag: etag::of_hex(&self.sha256),
            sha256: Some(self.sha256.clone()),
            created_at: self.created_at,
            original_had_credentials: self.original_had_credentials,
        })
    }
}

fn escaped(value: &str) -> String {
    utf8_percent_encode(value, ESCAPED).to_string()
}

fn unescaped(value: &str) -> Option<String> {
    let decoded = percent_decode_str(value).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

fn size((name, value): &(Cow<'static, str>, String)) -> usize {
    HEADER + name.len() + value.len()
}

/// Whether the name is valid in a header, and not one of ours.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !RESERVED.contains(&name)
        && name
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(owner: &str, metadata: &[(&str, &str)]) -> (Attributes, Option<More>) {
        let metadata: Vec<_> = metadata
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Description {
            media_type: "image/png",
            created_at: Timestamp(1_795_176_000_123_456),
            hash: &[7; 32],
            owner,
            metadata: &metadata,
        }
        .attributes()
    }

    /// Size of the names and values of all metadata.
    fn bytes(attributes: &Attributes) -> usize {
        let metadata = attributes.iter().filter_map(|(name, value)| match name {
            Attribute::Metadata(name) => Some(HEADER + name.len() + value.len()),
            _ => None,
        });
        metadata.sum()
    }

    #[test]
    fn what_fits_is_metadata_and_the_rest_is_beside_the_image() {
        let long = "é".repeat(2000);
        let prompt = ("prompt", "more \u{1f3a8}, less\nnoise");
        let anonymous = (IS_ANONYMOUS, "true");
        let empty = ("logo_description", "");
        for (name, owner, metadata, has_more, has_owner) in [
            ("nothing", "ada", vec![], false, true),
            ("any text", "a \"/\0 ☕️", vec![prompt], false, true),
            ("nothing in it", "ada", vec![empty], false, true),
            ("a long text", "ada", vec![("prompt", &*long)], true, true),
            ("a long owner", long.as_str(), vec![], true, false),
            ("no header's name", "ada", vec![("A b", "1")], true, true),
            ("a name of ours", "ada", vec![("sha256", "1")], true, true),
            ("an anonymous owner", "ada", vec![anonymous], false, true),
        ] {
            let (attributes, more) = described(owner, &metadata);
            assert!(bytes(&attributes) <= 2048, "{name}");
            for (_, value) in &attributes {
                let is_plain = value.bytes().all(|byte| (0x21..0x7f).contains(&byte));
                let value: &str = value.as_ref();
                assert!(is_plain && !value.is_empty(), "{name}: {value:?}");
            }
            let read = Described::read(&attributes).unwrap();
            assert_eq!(read.created_at, Timestamp(1_795_176_000_123_456), "{name}");
            assert_eq!(read.sha256, hex(&[7; 32]), "{name}");
            assert_eq!(read.has_more, has_more, "{name}");
            assert_eq!(read.is_anonymous, name.contains("anonymous"), "{name}");
            assert_eq!(read.owner.as_deref(), has_owner.then_some(owner), "{name}");
            let expected = has_more.then(|| owner.to_owned());
            assert_eq!(more.map(|more| more.owner), expected);
        }
    }

    #[test]
    fn what_is_no_image_of_ours_is_none() {
        let (whole, _) = described("ada", &[]);
        let names: Vec<Attribute> = whole.iter().map(|(name, _)| name.clone()).collect();
        for name in names {
            let less: Attributes = whole
                .iter()
                .filter(|(other, _)| **other != name)
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            let needs = name != Attribute::Metadata(OWNER.into());
            assert_eq!(Described::read(&less).is_none(), needs, "{name:?}");
        }
    }
}
