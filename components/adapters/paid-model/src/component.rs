//! The interface `image-model` on both sides.

// The generated code crosses the component boundary, which is inherently unsafe.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit",
        inline: "
            package concept:composing;
            interface link-name { get: func() -> string; }
            world paid-model {
                import link-name;
                import concept:refinement/settings@0.2.0;
                import concept:refinement/payments@0.2.0;
                import concept:refinement/image-model@0.2.0;
                export concept:refinement/image-model@0.2.0;
            }
        ",
        world: "concept:composing/paid-model",
        generate_all,
    });

    export!(Component with_types_in self);
    use super::Component;
}

use bindings::concept::composing::link_name;
use bindings::concept::refinement::payments::{self, Beginning};
use bindings::concept::refinement::types::{self, ErrorKind};
use bindings::concept::refinement::{image_model, settings};
use bindings::exports::concept::refinement::image_model::{
    Answer, Error, Guest, Request, Unavailable,
};
use concept_refinement_domain::money::MicroDollars;
use concept_refinement_domain::payment::NOT_ASKED_TWICE;

struct Component;

impl Guest for Component {
    async fn refine(request: Request) -> Result<Answer, Error> {
        let not_twice = || Err(Error::Refused(NOT_ASKED_TWICE.to_owned()));
        let key = format!("{}/{}", request.receipt_key, link_name::get());
        let price = settings::get("model-price".to_owned()).await;
        let price = price.and_then(|text| MicroDollars::parse(&text).ok());
        let has_provider = settings::get("model-url".to_owned()).await.is_some();
        if !has_provider && price.is_none() {
            // No call costs money here.
            return match payments::is_forbidden(key).await.map_err(not_begun)? {
                true => not_twice(),
                false => image_model::refine(request).await,
            };
        }
        let price = price.map(|price| price.0);
        let permission = match payments::begin(key.clone(), price)
            .await
            .map_err(not_begun)?
        {
            Beginning::MayLeave(permission) => permission,
            Beginning::NotTwice => return not_twice(),
        };
        let answer = image_model::refine(Request {
            receipt: permission.receipt,
            receipt_key: permission.receipt_key,
            ..request
        });
        let answer = answer.await;
        let is_accepted = match &answer {
            Ok(_) => true,
            Err(Error::Unavailable(_) | Error::Unauthorized(_)) => false,
            // Nothing is to be paid for what fails here.
            Err(_) => has_provider,
        };
        if !is_accepted && permission.is_counted {
            // If this fails, the call counts as accepted.
            let _ = payments::not_accepted(key).await;
        }
        answer
    }

    async fn describe() -> String {
        image_model::describe().await
    }
}

/// The call cannot be recorded, so it is not made.
fn not_begun(error: types::Error) -> Error {
    match error.kind {
        ErrorKind::Invalid => Error::Refused(error.message),
        ErrorKind::Unavailable | ErrorKind::Full => Error::Unavailable(Unavailable {
            reason: error.message,
            retry_after: None,
            is_rate_limit: false,
        }),
    }
}
