//! Reads a request, as a form or as JSON. Its images stream into uploads that belong to its
//! task; whoever reads removes them where nothing comes of it.

use concept_refinement_domain::capability::{ImageLimits, NewImage, Stored};
use concept_refinement_domain::hex::hex;
use concept_refinement_domain::task_image::{TaskImage, name_for_task};
use concept_refinement_domain::validation::{self, Malformed};
use memchr::memmem;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::fault::Fault;
use super::fields::KNOWN;
use crate::auth::Caller;
use crate::base64_stream;
use crate::body::is_declared;
use crate::json_images::{self, JsonImages, Members};
use crate::multipart::{self, Multipart};
use crate::ports::Ports;
use crate::problem::Problem;
use crate::request::{AnyBody, Headers, Interrupted, any};
use crate::routes::uploads::{at_most, new_image, streamed};
use crate::state::State;

/// Longest field but the images, in bytes.
const MAX_FIELD: usize = 64 * 1024;

/// Longest name of an ignored field that is told, in bytes.
const MAX_TOLD: usize = 128;

/// Longest JSON without the images in it, in bytes.
const MAX_JSON: usize = 64 * 1024;

const MASK: &str = "mask";
const IMAGES: &str = "images";

/// The members of JSON whose data URLs are decoded as they come. Only that of the first name
/// is where an image belongs: with the others it is said what is wrong.
const IMAGE_MEMBERS: Members = Members {
    data_urls: &["image_url", "image", IMAGES, MASK],
    base64: None,
};

/// How many uploads a token that stands for many users may have under way: as many as an
/// instance.
const OF_MANY_USERS: u32 = 64;

/// A request that was read whole.
pub struct Form {
    /// All but the images.
    pub fields: Map<String, Value>,
    pub original: Option<Image>,
    pub mask: Option<Image>,
    /// What the field with the original is called.
    pub image_param: &'static str,
    /// Of everything that was sent, but not of how it was divided.
    pub hash: String,
}

pub enum Image {
    /// The path of an upload.
    Upload(String),
    Url(String),
}

/// Reads the requests of one caller's task.
pub struct Reader<'a, P> {
    pub state: &'a State<P>,
    pub caller: &'a Caller,
    pub task_id: &'a str,
    /// The most bytes that the images still to come have together. None: the length of the body
    /// is not declared.
    pub left: Option<u64>,
    /// The paths of what was uploaded, also where reading failed.
    pub uploads: Vec<String>,
}

