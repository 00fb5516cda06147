//! `multipart/form-data` (RFC 7578) with one image, and perhaps its mask.

use concept_refinement_domain::image::Format;

use crate::body::Body;
use crate::original::Contents;

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

    /// The fields, the mask (a PNG) as the file `mask`, then the original as a file: of this
    /// field and name, which gets the extension of its format.
    pub fn body(
        &self,
        fields: &[(&str, &str)],
        mask: Option<&[u8]>,
        field: &str,
        name: &str,
        original: Contents,
    ) -> Body {
        let mut before = self.fields(fields);
        if let Some(mask) = mask {
            before.extend(self.file("mask", "mask", Format::Png));
            before.extend(mask);
            before.extend(b"\r\n");
        }
        before.extend(self.file(field, name, original.properties().format));
        Body::around(&before, original, &self.end())
    }

    /// The fields, then a PNG as a file.
    pub fn png(&self, fields: &[(&str, &str)], image: &str, name: &str, png: &[u8]) -> Body {
        let mut body = self.fields(fields);
        body.extend(self.file(image, name, Format::Png));
        body.extend(png);
        body.extend(self.end());
        Body::bytes(&body)
    }

    fn fields(&self, fields: &[(&str, &str)]) -> Vec<u8> {
        let boundary = &self.boundary;
        let field = |(name, value): &(&str, &str)| {
            format!(
                "--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            )
        };
        fields.iter().map(field).collect::<String>().into_bytes()
    }

    /// The head of a file.
    fn file(&self, field: &str, name: &str, format: Format) -> Vec<u8> {
        let boundary = &self.boundary;
        let head = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"{field}\"; \
             filename=\"{name}.{}\"\r\ncontent-type: {}\r\n\r\n",
            format.extension(),
            format.media_type()
        );
        head.into_bytes()
    }

    fn end(&self) -> Vec<u8> {
        format!("\r\n--{}--\r\n", self.boundary).into_bytes()
    }
}
