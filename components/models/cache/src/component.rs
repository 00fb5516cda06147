//! Exports the interface `image-model`.

#![allow(
    unsafe_code,
    reason = "what exports a component talks to the canonical ABI"
)]

use std::iter;

use concept_refinement_guest::Incoming;
use concept_refinement_model_middleware::component::image_model::{
    Answer, Error, Guest, Image, ImageOrLocation, Request, Source,
};
use concept_refinement_model_middleware::component::{
    Asked, StreamReader, model_state, next_models,
};

use crate::{Key, Question};

/// The index of the only model behind this one.
const NEXT: u32 = 0;

/// How much of an image is read at a time, in bytes.
const CHUNK: usize = 64 * 1024;

/// What stands before the notes on what was made by rules.
const RULES: &str = "rules";

/// Longer notes are not remembered: all that is remembered has little room. In bytes.
const LONGEST_NOTE: usize = 2 * 1024;

/// What separates notes, each of which may have several lines.
const SEPARATOR: &str = "\0";

struct Cache;

concept_refinement_model_middleware::component::export!(Cache);

impl Guest for Cache {
    async fn refine(request: Request) -> Result<Answer, Error> {
        let asked = Asked::new(request).await?;
        let key = key(&asked).await;
        if let Some(image) = model_state::get_image(key.clone()).await {
            let (source, notes) = remembered(&key).await;
            return Ok(Answer {
                image: ImageOrLocation::Image(Image {
                    media_type: image.media_type,
                    length: Some(image.length),
                    contents: image.contents,
                }),
                notes,
                source,
            });
        }
        let mut answer = next_models::refine(NEXT, asked.for_next().await).await?;
        if let ImageOrLocation::Image(image) = answer.image {
            remember(&key, answer.source, &answer.notes).await;
            let contents = model_state::put_image(key, image.contents).await;
            answer.image = ImageOrLocation::Image(Image { contents, ..image });
        }
        Ok(answer)
    }

    async fn describe() -> String {
        let next = next_models::describe(NEXT).await;
        format!("Gives the same answer when the same is asked again. It asks: {next}")
    }
}

/// What is kept along with the image of this key.
async fn remembered(key: &str) -> (Source, Vec<String>) {
    let saved = model_state::get(notes_key(key)).await.unwrap_or_default();
    let text = String::from_utf8(saved).unwrap_or_default();
    let mut saved = text.split(SEPARATOR);
    let source = match saved.next() {
        Some(RULES) => Source::Rules,
        _ => Source::Generative,
    };
    (source, saved.map(str::to_owned).collect())
}

/// Errors are ignored, since an image without notes is still useful.
async fn remember(key: &str, source: Source, notes: &[String]) {
    let source = match source {
        Source::Generative if notes.is_empty() => return,
        Source::Generative => "",
        Source::Rules => RULES,
    };
    let notes = notes.iter().map(String::as_str);
    let notes = notes.filter(|note| note.len() <= LONGEST_NOTE);
    let saved: Vec<&str> = iter::once(source).chain(notes).collect();
    let saved = saved.join(SEPARATOR).into_bytes();
    model_state::swap(notes_key(key), None, Some(saved)).await;
}

fn notes_key(key: &str) -> String {
    format!("notes of {key}")
}

async fn key(asked: &Asked) -> String {
    let identity = next_models::identity(NEXT).await;
    let request = asked.request();
    let mask = match asked.mask().await {
        Some(mask) => {
            let mut key = Key::of_mask(&mask.media_type);
            push(&mut key, mask.contents).await;
            Some(key.finish())
        }
        None => None,
    };
    let mut key = Key::new(&Question {
        identity: &identity,
        prompt: &request.prompt,
        strength: request.strength,
        logo_description: request.logo_description.as_deref(),
        theme_description: request.theme_description.as_deref(),
        media_type: &request.media_type,
        seed: request.seed,
        options: &request.options,
        mask: mask.as_deref(),
    });
    push(&mut key, asked.image().await).await;
    key.finish()
}

async fn push(key: &mut Key, contents: StreamReader<u8>) {
    let mut image = Incoming::from(contents).in_chunks_of(CHUNK);
    while let Some(chunk) = image.chunk().await {
        key.push(&chunk);
    }
}
