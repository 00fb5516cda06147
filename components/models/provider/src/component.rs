//! Exports the interface `image-model`, implemented by a [`Model`].

#![allow(
    unsafe_code,
    reason = "what wit-bindgen generates talks to the canonical ABI"
)]

mod http;

use std::collections::{BTreeMap, VecDeque};
use std::marker::PhantomData;
use std::time::Duration;

use concept_refinement_domain::image::Format;
use concept_refinement_domain::partial_edit::FEATHER_OPTION;
use concept_refinement_guest::Incoming;
use futures::{StreamExt as _, stream};

use crate::answer::Answer;
use crate::model::Taken;
use crate::notes::notes;
use crate::original::Contents;
use crate::ports::Ports as _;
use crate::question::{self, Question};
use crate::{Error, Model, Settings};

wit_bindgen::generate!({
    path: "../../../wit",
    world: "image-model-component",
    pub_export_macro: true,
});

use concept::refinement::{receipts, settings, usage};
use exports::concept::refinement::image_model::{self as wit, Image, ImageOrLocation, Source};

/// How much of an original is read at a time, in bytes: whole groups of base64.
const CHUNK: usize = 3 * 1024;

/// Largest mask, in bytes (`wit/partial-edits.wit`).
const MAX_MASK: usize = 8 << 20;

pub struct Component<M>(PhantomData<M>);

impl<M: Model> wit::Guest for Component<M> {
    async fn refine(request: wit::Request) -> Result<wit::Answer, wit::Error> {
        let values = settings::get_many(Settings::NAMES.map(str::to_owned).into()).await;
        let mut values: BTreeMap<_, _> = Settings::NAMES.into_iter().zip(values).collect();
        let settings = Settings::of(|name| values.remove(name).flatten())?;
        let receipt_key = request.receipt_key.clone();
        let wasi = http::Wasi { receipt_key };
        let is_masked = request.mask.is_some();
        let takes = M::takes(&settings, is_masked);
        let notes = notes(&takes, request.strength, request.seed, is_masked);
        let (question, original) = from_wit(request, &takes, &settings, wasi.random()).await?;
        let answer = M::refine(&wasi, &settings, question, original).await?;
        Ok(to_wit(answer, notes))
    }

    async fn describe() -> String {
        M::DESCRIPTION.to_owned()
    }
}

async fn from_wit(
    request: wit::Request,
    takes: &[Taken],
    settings: &Settings,
    random: u128,
) -> Result<(Question, Contents), Error> {
    let mask = match request.mask.filter(|_| takes.contains(&Taken::Mask)) {
        Some(mask) => Some(read(mask).await?),
        None => None,
    };
    let mut options = request.options.iter();
    let feather = options.find(|(name, _)| name == FEATHER_OPTION);
    let original = Incoming::from(request.image).in_chunks_of(CHUNK);
    // The end and an interruption cannot be distinguished, except by the length.
    let original = stream::unfold(original, |mut original| async {
        let chunk = original.chunk().await?;
        Some((Ok(chunk), original))
    });
    let (logo, theme) = (request.logo_description, request.theme_description);
    let question = Question {
        prompt: question::enriched(&request.prompt, logo.as_deref(), theme.as_deref()),
        strength: question::strength(request.strength),
        seed: request.seed,
        mask,
        mask_feather: feather
            .and_then(|(_, value)| value.parse().ok())
            .unwrap_or(0),
        source_url: question::source_url(request.source_url, settings),
        random,
        task_id: request.task_id,
        receipt: request.receipt,
        time_left: Duration::from_millis(request.time_left),
    };
    let original = Contents::open(original.fuse().boxed_local(), request.length).await?;
    Ok((question, original))
}

/// A mask is small, and some providers want it in front of the original.
async fn read(mask: wit::Mask) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let mut contents = Incoming::from(mask.contents);
    while let Some(chunk) = contents.chunk().await {
        bytes.extend(chunk);
        if bytes.len() > MAX_MASK {
            return Err(Error::refused("the mask is too large for this model"));
        }
    }
    match bytes.len() as u64 == mask.length {
        true => Ok(bytes),
        false => Err(Error::refused("the mask ended before its length")),
    }
}

fn to_wit(answer: Answer, notes: Vec<String>) -> wit::Answer {
    let image = match answer {
        Answer::Image { format, chunks } => ImageOrLocation::Image(image(format, chunks)),
        Answer::Location(url) => ImageOrLocation::Location(url),
    };
    wit::Answer {
        image,
        notes,
        source: Source::Generative,
    }
}

fn image(format: Format, chunks: VecDeque<Vec<u8>>) -> Image {
    let length = chunks.iter().map(|chunk| chunk.len() as u64).sum();
    let (mut writer, contents) = wit_stream::new();
    wit_bindgen::spawn(async move {
        for chunk in chunks {
            // The reader may stop early.
            if !writer.write_all(chunk).await.is_empty() {
                return;
            }
        }
    });
    Image {
        media_type: format.media_type().to_owned(),
        length: Some(length),
        contents,
    }
}

impl From<Error> for wit::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Unknown(reason) => Self::Unknown(reason),
            Error::Refused(reason) => Self::Refused(reason),
            Error::Broken(reason) => Self::Broken(reason),
            Error::Unauthorized(reason) => Self::Unauthorized(reason),
            Error::Unavailable {
                reason,
                retry_after,
                is_rate_limit,
            } => Self::Unavailable(wit::Unavailable {
                reason,
                retry_after: retry_after
                    .map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
                is_rate_limit,
            }),
        }
    }
}