impl<P: Ports> Reader<'_, P> {
    pub async fn read(&mut self, headers: &Headers, body: AnyBody<'_>) -> Result<Form, Fault> {
        if is_declared(headers, "application/json") {
            self.left = self.left.map(base64_stream::most_bytes);
            return self.json(body).await;
        }
        if !is_declared(headers, "multipart/form-data") {
            let detail = "The body must be multipart/form-data or application/json.";
            return Err(Problem::UnsupportedMediaType(detail.into()).into());
        }
        let content_type = headers.text("content-type").unwrap_or_default();
        match Multipart::new(content_type, body) {
            Some(form) => self.multipart(form).await,
            None => Err(Problem::Invalid("The form has no boundary.".into()).into()),
        }
    }

    async fn multipart(&mut self, mut parts: Multipart<AnyBody<'_>>) -> Result<Form, Fault> {
        let mut form = Form {
            fields: Map::new(),
            original: None,
            mask: None,
            image_param: "image",
            hash: String::new(),
        };
        let mut hash = Sha256::new();
        while let Some(part) = parts.next().await? {
            let name = part.name;
            let (place, role, param) = match name.as_str() {
                "image" | "image[]" => (&mut form.original, TaskImage::Original, "image"),
                MASK => (&mut form.mask, TaskImage::Mask, MASK),
                _ => {
                    let digest = field(&mut parts, &name, &mut form.fields).await?;
                    add(&mut hash, &name, &digest);
                    continue;
                }
            };
            if place.is_some() {
                return Err(several(param));
            }
            let uploaded = self.upload(any(&mut parts), role).await;
            let stored = uploaded.map_err(|problem| cause(param, parts.fault(), problem))?;
            add(&mut hash, param, digest(&stored));
            *place = Some(Image::Upload(stored.path));
        }
        form.hash = hex(&hash.finalize());
        Ok(form)
    }

    async fn json(&mut self, body: AnyBody<'_>) -> Result<Form, Fault> {
        let mut json = JsonImages::new(body, MAX_JSON, IMAGE_MEMBERS);
        let mut uploads = Vec::new();
        let mut hash = Sha256::new();
        while let Some(index) = json.next().await? {
            let role = match index {
                0 => TaskImage::Original,
                1 => TaskImage::Mask,
                _ => return Err(several(IMAGES)),
            };
            let param = current(json.rest());
            let uploaded = self.upload(any(&mut json), role).await;
            let stored = uploaded.map_err(|problem| match json.fault() {
                Some(fault @ json_images::Fault::Unended) => fault.into(),
                fault => cause(param, fault, problem),
            })?;
            add(&mut hash, "", digest(&stored));
            uploads.push(Some(stored.path));
        }
        let rest = json.into_rest();
        add(&mut hash, "", &hex(&Sha256::digest(&rest)));
        let mut fields = validation::object(&rest).map_err(Problem::from)?;
        let original = match fields.remove(IMAGES).unwrap_or_default() {
            Value::Null => None,
            Value::Array(mut images) => match (images.pop(), images.is_empty()) {
                (None, _) => None,
                (Some(image), true) => Some(named(IMAGES, &image, &mut uploads)?),
                (Some(_), false) => return Err(several(IMAGES)),
            },
            _ => {
                let sentence = "images must be a list of one object with an image_url.";
                return Err(Fault::field(IMAGES, sentence));
            }
        };
        let mask = match fields.remove(MASK).unwrap_or_default() {
            Value::Null => None,
            mask => Some(named(MASK, &mask, &mut uploads)?),
        };
        if uploads.iter().any(Option::is_some) {
            let sentence = "An image must be the image_url of images or mask.";
            return Err(Fault::field(IMAGES, sentence));
        }
        Ok(Form {
            fields,
            original,
            mask,
            image_param: IMAGES,
            hash: hex(&hash.finalize()),
        })
    }

    /// Stores an image as it comes. What turns out to be none is removed again.
    async fn upload(&mut self, body: AnyBody<'_>, role: TaskImage) -> Result<Stored, Problem> {
        let length = at_most(self.state, self.left);
        let limits = Some(self.limits());
        let image = |format| NewImage {
            name: name_for_task(self.task_id, role),
            limits,
            ..new_image(self.state, self.caller, format, length)
        };
        let (stored, bytes) = streamed(self.state, body, image, &mut self.uploads).await?;
        self.left = self.left.map(|left| left.saturating_sub(bytes));
        Ok(stored)
    }

    fn limits(&self) -> ImageLimits {
        let limits = self.state.config.upload_limits;
        match self.caller.for_users {
            false => limits,
            true => ImageLimits {
                under_way: OF_MANY_USERS,
                ..limits
            },
        }
    }
}

/// Removes uploads that nothing needs any more. What cannot be removed is collected later.
pub async fn remove(images: &impl Ports, uploads: &[String]) {
    for path in uploads {
        let _ = images.delete_image(path).await;
    }
}

