//! Outbound HTTP, the time and randomness.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use concept_refinement_domain::payment::Usage;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_guest::outbound::{self, Timeouts};
use concept_refinement_guest::{Clock as _, Imports, Random as _};
use futures::{Stream, StreamExt as _, stream};
use wit_bindgen::StreamWriter;

use super::concept::refinement::types::Usage as WitUsage;
use super::{receipts, usage};
use crate::Failure;
use crate::body::Body;
use crate::outcome::Error;
use crate::ports::{BrokeOff, HttpRequest, Method, Ports, Response};
use crate::settings::Base;

const ACCEPTED: &str = "application/json, image/png, image/jpeg, image/webp, image/gif";

/// Practically unlimited, since a model may take long before its first byte: the caller
/// ends the call, and a timeout here would look like a failure that is worth a retry.
const SILENCE: Duration = Duration::from_secs(24 * 60 * 60);

const TIMEOUTS: Timeouts = Timeouts {
    connect: Some(Duration::from_secs(10)),
    first_byte: Some(SILENCE),
    between_bytes: Some(SILENCE),
};

/// For one call.
pub struct Wasi {
    pub receipt_key: String,
}

impl Ports for Wasi {
    /// The body is written by a spawned task, since a provider may answer before it has
    /// read everything.
    async fn send(&self, base: &Base, request: HttpRequest) -> Result<Response, Error> {
        let length = request.body.length();
        let method = match request.method {
            Method::Get => wasip3::http::types::Method::Get,
            Method::Post => wasip3::http::types::Method::Post,
            Method::Put => wasip3::http::types::Method::Put,
        };
        let declared = (request.method != Method::Get).then(|| length.to_string());
        let declared = declared.as_deref();
        let fields = [("accept", request.accept.unwrap_or(ACCEPTED))]
            .into_iter()
            .chain(declared.map(|length| ("content-length", length)))
            .chain(
                request
                    .fields
                    .iter()
                    .map(|(name, value)| (*name, value.as_str())),
            );
        let url = base.join(&request.path);
        let (writer, body) = (length > 0).then(wasip3::wit_stream::new).unzip();
        let wasi =
            outbound::request(&method, &url, fields, body, TIMEOUTS).ok_or(Failure::Broken)?;
        let is_sent = Rc::new(Cell::new(Ok(writer.is_none())));
        let report = Rc::clone(&is_sent);
        if let Some(writer) = writer {
            wit_bindgen::spawn(async move { report.set(write(request.body, writer).await) });
        }
        let response = outbound::send(wasi).await;
        let is_sent = is_sent.replace(Ok(false))?;
        let response = response.map_err(|failure| {
            let error = Error::from(failure);
            if is_sent { error } else { error.not_accepted() }
        })?;
        Ok(Response {
            status: response.status,
            content_length: response.content_length(),
            content_encoding: response.header("content-encoding"),
            retry_after: response.header("retry-after"),
            body: chunks_of(response).boxed_local(),
        })
    }

    async fn keep(&self, receipt: &[u8]) {
        let key = self.receipt_key.clone();
        let _ = receipts::put(key, receipt.to_vec()).await;
    }

    async fn add_usage(&self, usage: &Usage) {
        let usage = WitUsage {
            cost: usage.cost,
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
        };
        let _ = usage::add(self.receipt_key.clone(), usage).await;
    }

    async fn give_up(&self) -> Result<(), Error> {
        let given_up = receipts::put(self.receipt_key.clone(), Vec::new()).await;
        given_up.map_err(|error| Error::refused(error.message))
    }

    async fn sleep(&self, duration: Duration) {
        Imports.sleep(duration).await;
    }

    fn now(&self) -> Timestamp {
        Imports.now()
    }

    fn random(&self) -> u128 {
        u128::from(Imports.random()) << 64 | u128::from(Imports.random())
    }
}

/// Returns whether all of it was sent.
async fn write(mut body: Body, mut writer: StreamWriter<u8>) -> Result<bool, Error> {
    while let Some(chunk) = body.next().await? {
        // The provider may stop reading early, and answer anyway.
        if !writer.write_all(chunk).await.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn chunks_of(response: outbound::Response) -> impl Stream<Item = Result<Vec<u8>, BrokeOff>> {
    stream::try_unfold(response, |mut response| async {
        let chunk = response.chunk().await.map_err(|_| BrokeOff)?;
        Ok::<_, BrokeOff>(chunk.map(|chunk| (chunk, response)))
    })
}
