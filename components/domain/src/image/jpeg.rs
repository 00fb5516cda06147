//! JPEG: segments and scans, from `SOI` to `EOI` (ITU-T T.81).
//!
//! The data of a scan is counted: a picture that lacks some of it is refused, even if an
//! end marker follows, and a picture that has all of it needs no end marker, whatever
//! follows. Coefficients are not computed. Data that cannot be counted (arithmetic coding,
//! damaged data, see [`Frame::scan`]) is skipped, like everything else between two
//! markers, and the end marker is then required. A height after the first scan (`DNL`) is
//! refused, since the pixel limit could not be checked in time.

mod block;
mod frame;
mod huffman;
mod scan;

use std::mem;
use std::sync::Arc;

use super::Problem;
use super::walk::{Canvas, Walk, Want};
use frame::Frame;
use huffman::Table;
use scan::Scan;

const PREFIX: u8 = 0xff;
const START: u8 = 0xd8;
const END: u8 = 0xd9;
const TABLES: u8 = 0xc4;
const SCAN: u8 = 0xda;
const RESTARTS: u8 = 0xdd;
/// The class and the number of a table, and how many codes it has of each length.
const TABLE_HEADER: usize = 17;

#[derive(Debug)]
pub(super) struct Jpeg {
    state: State,
    frame: Option<Frame>,
    tables: Tables,
    /// Minimum coded units between two restart markers; 0 if there are none.
    interval: u16,
    /// The scan whose data is being counted.
    scan: Option<Scan>,
    has_scan: bool,
    /// Whether all scans so far could be counted.
    is_counted: bool,
}

/// The Huffman tables that were defined last.
#[derive(Debug, Default)]
struct Tables {
    dc: [Option<Arc<Table>>; 4],
    ac: [Option<Arc<Table>>; 4],
    /// The table that is being read: its header, then its symbols.
    header: [u8; TABLE_HEADER],
    symbols: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// At the byte after a marker prefix.
    Marker,
    /// At the length of a segment with this marker.
    Segment(u8),
    /// At the length of a frame's header with this marker.
    Frame(u8),
    /// At the components of a frame.
    Components,
    /// At the header of a table, with this many bytes of its segment left.
    Table(u16),
    /// After the symbols of a table.
    Symbols(u16),
    /// At the restart interval.
    Interval,
    /// At the header of a scan.
    Scan,
    /// After the data of a scan.
    Data,
    /// After a segment.
    Behind,
    /// After a marker prefix.
    Prefix,
}

impl Jpeg {
    pub(super) fn new() -> Self {
        Self {
            state: State::Marker,
            frame: None,
            tables: Tables::default(),
            interval: 0,
            scan: None,
            has_scan: false,
            is_counted: true,
        }
    }

    fn marker(&mut self, bytes: &[u8]) -> Result<Want, Problem> {
        match bytes {
            [PREFIX] => Ok(Want::Take(1)), // a fill byte
            // A stuffed 0xff in a scan, a private marker, or a restart marker: not a
            // segment.
            [0x00 | 0x01 | 0xd0..=0xd7] => Ok(self.find_marker()),
            [END] if self.has_scan => match &self.frame {
                Some(frame) if self.is_counted && !frame.has_all_components() => {
                    Err(Problem::Incomplete)
                }
                _ => Ok(Want::End),
            },
            [START | END | 0x02..=0xbf] => Err(Problem::Malformed),
            [code @ (0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf)] => {
                self.state = State::Frame(*code);
                Ok(Want::Take(8))
            }
            [SCAN] if self.frame.is_none() => Err(Problem::Malformed),
            [code] => {
                self.has_scan |= *code == SCAN;
                self.state = State::Segment(*code);
                Ok(Want::Take(2))
            }
            _ => Err(Problem::Malformed),
        }
    }

    fn segment(&mut self, code: u8, bytes: &[u8]) -> Result<Want, Problem> {
        let &[a, b] = bytes else {
            return Err(Problem::Malformed);
        };
        let length = u16::from_be_bytes([a, b]);
        match (code, length) {
            (TABLES, 2..) => Ok(self.next_table(length - 2)),
            (RESTARTS, 4) => {
                self.state = State::Interval;
                Ok(Want::Take(2))
            }
            (SCAN, 8..=14) => {
                self.state = State::Scan;
                Ok(Want::Take(usize::from(length) - 2))
            }
            _ => {
                self.is_counted &= code != SCAN;
                self.skip(length, 2)
            }
        }
    }

