//! Takes out what a model must not see. What is kept is listed: anything else goes.

use super::super::Format;
use super::container;
use super::orientation;
use super::output::Output;
use super::segment::{Event, Kind};
use super::webp;
use crate::image::inspector::split;

/// As much of a segment as may equal what is written in its place, in bytes.
const MAX_COMPARED: usize = 64;

/// What has to be known beforehand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Length of the result, in bytes.
    pub length: u64,
    /// Whether an orientation is left.
    pub has_exif: bool,
    /// Where the picture is to be ended, if it goes on without an end mark: how many bytes
    /// stand before it.
    pub cut: Option<u64>,
}

/// Goes through the segments of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strip {
    format: Format,
    plan: Plan,
    /// Bytes of the file so far.
    position: u64,
    treatment: Treatment,
    has_end: bool,
    /// An orientation was written.
    pub has_exif: bool,
    /// Something was taken out.
    pub is_changed: bool,
}

/// What becomes of the current segment.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Treatment {
    Keep,
    Drop,
    /// Zeros are left.
    Blank,
    /// This is left, and may be the same.
    Replace {
        by: Vec<u8>,
        /// The segment's own first bytes.
        original: Vec<u8>,
    },
    /// The orientation is left.
    Turn {
        exif: orientation::Reader,
        original: Vec<u8>,
    },
}

impl Strip {
    /// At the beginning of a file of this format. Without the plan, the result is as long as
    /// with it, but for a cut.
    pub fn new(format: Format, plan: Plan) -> Self {
        Self {
            format,
            plan,
            position: 0,
            treatment: Treatment::Drop,
            has_end: false,
            has_exif: false,
            is_changed: false,
        }
    }

    /// Takes the next part of a segment.
    pub fn take(&mut self, event: Event, out: &mut impl Output) {
        let bytes = event.bytes();
        let left = match self.plan.cut {
            Some(cut) => cut.saturating_sub(self.position),
            None => u64::MAX,
        };
        self.position += bytes.len() as u64;
        if bytes.len() as u64 <= left {
            self.go_on(event, out);
        } else if !self.has_end {
            if let Event::Body(bytes) = event {
                self.go_on(Event::Body(split(bytes, left).0), out);
            }
            self.has_end = true;
            self.is_changed = true;
            out.put(container::end_mark(self.format));
        }
    }

    fn go_on(&mut self, event: Event, out: &mut impl Output) {
        match event {
            Event::Start { kind, head, .. } => self.start(kind, head, out),
            Event::Body(bytes) => self.body(bytes, out),
            Event::End(tail) => self.end(tail, out),
        }
    }

    fn start(&mut self, kind: Kind, head: &[u8], out: &mut impl Output) {
        let format = self.format;
        self.treatment = match kind {
            Kind::Signature => {
                out.put(&container::signature(format, head, self.plan.length));
                Treatment::Keep
            }
            Kind::Flags => {
                out.put(&webp::stripped_flags(head, self.plan.has_exif));
                Treatment::Keep
            }
            Kind::Picture | Kind::Scan | Kind::End => {
                self.has_end |= kind == Kind::End;
                out.put(head);
                Treatment::Keep
            }
            Kind::Trimmed => Treatment::Replace {
                by: container::trimmed(format, head),
                original: head.to_vec(),
            },
            Kind::Exif => Treatment::Turn {
                exif: orientation::Reader::default(),
                original: head.to_vec(),
            },
            Kind::Blank => {
                let blank = webp::blank(head);
                self.is_changed |= blank != head;
                out.put(&blank);
                Treatment::Blank
            }
            Kind::Behind if !self.has_end => {
                self.is_changed = true;
                self.has_end = true;
                out.put(container::end_mark(format));
                Treatment::Drop
            }
            Kind::Xmp | Kind::Credentials | Kind::Other | Kind::Behind => {
                self.is_changed = true;
                Treatment::Drop
            }
        };
    }

    fn body(&mut self, bytes: &[u8], out: &mut impl Output) {
        match &mut self.treatment {
            Treatment::Keep => out.put(bytes),
            Treatment::Drop => {}
            Treatment::Blank => {
                self.is_changed |= bytes.iter().any(|byte| *byte != 0);
                out.put_zeros(bytes.len());
            }
            Treatment::Replace { original, .. } => hold(original, bytes),
            Treatment::Turn { exif, original } => {
                exif.push(bytes);
                hold(original, bytes);
            }
        }
    }

    fn end(&mut self, tail: &[u8], out: &mut impl Output) {
        let (by, mut original) = match std::mem::replace(&mut self.treatment, Treatment::Drop) {
            Treatment::Keep => return out.put(tail),
            Treatment::Drop => return,
            Treatment::Blank => {
                self.is_changed |= tail.iter().any(|byte| *byte != 0);
                return out.put_zeros(tail.len());
            }
            Treatment::Replace { by, original } => (by, original),
            Treatment::Turn { exif, original } => {
                let orientation = exif.finish();
                self.has_exif |= orientation.is_some();
                let segment = orientation.map(|it| container::exif(self.format, &it.tiff()));
                (segment.unwrap_or_default(), original)
            }
        };
        hold(&mut original, tail);
        self.is_changed |= by != original;
        out.put(&by);
    }
}

/// Holds bytes as far as they may have to be compared, and one more.
fn hold(original: &mut Vec<u8>, bytes: &[u8]) {
    let room = (MAX_COMPARED + 1).saturating_sub(original.len());
    original.extend(bytes.iter().take(room));
}
