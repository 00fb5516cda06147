//! How a picture is to be turned, as EXIF says: the only thing in it that shows.
//!
//! TIFF is read as it arrives and forwards only, in twelve bytes of memory. A directory that
//! begins before the end of the header says nothing.

use std::mem;

use super::super::inspector::{hold, split};

/// Takes EXIF in pieces of any size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reader {
    position: u64,
    /// How many bytes to skip before the next part.
    skipped: u64,
    held: Vec<u8>,
    part: Part,
    order: Order,
    has_prefix: bool,
    found: Option<Entry>,
}

/// An orientation as it stands in EXIF, so that it can be written as it was: what cannot
/// be read by everyone is then read by the same as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orientation {
    entry: Entry,
    has_prefix: bool,
}

/// A directory's entry for the orientation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    /// How the value is stored: [`SHORT`], which EXIF requires and decoders know, or [`LONG`].
    size: u16,
    /// From 1 to 8.
    value: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    /// Eight bytes: the order, the format, where the directory is.
    #[default]
    Header,
    /// The number of entries.
    Count,
    /// With so many left, this one included.
    Entry(u32),
    End,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Order {
    #[default]
    Big,
    Little,
}

/// What stands before TIFF in a JPEG, and in some files of other formats.
const PREFIX: &[u8] = b"Exif\0\0";
const TAG: u16 = 0x0112;
const SHORT: u16 = 3;
const LONG: u16 = 4;

impl Reader {
    /// Takes the next bytes.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while self.part != Part::End {
            let before = bytes.len();
            let (skipped, rest) = split(bytes, self.skipped);
            self.skipped -= skipped.len() as u64;
            bytes = rest;
            let needed = self.needed();
            let is_held = hold(&mut self.held, &mut bytes, needed);
            self.position += (before - bytes.len()) as u64;
            if !is_held {
                return;
            }
            self.step();
        }
    }

    /// What it says, after the last bytes. None: nothing, or that nothing is to be turned.
    pub fn finish(&self) -> Option<Orientation> {
        let entry = self.found.filter(|entry| entry.value != 1)?;
        Some(Orientation {
            entry,
            has_prefix: self.has_prefix,
        })
    }

    fn needed(&self) -> usize {
        match self.part {
            Part::Header => 8,
            Part::Count => 2,
            Part::Entry(_) => 12,
            Part::End => 0,
        }
    }

    fn step(&mut self) {
        let held = mem::take(&mut self.held);
        let next = match self.part {
            Part::Header => self.header(&held),
            Part::Count => Self::entries(self.number(&held)),
            Part::Entry(left) => self.entry(&held).and_then(|()| Self::entries(left - 1)),
            Part::End => None,
        };
        self.part = next.unwrap_or(Part::End);
    }

    fn entries(left: u32) -> Option<Part> {
        (left > 0).then_some(Part::Entry(left))
    }

    fn header(&mut self, bytes: &[u8]) -> Option<Part> {
        if !self.has_prefix
            && let Some(start) = bytes.strip_prefix(PREFIX)
        {
            self.has_prefix = true;
            self.held.extend_from_slice(start);
            self.position = start.len() as u64;
            return Some(Part::Header);
        }
        let (start, offset) = bytes.split_first_chunk()?;
        self.order = match start {
            b"II*\0" => Order::Little,
            b"MM\0*" => Order::Big,
            _ => return None,
        };
        let offset = u64::from(self.number(offset));
        self.skipped = offset.checked_sub(self.position)?;
        Some(Part::Count)
    }

    /// None: there is nothing more to find.
    fn entry(&mut self, bytes: &[u8]) -> Option<()> {
        let (tag, rest) = bytes.split_at_checked(2)?;
        let (size, rest) = rest.split_at_checked(2)?;
        let (count, value) = rest.split_at_checked(4)?;
        if self.number(tag) != u32::from(TAG) || self.number(count) != 1 {
            return Some(());
        }
        let size = self.number(size) as u16;
        let value = match size {
            SHORT => self.number(value.get(..2)?),
            LONG => self.number(value),
            _ => return Some(()),
        };
        let entry = u8::try_from(value)
            .ok()
            .filter(|value| (1..=8).contains(value))
            .map(|value| Entry { size, value });
        if size == LONG {
            self.found = self.found.or(entry);
            return Some(());
        }
        // The first one decides.
        self.found = entry;
        None
    }

    /// Of two or four bytes.
    fn number(&self, bytes: &[u8]) -> u32 {
        let append = |number: u32, byte: &u8| (number << 8) | u32::from(*byte);
        match self.order {
            Order::Big => bytes.iter().fold(0, append),
            Order::Little => bytes.iter().rev().fold(0, append),
        }
    }
}

impl Orientation {
    /// TIFF with nothing else in it.
    pub fn tiff(self) -> Vec<u8> {
        let Entry { size, value } = self.entry;
        let value = match size {
            LONG => [0, 0, 0, value],
            _ => [0, value, 0, 0],
        };
        let prefix = if self.has_prefix { PREFIX } else { &[] };
        let header = b"MM\0*\0\0\0\x08";
        let (entries, count, next) = (1u16, 1u32, 0u32);
        [
            prefix,
            header,
            &entries.to_be_bytes(),
            &TAG.to_be_bytes(),
            &size.to_be_bytes(),
            &count.to_be_bytes(),
            &value,
            &next.to_be_bytes(),
        ]
        .concat()
    }
}