    fn frame(&mut self, code: u8, bytes: &[u8], canvas: &mut Canvas) -> Result<Want, Problem> {
        let &[a, b, _precision, c, d, e, f, components] = bytes else {
            return Err(Problem::Malformed);
        };
        let length = u16::from_be_bytes([a, b]);
        let height = u16::from_be_bytes([c, d]);
        let width = u16::from_be_bytes([e, f]);
        if !(1..=4).contains(&components) || length != 8 + 3 * u16::from(components) {
            return Err(Problem::Malformed);
        }
        canvas.set(width.into(), height.into())?;
        self.frame = Some(Frame::new(code, (width, height)));
        self.state = State::Components;
        Ok(Want::Take(3 * usize::from(components)))
    }

    /// At the next table, if the segment has one.
    fn next_table(&mut self, left: u16) -> Want {
        match left.checked_sub(TABLE_HEADER as u16) {
            Some(left) => {
                self.state = State::Table(left);
                Want::Take(TABLE_HEADER)
            }
            None => {
                self.state = State::Behind;
                Want::Skip(left.into())
            }
        }
    }

    fn table(&mut self, left: u16, bytes: &[u8]) -> Result<Want, Problem> {
        let header = bytes.try_into().map_err(|_| Problem::Malformed)?;
        self.tables.header = header;
        let [_, counts @ ..] = header;
        let symbols = counts.into_iter().map(u16::from).sum();
        self.tables.symbols.clear();
        match left.checked_sub(symbols) {
            Some(left) => {
                self.state = State::Symbols(left);
                Ok(Want::Feed(symbols.into()))
            }
            None => {
                self.is_counted = false;
                self.state = State::Behind;
                Ok(Want::Skip(left.into()))
            }
        }
    }

    fn begin_scan(&mut self, header: &[u8]) -> Want {
        let frame = self.frame.as_mut().filter(|_| self.is_counted);
        let scan = frame.and_then(|frame| frame.scan(header, &self.tables, self.interval));
        self.is_counted = scan.is_some();
        self.scan = scan;
        match self.is_counted {
            true => {
                self.state = State::Data;
                Want::FeedUntil
            }
            false => self.find_marker(),
        }
    }

    fn end_scan(&mut self) -> Result<Want, Problem> {
        let (Some(scan), Some(frame)) = (self.scan.take(), &mut self.frame) else {
            return Err(Problem::Malformed);
        };
        self.state = State::Marker;
        self.is_counted = !scan.is_damaged();
        if self.is_counted && !scan.is_complete() {
            return Err(Problem::Incomplete);
        }
        let marker = scan.marker();
        frame.keep(scan);
        if self.is_counted && frame.is_complete() {
            return Ok(Want::End);
        }
        self.marker(marker.as_slice())
    }

    /// Skips the rest of a segment of this length.
    fn skip(&mut self, length: u16, taken: u16) -> Result<Want, Problem> {
        self.state = State::Behind;
        length
            .checked_sub(taken)
            .map(|rest| Want::Skip(rest.into()))
            .ok_or(Problem::Malformed)
    }

    fn find_marker(&mut self) -> Want {
        self.state = State::Prefix;
        Want::Behind(PREFIX)
    }
}

impl Walk for Jpeg {
    /// The signature ends with the prefix of the second marker.
    fn start(&self) -> Want {
        Want::Take(1)
    }

    fn step(&mut self, bytes: &[u8], canvas: &mut Canvas) -> Result<Want, Problem> {
        match self.state {
            State::Marker => self.marker(bytes),
            State::Segment(code) => self.segment(code, bytes),
            State::Frame(code) => self.frame(code, bytes, canvas),
            State::Components => {
                if let Some(frame) = &mut self.frame {
                    self.is_counted = frame.set_components(bytes);
                }
                Ok(self.find_marker())
            }
            State::Table(left) => self.table(left, bytes),
            State::Symbols(left) => {
                self.tables.define();
                Ok(self.next_table(left))
            }
            State::Interval => {
                let interval = bytes.try_into().map_err(|_| Problem::Malformed)?;
                self.interval = u16::from_be_bytes(interval);
                Ok(self.find_marker())
            }
            State::Scan => Ok(self.begin_scan(bytes)),
            State::Data => self.end_scan(),
            State::Behind => Ok(self.find_marker()),
            State::Prefix => {
                self.state = State::Marker;
                Ok(Want::Take(1))
            }
        }
    }

    fn feed(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        self.tables.symbols.extend_from_slice(bytes);
        Ok(())
    }

    fn feed_until(&mut self, bytes: &[u8]) -> Option<usize> {
        let (Some(scan), Some(frame)) = (&mut self.scan, &self.frame) else {
            return Some(0);
        };
        scan.count(bytes, |scan| frame.is_completed_by(scan))
    }
}

impl Tables {
    fn define(&mut self) {
        let [place, counts @ ..] = self.header;
        let table = Table::new(counts, mem::take(&mut self.symbols));
        let class = if place >> 4 == 0 {
            &mut self.dc
        } else {
            &mut self.ac
        };
        if let Some(place) = class.get_mut(usize::from(place & 15)) {
            *place = Some(Arc::new(table));
        }
    }
}
