//! The handler: each line of a request's body is a command, and each line of the
//! answer what came of one.
//!
//! - `variable NAME`
//! - `headers`: those of the request
//! - `fetch URL [LINE]`: posts the line, as a body, to an address
//! - `count`: how many requests this instance has counted
//! - `wait MILLISECONDS`
//! - `later MILLISECONDS KEY VALUE`: sets a key that long after the answer
//! - `panic`
//! - what [`crate::keyvalue`] knows

use std::sync::atomic::{AtomicU32, Ordering};

use wasip3::clocks::monotonic_clock;
use wasip3::exports::http::handler::Guest;
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{wit_future, wit_stream};

use crate::keyvalue::KeyValue;
use crate::request;

// The generated code crosses the boundary of the component, which is unsafe by
// its nature.
#[allow(unsafe_code, clippy::all, clippy::restriction)]
pub mod bindings {
    wit_bindgen::generate!({
        path: [
            "../../../components/adapters/store-keyvalue/wit/deps/keyvalue",
            "../wit/deps/spin-variables",
        ],
        inline: "
            package concept-refinement:spin-probe;
            world probe {
                import wasi:keyvalue/store@0.2.0-draft2;
                import wasi:keyvalue/atomics@0.2.0-draft2;
                import wasi:keyvalue/batch@0.2.0-draft2;
                import spin:variables/variables@3.0.0;
            }
        ",
        world: "concept-refinement:spin-probe/probe",
        generate_all,
    });
}

use bindings::spin::variables::variables;

struct Component;

#[allow(unsafe_code)]
mod export {
    use super::Component;
    wasip3::http::service::export!(Component);
}

static COUNTED: AtomicU32 = AtomicU32::new(0);

impl Guest for Component {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let headers = shown(&request);
        let body = request::body_of(request).await?;
        let mut keyvalue = KeyValue::default();
        let mut answer = String::new();
        for line in body.lines() {
            answer += &obeyed(line, &headers, &mut keyvalue).await;
            answer.push('\n');
        }
        let (mut writer, contents) = wit_stream::new();
        wit_bindgen::spawn(async move { drop(writer.write_all(answer.into_bytes()).await) });
        let (_, trailers) = wit_future::new(|| Ok(None));
        let (response, _) = Response::new(Fields::new(), Some(contents), trailers);
        Ok(response)
    }
}

async fn obeyed(line: &str, headers: &str, keyvalue: &mut KeyValue) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    match words.as_slice() {
        ["variable", name] => match variables::get((*name).to_owned()).await {
            Ok(value) => format!("is {value}"),
            Err(error) => format!("error {error:?}"),
        },
        ["headers"] => headers.to_owned(),
        ["fetch", url] => request::sent(url, "").await,
        ["fetch", url, rest @ ..] => request::sent(url, &rest.join(" ")).await,
        ["count"] => (COUNTED.fetch_add(1, Ordering::Relaxed) + 1).to_string(),
        ["wait", time] => {
            wait(time).await;
            "waited".to_owned()
        }
        ["later", time, key, value] => {
            let (time, key, value) = (time.to_string(), key.to_string(), value.to_string());
            wit_bindgen::spawn(async move {
                wait(&time).await;
                KeyValue::default().obeyed(&["set", &key, &value]);
            });
            "later".to_owned()
        }
        ["panic"] => panicked(),
        words => keyvalue.obeyed(words),
    }
}

async fn wait(milliseconds: &str) {
    let milliseconds: u64 = milliseconds.parse().unwrap_or_default();
    monotonic_clock::wait_for(milliseconds * 1_000_000).await;
}

#[allow(clippy::panic, reason = "a crash is what the test asked for")]
fn panicked() -> ! {
    panic!("the request asked for a crash");
}

/// In one line, and by name.
fn shown(request: &Request) -> String {
    let mut shown: Vec<String> = request
        .get_headers()
        .copy_all()
        .iter()
        .map(|(name, value)| format!("{name}={}", String::from_utf8_lossy(value)))
        .collect();
    shown.sort();
    let authority = request.get_authority().unwrap_or_default();
    shown.push(format!("authority={authority}"));
    shown.join("|")
}
