//! What a call answers about the file that it wrote.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use concept_refinement_mcp::{CallToolResult, Content};
use serde_json::json;
use url::Url;

use crate::wiring::refiner::request::RefinedImage;

/// A larger image is not part of an answer, which says where it is. In bytes.
const MAX_EMBEDDED: usize = 256 << 10;

/// The path in a sentence, as a link and in fields, and the image itself if it is small.
pub fn of(path: &Path, refined: &RefinedImage) -> CallToolResult {
    let RefinedImage { bytes, notes, .. } = refined;
    let shown = path.display();
    let kind = refined.format.media_type();
    let mut sentences = vec![format!("The refined image is {shown} ({kind}).")];
    sentences.extend(notes.iter().cloned());
    let mut content = vec![Content::text(sentences.join("\n"))];
    // There is a URL for each absolute path.
    if let Ok(url) = Url::from_file_path(path) {
        content.push(Content::ResourceLink {
            uri: url.into(),
            name: path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into(),
            mime_type: Some(kind.to_owned()),
            size: u64::try_from(bytes.len()).ok(),
        });
    }
    if bytes.len() <= MAX_EMBEDDED {
        content.push(Content::Image {
            data: BASE64_STANDARD.encode(bytes),
            mime_type: kind.to_owned(),
        });
    }
    CallToolResult {
        content,
        structured_content: Some(json!({
            "path": shown.to_string(),
            "media_type": kind,
            "bytes": bytes.len(),
            "notes": notes,
        })),
        is_error: false,
    }
}
