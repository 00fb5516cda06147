//! An image in memory, which has so much room.

use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::image::metadata::{self, Rewrite, SourceType};
use concept_refinement_domain::image::{self, Limits, Transfer, Unusable};

use super::chunks::Chunks;
use crate::contents::{Inspected, Metadata, Received, Rejected};
use crate::ports::{Blob, Rewritten};

/// Refuses bytes where there is no room.
pub struct Held {
    pub bytes: Vec<u8>,
    pub(super) room: usize,
    pub(super) transfer: Option<Transfer>,
}

pub(super) fn no_room() -> CapabilityError {
    CapabilityError::unavailable("there is no room")
}

impl Held {
    fn rewritten(
        &self,
        rewrite: impl FnOnce(&metadata::Metadata) -> Option<Rewrite>,
    ) -> Rewritten<Self> {
        let rewrite = rewrite(&self.transfer.as_ref().unwrap().metadata()).unwrap();
        let (mut filter, mut bytes) = (rewrite.filter(), Vec::new());
        filter.push(&self.bytes, &mut bytes);
        filter.finish(&mut bytes);
        assert_eq!(bytes.len() as u64, rewrite.length());
        Rewritten {
            length: rewrite.length(),
            blob: Self {
                bytes,
                room: self.room,
                transfer: None,
            },
        }
    }
}

impl Blob for Held {
    type Stream = Chunks;

    async fn fill(
        &mut self,
        mut contents: Chunks,
        declared: Option<u64>,
        limits: Limits,
    ) -> Result<Received, Rejected> {
        let transfer = self.transfer.get_or_insert_with(|| Transfer::new(limits));
        let unusable = |unusable: Unusable| Rejected::Unusable(unusable.to_string());
        while let Some(mut chunk) = contents.next().await {
            transfer.push(&chunk, declared).map_err(unusable)?;
            if self.bytes.len() + chunk.len() > self.room {
                return Err(Rejected::NoRoom(no_room()));
            }
            self.bytes.append(&mut chunk);
        }
        Ok(match transfer.received(declared).map_err(unusable)? {
            image::Received::Whole(inspected) => Received::Whole(Inspected {
                format: inspected.format,
                length: inspected.bytes,
                metadata: Metadata::from(&transfer.metadata()),
            }),
            image::Received::Part(shortfall) => Received::Part(shortfall.to_string()),
        })
    }

    async fn length(&self) -> u64 {
        self.transfer.as_ref().map_or(0, Transfer::length)
    }

    async fn stripped(&self) -> Result<Rewritten<Self>, CapabilityError> {
        Ok(self.rewritten(|metadata| metadata.stripped()))
    }

    async fn marked(&self, source_type: SourceType) -> Result<Rewritten<Self>, CapabilityError> {
        Ok(self.rewritten(|metadata| Some(metadata.marked(source_type))))
    }

    async fn split(&mut self, length: u64) -> Result<Self, CapabilityError> {
        let room = length as usize;
        self.room -= room;
        Ok(Self {
            bytes: Vec::new(),
            room,
            transfer: None,
        })
    }
}
