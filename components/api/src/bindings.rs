//! The component: implements the ports with its imports, and exports two interfaces to
//! the same routes: `wasi:http/handler` for any platform, and `handler` with one call per
//! request.

use std::cell::OnceCell;
use std::rc::Rc;

use concept_refinement_guest::Imports;
use futures::StreamExt as _;
use futures::stream::LocalBoxStream;
use wasip3::exports::http::handler::Guest;
use wasip3::http::types::{ErrorCode, Request, Response};
use wasip3::wit_stream;
use wit_bindgen::StreamReader;

use crate::api::Api;
use crate::config::{Config, ConfigError};
use crate::log;
use crate::problem::Problem;
use crate::request::{self, Body};
use crate::response;

mod handler;
mod http;
mod imports;
mod issuer;

struct Component;

#[allow(unsafe_code)]
mod export {
    use super::Component;
    wasip3::http::service::export!(Component);
}

#[allow(
    unsafe_code,
    clippy::all,
    clippy::restriction,
    reason = "what is generated talks to the canonical ABI"
)]
mod generated {
    use super::Component;

    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package concept-refinement:api;
            world exports {
                export concept:refinement/handler@0.2.0;
            }
        ",
        world: "concept-refinement:api/exports",
        generate_all,
    });
    export!(Component);
}

use generated::exports;

thread_local! {
    /// Shared by all requests of this instance.
    static API: OnceCell<Rc<Api<Imports>>> = const { OnceCell::new() };
}

impl Guest for Component {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let (request, body) = http::received(request);
        http::sent(respond(request, body).await)
    }
}

async fn respond(
    request: request::Request,
    body: impl Body,
) -> response::Response<StreamReader<u8>> {
    match api().await {
        Ok(api) => api.handle(request, body).await,
        Err(error) => {
            log::warn(format_args!("nothing can be answered: {error}"));
            Problem::Internal.into_response()
        }
    }
}

/// The path, and the query after its first `?`.
fn target(mut path_with_query: String) -> (String, Option<String>) {
    let query = path_with_query.find('?').map(|at| {
        let query = path_with_query.split_off(at);
        query.strip_prefix('?').unwrap_or_default().to_owned()
    });
    (path_with_query, query)
}

/// Writes events until the reader leaves.
fn written(mut events: LocalBoxStream<'static, Vec<u8>>) -> StreamReader<u8> {
    let (mut writer, reader) = wit_stream::new();
    wit_bindgen::spawn(async move {
        while let Some(event) = events.next().await {
            if !writer.write_all(event).await.is_empty() {
                break;
            }
        }
    });
    reader
}

/// Concurrent first requests may each read the settings; the first result is used. Until
/// all settings are known, each request reads them.
async fn api() -> Result<Rc<Api<Imports>>, ConfigError> {
    if let Some(api) = API.with(|api| api.get().cloned()) {
        return Ok(api);
    }
    let config = Config::read(&Imports).await?;
    let is_whole = config.is_whole();
    let api = Rc::new(Api::new(config, Imports));
    if !is_whole {
        return Ok(api);
    }
    Ok(API.with(|cell| cell.get_or_init(|| api).clone()))
}
