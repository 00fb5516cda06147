//! A task as the result of a call: what an agent reads, and what it may load or show.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use concept_refinement_domain::sentence;
use concept_refinement_domain::task::{Status, Task};
use concept_refinement_domain::task_response::image_path;
use concept_refinement_mcp::{CallToolResult, Content};
use futures::StreamExt as _;
use serde_json::Value;

use crate::origin::Origin;
use crate::ports::Ports;
use crate::problem::Problem;
use crate::routes::tasks::shown;

/// Largest image that is in a result itself, in bytes: models pay for what they see.
const MAX_IMAGE: u64 = 256 * 1024;

/// The task as it stands. One that failed is an error that a model can read.
pub async fn of<P: Ports>(
    ports: &P,
    task: &Task,
    origin: &Origin,
) -> Result<CallToolResult, Problem> {
    let response = serde_json::to_value(shown(ports, task, origin).await?)?;
    let url = response.get("image_url").and_then(Value::as_str);
    let mut content = vec![Content::text(sentences(task, url))];
    if let (Some(url), Some(path)) = (url, image_path(task)) {
        content.extend(image(ports, path, url).await?);
    }
    Ok(CallToolResult {
        content,
        structured_content: Some(response),
        is_error: task.status == Status::Failed,
    })
}

/// Where the user has a task that has not ended, and may have no other one.
pub async fn of_active<P: Ports>(
    ports: &P,
    task: &Task,
    origin: &Origin,
) -> Result<CallToolResult, Problem> {
    let told = format!(
        "{}: {}. Nothing new was begun: wait for it by get_refinement with this id.",
        sentence::TASK_ACTIVE,
        task.id
    );
    Ok(CallToolResult {
        content: vec![Content::text(told)],
        is_error: true,
        ..of(ports, task, origin).await?
    })
}

fn sentences(task: &Task, url: Option<&str>) -> String {
    let id = &task.id;
    match (task.status, url) {
        (Status::Pending | Status::Processing, _) => format!(
            "Refinement {id} is {}. It goes on by itself: ask get_refinement with this id again \
             in some seconds.",
            task.status.as_str()
        ),
        (Status::Failed, _) => {
            let why = task.error_message.as_deref();
            format!("Refinement {id} failed. {}", why.unwrap_or_default())
        }
        (Status::Completed, None) => {
            format!("Refinement {id} is completed, and its image was deleted since.")
        }
        (Status::Completed, Some(url)) => {
            let mut told = format!(
                "Refinement {id} is completed. For about an hour the image is at {url}; \
                 get_refinement with this id tells a new address."
            );
            if let Some(concept) = &task.result_id {
                told.push_str(&format!(" To refine it further: concept_id {concept}."));
            }
            for note in &task.notes {
                told.push_str("\nNote: ");
                told.push_str(note);
            }
            told
        }
    }
}

/// Where the image is, and, if it is small, the image.
async fn image<P: Ports>(ports: &P, path: &str, url: &str) -> Result<Vec<Content>, Problem> {
    let Some((info, contents)) = ports.image(path, None).await? else {
        return Ok(Vec::new());
    };
    let name = path.rsplit('/').next().unwrap_or(path);
    let mut content = vec![Content::ResourceLink {
        uri: url.to_owned(),
        name: name.to_owned(),
        mime_type: Some(info.media_type.clone()),
        size: Some(info.size),
    }];
    if info.size <= MAX_IMAGE {
        let bytes = P::chunks(contents).concat().await;
        // An image that broke off is at its address all the same.
        if bytes.len() as u64 == info.size {
            content.push(Content::Image {
                data: BASE64_STANDARD.encode(bytes),
                mime_type: info.media_type,
            });
        }
    }
    Ok(content)
}
