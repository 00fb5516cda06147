//! `image-model` of 0.1.0 on one side, and that of now on the other.

// The generated code crosses the component boundary, which is inherently unsafe.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../../wit", "../../../wit/0.1.0"],
        inline: "
            package concept:composing;
            world model {
                import concept:refinement/image-model@0.1.0;
                export concept:refinement/image-model@0.2.0;
            }
        ",
        world: "concept:composing/model",
        generate_all,
    });

    export!(Component with_types_in self);
    use super::Component;
}

use concept_refinement_domain::note::NotTaken;

use bindings::concept::refinement0_1_0::image_model as old;
use bindings::exports::concept::refinement0_2_0::image_model::{
    Answer, Error, Guest, Image, ImageOrLocation, Request, Source, Unavailable,
};

struct Component;

impl Guest for Component {
    async fn refine(request: Request) -> Result<Answer, Error> {
        let Request {
            task_id,
            prompt,
            strength,
            seed,
            logo_description,
            theme_description,
            media_type,
            length,
            source_url,
            receipt,
            time_left,
            receipt_key,
            options: _,
            image,
            mask,
        } = request;
        let not_taken = NotTaken {
            seed: seed.is_some(),
            mask: mask.is_some(),
            ..NotTaken::default()
        };
        let answer = old::refine(old::Request {
            task_id,
            prompt,
            strength,
            logo_description,
            theme_description,
            media_type,
            length,
            source_url,
            receipt,
            time_left,
            receipt_key,
            image,
        });
        let mut answer = answered(answer.await.map_err(failed)?);
        answer.notes.extend(not_taken.notes());
        Ok(answer)
    }

    async fn describe() -> String {
        old::describe().await
    }
}

fn answered(answer: old::Answer) -> Answer {
    let (image, notes) = match answer {
        old::Answer::Image(old::Image {
            media_type,
            length,
            contents,
            notes,
        }) => {
            let image = Image {
                media_type,
                length,
                contents,
            };
            (ImageOrLocation::Image(image), notes)
        }
        old::Answer::Location(url) => (ImageOrLocation::Location(url), Vec::new()),
    };
    Answer {
        image,
        notes,
        source: Source::Generative,
    }
}

fn failed(error: old::Error) -> Error {
    match error {
        old::Error::Unavailable(old::Unavailable {
            reason,
            retry_after,
            is_rate_limit,
        }) => Error::Unavailable(Unavailable {
            reason,
            retry_after,
            is_rate_limit,
        }),
        old::Error::Unknown(reason) => Error::Unknown(reason),
        old::Error::Refused(reason) => Error::Refused(reason),
        old::Error::Unauthorized(reason) => Error::Unauthorized(reason),
    }
}
