//! The Model Context Protocol over lines: for agents, which start this program and speak to
//! it by its standard input and output, and whose files it refines.
//!
//! Nothing but messages may reach the output.

mod answer;
mod arguments;
mod description;
mod destination;
mod input;
mod lines;
mod refine_image;
mod session;

use std::future;
use std::sync::Arc;

use futures::future::join;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;

use crate::wiring::{HostError, Refiner};
pub use destination::Allowed;
use lines::Lines;
pub use refine_image::RefineImage;
use session::{Output, Session};

/// Longest message of a client, in bytes. It contains no image.
const MAX_LINE: usize = 64 << 10;

/// Messages that may wait until they are written.
const MAX_WAITING: usize = 16;

/// Serves one client until its input ends, and what it has called. Calls wait until the
/// refiner is there; everything else is answered at once.
///
/// # Errors
///
/// There is no refiner.
pub async fn serve(
    tool: RefineImage,
    refiner: impl Future<Output = Result<Refiner, HostError>>,
    input: impl AsyncRead + Unpin,
    output: impl AsyncWrite + Unpin,
) -> Result<(), HostError> {
    let tool = Arc::new(tool);
    let (messages, waiting) = mpsc::channel(MAX_WAITING);
    let session = Session::new(Arc::clone(&tool), Output(messages));
    let session = session.run(Lines::new(input, MAX_LINE));
    let beginning = async {
        tool.begin(refiner.await?);
        future::pending().await
    };
    tokio::select! {
        ((), ()) = join(session, write(waiting, output)) => Ok(()),
        failed = beginning => failed,
    }
}

/// Until there are no more, or nobody reads them.
async fn write(mut messages: mpsc::Receiver<Vec<u8>>, mut output: impl AsyncWrite + Unpin) {
    while let Some(message) = messages.recv().await {
        let written = async {
            output.write_all(&message).await?;
            output.flush().await
        };
        if let Err(error) = written.await {
            tracing::info!(%error, "nobody reads standard output any more");
            return;
        }
    }
}
