//! `multipart/form-data` (RFC 7578) with one file.

use crate::body::Body;
use crate::original::Original;

/// The boundary is unpredictable, so that no prompt or image can contain it and thereby
/// add fields.
pub struct Multipart {
    boundary: String,
}

impl Multipart {
    /// `random` must be unpredictable.
    pub fn new(random: u128) -> Self {
        Self {
            boundary: format!("concept-refinement-{random:032x}"),
        }
    }

    pub fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    /// The fields, then the image as a file.
    pub fn body(&self, fields: &[(&str, &str)], image: &str, original: &Original) -> Body {
        self.named_body(fields, image, "image", original)
    }

    /// With a name for the file, which gets the extension of its format.
    pub fn named_body(
        &self,
        fields: &[(&str, &str)],
        image: &str,
        name: &str,
        original: &Original,
    ) -> Body {
        let boundary = &self.boundary;
        let mut before = String::new();
        for (name, value) in fields {
            before.push_str(&format!(
                "--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            ));
        }
        let format = original.format;
        before.push_str(&format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"{image}\"; \
             filename=\"{name}.{}\"\r\ncontent-type: {}\r\n\r\n",
            format.extension(),
            format.media_type()
        ));
        Body::around(before, original, format!("\r\n--{boundary}--\r\n"))
    }
}
