//! The component: implements the ports by its imports, and exports the HTTP
//! handler.

use std::cell::OnceCell;
use std::rc::Rc;

use wasip3::exports::http::handler::Guest;
use wasip3::http::types::{ErrorCode, Request, Response};

use crate::api::Api;
use crate::config::{Config, ConfigError};
use crate::log;
use crate::problem::Problem;

mod host;
mod http;
mod issuer;

pub use generated::concept;

#[allow(unsafe_code, clippy::all, clippy::restriction)]
mod generated {
    wit_bindgen::generate!({ path: "../../wit", world: "api" });
}

use host::Host;

struct Component;

#[allow(unsafe_code)]
mod export {
    use super::Component;
    wasip3::http::service::export!(Component);
}

thread_local! {
    /// Shared by all requests of this instance.
    static API: OnceCell<Rc<Api<Host>>> = const { OnceCell::new() };
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
async fn api() -> Result<Rc<Api<Host>>, ConfigError> {
    if let Some(api) = API.with(|api| api.get().cloned()) {
        return Ok(api);
    }
    let config = Config::read(&Host).await?;
    let api = Rc::new(Api::new(config, Host));
    Ok(API.with(|cell| cell.get_or_init(|| api).clone()))
}
