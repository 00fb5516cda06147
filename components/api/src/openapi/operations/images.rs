//! `/api/images`.

use concept_refinement_domain::image::Format;
use serde_json::{Map, Value, json};

use crate::openapi::examples::{IMAGE_PATH, UPLOAD_URL};
use crate::openapi::operation::{Asker, Operation, header_parameter, json_of};

const TAG: &str = "images";
const PATH: &str = "/api/images/{path}";

pub fn upload() -> Operation {
    let uploaded = json!({"image_url": UPLOAD_URL, "path": IMAGE_PATH});
    Operation::new("post", "/api/images", "upload_image", TAG, Asker::User)
        .says(
            "Upload an original",
            "For images that have no URL: the body is the image itself. The `image_url` of the \
             answer is accepted as `original_image_url`.\n\nThe contents decide the type, \
             whatever is declared, and have to be a whole PNG, JPEG, WebP or GIF: by default at \
             most 20 MiB and 50 megapixels, and 100 uploads a user.",
        )
        .body("The image.", bodies())
        .answers(
            201,
            "The image is stored.",
            &[],
            json_of("UploadResponse", &[("stored", "Stored", uploaded)]),
        )
        .leads_to(201, "get_image", "path", "path")
        .leads_to(201, "delete_image", "path", "path")
        .refuses(&[
            "FromElsewhere",
            "ImageTooLarge",
            "NotAnImage",
            "InvalidImage",
            "TooManyUploads",
            "UnavailableOrBusy",
        ])
}

/// Of images `HEAD` is described as well: it tells the size.
pub fn get() -> Vec<Operation> {
    const VALIDATORS: [&str; 2] = ["ETag", "Cache-Control"];
    let operation = |method, id| {
        Operation::new(method, PATH, id, TAG, Asker::UserOrHolder)
            .takes(path())
            .takes(json!({
                "name": "expires",
                "in": "query",
                "description": "Of a signed URL: until when it works, in Unix seconds. It goes \
                    with `signature`.",
                "schema": {"type": "string"},
                "example": "1795179600",
            }))
            .takes(header_parameter(
                "If-None-Match",
                "Validators of what is known already.",
                "\"9f86d081884c7d65\"",
            ))
            .answers(304, "The image is known already.", &VALIDATORS, Value::Null)
            .refuses(&["BadlySigned", "NoSuchImage"])
    };
    let whole = ["ETag", "Cache-Control", "Accept-Ranges"];
    let part = ["ETag", "Cache-Control", "Accept-Ranges", "Content-Range"];
    let get = operation("get", "get_image")
        .says(
            "Load an image",
            "For the user who owns it, and for whoever holds a signed URL: every `image_url` is \
             one, as it stands, and works for about an hour in any `<img>`. An image never \
             changes.",
        )
        .takes(header_parameter(
            "Range",
            "One part of the image.",
            "bytes=0-1023",
        ))
        .takes(header_parameter(
            "If-Range",
            "The part is wanted only of the image with this validator, else all of it.",
            "\"9f86d081884c7d65\"",
        ))
        .answers(200, "The image.", &whole, pictures())
        .answers(
            206,
            "The part of the image that was asked for.",
            &part,
            pictures(),
        )
        .refuses(&["RangeNotSatisfiable"]);
    let head = operation("head", "get_image_head")
        .says(
            "Ask about an image",
            "What `GET` would answer, without the image: its type and its size.",
        )
        .answers(200, "There is such an image.", &whole, Value::Null);
    vec![get, head]
}

pub fn delete() -> Operation {
    Operation::new("delete", PATH, "delete_image", TAG, Asker::User)
        .says("Delete an upload", "A refined image goes with its concept.")
        .takes(path())
        .answers(204, "The upload is gone.", &[], Value::Null)
        .refuses(&["FromElsewhere", "NoSuchImage", "GoesWithConcept"])
}

fn path() -> Value {
    json!({
        "name": "path",
        "in": "path",
        "required": true,
        "description": "The image's path, as the answer to its upload has it. Its slashes may \
            stand as they are or escaped (`%2F`).",
        "schema": {"type": "string", "minLength": 1},
        "example": IMAGE_PATH,
    })
}

/// What is declared decides nothing.
fn bodies() -> Value {
    let mut bodies = pictures();
    bodies["application/octet-stream"] = bodies["image/png"].clone();
    bodies
}

fn pictures() -> Value {
    let content: Map<String, Value> = Format::ALL
        .into_iter()
        .map(|format| {
            let binary = json!({"schema": {"type": "string", "format": "binary"}});
            (format.media_type().to_owned(), binary)
        })
        .collect();
    content.into()
}
