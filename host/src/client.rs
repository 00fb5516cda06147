//! A client of a running host within its own process: the API component, called without a
//! network, as one user.
//!
//! It has the methods of the clients for Python and TypeScript, under the same names, and
//! decides nothing: quotas, conflicts and validation are the API's.

mod answers;
mod error;
mod events;
mod transport;

use std::sync::Arc;

use futures::{Stream, TryStreamExt as _};
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

pub use answers::{Concept, Page, Quota, Task, TaskEvent, Upload, Usage};
pub use error::ClientError;
pub(crate) use transport::Connection;

use crate::wiring::refiner::request::{OriginalImage, RefineRequest, RefinedImage};

/// Encoded in a path: all but the unreserved characters (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A client for one user, from [`Host::client`](crate::Host::client).
///
/// ```no_run
/// # use concept_refinement_host::{ClientError, Host, RefineRequest};
/// # async fn refine(host: &Host, logo: Vec<u8>) -> Result<(), ClientError> {
/// let client = host.client("ada");
/// let request = RefineRequest::new("lighter shades of brown");
/// let refined = client.refine(logo, &request).await?;
/// println!("{} bytes of {}", refined.bytes.len(), refined.format.media_type());
/// println!("{:?} refinements are left", client.quota().await?.remaining);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    connection: Connection,
    user: Arc<str>,
}

impl Client {
    pub(crate) fn new(connection: &Connection, user: &str) -> Self {
        Self {
            connection: connection.clone(),
            user: user.into(),
        }
    }

    /// Uploads the original unless it is a URL, submits the refinement, waits for its end,
    /// and returns the refined image with the model's notes. What it uploaded is deleted if the
    /// API refuses the refinement, and a mask also when the task has ended.
    ///
    /// # Errors
    ///
    /// The API refused a request, the user has another task in progress, or the task failed
    /// or was deleted.
    pub async fn refine(
        &self,
        original: impl Into<OriginalImage>,
        request: &RefineRequest,
    ) -> Result<RefinedImage, ClientError> {
        let (url, upload) = match original.into() {
            OriginalImage::Url(url) => (url, None),
            OriginalImage::Bytes(bytes) => {
                let upload = self.upload(bytes).await?;
                (upload.image_url.clone(), Some(upload))
            }
        };
        let submitted = self.create(&url, request).await;
        let submitted = self.discard_if_refused(upload.as_ref(), submitted).await;
        let (Task { task_id, .. }, mask) = submitted?;
        let ended = self.end(&task_id).await?;
        if let Some(mask) = mask {
            // That it stays does not spoil a result.
            let _ = self.delete_upload(&mask.path).await;
        }
        match ended {
            Some(task) if task.is_completed() => self.result(&task, upload).await,
            Some(task) => Err(ClientError::TaskFailed(task)),
            None => Err(ClientError::TaskDeleted(task_id)),
        }
    }

    /// The task at its end; none if it was deleted.
    async fn end(&self, task_id: &str) -> Result<Option<Box<Task>>, ClientError> {
        let mut events = std::pin::pin!(self.watch(task_id).await?);
        while let Some(event) = events.try_next().await? {
            match event {
                TaskEvent::Changed(task) if task.is_completed() || task.is_failed() => {
                    return Ok(Some(task));
                }
                TaskEvent::Deleted => return Ok(None),
                TaskEvent::Changed(_) | TaskEvent::Progress(_) => {}
            }
        }
        Err(ClientError::Interrupted)
    }

    /// Deletes an upload if what it was for is refused: nothing needs it then.
    async fn discard_if_refused<T>(
        &self,
        upload: Option<&Upload>,
        submitted: Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        if let Some(upload) = upload
            && submitted.as_ref().is_err_and(ClientError::is_refusal)
        {
            let _ = self.delete_upload(&upload.path).await;
        }
        submitted
    }

    async fn result(
        &self,
        task: &Task,
        upload: Option<Upload>,
    ) -> Result<RefinedImage, ClientError> {
        let concept = self
            .concept(task.result_id.as_deref().unwrap_or_default())
            .await?;
        let (format, bytes) = self.stored_image(&concept.image_url).await?;
        Ok(RefinedImage {
            format,
            bytes,
            notes: concept.notes,
            concept_id: Some(concept.id),
            upload,
        })
    }

    /// What is left of the user's quota.
    ///
    /// # Errors
    ///
    /// The API refused the request.
    pub async fn quota(&self) -> Result<Quota, ClientError> {
        self.get("/api/quota").await
    }

    /// What the user has spent in the window of the budget, or in this month.
    ///
    /// # Errors
    ///
    /// The API refused the request.
    pub async fn usage(&self) -> Result<Usage, ClientError> {
        self.get("/api/usage").await
    }

    /// Stores an original: PNG, JPEG, WebP or GIF.
    ///
    /// # Errors
    ///
    /// The API refused the image, or the user has too many uploads.
    pub async fn upload(&self, image: impl Into<bytes::Bytes>) -> Result<Upload, ClientError> {
        let body = ("application/octet-stream", image.into());
        self.ask(Method::POST, "/api/images", Some(body)).await
    }

