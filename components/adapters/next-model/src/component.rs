//! The interface `next-models` on both sides, and `image-model`.

// The generated code crosses the boundary of the component, which is unsafe by
// its nature.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit",
        world: "next-model-adapter",
    });

    export!(Component with_types_in self);
    use super::Component;
}

use bindings::concept::refinement::{image_model as first, next_models as others};
use bindings::exports::concept::refinement::next_models::{
    Answer, Error, Guest, Image, Request, Unavailable,
};

struct Component;

impl Guest for Component {
    async fn count() -> u32 {
        others::count().await.saturating_add(1)
    }

    async fn describe(index: u32) -> String {
        match index.checked_sub(1) {
            None => first::describe().await,
            Some(index) => others::describe(index).await,
        }
    }

    /// Nothing is remembered here, so nothing has to be told apart.
    async fn identity(_: u32) -> String {
        String::new()
    }

    async fn refine(index: u32, request: Request) -> Result<Answer, Error> {
        let Request {
            task_id,
            prompt,
            strength,
            logo_description,
            theme_description,
            media_type,
            length,
            source_url,
            image,
        } = request;
        match index.checked_sub(1) {
            None => {
                let request = first::Request {
                    task_id,
                    prompt,
                    strength,
                    logo_description,
                    theme_description,
                    media_type,
                    length,
                    source_url,
                    image,
                };
                let answer = first::refine(request).await;
                answer.map(Answer::from).map_err(Error::from)
            }
            Some(index) => {
                let request = others::Request {
                    task_id,
                    prompt,
                    strength,
                    logo_description,
                    theme_description,
                    media_type,
                    length,
                    source_url,
                    image,
                };
                let answer = others::refine(index, request).await;
                answer.map(Answer::from).map_err(Error::from)
            }
        }
    }
}

impl From<first::Answer> for Answer {
    fn from(answer: first::Answer) -> Self {
        match answer {
            first::Answer::Image(image) => Self::Image(Image {
                media_type: image.media_type,
                length: image.length,
                contents: image.contents,
                notes: image.notes,
            }),
            first::Answer::Location(url) => Self::Location(url),
        }
    }
}

impl From<others::Answer> for Answer {
    fn from(answer: others::Answer) -> Self {
        match answer {
            others::Answer::Image(image) => Self::Image(Image {
                media_type: image.media_type,
                length: image.length,
                contents: image.contents,
                notes: image.notes,
            }),
            others::Answer::Location(url) => Self::Location(url),
        }
    }
}

impl From<first::Error> for Error {
    fn from(error: first::Error) -> Self {
        match error {
            first::Error::Unavailable(first::Unavailable {
                reason,
                retry_after,
            }) => Self::Unavailable(Unavailable {
                reason,
                retry_after,
            }),
            first::Error::Refused(reason) => Self::Refused(reason),
        }
    }
}

impl From<others::Error> for Error {
    fn from(error: others::Error) -> Self {
        match error {
            others::Error::Unavailable(others::Unavailable {
                reason,
                retry_after,
            }) => Self::Unavailable(Unavailable {
                reason,
                retry_after,
            }),
            others::Error::Refused(reason) => Self::Refused(reason),
            others::Error::Broken(reason) => Self::Broken(reason),
        }
    }
}
