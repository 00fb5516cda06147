//! From a request over the ports to a response, one file a resource.

pub mod concepts;
mod events;
pub mod health;
pub mod images;
mod refine;
pub mod session;
pub mod tasks;
pub mod uploads;

use crate::api::Api;
use crate::assets;
use crate::ports::{ImageStore, Ports};
use crate::problem::Problem;
use crate::request::{Body, Request};
use crate::response::Response;
use crate::router::{self, Route};

type Answer<P> = Result<Response<<P as ImageStore>::Contents>, Problem>;

pub async fn answer<P: Ports + 'static, B: Body>(
    api: &Api<P>,
    mut request: Request<B>,
) -> Answer<P> {
    let path = std::mem::take(&mut request.path);
    match router::route(request.method, &path)? {
        Route::Refine => refine::submit(api, request).await,
        Route::Tasks => tasks::list(api, &request).await,
        Route::Task(id) => tasks::get(api, &request, id).await,
        Route::DeleteTask(id) => tasks::delete(api, &request, id).await,
        Route::TaskEvents(id) => events::watch(api, &request, id).await,
        Route::Concepts => concepts::list(api, &request).await,
        Route::Concept(id) => concepts::get(api, &request, id).await,
        Route::DeleteConcept(id) => concepts::delete(api, &request, id).await,
        Route::Upload => uploads::upload(api, request).await,
        Route::Image => images::get(api, &request, &path).await,
        Route::DeleteImage => images::delete(api, &request, &path).await,
        Route::Session => session::create(api, &request),
        Route::Health => health::live(api).await,
        Route::Ready => health::ready(api).await,
        Route::Asset(asset) => Ok(assets::answer(asset, &request)),
    }
}
