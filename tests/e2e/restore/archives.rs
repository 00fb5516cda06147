//! Archives as `backup` makes them, and as somebody else could.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use tar::{Archive, EntryType, Header};

pub const LIST: &str = "SHA256SUMS";

/// A part of an archive.
#[derive(Clone)]
pub struct Part {
    pub header: Header,
    pub contents: Vec<u8>,
}

impl Part {
    pub fn file(name: &str, contents: &[u8]) -> Self {
        Self::of(EntryType::Regular, name, contents)
    }

    /// With any name, which the library would refuse.
    pub fn of(kind: EntryType, name: &str, contents: &[u8]) -> Self {
        let mut header = Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_size(contents.len() as u64);
        header.set_mode(0o600);
        header.set_cksum();
        Self {
            header,
            contents: contents.to_vec(),
        }
    }

    pub fn name(&self) -> String {
        String::from_utf8(self.header.path_bytes().into_owned()).unwrap()
    }

    fn line(&self) -> String {
        let hash = Sha256::digest(&self.contents);
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{hash}  {}\n", self.name())
    }
}

/// The files of an archive without their list.
pub fn parts(archive: &[u8]) -> Vec<Part> {
    let mut archive = Archive::new(archive);
    let parts = archive.entries().unwrap().raw(true).map(|entry| {
        let mut entry = entry.unwrap();
        let mut contents = Vec::new();
        entry.read_to_end(&mut contents).unwrap();
        let header = entry.header().clone();
        Part { header, contents }
    });
    parts.filter(|part| part.name() != LIST).collect()
}

/// The list of these files.
pub fn list(parts: &[Part]) -> Part {
    let lines: String = parts.iter().map(Part::line).collect();
    Part::file(LIST, lines.as_bytes())
}

/// An archive of these parts alone.
pub fn packed(parts: &[Part]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for Part { header, contents } in parts {
        bytes.extend(header.as_bytes());
        bytes.extend(contents);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.extend([0; 1024]);
    bytes
}

/// The same with their list.
pub fn listed(parts: &[Part]) -> Vec<u8> {
    packed(&[parts, &[list(parts)]].concat())
}

pub fn unpack(archive: &[u8], to: &Path) {
    let files = parts(archive);
    for part in files.iter().chain([&list(&files)]) {
        let path = to.join(part.name());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &part.contents).unwrap();
    }
}
