//! Exports the interface `image-model` over [`crate::refine`], with HTTP, receipts, usage
//! and the clock of the host. Each call has an instance of its own.

// The generated code crosses the boundary of the component, which is unsafe by
// its nature.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit",
        world: "image-model-component",
    });

    export!(Component with_types_in self);
    use super::Component;
}

use bindings::concept::refinement::usage::{self, Usage};
use bindings::concept::refinement::{receipts, settings};
use bindings::exports::concept::refinement::image_model::{
    Answer, Error, Guest, Image, ImageOrLocation, Request, Source, Unavailable,
};
use bindings::wit_stream;
use wasip3::clocks::monotonic_clock;
use wasip3::http::client;
use wasip3::http::types::Response as HttpResponse;
use wasip3::http::types::{ErrorCode, Fields, Method, Request as HttpRequest, Scheme};
use wit_bindgen::{FutureReader, StreamReader, StreamResult};

use crate::{Job, Ports, Response};

/// Between two looks at work in progress, in nanoseconds.
const PAUSE: u64 = 1_000_000_000;

struct Component;

impl Guest for Component {
    async fn refine(request: Request) -> Result<Answer, Error> {
        let provider = Provider {
            url: setting("model-url")
                .await
                .ok_or_else(|| Error::Refused("model-url is not set".to_owned()))?,
            key: setting("model-api-key").await,
            receipt_key: request.receipt_key,
        };
        let job = Job {
            task_id: request.task_id,
            image: read(request.image).await,
            prompt: request.prompt,
            strength: request.strength,
            receipt: request
                .receipt
                .and_then(|kept| String::from_utf8(kept).ok()),
        };
        if job.image.len() as u64 != request.length {
            return Err(Error::Refused(
                "the image ended before its length".to_owned(),
            ));
        }
        let refined = crate::refine(&provider, &job).await?;

        // The answer is written by a spawned task, while the caller reads it.
        let length = refined.len() as u64;
        let (mut writer, contents) = wit_stream::new();
        wit_bindgen::spawn(async move {
            writer.write_all(refined).await;
        });
        Ok(Answer {
            image: ImageOrLocation::Image(Image {
                media_type: "image/png".to_owned(),
                length: Some(length),
                contents,
            }),
            // Sentences for the user about this result, if there is anything to say.
            notes: Vec::new(),
            source: Source::Generative,
        })
    }

    /// Shown to people who run the model.
    async fn describe() -> String {
        "A template that sends images to a provider.".to_owned()
    }
}

async fn setting(name: &str) -> Option<String> {
    settings::get(name.to_owned()).await
}

/// Completes when the request was sent.
type Sent = FutureReader<Result<(), ErrorCode>>;

struct Provider {
    url: String,
    key: Option<String>,
    receipt_key: String,
}

impl Ports for Provider {
    async fn send(&self, path: &str, body: Option<Vec<u8>>) -> Result<Response, crate::Error> {
        let unusable = || crate::Error::Refused("model-url cannot be used".to_owned());
        // `sent` is kept until the answer was read: some platforms close the connection
        // when it is dropped.
        let (request, _sent) = self.request(path, body).ok_or_else(unusable)?;
        let response = client::send(request).await.map_err(failure)?;
        let status = response.get_status_code();
        let (_, received) = wasip3::wit_future::new(|| Ok(()));
        let (body, end) = HttpResponse::consume_body(response, received);
        let body = read(body).await;
        // An answer that broke off looks complete otherwise.
        match end.await {
            Ok(_) => Ok(Response { status, body }),
            Err(_) => Err(crate::Error::Unknown(
                "the provider's answer broke off".to_owned(),
            )),
        }
    }

    async fn keep(&self, receipt: &str) -> Result<(), crate::Error> {
        let kept = receipts::put(self.receipt_key.clone(), receipt.as_bytes().to_vec()).await;
        kept.map_err(|error| crate::Error::Refused(error.message))
    }

    async fn cost(&self, cost: u64) -> Result<(), crate::Error> {
        let usage = Usage {
            cost: Some(cost),
            // Not told by this provider.
            input_tokens: None,
            output_tokens: None,
        };
        let added = usage::add(self.receipt_key.clone(), usage).await;
        added.map_err(|error| crate::Error::Refused(error.message))
    }

    async fn pause(&self) {
        monotonic_clock::wait_for(PAUSE).await;
    }
}

impl Provider {
    /// None: the URL cannot be used.
    fn request(&self, path: &str, body: Option<Vec<u8>>) -> Option<(HttpRequest, Sent)> {
        let (scheme, rest) = self.url.split_once("://")?;
        let (authority, base) = rest.split_once('/').unwrap_or((rest, ""));
        let base = base.trim_end_matches('/');
        let path = match base {
            "" => path.to_owned(),
            base => format!("/{base}{path}"),
        };
        let mut fields = Vec::new();
        if let Some(key) = &self.key {
            let value = format!("Bearer {key}").into_bytes();
            fields.push(("authorization".to_owned(), value));
        }
        let mut method = Method::Get;
        let contents = body.map(|body| {
            method = Method::Post;
            let length = body.len().to_string().into_bytes();
            fields.push(("content-type".to_owned(), b"application/json".to_vec()));
            fields.push(("content-length".to_owned(), length));
            let (mut writer, contents) = wasip3::wit_stream::new();
            wit_bindgen::spawn(async move {
                writer.write_all(body).await;
            });
            contents
        });
        let headers = Fields::from_list(&fields).ok()?;
        let (_, no_trailers) = wasip3::wit_future::new(|| Ok(None));
        let (request, sent) = HttpRequest::new(headers, contents, no_trailers, None);
        let scheme = match scheme {
            "https" => Scheme::Https,
            _ => Scheme::Http,
        };
        request.set_method(&method).ok()?;
        request.set_scheme(Some(&scheme)).ok()?;
        request.set_authority(Some(authority)).ok()?;
        request.set_path_with_query(Some(&path)).ok()?;
        Some((request, sent))
    }
}

/// Whether the provider may have got the request decides whether a repeat may cost again.
fn failure(error: ErrorCode) -> crate::Error {
    match error {
        ErrorCode::DnsTimeout
        | ErrorCode::DnsError(_)
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTimeout => {
            crate::Error::Unavailable("the provider cannot be reached".to_owned())
        }
        ErrorCode::DestinationIpProhibited | ErrorCode::HttpRequestDenied => {
            crate::Error::Refused("the provider's address is not that of model-url".to_owned())
        }
        _ => crate::Error::Unknown("the provider did not answer".to_owned()),
    }
}

impl From<crate::Error> for Error {
    fn from(error: crate::Error) -> Self {
        match error {
            crate::Error::Unavailable(reason) => Self::Unavailable(Unavailable {
                reason,
                retry_after: None,
                is_rate_limit: false,
            }),
            crate::Error::Unknown(reason) => Self::Unknown(reason),
            crate::Error::Unauthorized(reason) => Self::Unauthorized(reason),
            crate::Error::Refused(reason) => Self::Refused(reason),
        }
    }
}

async fn read(mut image: StreamReader<u8>) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        bytes.reserve(64 * 1024);
        let (result, read) = image.read(bytes).await;
        bytes = read;
        if let StreamResult::Dropped = result {
            return bytes;
        }
    }
}
