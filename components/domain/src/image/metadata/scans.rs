//! Where a JPEG's picture ends, if no mark says it.

use super::segment::{Event, Kind};

/// Pictures have far fewer scans; what ends in a later one is not cut.
const MAX_SCANS: usize = 256;
const FILL: u8 = 0xff;
/// The inspector may have read a marker to see that the picture is complete.
const MARKER: u64 = 2;

/// The scans of one file.
#[derive(Clone, Debug, Default)]
pub struct Scans {
    /// Bytes of the file so far.
    position: u64,
    scans: Vec<Scan>,
    /// Whether the last one has just ended.
    is_behind: bool,
    is_within: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Scan {
    /// How many bytes of the file stand before its data.
    start: u64,
    /// The same for what follows it, without and with bytes that fill.
    data_end: u64,
    end: u64,
    /// How many bytes are kept of the file up to the end of the data.
    kept: u64,
    /// Whether the mark of the end follows.
    is_last: bool,
}

/// Where to end a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// How many bytes of the file stand before it.
    pub position: u64,
    /// How many bytes of them are kept.
    pub kept: u64,
}

impl Scans {
    /// Takes the next part of a segment, and how many bytes were kept of the file with it.
    pub fn take(&mut self, event: Event, kept: u64) {
        let bytes = event.bytes();
        let start = self.position;
        self.position += bytes.len() as u64;
        match event {
            Event::Start { kind, .. } => {
                let is_behind = std::mem::take(&mut self.is_behind);
                if let Some(last) = self.scans.last_mut().filter(|_| is_behind) {
                    last.is_last = kind == Kind::End;
                }
                self.is_within = kind == Kind::Scan && self.scans.len() < MAX_SCANS;
                if self.is_within {
                    let (data_end, end) = (start, start);
                    self.scans.push(Scan {
                        start,
                        data_end,
                        end,
                        kept,
                        is_last: false,
                    });
                }
            }
            Event::Body(bytes) if self.is_within => {
                // Bytes that fill come by themselves.
                let is_data = bytes.iter().any(|byte| *byte != FILL);
                if let Some(scan) = self.scans.last_mut() {
                    scan.end = self.position;
                    if is_data {
                        (scan.data_end, scan.kept) = (self.position, kept);
                    }
                }
            }
            Event::Body(_) => {}
            Event::End(_) => self.is_behind = std::mem::take(&mut self.is_within),
        }
    }

    /// None: the picture of which this many bytes are known to be needed ends with its mark,
    /// or with the file.
    pub fn cut(&self, picture_end: u64) -> Option<Cut> {
        let scan = self.scans.iter().rfind(|scan| scan.start <= picture_end)?;
        let is_within = picture_end <= scan.end + MARKER;
        let ends_with_mark = scan.is_last && picture_end >= scan.data_end;
        let position = picture_end.min(scan.data_end);
        let goes_on = position < self.position;
        (is_within && goes_on && !ends_with_mark).then_some(Cut {
            position,
            kept: scan.kept.saturating_sub(scan.data_end - position),
        })
    }
}
