//! The packets of a file in the first pass: what they say, and which of them may be
//! extended.

use super::super::Format;
use super::SourceType;
use super::container;
use super::mark::{Place, Plan};
use super::packet::{Collector, extended, minimal};
use super::segment::{Event, Kind};
use super::xmp;

/// Goes through the segments of one file.
#[derive(Clone, Debug)]
pub struct Packets {
    format: Format,
    /// Bytes of the file so far.
    position: u64,
    /// The length that the signature says.
    length: Option<u64>,
    /// How many bytes flags add that are not there yet. None: before the place for them.
    flags: Option<u64>,
    /// How many bytes of padding an inserted packet needs. None: before the place for it.
    padding: Option<u64>,
    /// Where the packet that passes by begins.
    start: u64,
    collector: Option<Collector>,
    count: u32,
    /// How long the segment of the first packet is.
    first: Option<u64>,
    /// For each source, the first packet that may be extended.
    targets: [Option<Target>; 2],
    source_type: Option<String>,
}

#[derive(Clone, Copy, Debug)]
struct Target {
    packet: u32,
    /// Lengths of its segment, in bytes.
    before: u64,
    after: u64,
}

impl Packets {
    /// At the beginning of a file of this format.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            position: 0,
            length: None,
            flags: None,
            padding: None,
            start: 0,
            collector: None,
            count: 0,
            first: None,
            targets: [None; 2],
            source_type: None,
        }
    }

    /// The first source type in one of the packets.
    pub fn source_type(&self) -> Option<&str> {
        self.source_type.as_deref()
    }

    /// Takes the next part of a segment.
    pub fn take(&mut self, event: Event) {
        let start = self.position;
        self.position += event.bytes().len() as u64;
        match event {
            Event::Start {
                kind,
                head,
                is_place,
            } => self.start(start, kind, head, is_place),
            Event::Body(bytes) => {
                if let Some(collector) = &mut self.collector {
                    collector.push(bytes);
                }
            }
            Event::End(_) => {
                if let Some(collector) = self.collector.take() {
                    self.collected(&collector);
                }
            }
        }
    }

    /// How the file gets this source, and how long it then is, in bytes.
    pub fn plan(&self, source: SourceType) -> (Plan, u64) {
        let minimal = minimal(self.format, source).len() as u64;
        let target = SourceType::ALL
            .iter()
            .zip(self.targets)
            .find_map(|(it, target)| target.filter(|_| *it == source));
        let (place, before, after) = match (target, self.first) {
            (Some(target), _) => (Place::Extend(target.packet), target.before, target.after),
            (None, Some(first)) => (Place::Replace(0), first, minimal),
            (None, None) => {
                let padding = container::padding(self.format, self.position) as u64;
                (Place::Insert, 0, self.padding.unwrap_or(padding) + minimal)
            }
        };
        let after = after + self.flags.unwrap_or_default();
        let resized = |length: u64| (length + after).saturating_sub(before);
        let plan = Plan {
            source,
            place,
            length: resized(self.length.unwrap_or_default()),
        };
        (plan, resized(self.position))
    }

    fn start(&mut self, start: u64, kind: Kind, head: &[u8], is_place: bool) {
        if kind == Kind::Signature {
            self.length = container::length(self.format, head);
            return;
        }
        if self.flags.is_none() {
            let with_flags = container::with_flags(self.format, head);
            self.flags = Some((with_flags.len() - head.len()) as u64);
        }
        if is_place && self.padding.is_none() {
            self.padding = Some(container::padding(self.format, start) as u64);
        }
        if kind == Kind::Xmp {
            self.start = start;
            self.collector = Some(Collector::default());
        }
    }

    fn collected(&mut self, collector: &Collector) {
        let length = self.position - self.start;
        let packet = self.count;
        self.count += 1;
        self.first.get_or_insert(length);
        let Some(enclosed) = collector.packet(self.format) else {
            return;
        };
        let Some(xmp) = xmp::read(&enclosed.packet) else {
            return;
        };
        self.source_type = self.source_type.take().or(xmp.source_type);
        let Some(room) = xmp.room else {
            return;
        };
        for (source, target) in SourceType::ALL.into_iter().zip(&mut self.targets) {
            if target.is_none()
                && let Some(segment) = extended(self.format, &enclosed, &room, source)
            {
                *target = Some(Target {
                    packet,
                    before: length,
                    after: segment.len() as u64,
                });
            }
        }
    }
}
