//! XMP packets in their segments: collected, and written with a source.

use super::super::Format;
use super::SourceType;
use super::container::{self, Enclosed, MAX_BODY};
use super::output::Output;
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

/// Writes a segment with this packet and the source in it. None: that would be too long;
/// nothing is written.
pub fn put_extended(
    format: Format,
    enclosed: &Enclosed,
    room: &Room,
    source: SourceType,
    out: &mut impl Output,
) -> Option<()> {
    let (before, behind) = enclosed.packet.split_at_checked(room.position)?;
    let addition = room.addition(source);
    let packet = [before, addition.as_bytes(), behind];
    if !container::holds(format, &packet) {
        return None;
    }
    container::put_xmp(format, enclosed.envelope, &packet, out);
    Some(())
}

/// Writes a segment with the source and nothing else.
pub fn put_minimal(format: Format, source: SourceType, out: &mut impl Output) {
    let packet = xmp::minimal(source);
    container::put_xmp(format, &[], &[packet.as_bytes()], out);
}
