//! What images say beside their pixels, by programs that are not ours: ExifTool, Pillow and
//! the library of C2PA. They are slow to start, so a test asks once where it can.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use concept_refinement_domain::image::metadata::{Reader, SourceType};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::artifacts;
use crate::pictures::Picture;
use crate::reaper::fed;

/// In all that [`filled`] adds, but in its numbers.
pub const SECRET: &[u8] = b"hush";

/// Where ExifTool finds a digital source type.
pub const SOURCE_TYPE: &str = "XMP-iptcExt:DigitalSourceType";

/// By decoders and validators of others.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Inspected {
    /// `Valid` or `Invalid`, none without content credentials.
    pub credentials: Option<String>,
    /// A hash over all frames, as Pillow decodes them.
    pub pixels: String,
}

/// The same image with content credentials, by certificates of its own.
pub fn signed(picture: &Picture) -> Picture {
    Picture {
        bytes: python("sign.py", given(picture.media_type, &picture.bytes)),
        ..*picture
    }
}

/// The same image with this digital source type, as ExifTool writes it.
pub fn with_source(picture: &Picture, source: &str) -> Picture {
    let mut exiftool = Command::new("exiftool");
    exiftool.arg(format!("-{SOURCE_TYPE}={source}"));
    Picture {
        bytes: output(exiftool.args(["-q", "-n", "-o", "-", "-"]), &picture.bytes),
        ..*picture
    }
}

/// The same image, more or less, with all that should stay with its owner: where it was
/// taken, a maker note, a thumbnail, texts, comments, credentials, and text behind its end;
/// and with what belongs to the picture: a profile and an orientation, where the format has
/// them.
pub fn filled(picture: &Picture) -> Picture {
    full(picture, false)
}

/// The same without the credentials, and without anything behind the end.
pub fn described(picture: &Picture) -> Picture {
    full(picture, true)
}

fn full(picture: &Picture, is_bare: bool) -> Picture {
    let mut given = given(picture.media_type, &picture.bytes);
    given["is_bare"] = is_bare.into();
    Picture {
        bytes: python("fill.py", given),
        ..*picture
    }
}

/// What is stored of this picture where a model answers it. That this is right is what others
/// say: see `e2e/provenance`.
pub fn marked(picture: &Picture) -> Vec<u8> {
    marked_as(SourceType::CompositeWithTrainedAlgorithmicMedia, picture)
}

/// The same with the source of the model.
pub fn marked_as(source: SourceType, picture: &Picture) -> Vec<u8> {
    let mut reader = Reader::new();
    reader.push(&picture.bytes);
    let metadata = reader.finish(picture.bytes.len() as u64);
    let mut filter = metadata.marked(source).filter();
    let mut stored = Vec::new();
    filter.push(&picture.bytes, &mut stored);
    filter.finish(&mut stored);
    stored
}

pub fn inspected(media_type: &str, bytes: &[u8]) -> Inspected {
    serde_json::from_slice(&python("examine.py", given(media_type, bytes))).unwrap()
}

/// All that ExifTool reads, by group and name, as numbers where it can; warnings are
/// `ExifTool:Warning`.
pub fn tags(bytes: &[u8]) -> BTreeMap<String, Value> {
    let mut exiftool = Command::new("exiftool");
    exiftool.args(["-json", "-groupNames1", "-duplicates", "-n", "-"]);
    let told: Value = serde_json::from_slice(&output(&mut exiftool, bytes)).unwrap();
    serde_json::from_value(told[0].clone()).unwrap()
}

/// As the scripts read an image.
fn given(media_type: &str, bytes: &[u8]) -> Value {
    json!({"type": media_type, "image": STANDARD.encode(bytes)})
}

/// What a script answers.
fn python(script: &str, given: Value) -> Vec<u8> {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/provenance");
    let mut python = Command::new(artifacts::c2pa_python());
    // Nothing is left beside the scripts.
    python.arg("-B").arg(scripts.join(script));
    output(&mut python, given.to_string().as_bytes())
}

fn output(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let output = fed(command, input);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    output.stdout
}
