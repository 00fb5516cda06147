//! `blobs`: in the memory of this instance, which works on one task.

use std::cell::{RefCell, RefMut};
use std::collections::VecDeque;
use std::rc::Rc;

use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::chunks;
use concept_refinement_domain::convert::Convert as _;
use concept_refinement_domain::image::metadata::{Metadata, Rewrite, SourceType};
use concept_refinement_domain::image::{Limits, Received, Transfer, Unusable};
use concept_refinement_guest::Incoming;
use concept_refinement_guest::bindings::types;
use wit_bindgen::StreamReader;

use super::exports::concept::refinement::blobs::{self, Guest, GuestBlob, Purpose};
use super::{Component, generated};
use crate::ports::Platform;

impl<P: Platform + 'static> Guest for Component<P> {
    type Blob = Blob;
}

/// The bytes of one image.
pub struct Blob {
    held: RefCell<Held>,
    /// Inspects what is received.
    transfer: RefCell<Option<Transfer>>,
    /// What is exchanged while the bytes are read.
    rewrite: Option<Rewrite>,
}

enum Held {
    Growing(VecDeque<Vec<u8>>),
    /// Complete.
    Whole(Rc<[Vec<u8>]>),
}

impl GuestBlob for Blob {
    /// Reserves nothing: the only limit is the instance's memory.
    async fn reserve(_: Purpose, _: u64) -> Result<blobs::Blob, types::Error> {
        Ok(blobs::Blob::new(Self::of_chunks(VecDeque::new())))
    }

    async fn split(&self, _: u64) -> Result<blobs::Blob, types::Error> {
        Ok(blobs::Blob::new(Self::of_chunks(VecDeque::new())))
    }

    async fn of(
        _: Purpose,
        contents: StreamReader<u8>,
        length: u64,
    ) -> Result<blobs::Blob, types::Error> {
        let mut held = VecDeque::new();
        let mut contents = Incoming::from(contents);
        let mut left = usize::try_from(length).unwrap_or(usize::MAX);
        while left > 0
            && let Some(mut chunk) = contents.chunk().await
        {
            chunk.truncate(left);
            left -= chunk.len();
            chunks::append(&mut held, chunk);
        }
        Ok(blobs::Blob::new(Self::of_chunks(held)))
    }

    async fn append(&self, bytes: Vec<u8>) -> Result<(), types::Error> {
        self.push(bytes).map_err(|error| error.convert())
    }

    async fn fill(
        &self,
        contents: StreamReader<u8>,
        declared: Option<u64>,
        limits: blobs::Limits,
    ) -> Result<blobs::Received, blobs::Rejection> {
        let unusable = |unusable: Unusable| blobs::Rejection::Unusable(unusable.to_string());
        let refused = |error: CapabilityError| blobs::Rejection::Error(error.convert());
        let limits = Limits {
            max_bytes: limits.max_bytes,
            max_pixels: limits.max_pixels,
        };
        // Borrowed for each chunk: the call may be dropped in between, and repeated.
        let transfer = || {
            RefMut::map(self.transfer.borrow_mut(), |transfer| {
                transfer.get_or_insert_with(|| Transfer::new(limits))
            })
        };
        let mut contents = Incoming::from(contents);
        while let Some(chunk) = contents.chunk().await {
            self.growing().map_err(refused)?;
            transfer().push(&chunk, declared).map_err(unusable)?;
            self.push(chunk).map_err(refused)?;
        }
        let received = transfer().received(declared).map_err(unusable)?;
        let metadata = transfer().metadata();
        Ok(match received {
            Received::Whole(inspected) => {
                self.held.borrow_mut().whole();
                blobs::Received::Whole(blobs::Inspected {
                    media_type: inspected.format.media_type().to_owned(),
                    width: inspected.width,
                    height: inspected.height,
                    length: inspected.bytes,
                    metadata: blobs::Metadata {
                        has_credentials: metadata.has_credentials(),
                        source_type: metadata.source_type().map(str::to_owned),
                        is_strippable: metadata.stripped().is_some(),
                    },
                })
            }
            Received::Part(shortfall) => blobs::Received::Part(shortfall.to_string()),
        })
    }

