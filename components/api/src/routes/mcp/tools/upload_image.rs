//! `upload_image`: an original or a mask that has no URL.

use std::mem;

use concept_refinement_mcp::{Annotations, CallToolResult, Content, Params, Tool};
use serde_json::{Map, Value, json};

use super::READS;
use crate::json_images;
use crate::ports::Ports;
use crate::problem::Problem;
use crate::routes::mcp::Exchange;
use crate::routes::mcp::received::Image;
use crate::routes::mcp::schema::{Schemas, object};

pub const NAME: &str = "upload_image";

/// The argument with the image, which is read as it comes.
pub const DATA: &str = "data";

pub fn describe(schemas: &Schemas) -> Tool {
    let data = json!({
        "type": "string",
        "contentEncoding": "base64",
        "description": "The image in base64, or as a data URL: PNG, JPEG, WebP or GIF.",
    });
    Tool {
        name: NAME,
        title: "Upload an image",
        description: "Uploads an image that has no public URL. The image_url that it answers is \
                      good as url or mask_url of refine_image.",
        input_schema: object(Map::from_iter([(DATA.to_owned(), data)]), &[DATA]),
        output_schema: Some(schemas.whole("UploadResponse")),
        annotations: Annotations {
            read_only_hint: false,
            idempotent_hint: false,
            ..READS
        },
    }
}

impl<P: Ports> Exchange<'_, P> {
    pub async fn upload_image(
        &self,
        arguments: &Params,
        image: &mut Image,
    ) -> Result<CallToolResult, Problem> {
        let data = arguments.get(DATA).and_then(Value::as_str);
        let is_image = data.and_then(json_images::index).is_some();
        let stored = match mem::take(image) {
            Image::Stored(stored) if is_image => stored,
            Image::Refused(problem) if is_image => return Err(problem),
            other => {
                *image = other;
                return Err(Problem::of_field(DATA, "must be an image in base64"));
            }
        };
        let signed = self
            .state
            .ports
            .sign(&stored.path, self.origin.as_str())
            .await;
        let image_url = match signed {
            Ok(url) => url,
            Err(error) => {
                *image = Image::Stored(stored);
                return Err(error.into());
            }
        };
        let told = format!("The image was uploaded. Its image_url is {image_url}");
        Ok(CallToolResult {
            content: vec![Content::text(told)],
            structured_content: Some(json!({ "image_url": image_url, "path": stored.path })),
            is_error: false,
        })
    }
}
