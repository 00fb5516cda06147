//! `wasi:http/handler` on one side, a worker on the other.

use concept_refinement_adapter_queue::{Attempt, work};
use concept_refinement_guest::{Imports, Incoming, log};
use wasip3::exports::http::handler::Guest;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, Response};
use wasip3::{wit_future, wit_stream};

use crate::answer::{Answer, MAX_MESSAGE, refuse};

#[allow(unsafe_code)]
mod export {
    use super::Component;
    wasip3::http::service::export!(Component);
}

struct Component;

impl Guest for Component {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        sent(handle(request).await)
    }
}

async fn handle(request: Request) -> Answer {
    let is_post = matches!(request.get_method(), Method::Post);
    let path = request.get_path_with_query().unwrap_or_default();
    let length = declared_length(&request);
    if let Some(refusal) = refuse(is_post, &path, length) {
        return refusal;
    }
    let message = match read(request).await {
        Ok(message) => message,
        Err(refusal) => return refusal,
    };
    match work(&Imports, &message).await {
        Attempt::Taken => Answer::acknowledged(),
        Attempt::Again(reason) => {
            log::warn(format_args!("a message is to come again: {reason}"));
            Answer::retry_later(&reason)
        }
        Attempt::Refused(reason) => {
            log::warn(format_args!("a message was rejected: {reason}"));
            Answer::acknowledged()
        }
    }
}

fn declared_length(request: &Request) -> Option<u64> {
    let values = request.get_headers().get("content-length");
    str::from_utf8(values.first()?).ok()?.parse().ok()
}

/// The whole body, up to a limit.
async fn read(request: Request) -> Result<Vec<u8>, Answer> {
    let (_, received) = wit_future::new(|| Ok(()));
    let (body, end) = Request::consume_body(request, received);
    let mut body = Incoming::from(body);
    let mut message = Vec::new();
    while let Some(chunk) = body.chunk().await {
        message.extend_from_slice(&chunk);
        if message.len() > MAX_MESSAGE {
            return Err(Answer::too_large());
        }
    }
    end.await.map_err(|_| Answer::interrupted())?;
    Ok(message)
}

fn sent(answer: Answer) -> Result<Response, ErrorCode> {
    let fields: Vec<_> = answer
        .headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into_bytes()))
        .collect();
    let fields = Fields::from_list(&fields).map_err(|_| ErrorCode::InternalError(None))?;
    let contents = (!answer.body.is_empty()).then(|| {
        let (mut writer, reader) = wit_stream::new();
        // If the caller has left, unwritten bytes do not matter.
        wit_bindgen::spawn(async move { drop(writer.write_all(answer.body).await) });
        reader
    });
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (sent, _) = Response::new(fields, contents, trailers);
    sent.set_status_code(answer.status)
        .map_err(|()| ErrorCode::InternalError(None))?;
    Ok(sent)
}
