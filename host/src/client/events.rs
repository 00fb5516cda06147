//! Reads the server-sent events of a task.

use concept_refinement_domain::task::Stage;
use futures::{Stream, stream};
use http_body_util::BodyExt as _;
use serde::Deserialize;

use super::answers::TaskEvent;
use super::error::ClientError;
use super::transport::parsed;
use crate::service::Body;

/// Longest event, in bytes: a task with all its fields has less.
const LONGEST: usize = 256 << 10;

/// The events until the stream ends.
pub fn events(body: Body) -> impl Stream<Item = Result<TaskEvent, ClientError>> + Send {
    let reader = Reader {
        body,
        received: Vec::new(),
    };
    stream::try_unfold(reader, async |mut reader| {
        let event = reader.next().await?;
        Ok(event.map(|event| (event, reader)))
    })
}

struct Reader {
    body: Body,
    /// What has arrived of the next event.
    received: Vec<u8>,
}

impl Reader {
    async fn next(&mut self) -> Result<Option<TaskEvent>, ClientError> {
        loop {
            while let Some(block) = self.block() {
                if let Some(event) = event(&block)? {
                    return Ok(Some(event));
                }
            }
            if self.received.len() > LONGEST {
                return Err(ClientError::Malformed("an event is too long".to_owned()));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Err(_)) => return Err(ClientError::Interrupted),
                Some(Ok(frame)) => {
                    if let Some(bytes) = frame.data_ref() {
                        self.received.extend_from_slice(bytes);
                    }
                }
            }
        }
    }

    /// The lines up to the next empty one, if that has arrived.
    fn block(&mut self) -> Option<String> {
        let end = self.received.windows(2).position(|pair| pair == b"\n\n")?;
        let block: Vec<u8> = self.received.drain(..end + 2).collect();
        Some(String::from_utf8_lossy(&block).into_owned())
    }
}

/// None: a comment, or an event that this version does not know.
fn event(block: &str) -> Result<Option<TaskEvent>, ClientError> {
    #[derive(Deserialize)]
    struct Progress {
        stage: Stage,
    }
    let value = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
    let data = value("data: ").unwrap_or_default().as_bytes();
    Ok(match value("event: ") {
        Some("task") => Some(TaskEvent::Changed(parsed(data)?)),
        Some("progress") => {
            let progress: Progress = parsed(data)?;
            Some(TaskEvent::Progress(progress.stage))
        }
        Some("deleted") => Some(TaskEvent::Deleted),
        Some(_) | None => None,
    })
}
