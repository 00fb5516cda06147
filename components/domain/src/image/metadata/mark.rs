//! Puts a source into an image: into the packet that it has, or one that is inserted.

use super::super::Format;
use super::SourceType;
use super::container;
use super::output::Output;
use super::packet::{Collector, extended, minimal};
use super::segment::{Event, Kind};
use super::xmp;

/// What has to be known beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub source: SourceType,
    pub place: Place,
    /// The length up to the end of the image that the signature is to say, in bytes.
    pub length: u64,
}

/// Where the source goes. Packets are counted from 0 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Into this packet.
    Extend(u32),
    /// Instead of this packet.
    Replace(u32),
    /// Into a packet of its own.
    Insert,
}

/// Goes through the segments of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    format: Format,
    plan: Plan,
    /// Bytes of the file so far.
    position: u64,
    has_signature: bool,
    has_flags: bool,
    has_packet: bool,
    /// How many packets there were.
    packets: u32,
    /// The packet that is extended or replaced, while it passes by.
    collector: Option<Collector>,
}

impl Mark {
    /// At the beginning of a file of this format.
    pub fn new(format: Format, plan: Plan) -> Self {
        Self {
            format,
            plan,
            position: 0,
            has_signature: false,
            has_flags: false,
            has_packet: plan.place != Place::Insert,
            packets: 0,
            collector: None,
        }
    }

    /// Takes the next part of a segment.
    pub fn take(&mut self, event: Event, out: &mut impl Output) {
        match event {
            Event::Start {
                kind,
                head,
                is_place,
            } => self.start(kind, head, is_place, out),
            Event::Body(bytes) => match (&mut self.collector, self.plan.place) {
                (Some(collector), Place::Extend(_)) => collector.push(bytes),
                (Some(_), _) => {}
                (None, _) => out.put(bytes),
            },
            Event::End(tail) => match self.collector.take() {
                Some(collector) => self.put_instead(&collector, out),
                None => out.put(tail),
            },
        }
        self.position += event.bytes().len() as u64;
    }

    /// Writes what is left, after the last segment.
    pub fn finish(&mut self, out: &mut impl Output) {
        if !std::mem::replace(&mut self.has_packet, true) {
            out.put_zeros(container::padding(self.format, self.position));
            out.put(&minimal(self.format, self.plan.source));
        }
    }

    fn start(&mut self, kind: Kind, head: &[u8], is_place: bool, out: &mut impl Output) {
        if is_place {
            self.finish(out);
        }
        if !std::mem::replace(&mut self.has_signature, true) {
            let signature = container::marked_signature(self.format, head, self.plan.length);
            return out.put(&signature);
        }
        let is_first = !std::mem::replace(&mut self.has_flags, true);
        if kind == Kind::Xmp {
            let is_meant = [Place::Extend, Place::Replace]
                .iter()
                .any(|place| place(self.packets) == self.plan.place);
            self.packets += 1;
            if is_meant {
                self.collector = Some(Collector::default());
                return;
            }
        }
        match is_first {
            true => out.put(&container::with_flags(self.format, head)),
            false => out.put(head),
        }
    }

    /// Writes a segment instead of that which has passed by.
    fn put_instead(&self, collector: &Collector, out: &mut impl Output) {
        let Plan { source, place, .. } = self.plan;
        let extended = match place {
            Place::Extend(_) => collector.packet(self.format).and_then(|enclosed| {
                let room = xmp::read(&enclosed.packet)?.room?;
                extended(self.format, &enclosed, &room, source)
            }),
            Place::Replace(_) | Place::Insert => None,
        };
        out.put(&extended.unwrap_or_else(|| minimal(self.format, source)));
    }
}
