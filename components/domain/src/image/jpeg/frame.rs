//! The components of a picture, and which of their coefficients the scans have sent.

use std::mem;

use super::Tables;
use super::scan::{Block, Pass, Scan};

/// How much of each coefficient was sent: all bits except this many, or nothing yet.
type Sent = [u8; 64];
const NOTHING: u8 = u8::MAX;

#[derive(Debug)]
pub struct Frame {
    coding: Coding,
    size: (u16, u16),
    components: Vec<Component>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Sequential,
    Progressive,
    /// Lossless, hierarchical or arithmetic: not counted.
    Other,
}

#[derive(Debug)]
struct Component {
    id: u8,
    /// Sampling factors.
    across: u16,
    down: u16,
    sent: Sent,
    /// See [`Scan::history`].
    history: Vec<u64>,
}

impl Frame {
    pub fn new(marker: u8, size: (u16, u16)) -> Self {
        let coding = match marker {
            0xc0 | 0xc1 => Coding::Sequential,
            0xc2 => Coding::Progressive,
            _ => Coding::Other,
        };
        Self {
            coding,
            size,
            components: Vec::new(),
        }
    }

    /// Three bytes each. False: scans cannot be counted.
    pub fn set_components(&mut self, bytes: &[u8]) -> bool {
        let (components, _) = bytes.as_chunks::<3>();
        self.components = components
            .iter()
            .map(|[id, factors, _table]| Component {
                id: *id,
                across: (factors >> 4).into(),
                down: (factors & 15).into(),
                sent: [NOTHING; 64],
                history: Vec::new(),
            })
            .collect();
        let known = |factor| (1..=4).contains(&factor);
        let mut all = self.components.iter();
        self.coding != Coding::Other && all.all(|part| known(part.across) && known(part.down))
    }

    /// The scan with this header (`SOS`, after its length). None: it cannot be counted,
    /// because it violates T.81 or a table is missing.
    pub fn scan(&mut self, header: &[u8], tables: &Tables, interval: u16) -> Option<Scan> {
        let (count, rest) = header.split_first()?;
        let (parts, [first, last, bits]) = rest.split_last_chunk::<3>()?;
        let (parts, _) = parts.as_chunks::<2>();
        if parts.len() != usize::from(*count) {
            return None;
        }
        let pass = Pass::new(self.coding == Coding::Progressive, (*first, *last), *bits)?;
        let mut members = Vec::new();
        let mut blocks = Vec::new();
        for [id, numbers] in parts {
            let place = self.components.iter().position(|part| part.id == *id)?;
            let component = self.components.get(place)?;
            let table = |of: &[Option<_>; 4], number: u8| of.get(usize::from(number)).cloned()?;
            let block = Block {
                dc: table(&tables.dc, numbers >> 4),
                ac: table(&tables.ac, numbers & 15),
            };
            let is_alone = parts.len() == 1;
            let per_unit = if is_alone {
                1
            } else {
                component.across * component.down
            };
            if !pass.can_read(&block) || !is_alone && !pass.may_interleave() {
                return None;
            }
            blocks.extend((0..per_unit).map(|_| block.clone()));
            members.push(place);
        }
        let units = self.units(&members)?;
        let history = match members.as_slice() {
            [alone] => mem::take(&mut self.components.get_mut(*alone)?.history),
            _ => Vec::new(),
        };
        Scan::new(pass, members, blocks, units, interval.into(), history)
    }

    /// Minimum coded units of a scan of these components: blocks, if it has only one.
    fn units(&self, members: &[usize]) -> Option<u64> {
        let across = self.components.iter().map(|part| part.across).max()?;
        let down = self.components.iter().map(|part| part.down).max()?;
        let (width, height) = (u64::from(self.size.0), u64::from(self.size.1));
        let units = |length: u64, own: u16, most: u16| {
            (length * u64::from(own))
                .div_ceil(u64::from(most))
                .div_ceil(8)
        };
        let own = match members {
            [alone] => self
                .components
                .get(*alone)
                .map(|part| (part.across, part.down))?,
            _ => (1, 1),
        };
        Some(units(width, own.0, across) * units(height, own.1, down))
    }

    /// Records the coefficients that a scan sent.
    pub fn keep(&mut self, scan: Scan) {
        for place in &scan.components {
            if let Some(component) = self.components.get_mut(*place) {
                scan.pass.mark(&mut component.sent);
            }
        }
        if let [alone] = scan.components.as_slice()
            && let Some(component) = self.components.get_mut(*alone)
        {
            component.history = scan.history;
        }
    }

    /// Whether each component was at least partly sent.
    pub fn has_all_components(&self) -> bool {
        let mut all = self.components.iter();
        all.all(|component| component.sent.first() != Some(&NOTHING))
    }

    /// Whether everything was sent, together with this scan.
    pub fn is_completed_by(&self, scan: &Scan) -> bool {
        let mut all = self.components.iter().enumerate();
        all.all(|(place, component)| {
            let mut sent = component.sent;
            if scan.components.contains(&place) {
                scan.pass.mark(&mut sent);
            }
            sent == [0; 64]
        })
    }
}