/// Reads a field, and keeps it if anybody asks for it.
async fn field(
    parts: &mut Multipart<AnyBody<'_>>,
    name: &str,
    fields: &mut Map<String, Value>,
) -> Result<String, Fault> {
    let known = KNOWN.iter().find(|known| **known == name);
    let mut hash = Sha256::new();
    let (mut bytes, mut length) = (Vec::new(), 0_usize);
    while let Some(chunk) = parts.chunk().await? {
        length = length.saturating_add(chunk.len());
        if length > MAX_FIELD {
            return Err(Problem::TooLarge("A field is longer than 64 KiB.".into()).into());
        }
        hash.update(&chunk);
        if known.is_some() {
            bytes.extend_from_slice(&chunk);
        }
    }
    let value = match known {
        None => Value::Bool(true),
        Some(param) => match String::from_utf8(bytes) {
            Ok(text) => Value::String(text),
            Err(_) => return Err(Fault::field(param, format!("{param} must be UTF-8."))),
        },
    };
    let is_told = name.len() <= MAX_TOLD;
    if (known.is_some() || is_told)
        && fields.insert(name.to_owned(), value).is_some()
        && let Some(param) = known
    {
        return Err(Fault::field(param, format!("{param} must be sent once.")));
    }
    Ok(hex(&hash.finalize()))
}

/// The image of an object like `{"image_url": "…"}`.
fn named(
    param: &'static str,
    value: &Value,
    uploads: &mut [Option<String>],
) -> Result<Image, Fault> {
    if value.get("file_id").is_some_and(|id| !id.is_null()) {
        let sentence = format!("{param} must have an image_url: there are no files here.");
        return Err(Fault::unsupported(param, sentence));
    }
    let url = value.get("image_url").and_then(Value::as_str);
    let url = url.ok_or_else(|| Fault::field(param, format!("{param} must have an image_url.")))?;
    if let Some(upload) = json_images::index(url).and_then(|index| uploads.get_mut(index)) {
        let twice = || Fault::field(param, format!("{param} must have an image of its own."));
        return upload.take().map(Image::Upload).ok_or_else(twice);
    }
    let is_data = url
        .get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"));
    match is_data {
        true => Err(Fault::field(
            param,
            format!("{param} must be a data URL in base64."),
        )),
        false => Ok(Image::Url(url.to_owned())),
    }
}

/// Why the upload of this field's image failed: where the body could not be read further,
/// because of that.
fn cause(param: &'static str, fault: Option<impl Into<Fault>>, problem: Problem) -> Fault {
    match fault.map_or_else(|| problem.into(), Into::into) {
        Fault::Problem { problem, .. } => Fault::Problem {
            problem,
            param: Some(param),
        },
        fault => fault,
    }
}

/// The field of JSON that an image belongs to which follows this begin.
fn current(begin: &[u8]) -> &'static str {
    let last = |name: &str| memmem::rfind(begin, format!("\"{name}\"").as_bytes());
    match last(MASK) > last(IMAGES) {
        true => MASK,
        false => IMAGES,
    }
}

fn several(param: &'static str) -> Fault {
    Fault::unsupported(param, format!("{param} must be one image."))
}

/// What was sent, as the store has hashed it. One without a hash equals no other.
fn digest(stored: &Stored) -> &str {
    stored.sha256.as_ref().unwrap_or(&stored.path)
}

/// The lengths separate what is added.
fn add(hash: &mut Sha256, name: &str, digest: &str) {
    for text in [name, digest] {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
}

impl From<multipart::Fault> for Fault {
    fn from(fault: multipart::Fault) -> Self {
        let problem = match fault {
            multipart::Fault::Interrupted => Interrupted.into(),
            multipart::Fault::Malformed(why) => {
                Problem::Invalid(format!("The form cannot be read: {why}.").into())
            }
            multipart::Fault::TooManyParts => {
                Problem::TooLarge("The form has more than 64 parts.".into())
            }
            multipart::Fault::LongHead => {
                Problem::TooLarge("The head of a part is longer than 8 KiB.".into())
            }
        };
        problem.into()
    }
}

impl From<json_images::Fault> for Fault {
    fn from(fault: json_images::Fault) -> Self {
        let problem = match fault {
            json_images::Fault::Interrupted => Interrupted.into(),
            json_images::Fault::Unended => Malformed::NotJson.into(),
            json_images::Fault::NotBase64 => {
                Problem::Invalid("A data URL is not valid base64.".into())
            }
            json_images::Fault::TooLarge => {
                Problem::TooLarge("The body without its images is longer than 64 KiB.".into())
            }
        };
        problem.into()
    }
}
