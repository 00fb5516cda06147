//! Exports the interface `image-model`.

#![allow(
    unsafe_code,
    reason = "what exports a component talks to the canonical ABI"
)]

use concept_refinement_guest::Incoming;
use concept_refinement_model_middleware::component::image_model::{
    Answer, Error, Guest, Image, Request,
};
use concept_refinement_model_middleware::component::{Asked, model_state, next_models};

use crate::{Key, Question};

/// The index of the only model behind this one.
const NEXT: u32 = 0;

/// How much of an image is read at a time, in bytes.
const CHUNK: usize = 64 * 1024;

struct Cache;

concept_refinement_model_middleware::component::export!(Cache);

impl Guest for Cache {
    async fn refine(request: Request) -> Result<Answer, Error> {
        let asked = Asked::new(request).await?;
        let key = key(&asked).await;
        if let Some(image) = model_state::get_image(key.clone()).await {
            return Ok(Answer::Image(Image {
                media_type: image.media_type,
                length: Some(image.length),
                contents: image.contents,
                notes: notes(&key).await,
            }));
        }
        let mut answer = next_models::refine(NEXT, asked.for_next().await).await?;
        if let Answer::Image(image) = answer {
            remember_notes(&key, &image.notes).await;
            let contents = model_state::put_image(key, image.contents).await;
            answer = Answer::Image(Image { contents, ..image });
        }
        Ok(answer)
    }

    async fn describe() -> String {
        let next = next_models::describe(NEXT).await;
        format!("Gives the same answer when the same is asked again. It asks: {next}")
    }
}

/// The notes stored along with the image of this key, if any.
async fn notes(key: &str) -> Vec<String> {
    let saved = model_state::get(notes_key(key)).await.unwrap_or_default();
    let text = String::from_utf8(saved).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Errors are ignored, since an image without notes is still useful.
async fn remember_notes(key: &str, notes: &[String]) {
    if !notes.is_empty() {
        let (key, text) = (notes_key(key), notes.join("\n"));
        model_state::swap(key, None, Some(text.into_bytes())).await;
    }
}

fn notes_key(key: &str) -> String {
    format!("notes of {key}")
}

async fn key(asked: &Asked) -> String {
    let identity = next_models::identity(NEXT).await;
    let request = asked.request();
    let mut key = Key::new(&Question {
        identity: &identity,
        prompt: &request.prompt,
        strength: request.strength,
        logo_description: request.logo_description.as_deref(),
        theme_description: request.theme_description.as_deref(),
        media_type: &request.media_type,
    });
    let mut image = Incoming::from(asked.image().await).in_chunks_of(CHUNK);
    while let Some(chunk) = image.chunk().await {
        key.push(&chunk);
    }
    key.finish()
}