    async fn length(&self) -> u64 {
        let transfer = self.transfer.borrow();
        transfer.as_ref().map_or(0, Transfer::length)
    }

    async fn stripped(&self) -> Result<blobs::Rewritten, types::Error> {
        self.rewritten(|metadata| metadata.stripped())
    }

    async fn marked(
        &self,
        source_type: blobs::SourceType,
    ) -> Result<blobs::Rewritten, types::Error> {
        use blobs::SourceType as Wit;
        let source_type = match source_type {
            Wit::CompositeWithTrainedAlgorithmicMedia => {
                SourceType::CompositeWithTrainedAlgorithmicMedia
            }
            Wit::AlgorithmicallyEnhanced => SourceType::AlgorithmicallyEnhanced,
        };
        self.rewritten(|metadata| Some(metadata.marked(source_type)))
    }

    async fn contents(&self) -> StreamReader<u8> {
        let chunks = self.held.borrow_mut().whole();
        let mut filter = self.rewrite.as_ref().map(Rewrite::filter);
        let (mut writer, reader) = generated::wit_stream::new();
        // A model may answer before it has read everything.
        wit_bindgen::spawn(async move {
            for chunk in chunks.iter() {
                let chunk = match &mut filter {
                    Some(filter) => {
                        let mut rewritten = Vec::new();
                        filter.push(chunk, &mut rewritten);
                        rewritten
                    }
                    None => chunk.clone(),
                };
                if !writer.write_all(chunk).await.is_empty() {
                    return;
                }
            }
            if let Some(filter) = &mut filter {
                let mut end = Vec::new();
                filter.finish(&mut end);
                writer.write_all(end).await;
            }
        });
        reader
    }
}

impl Blob {
    fn of_chunks(chunks: VecDeque<Vec<u8>>) -> Self {
        Self {
            held: RefCell::new(Held::Growing(chunks)),
            transfer: RefCell::new(None),
            rewrite: None,
        }
    }

    /// The same image with what `rewrite` makes of its metadata: the two share their bytes.
    fn rewritten(
        &self,
        rewrite: impl FnOnce(&Metadata) -> Option<Rewrite>,
    ) -> Result<blobs::Rewritten, types::Error> {
        let metadata = self.transfer.borrow().as_ref().map(Transfer::metadata);
        let Some(rewrite) = metadata.as_ref().and_then(rewrite) else {
            let error = "There is nothing to exchange in this image.";
            return Err(CapabilityError::invalid(error).convert());
        };
        let length = rewrite.length();
        let blob = blobs::Blob::new(Self {
            held: RefCell::new(Held::Whole(self.held.borrow_mut().whole())),
            transfer: RefCell::new(None),
            rewrite: Some(rewrite),
        });
        Ok(blobs::Rewritten { blob, length })
    }

    fn push(&self, bytes: Vec<u8>) -> Result<(), CapabilityError> {
        chunks::append(&mut *self.growing()?, bytes);
        Ok(())
    }

    /// The bytes so far, unless they are complete.
    fn growing(&self) -> Result<RefMut<'_, VecDeque<Vec<u8>>>, CapabilityError> {
        let growing = RefMut::filter_map(self.held.borrow_mut(), |held| match held {
            Held::Growing(held) => Some(held),
            Held::Whole(_) => None,
        });
        growing.map_err(|_| CapabilityError::invalid("The bytes are complete."))
    }
}

impl Held {
    fn whole(&mut self) -> Rc<[Vec<u8>]> {
        let chunks = match self {
            Self::Growing(held) => Vec::from(std::mem::take(held)).into(),
            Self::Whole(chunks) => Rc::clone(chunks),
        };
        *self = Self::Whole(Rc::clone(&chunks));
        chunks
    }
}
