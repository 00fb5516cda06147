//! The handlers, one file per resource.

mod answer;
pub mod concepts;
mod edits;
mod end;
mod events;
pub mod health;
pub mod images;
mod lineage;
pub mod mcp;
mod me;
mod models;
mod page;
pub mod protected_resource;
pub mod quota;
mod refine;
pub mod session;
mod submission;
pub mod tasks;
pub mod uploads;
pub mod usage;
mod verify;
pub mod webhooks;

use answer::Answer;

use crate::assets;
use crate::ports::Ports;
use crate::problem::Problem;
use crate::request::{Body, Request};
use crate::router::{self, Route};
use crate::state::State;

pub async fn answer<P: Ports>(
    state: &State<P>,
    mut request: Request,
    body: impl Body,
) -> Answer<P> {
    let path = std::mem::take(&mut request.path);
    let route = match router::route(request.method, &path) {
        Err(unknown @ Problem::NotFound(_)) if !router::is_of_api(&path) => {
            return Ok(page::unknown(unknown, &request));
        }
        route => route?,
    };
    match route {
        Route::Edits => edits::edit(state, request, body).await,
        Route::Models => models::list(state, &request).await,
        Route::Mcp => mcp::answer(state, request, body).await,
        Route::ProtectedResource => protected_resource::get(state, &request).await,
        Route::Refine => refine::submit(state, request, body).await,
        Route::Tasks => tasks::list(state, &request).await,
        Route::Task(id) => tasks::get(state, &request, id).await,
        Route::DeleteTask(id) => tasks::delete(state, &request, id).await,
        Route::TaskEvents(id) => events::watch(state, &request, id).await,
        Route::CancelTask(id) => tasks::cancel(state, &request, id).await,
        Route::Me => me::delete(state, &request).await,
        Route::Quota => quota::get(state, &request).await,
        Route::Usage => usage::get(state, &request).await,
        Route::Webhook(id) => webhooks::get(state, &request, id).await,
        Route::Redeliver(id) => webhooks::redeliver(state, &request, id).await,
        Route::WebhookSecret => webhooks::secret(state, &request).await,
        Route::Concepts => concepts::list(state, &request).await,
        Route::Concept(id) => concepts::get(state, &request, id).await,
        Route::Lineage(id) => lineage::get(state, &request, id).await,
        Route::DeleteConcept(id) => concepts::delete(state, &request, id).await,
        Route::Upload => uploads::upload(state, &request, body).await,
        Route::Verify => verify::verify(state, &request, body).await,
        Route::Image => images::get(state, &request, &path).await,
        Route::DeleteImage => images::delete(state, &request, &path).await,
        Route::Session => session::create(state, &request).await,
        Route::Health => health::live(state).await,
        Route::Ready => health::ready(state, &request).await,
        Route::PageService => page::service(state).await,
        Route::Asset(asset) => Ok(assets::answer(asset, &request)),
    }
}
