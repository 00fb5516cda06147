//! An image's description, appended to the image's own file: after the image bytes comes
//! a JSON object, its length (4 bytes, big-endian) and a magic mark.
//!
//! It is in the same file because one file can be renamed atomically and two cannot, and
//! at the end because the hash is known only then; image viewers ignore it.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

use concept_refinement_capability::directory::existing;
use concept_refinement_capability::images::{Listed, anonymous_owner};
use concept_refinement_domain::capability::{ImageInfo, ImageKind};
use concept_refinement_domain::etag;
use concept_refinement_domain::hex::hex;
use concept_refinement_domain::image::Format;
use concept_refinement_domain::image_path::{ImagePath, folder};
use concept_refinement_domain::provenance::original_had_credentials;
use concept_refinement_domain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// Magic mark. The last byte is the version.
const MARK: [u8; 8] = *b"c-image\x01";
const LENGTH_BYTES: usize = 4;
const END: usize = LENGTH_BYTES + MARK.len();

/// More than the four texts of a refinement take, even if fully escaped.
const MAX_BYTES: u32 = 256 * 1024;

/// The metadata from the caller.
#[derive(Serialize, Deserialize)]
pub(super) struct Description {
    pub(super) owner: String,
    pub(super) media_type: String,
    pub(super) created_at: u64,
    pub(super) metadata: Vec<(String, String)>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Envelope {
    #[serde(flatten)]
    description: Description,
    size: u64,
    etag: String,
    /// Images of 0.1 have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

impl Envelope {
    pub(super) fn new(description: Description, size: u64, hash: &[u8]) -> Self {
        Self {
            description,
            size,
            etag: etag::of_hash(hash),
            sha256: Some(hex(hash)),
        }
    }

    /// `InvalidInput`: it is too long.
    pub(super) fn to_json(&self) -> io::Result<String> {
        let json = serde_json::to_string(self)?;
        match u32::try_from(json.len()) {
            Ok(length) if length <= MAX_BYTES => Ok(json),
            _ => Err(io::Error::new(ErrorKind::InvalidInput, "too much metadata")),
        }
    }

    /// None: it is damaged.
    pub(super) fn from_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// None: the file is an image of another format.
    pub(super) fn info(self, path: &ImagePath) -> Option<ImageInfo> {
        (self.description.media_type == path.format.media_type()).then(|| ImageInfo {
            original_had_credentials: original_had_credentials(&self.description.metadata),
            path: path.to_string(),
            kind: path.kind,
            owner: self.description.owner,
            media_type: self.description.media_type,
            size: self.size,
            etag: self.etag,
            sha256: self.sha256,
            created_at: Timestamp(self.description.created_at),
        })
    }

    /// Further metadata from the caller.
    pub(super) fn metadata(&self) -> &[(String, String)] {
        &self.description.metadata
    }

    /// None: not an image of this store.
    pub(super) fn listed(self, kind: ImageKind, tag: &str, name: &str) -> Option<Listed> {
        let format = Format::from_media_type(&self.description.media_type)?;
        let path = format!("{}/{tag}/{name}.{}", folder(kind), format.extension());
        ImagePath::parse(&path).map(|path| Listed {
            path: path.to_string(),
            created_at: Timestamp(self.description.created_at),
            anonymous_owner: anonymous_owner(self.description.owner, &self.description.metadata),
        })
    }
}

pub(super) fn write(
    file: &mut File,
    description: Description,
    size: u64,
    hash: &[u8],
) -> io::Result<()> {
    let envelope = Envelope::new(description, size, hash);
    let mut end = envelope.to_json()?.into_bytes();
    let length = u32::try_from(end.len()).map_err(io::Error::other)?;
    end.extend(length.to_be_bytes());
    end.extend(MARK);
    file.write_all(&end)
}

/// `InvalidData`: the file is damaged or not an image of this store. Trying again does
/// not help.
pub(super) fn read(file: &mut File) -> io::Result<Envelope> {
    let foreign = || io::Error::new(ErrorKind::InvalidData, "a file that is no image of ours");
    let whole = file.metadata()?.len();
    let (size, length) = end_of(file, whole)?.ok_or_else(foreign)?;
    if length > MAX_BYTES {
        return Err(foreign());
    }
    file.seek(SeekFrom::Start(size))?;
    let mut json = Vec::new();
    file.take(u64::from(length)).read_to_end(&mut json)?;
    let envelope: Envelope = serde_json::from_slice(&json).map_err(|_| foreign())?;
    match envelope.size == size {
        true => Ok(envelope),
        false => Err(foreign()),
    }
}

/// Length of the image in a file, read from the file's last bytes only; 0 if there is no
/// file, the whole length if it is damaged.
pub(super) fn image_bytes(file: &Path) -> io::Result<u64> {
    let Some(mut file) = existing(File::open(file))? else {
        return Ok(0);
    };
    let whole = file.metadata()?.len();
    // An error: it is a directory, or was truncated meanwhile.
    let end = end_of(&mut file, whole).ok().flatten();
    Ok(end.map_or(whole, |(size, _)| size))
}

/// The lengths of the image and of its description, from the last bytes of a file of this
/// length. None: it does not end as an image of this store.
fn end_of(file: &mut File, whole: u64) -> io::Result<Option<(u64, u32)>> {
    let Some(before_end) = whole.checked_sub(END as u64) else {
        return Ok(None);
    };
    file.seek(SeekFrom::Start(before_end))?;
    let mut end = [0; END];
    file.read_exact(&mut end)?;
    let [a, b, c, d, mark @ ..] = end;
    let length = u32::from_be_bytes([a, b, c, d]);
    let size = before_end.checked_sub(length.into());
    Ok(size.filter(|_| mark == MARK).map(|size| (size, length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_image_of_ours_is_told() {
        let description = Description {
            owner: "ada".into(),
            media_type: "image/png".into(),
            created_at: 1,
            metadata: vec![],
        };
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"image").unwrap();
        write(&mut file, description, 5, &[7; 32]).unwrap();
        assert_eq!(read(&mut file).unwrap().size, 5);

        file.rewind().unwrap();
        let mut whole = Vec::new();
        file.read_to_end(&mut whole).unwrap();
        let reads = |bytes: &[u8]| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(bytes).unwrap();
            match read(&mut file) {
                Ok(_) => true,
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
                    false
                }
            }
        };
        assert!(reads(&whole));
        for length in 0..whole.len() {
            assert!(!reads(&whole[..length]), "cut at {length}");
        }
        assert!(!reads(&whole[1..]), "bytes are missing");
        assert!(
            !reads(&[b"x", whole.as_slice()].concat()),
            "a byte too many"
        );
        let end = whole.len() - END;
        for byte in 0..LENGTH_BYTES {
            let mut altered = whole.clone();
            altered[end + byte] ^= 0x80;
            assert!(!reads(&altered), "another length");
        }
        let open = [b"{".as_slice(), &1_u32.to_be_bytes(), &MARK].concat();
        assert!(!reads(&open), "an object that does not end");
    }

    #[test]
    fn too_much_metadata_is_refused() {
        let description = Description {
            owner: "ada".into(),
            media_type: "image/png".into(),
            created_at: 1,
            metadata: vec![("a".into(), "x".repeat(MAX_BYTES as usize))],
        };
        let mut file = tempfile::tempfile().unwrap();
        let error = write(&mut file, description, 0, &[]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert_eq!(file.metadata().unwrap().len(), 0);
    }
}
