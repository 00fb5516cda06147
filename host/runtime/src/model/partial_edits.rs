//! Edits of a part of an image: the component `masked`, with an instance for each call, which
//! computes. So nothing that is decoded waits while the model works. `wit/partial-edits.wit`
//! has the promises.

mod link;
mod run;

use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use concept_refinement_capability::model::{Reopen, RetryLater, cores};
use concept_refinement_domain::partial_edit::Region;
use futures::stream::BoxStream;
use tokio::sync::Semaphore;
use wasmtime::component::Component;

use super::memory::ModelMemory;
use super::threads::Threads;
use crate::wasm::bindings::masked::MaskedPre;
use crate::wasm::linker::wasi_linker;
use crate::wasm::sandbox::{Grants, Sandbox};

/// The component, with what its instances share.
pub struct PartialEdits {
    pre: MaskedPre<Sandbox>,
    grants: Grants,
    threads: Arc<Threads>,
    memory: Arc<ModelMemory>,
    /// One permit for each core.
    cores: Arc<Semaphore>,
}

/// An image that can be read any number of times.
#[derive(Clone)]
pub struct Picture {
    /// As `image/png`.
    pub media_type: String,
    /// In bytes.
    pub length: u64,
    /// Opens it.
    pub open: Reopen,
}

/// What is to change.
#[derive(Clone)]
pub enum Part {
    /// A rectangle of the upright original.
    Region(Region),
    /// As the user sent it.
    Mask(Picture),
}

/// What is to be done.
#[derive(Clone)]
pub enum Call {
    /// What a model is to see.
    Prepare {
        /// The whole image.
        original: Picture,
        /// What is to change.
        part: Part,
        /// Whether the model sees only that.
        part_only: bool,
    },
    /// Puts an answer into the original.
    Compose {
        /// The whole image.
        original: Picture,
        /// The mask that the model got.
        mask: Picture,
        /// What the model saw.
        area: Region,
        /// How many pixels of the edge blend.
        feather: u32,
        /// What the model answered.
        answer: Picture,
    },
}

/// What was made. Dropping its streams ends the call.
pub enum Made {
    /// By [`Call::Prepare`].
    View {
        /// Type, length and bytes. None: the original.
        image: Option<Stream>,
        /// What is to change.
        mask: Stream,
        /// Where it is in the upright original.
        area: Region,
        /// How long the result can be, in bytes.
        result_length: u64,
    },
    /// By [`Call::Compose`].
    Composite {
        /// The result.
        image: Stream,
        /// For the user.
        notes: Vec<String>,
    },
}

/// An image that is read once.
pub struct Stream {
    /// As `image/png`.
    pub media_type: String,
    /// In bytes, if it is known.
    pub length: Option<u64>,
    /// Its bytes.
    pub contents: BoxStream<'static, Bytes>,
}

impl PartialEdits {
    /// # Errors
    ///
    /// The component does not export `partial-edits`, or the system does not tell how many
    /// cores there are.
    pub fn new(
        component: &Component,
        grants: Grants,
        threads: Arc<Threads>,
        memory: Arc<ModelMemory>,
    ) -> anyhow::Result<Self> {
        let pre = wasi_linker(component.engine())
            .and_then(|linker| linker.instantiate_pre(component))
            .and_then(MaskedPre::new)
            .map_err(anyhow::Error::from)
            .context("the masked component does not fit this host")?;
        Ok(Self {
            pre,
            grants,
            threads,
            memory,
            cores: Arc::new(Semaphore::new(cores()?)),
        })
    }

    /// Makes one call, when there is a core and memory for it.
    ///
    /// # Errors
    ///
    /// A sentence for the user: trying again cannot help.
    pub async fn call(
        self: &Arc<Self>,
        call: Call,
        retry_later: &RetryLater,
    ) -> Result<Made, String> {
        let stopped = || "the edit was stopped".to_owned();
        let need = call.need().await;
        let core = Arc::clone(&self.cores).acquire_owned().await;
        let core = core.map_err(|_| stopped())?;
        let mut ticket = self.memory.ticket(need);
        let answered = ticket.answer(|admitted, sender| {
            let (edits, retry) = (Arc::clone(self), retry_later.clone());
            let running = edits.run(call.clone(), retry, admitted, sender);
            self.threads.spawn(running)
        });
        let (made, running) = answered.await.ok_or_else(stopped)?;
        let call = Arc::new((running, core));
        made.map(|made| made.held(retry_later, &call))
    }
}
