//! XMP packets in their segments: collected, and with a source.

use super::super::Format;
use super::SourceType;
use super::container::{self, Enclosed, MAX_BODY};
use super::xmp::{self, Room};

/// The body of a segment that holds a packet, as long as it may be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collector {
    bytes: Vec<u8>,
    is_too_long: bool,
}

impl Collector {
    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.is_too_long |= bytes.len() > MAX_BODY - self.bytes.len();
        match self.is_too_long {
            true => self.bytes = Vec::new(),
            false => self.bytes.extend_from_slice(bytes),
        }
    }

    /// The packet, after the last bytes. None: there is none that can be unpacked.
    pub fn packet(&self, format: Format) -> Option<Enclosed<'_>> {
        match self.is_too_long {
            true => None,
            false => container::packet(format, &self.bytes),
        }
    }
}

/// A segment with this packet and the source in it. None: that would be too long.
pub fn extended(
    format: Format,
    enclosed: &Enclosed,
    room: &Room,
    source: SourceType,
) -> Option<Vec<u8>> {
    let before = enclosed.packet.get(..room.range.start)?;
    let behind = enclosed.packet.get(room.range.end..)?;
    let addition = room.addition(source);
    let packet = [before, addition.as_bytes(), behind];
    let is_held = container::holds(format, &packet);
    is_held.then(|| container::xmp(format, enclosed.envelope, &packet))
}

/// A segment with the source and nothing else.
pub fn minimal(format: Format, source: SourceType) -> Vec<u8> {
    container::xmp(format, &[], &[xmp::minimal(source).as_bytes()])
}
