//! The component: implements the ports by its imports, and exports the HTTP
//! handler.

use std::cell::OnceCell;
use std::rc::Rc;

use concept_refinement_guest::Imports;
use wasip3::exports::http::handler::Guest;
use wasip3::http::types::{ErrorCode, Request, Response};

use crate::api::Api;
use crate::config::{Config, ConfigError};
use crate::log;
use crate::problem::Problem;

mod http;
mod imports;
mod issuer;

struct Component;

#[allow(unsafe_code)]
mod export {
    use super::Component;
    wasip3::http::service::export!(Component);
}

thread_local! {
    /// Shared by all requests of this instance.
    static API: OnceCell<Rc<Api<Imports>>> = const { OnceCell::new() };
}

impl Guest for Component {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let request = http::received(request);
        let response = match api().await {
            Ok(api) => api.handle(request).await,
            Err(error) => {
                log::warn(format_args!("nothing can be answered: {error}"));
                Problem::Internal.into_response()
            }
        };
        http::sent(response)
    }
}

/// Concurrent first requests may each read the settings; the first result is
/// used.
async fn api() -> Result<Rc<Api<Imports>>, ConfigError> {
    if let Some(api) = API.with(|api| api.get().cloned()) {
        return Ok(api);
    }
    let config = Config::read(&Imports).await?;
    let api = Rc::new(Api::new(config, Imports));
    Ok(API.with(|cell| cell.get_or_init(|| api).clone()))
}