    /// Deletes an upload, by the `path` that [`Client::upload`] returned.
    ///
    /// # Errors
    ///
    /// The API refused the request.
    pub async fn delete_upload(&self, path: &str) -> Result<(), ClientError> {
        let path: Vec<_> = path.split('/').map(segment).collect();
        let path = format!("/api/images/{}", path.join("/"));
        self.delete(&path).await
    }

    /// Creates a task. A mask that is no URL is uploaded, and stays until it is deleted, unless
    /// the API refuses the request.
    ///
    /// # Errors
    ///
    /// The API refused the request, or the user has another task in progress
    /// ([`ClientError::Conflict`]).
    pub async fn submit(
        &self,
        original_image_url: &str,
        request: &RefineRequest,
    ) -> Result<Task, ClientError> {
        let (task, _) = self.create(original_image_url, request).await?;
        Ok(task)
    }

    /// The new task, and its mask if that was uploaded.
    async fn create(
        &self,
        original_image_url: &str,
        request: &RefineRequest,
    ) -> Result<(Task, Option<Upload>), ClientError> {
        let (mask_url, upload) = match &request.mask {
            Some(OriginalImage::Url(url)) => (Some(url.clone()), None),
            Some(OriginalImage::Bytes(bytes)) => {
                let upload = self.upload(bytes.clone()).await?;
                (Some(upload.image_url.clone()), Some(upload))
            }
            None => (None, None),
        };
        let fields = request.fields(original_image_url, mask_url.as_deref());
        let body = ("application/json", json!(fields).to_string().into());
        let submitted = self
            .ask(Method::POST, "/api/concepts/refine", Some(body))
            .await;
        let task = self.discard_if_refused(upload.as_ref(), submitted).await?;
        Ok((task, upload))
    }

    /// A task as it is now.
    ///
    /// # Errors
    ///
    /// The user has no such task.
    pub async fn task(&self, task_id: &str) -> Result<Task, ClientError> {
        self.get(&task_path(task_id)).await
    }

    /// A page of the user's tasks, newest first. `cursor`: the `next_cursor` of the page
    /// before.
    ///
    /// # Errors
    ///
    /// The API refused the request.
    pub async fn tasks(&self, cursor: Option<&str>) -> Result<Page<Task>, ClientError> {
        self.get(&page_path("/api/tasks", cursor)).await
    }

    /// The events of a task up to its end: the task as it is now, and each change.
    ///
    /// # Errors
    ///
    /// The user has no such task.
    pub async fn watch(
        &self,
        task_id: &str,
    ) -> Result<impl Stream<Item = Result<TaskEvent, ClientError>> + Send + use<>, ClientError>
    {
        let path = format!("{}/events", task_path(task_id));
        let answer = self.answer(Method::GET, &path, None).await?;
        Ok(events::events(answer.into_body()))
    }

    /// Ends a task in progress, which is kept as a failed one.
    ///
    /// # Errors
    ///
    /// The task has ended already ([`ClientError::Conflict`]), or there is none.
    pub async fn cancel_task(&self, task_id: &str) -> Result<Task, ClientError> {
        let path = format!("{}/cancel", task_path(task_id));
        self.ask(Method::POST, &path, None).await
    }

    /// Deletes a task, and ends the work in progress for it.
    ///
    /// # Errors
    ///
    /// The user has no such task.
    pub async fn delete_task(&self, task_id: &str) -> Result<(), ClientError> {
        self.delete(&task_path(task_id)).await
    }

    /// The result of a completed task, with the model's notes.
    ///
    /// # Errors
    ///
    /// The user has no such concept.
    pub async fn concept(&self, concept_id: &str) -> Result<Concept, ClientError> {
        self.get(&concept_path(concept_id)).await
    }

    /// A page of the results of the user's completed tasks, newest first. `cursor`: the
    /// `next_cursor` of the page before.
    ///
    /// # Errors
    ///
    /// The API refused the request.
    pub async fn concepts(&self, cursor: Option<&str>) -> Result<Page<Concept>, ClientError> {
        let path = page_path("/api/concepts", cursor);
        self.get(&path).await
    }

    /// Deletes a concept and its image.
    ///
    /// # Errors
    ///
    /// The user has no such concept.
    pub async fn delete_concept(&self, concept_id: &str) -> Result<(), ClientError> {
        self.delete(&concept_path(concept_id)).await
    }

    /// The image of a concept.
    ///
    /// # Errors
    ///
    /// The concept has been deleted.
    pub async fn image(&self, of: &Concept) -> Result<bytes::Bytes, ClientError> {
        let (_, bytes) = self.stored_image(&of.image_url).await?;
        Ok(bytes)
    }

    /// Erases everything that is stored about the user, except what the quota counted.
    ///
    /// # Errors
    ///
    /// The API refused the request.
    pub async fn delete_me(&self) -> Result<(), ClientError> {
        self.delete("/api/me").await
    }
}

fn task_path(id: &str) -> String {
    format!("/api/tasks/{}", segment(id))
}

fn concept_path(id: &str) -> String {
    format!("/api/concepts/{}", segment(id))
}

fn page_path(path: &str, cursor: Option<&str>) -> String {
    match cursor {
        Some(cursor) => format!("{path}?cursor={}", segment(cursor)),
        None => path.to_owned(),
    }
}

fn segment(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}
