//! How the server and its tool are described to those who use them.

use std::sync::LazyLock;

use concept_refinement_mcp::{Annotations, Implementation, Server, Tool};
use serde_json::{Value, json};

/// The server.
pub const SERVER: Server = Server {
    info: Implementation {
        name: "concept-refinement",
        title: "Concept Refinement",
        version: env!("CARGO_PKG_VERSION"),
    },
    instructions: "refine_image changes an image by a prompt and writes the result to a file. A \
                   call may take minutes and may cost money: do not repeat one that succeeded.",
    has_tasks: false,
};

/// The only tool.
pub static REFINE_IMAGE: LazyLock<Tool> = LazyLock::new(|| Tool {
    name: "refine_image",
    title: "Refine an image",
    description: "Changes an image (PNG, JPEG, WebP or GIF) as the prompt says, and writes the \
                  result to a file, whose path is the answer. The original is a file (path) or \
                  is downloaded (url). With region or mask everything else stays as it is, to \
                  the pixel.",
    input_schema: input(),
    output_schema: Some(output()),
    annotations: Annotations {
        read_only_hint: false,
        destructive_hint: true,
        idempotent_hint: false,
        open_world_hint: true,
    },
});

fn input() -> Value {
    let whole = |minimum: u32, maximum: u32| json!({ "type": "integer", "minimum": minimum, "maximum": maximum });
    let pixels = |minimum| whole(minimum, i32::MAX.unsigned_abs());
    json!({
        "type": "object",
        "properties": {
            "path": text("The image: a file. Either this or url"),
            "url": text("The image: a public http or https URL"),
            "prompt": text("What to change, in at most 2000 characters"),
            "out": text(
                "The file to write, not a hidden one; an image that is there is replaced. Default: \
                 NAME-refined.EXT beside the image, of a url in the working directory"
            ),
            "mask": text(
                "Only what is white (or, with alpha, transparent) in this image of the same size \
                 changes: a file or a URL. Not together with region"
            ),
            "region": {
                "type": "object",
                "description": "Only this rectangle changes, in pixels of the upright image",
                "properties": {
                    "x": pixels(0),
                    "y": pixels(0),
                    "width": pixels(1),
                    "height": pixels(1),
                },
                "required": ["x", "y", "width", "height"],
            },
            "mask_feather": described(
                whole(0, 64),
                "How many pixels along the edge of the region or mask blend. Default: 8"
            ),
            "region_only": {
                "type": "boolean",
                "description": "Whether the model sees only the region or mask, with a margin",
            },
            "strength": {
                "type": "number",
                "minimum": 0,
                "maximum": 1,
                "description": "How far the result may be from the original. Default: 0.7",
            },
            "preserve_aspects": {
                "type": "array",
                "items": { "enum": ["colors", "layout", "style", "shapes"] },
                "minItems": 1,
                "uniqueItems": true,
                "description": "What is to stay as it is",
            },
            "seed": described(
                whole(0, u32::MAX),
                "For models that draw random numbers: the same gives the same image"
            ),
            "logo_description": text("What the logo shows"),
            "theme_description": text("The theme, as in: navy and gold"),
            "deadline_seconds": {
                "type": "integer",
                "minimum": 10,
                "description": "How long it may take",
            },
        },
        "required": ["prompt"],
        "additionalProperties": false,
    })
}

fn output() -> Value {
    json!({
        "type": "object",
        "properties": {
            "path": text("The file of the result"),
            "media_type": text("Its type, as in image/png"),
            "bytes": { "type": "integer", "description": "Its length" },
            "notes": {
                "type": "array",
                "items": { "type": "string" },
                "description": "What there is to say about the work",
            },
        },
        "required": ["path", "media_type", "bytes", "notes"],
    })
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn described(mut schema: Value, description: &str) -> Value {
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("description".to_owned(), description.into());
    }
    schema
}
