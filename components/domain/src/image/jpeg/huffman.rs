//! Reads Huffman codes (ITU-T T.81, annexes C and F) from data without stuffed bytes.

/// Why nothing more can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The data ends here so far.
    Short,
    /// There is no such code.
    Damaged,
}

/// A table of codes.
#[derive(Debug)]
pub struct Table {
    /// Length and symbol of the code at the beginning of these eight bits; length 0 if
    /// the code is longer.
    quick: [(u8, u8); 256],
    /// For each length, the first number of 16 bits that does not begin with a code of
    /// this or a shorter length, and the offset from a code to the index of its symbol.
    limits: [(u32, i32); 17],
    symbols: Vec<u8>,
}

impl Table {
    /// From the number of codes of each length, from 1 to 16 bits.
    pub fn new(counts: [u8; 16], symbols: Vec<u8>) -> Self {
        let (mut quick, mut limits) = ([(0, 0); 256], [(0, 0); 17]);
        let (mut code, mut place) = (0_u32, 0_usize);
        for ((length, count), limit) in (1_u8..).zip(counts).zip(limits.iter_mut().skip(1)) {
            let offset = place as i32 - code as i32;
            for _ in 0..count {
                if length <= 8 {
                    let symbol = symbols.get(place).copied().unwrap_or_default();
                    let first = (code as usize) << (8 - length);
                    let among = first..first + (1 << (8 - length));
                    if let Some(among) = quick.get_mut(among) {
                        among.fill((length, symbol));
                    }
                }
                code += 1;
                place += 1;
            }
            *limit = (code << (16 - length), offset);
            code <<= 1;
        }
        Self {
            quick,
            limits,
            symbols,
        }
    }

    /// The next symbol.
    pub fn read(&self, bits: &mut Bits) -> Result<u8, Stop> {
        let next = bits.peek();
        if let Some((length @ 1.., symbol)) = self.quick.get(usize::from(next >> 8)) {
            bits.skip((*length).into())?;
            return Ok(*symbol);
        }
        for (length, (limit, offset)) in (0..).zip(self.limits).skip(9) {
            if u32::from(next) < limit {
                bits.skip(length)?;
                let place = i32::from(next >> (16 - length)) + offset;
                let symbol = usize::try_from(place).ok();
                let symbol = symbol.and_then(|place| self.symbols.get(place));
                return symbol.copied().ok_or(Stop::Damaged);
            }
        }
        bits.skip(16).and(Err(Stop::Damaged))
    }
}

/// A position in data, in bits.
#[derive(Clone, Copy, Debug)]
pub struct Bits<'a> {
    bytes: &'a [u8],
    /// Bytes that were moved into the window.
    taken: usize,
    /// The next bits, from the highest on.
    window: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            taken: 0,
            window: 0,
            count: 0,
        }
    }

    /// How many bits follow this position.
    pub fn position(&self) -> usize {
        self.taken * 8 - self.count as usize
    }

    /// Skips up to 16 bits.
    pub fn skip(&mut self, count: u32) -> Result<(), Stop> {
        if self.count < count {
            self.fill();
        }
        self.count = self.count.checked_sub(count).ok_or(Stop::Short)?;
        self.window <<= count;
        Ok(())
    }

    /// Reads up to 15 bits.
    pub fn take(&mut self, count: u32) -> Result<u32, Stop> {
        let value = u32::from(self.peek()) >> (16 - count);
        self.skip(count)?;
        Ok(value)
    }

    /// The next 16 bits; after the end of the data they are 0.
    fn peek(&mut self) -> u16 {
        if self.count < 16 {
            self.fill();
        }
        (self.window >> 48) as u16
    }

    fn fill(&mut self) {
        let rest = self.bytes.get(self.taken..).unwrap_or_default();
        for byte in rest.iter().take((64 - self.count) as usize / 8) {
            self.window |= u64::from(*byte) << (56 - self.count);
            self.count += 8;
            self.taken += 1;
        }
    }
}
