//! Files of images: their names and formats, and how one is written.

use std::ffi::OsStr;
use std::fs::Permissions;
use std::io::{self, Read, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use concept_refinement_capability::folder::{self, Folder};
use concept_refinement_domain::image::{Format, Inspector, Limits};
use concept_refinement_domain::sentence::sanitize;
use percent_encoding::percent_decode_str;
use url::Url;

/// Longer than any format's signature, in bytes.
const SIGNATURE: usize = 64;

/// A piece of a file, in bytes.
const PIECE: u64 = 64 << 10;

/// For files that are looked at, and not worked on.
const UNLIMITED: Limits = Limits {
    max_bytes: u64::MAX,
    max_pixels: u64::MAX,
};

/// Limits for a file name made from a URL, in code points.
const MAX_STEM: usize = 60;
const MAX_EXTENSION: usize = 5;

/// Whether the path has an image's extension.
pub fn names_an_image(path: &Path) -> bool {
    format_of(path).is_some()
}

/// A sentence, if the file's name says another format than the image has.
pub fn misnamed(path: &Path, format: Format) -> Option<String> {
    let named = format_of(path).filter(|named| *named != format)?;
    let (named, kind) = (named.media_type(), format.media_type());
    Some(format!(
        "the name of the file says {named}, but it is {kind}"
    ))
}

/// The format that the path's extension names.
fn format_of(path: &Path) -> Option<Format> {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    let extension = extension.to_ascii_lowercase();
    let of_format = |format: &Format| format.extension() == extension;
    match extension.as_str() {
        "jpeg" => Some(Format::Jpeg),
        _ => Format::ALL.into_iter().find(of_format),
    }
}

/// The format that the first bytes of a file say. None: it is no image.
pub fn format_of_bytes(bytes: &[u8]) -> Option<Format> {
    let mut inspector = Inspector::new(UNLIMITED);
    // What is wrong behind the signature does not matter here.
    let _ = inspector.push(bytes.get(..SIGNATURE).unwrap_or(bytes));
    inspector.format()
}

/// Whether it is a whole image, of any size: a script may begin like one.
pub fn is_image(mut file: impl Read) -> io::Result<bool> {
    let mut inspector = Inspector::new(UNLIMITED);
    let mut piece = Vec::new();
    while file.by_ref().take(PIECE).read_to_end(&mut piece)? > 0 {
        if inspector.push(&piece).is_err() {
            return Ok(false);
        }
        piece.clear();
    }
    Ok(inspector.finish().is_ok())
}

/// The last part of the path, made safe as a file name on any system.
pub fn stem_of_url(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let last = url.path_segments()?.rfind(|segment| !segment.is_empty())?;
    let name = percent_decode_str(last).decode_utf8_lossy();
    let name: String = sanitize(&name, MAX_STEM)
        .chars()
        .map(|character| match character {
            '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '-',
            char::REPLACEMENT_CHARACTER => '-',
            other => other,
        })
        .collect();
    let is_extension = |text: &str| {
        (1..=MAX_EXTENSION).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let stem = match name.rsplit_once('.') {
        Some((stem, extension)) if is_extension(extension) => stem,
        _ => name.as_str(),
    };
    let stem = stem.trim_start_matches('.').trim();
    (!stem.is_empty()).then(|| stem.to_owned())
}

/// Writes a file next to its destination and then renames it, so that an existing file is
/// replaced only by a complete one, whose mode it keeps. Does not await, so that a signal
/// cannot interrupt it.
pub fn replace(folder: &Folder, name: &OsStr, bytes: &[u8]) -> io::Result<()> {
    let draft = folder::draft_name();
    // Like any new file, it is readable by others as far as the umask allows.
    let mut file = folder.create_file(&draft, 0o666)?;
    let mut write = || {
        if let Some(replaced) = folder.look(name)?.filter(|found| found.is_file()) {
            file.set_permissions(Permissions::from_mode(replaced.mode & 0o777))?;
        }
        file.write_all(bytes)?;
        file.sync_all()?;
        folder.rename(&draft, folder, name)
    };
    let written = write();
    if written.is_err() {
        // The error of writing is more specific.
        let _ = folder.remove(&draft);
    }
    written
}
