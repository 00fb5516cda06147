//! Reads a message. An image in it streams into the store, so that what is held is the rest
//! of the message, which is short.

use concept_refinement_domain::capability::Stored;
use concept_refinement_domain::{image, validation};
use concept_refinement_mcp::{Malformed, Message, parse};

use super::tools::upload_image;
use crate::auth::Caller;
use crate::base64_stream;
use crate::json_images::{Fault, JsonImages, Members};
use crate::openai::form::remove;
use crate::ports::Ports;
use crate::problem::Problem;
use crate::request::{AnyBody, Interrupted, any};
use crate::routes::uploads::{at_most, new_image, streamed};
use crate::state::State;

/// Longest message without the image in it, in bytes.
const MAX_MESSAGE: usize = 64 * 1024;

/// The members whose images are decoded as they come. Data URLs of the second and third name
/// belong elsewhere, which the tool says.
const IMAGE_MEMBERS: Members = Members {
    data_urls: &["url", "mask_url"],
    base64: Some(upload_image::DATA),
};

/// The image that came in a message; whether it is asked for is not known before its end.
#[derive(Default)]
pub enum Image {
    #[default]
    None,
    Stored(Stored),
    /// It cannot be stored.
    Refused(Problem),
}

impl Image {
    /// Removes what no tool has asked for.
    pub async fn remove<P: Ports>(self, state: &State<P>) {
        if let Self::Stored(stored) = self {
            remove(&state.ports, &[stored.path]).await;
        }
    }
}

/// The message. Its image is stored meanwhile, also where reading fails. `declared`: the length
/// of the body.
///
/// # Errors
///
/// The message was not read to its end: it is too long, or was interrupted.
pub async fn receive<P: Ports>(
    state: &State<P>,
    caller: &Caller,
    body: AnyBody<'_>,
    declared: Option<u64>,
    image: &mut Image,
) -> Result<Result<Message, Malformed>, Problem> {
    let bound = declared.map(base64_stream::most_bytes);
    let mut json = JsonImages::new(body, MAX_MESSAGE, IMAGE_MEMBERS);
    while json.next().await?.is_some() {
        let next = match image {
            Image::None => upload(state, caller, &mut json, bound).await,
            Image::Stored(_) | Image::Refused(_) => {
                Image::Refused(Problem::Invalid("Send one image at a time.".into()))
            }
        };
        std::mem::replace(image, next).remove(state).await;
        if let Image::Refused(_) = image {
            // Its message is answered all the same, if the image is not without an end.
            let max_bytes = state.config.image_limits.max_bytes;
            let skipped = json.skip(max_bytes).await;
            skipped.map_err(|fault| match fault {
                Fault::TooLarge => image::Problem::TooLarge { max_bytes }.into(),
                fault => Problem::from(fault),
            })?;
        }
    }
    Ok(parse(&json.into_rest()))
}

async fn upload<P: Ports>(
    state: &State<P>,
    caller: &Caller,
    json: &mut JsonImages<AnyBody<'_>>,
    bound: Option<u64>,
) -> Image {
    let length = at_most(state, bound);
    let mut kept = Vec::new();
    let image = |format| new_image(state, caller, format, length);
    let uploaded = streamed(state, any(&mut *json), image, &mut kept).await;
    match uploaded {
        Ok((stored, _)) => Image::Stored(stored),
        Err(problem) => {
            remove(&state.ports, &kept).await;
            Image::Refused(json.fault().map_or(problem, Problem::from))
        }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Interrupted => Interrupted.into(),
            Fault::Unended => validation::Malformed::NotJson.into(),
            Fault::NotBase64 => Self::Invalid("An image is not valid base64.".into()),
            Fault::TooLarge => {
                Self::TooLarge("The message without its image is longer than 64 KiB.".into())
            }
        }
    }
}
