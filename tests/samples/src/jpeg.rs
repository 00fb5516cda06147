//! JPEGs of every arrangement: samplings, orders of scans, restart intervals, sequential
//! or progressive (ITU-T T.81). The same picture has the same coefficients in each of
//! them, so that a decoder must find the same pixels.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// How a picture is stored.
#[derive(Clone, Debug)]
pub struct Jpeg {
    pub size: (u16, u16),
    /// Horizontal and vertical sampling factors of each component.
    pub samplings: Vec<(u8, u8)>,
    /// In minimum coded units; 0 for none.
    pub restart: u16,
    pub progressive: bool,
    pub scans: Vec<Scan>,
}

/// Which coefficients of which components a scan holds: those from `first` to `last`, in
/// zigzag order, without their lowest bits; where `high` is not 0, only the next bit.
#[derive(Clone, Debug)]
pub struct Scan {
    pub components: Vec<usize>,
    pub first: usize,
    pub last: usize,
    pub high: u8,
    pub low: u8,
}

impl Scan {
    /// Everything of these components.
    pub fn whole(components: &[usize]) -> Self {
        Self::part(components, (0, 63), (0, 0))
    }

    pub fn part(components: &[usize], band: (usize, usize), (high, low): (u8, u8)) -> Self {
        Self {
            components: components.to_vec(),
            first: band.0,
            last: band.1,
            high,
            low,
        }
    }
}

/// Every arrangement of a picture of this size, with a name.
pub fn matrix(size: (u16, u16)) -> Vec<(String, Jpeg)> {
    let samplings: [(&str, &[(u8, u8)]); 13] = [
        ("4:4:4", &[(1, 1), (1, 1), (1, 1)]),
        ("4:2:2", &[(2, 1), (1, 1), (1, 1)]),
        ("4:2:0", &[(2, 2), (1, 1), (1, 1)]),
        ("4:4:0", &[(1, 2), (1, 1), (1, 1)]),
        ("4:1:1", &[(4, 1), (1, 1), (1, 1)]),
        ("4:1:0", &[(4, 2), (1, 1), (1, 1)]),
        ("4:4:1", &[(1, 4), (1, 1), (1, 1)]),
        ("halved Cr", &[(2, 2), (2, 2), (1, 1)]),
        ("halved luma", &[(1, 1), (2, 2), (2, 2)]),
        ("halved each way", &[(2, 2), (2, 1), (1, 2)]),
        ("grey", &[(1, 1)]),
        ("grey of four blocks", &[(2, 2)]),
        ("four", &[(1, 1), (1, 1), (1, 1), (1, 1)]),
    ];
    let mut all = Vec::new();
    for (name, samplings) in samplings {
        for restart in [0, 1, 3] {
            for (order, progressive, scans) in orders(samplings.len()) {
                let name = format!("{name}, {order}, restart interval {restart}, {size:?}");
                let samplings = samplings.to_vec();
                all.push((
                    name,
                    Jpeg {
                        size,
                        samplings,
                        restart,
                        progressive,
                        scans,
                    },
                ));
            }
        }
    }
    all
}

/// Orders of scans: a name, whether it is progressive, and the scans.
fn orders(components: usize) -> Vec<(&'static str, bool, Vec<Scan>)> {
    let all: Vec<usize> = (0..components).collect();
    let mut orders = vec![
        ("interleaved", false, vec![Scan::whole(&all)]),
        ("progressive", true, progression(components)),
    ];
    if components < 3 {
        return orders;
    }
    let alone: Vec<_> = all.iter().map(|index| Scan::whole(&[*index])).collect();
    let reversed = alone.iter().rev().cloned().collect();
    let apart = vec![Scan::whole(&[0]), Scan::whole(&all[1..])];
    let together = vec![Scan::whole(&[0, 1]), Scan::whole(&all[2..])];
    let mut bands = vec![Scan::part(&all, (0, 0), (0, 0))];
    bands.extend(
        all.iter()
            .map(|index| Scan::part(&[*index], (1, 63), (0, 0))),
    );
    let mut each = Vec::new();
    for index in all.iter().rev() {
        each.push(Scan::part(&[*index], (0, 0), (0, 1)));
        each.push(Scan::part(&[*index], (1, 9), (0, 3)));
        each.push(Scan::part(&[*index], (10, 63), (0, 2)));
        each.push(Scan::part(&[*index], (1, 9), (3, 2)));
        each.push(Scan::part(&[*index], (0, 0), (1, 0)));
        each.push(Scan::part(&[*index], (1, 63), (2, 1)));
        each.push(Scan::part(&[*index], (1, 63), (1, 0)));
    }
    orders.extend([
        ("one by one", false, alone),
        ("one by one backwards", false, reversed),
        ("luma, then chroma", false, apart),
        ("two, then the rest", false, together),
        ("progressive by bands", true, bands),
        ("progressive by components", true, each),
    ]);
    orders
}

/// Scans as libjpeg writes a progressive picture.
fn progression(components: usize) -> Vec<Scan> {
    let all: Vec<usize> = (0..components).collect();
    let mut scans = vec![Scan::part(&all, (0, 0), (0, 1))];
    scans.push(Scan::part(&[0], (1, 5), (0, 2)));
    for chroma in (1..components).rev() {
        scans.push(Scan::part(&[chroma], (1, 63), (0, 1)));
    }
    scans.push(Scan::part(&[0], (6, 63), (0, 2)));
    scans.push(Scan::part(&[0], (1, 63), (2, 1)));
    scans.push(Scan::part(&all, (0, 0), (1, 0)));
    for component in (0..components).rev() {
        scans.push(Scan::part(&[component], (1, 63), (1, 0)));
    }
    scans
}

const QUANTUM: f64 = 3.0;

#[rustfmt::skip]
const ZIGZAG: [usize; 64] = [
     0,  1,  8, 16,  9,  2,  3, 10, 17, 24, 32, 25, 18, 11,  4,  5,
    12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13,  6,  7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
    58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// Blocks of a component, in zigzag order, padded to whole minimum coded units.
struct Plane {
    across: usize,
    blocks: Vec<[i32; 64]>,
    /// In blocks, as a scan of this component alone has them.
    alone: (usize, usize),
}

impl Jpeg {
    /// A file whose samples are `sample(component, x, y)`, in pixels of the picture.
    pub fn file(&self, sample: &dyn Fn(usize, f64, f64) -> f64) -> Vec<u8> {
        let planes: Vec<_> = (0..self.samplings.len())
            .map(|index| self.plane(index, sample))
            .collect();
        let mut file = vec![0xff, 0xd8];
        segment(&mut file, 0xdb, &[&[0][..], &[QUANTUM as u8; 64]].concat());
        let (width, height) = (self.size.0.to_be_bytes(), self.size.1.to_be_bytes());
        let mut frame = vec![
            8,
            height[0],
            height[1],
            width[0],
            width[1],
            planes.len() as u8,
        ];
        for (index, (h, v)) in self.samplings.iter().enumerate() {
            frame.extend([index as u8 + 1, h << 4 | v, 0]);
        }
        segment(
            &mut file,
            if self.progressive { 0xc2 } else { 0xc0 },
            &frame,
        );
        for (class, symbols) in [(0, dc_symbols()), (1, ac_symbols())] {
            let mut table = vec![class << 4];
            table.extend(
                (1..=16).map(|length| symbols.iter().filter(|(_, l)| *l == length).count() as u8),
            );
            table.extend(symbols.iter().map(|(symbol, _)| *symbol));
            segment(&mut file, 0xc4, &table);
        }
        if self.restart > 0 {
            segment(&mut file, 0xdd, &self.restart.to_be_bytes());
        }
        for scan in &self.scans {
            let mut header = vec![scan.components.len() as u8];
            for index in &scan.components {
                header.extend([*index as u8 + 1, 0]);
            }
            header.extend([scan.first as u8, scan.last as u8, scan.high << 4 | scan.low]);
            segment(&mut file, 0xda, &header);
            file.extend(self.data(scan, &planes));
        }
        file.extend([0xff, 0xd9]);
        file
    }

    fn largest(&self) -> (usize, usize) {
        let h = self.samplings.iter().map(|(h, _)| *h).max().unwrap();
        let v = self.samplings.iter().map(|(_, v)| *v).max().unwrap();
        (h.into(), v.into())
    }

    fn units(&self) -> (usize, usize) {
        let (h, v) = self.largest();
        let (width, height) = (usize::from(self.size.0), usize::from(self.size.1));
        (width.div_ceil(8 * h), height.div_ceil(8 * v))
    }

    fn plane(&self, index: usize, sample: &dyn Fn(usize, f64, f64) -> f64) -> Plane {
        let (h, v) = (
            usize::from(self.samplings[index].0),
            usize::from(self.samplings[index].1),
        );
        let (most_h, most_v) = self.largest();
        let (width, height) = (usize::from(self.size.0), usize::from(self.size.1));
        let (units_x, units_y) = self.units();
        let (across, down) = (units_x * h, units_y * v);
        let (step_x, step_y) = (most_h as f64 / h as f64, most_v as f64 / v as f64);
        let mut blocks = Vec::new();
        for place in 0..across * down {
            let (left, top) = (place % across * 8, place / across * 8);
            let samples: Vec<f64> = (0..64)
                .map(|at| {
                    let x = (left + at % 8) as f64 * step_x + (step_x - 1.0) / 2.0;
                    let y = (top + at / 8) as f64 * step_y + (step_y - 1.0) / 2.0;
                    sample(index, x.min(width as f64 - 1.0), y.min(height as f64 - 1.0)) - 128.0
                })
                .collect();
            blocks.push(transformed(&samples));
        }
        let alone = (
            (width * h).div_ceil(most_h).div_ceil(8),
            (height * v).div_ceil(most_v).div_ceil(8),
        );
        Plane {
            across,
            blocks,
            alone,
        }
    }

    fn data(&self, scan: &Scan, planes: &[Plane]) -> Vec<u8> {
        let units: Vec<Vec<(usize, usize)>> = match scan.components[..] {
            [alone] => {
                let plane = &planes[alone];
                let (across, down) = plane.alone;
                (0..across * down)
                    .map(|at| vec![(alone, at / across * plane.across + at % across)])
                    .collect()
            }
            _ => {
                let (across, down) = self.units();
                (0..across * down)
                    .map(|at| {
                        let mut unit = Vec::new();
                        for index in &scan.components {
                            let (h, v) = self.samplings[*index];
                            let (h, v) = (usize::from(h), usize::from(v));
                            for within in 0..h * v {
                                let x = at % across * h + within % h;
                                let y = at / across * v + within / h;
                                unit.push((*index, y * planes[*index].across + x));
                            }
                        }
                        unit
                    })
                    .collect()
            }
        };
        let mut coder = Coder::new(scan);
        for (at, unit) in units.iter().enumerate() {
            if self.restart > 0 && at > 0 && at % usize::from(self.restart) == 0 {
                coder.restart(at / usize::from(self.restart) - 1);
            }
            for (index, block) in unit {
                coder.block(*index, &planes[*index].blocks[*block], self.progressive);
            }
        }
        coder.end();
        coder.data
    }
}

fn segment(file: &mut Vec<u8>, code: u8, contents: &[u8]) {
    file.extend([0xff, code]);
    file.extend((contents.len() as u16 + 2).to_be_bytes());
    file.extend(contents);
}

/// A discrete cosine transform, quantised, in zigzag order.
fn transformed(samples: &[f64]) -> [i32; 64] {
    let scale = |frequency: usize| if frequency == 0 { FRAC_1_SQRT_2 } else { 1.0 };
    let wave =
        |at: usize, frequency: usize| ((2 * at + 1) as f64 * frequency as f64 * PI / 16.0).cos();
    ZIGZAG.map(|place| {
        let (u, v) = (place % 8, place / 8);
        let sum: f64 = (0..64)
            .map(|at| samples[at] * wave(at % 8, u) * wave(at / 8, v))
            .sum();
        (sum * scale(u) * scale(v) / 4.0 / QUANTUM).round() as i32
    })
}

/// Symbols and the lengths of their codes, ascending.
fn dc_symbols() -> Vec<(u8, u8)> {
    (0..12).map(|symbol| (symbol, 4)).collect()
}

/// Short and long ones, so that a decoder's quick table does not do for all.
fn ac_symbols() -> Vec<(u8, u8)> {
    let (short, long): (Vec<u8>, Vec<u8>) = (0..16 * 11_u8)
        .map(|at| ((at % 16) << 4) | (at / 16))
        .partition(|symbol| symbol >> 4 < 2 && symbol & 15 < 5);
    short
        .into_iter()
        .map(|symbol| (symbol, 5))
        .chain(long.into_iter().map(|symbol| (symbol, 9)))
        .collect()
}

/// The code of a symbol: its bits, and how many.
fn code(symbols: &[(u8, u8)], symbol: u8) -> (u32, u8) {
    let (mut code, mut length) = (0, symbols[0].1);
    for (each, its) in symbols {
        code <<= its - length;
        length = *its;
        if *each == symbol {
            return (code, length);
        }
        code += 1;
    }
    panic!("no symbol {symbol}");
}

/// The entropy-coded data of a scan.
struct Coder<'a> {
    scan: &'a Scan,
    data: Vec<u8>,
    bits: u32,
    held: u8,
    predictions: [i32; 4],
    /// Blocks whose rest is zero, and their bits of correction.
    run: u32,
    corrections: Vec<u32>,
    dc: Vec<(u8, u8)>,
    ac: Vec<(u8, u8)>,
}

impl<'a> Coder<'a> {
    fn new(scan: &'a Scan) -> Self {
        Self {
            scan,
            data: Vec::new(),
            bits: 0,
            held: 0,
            predictions: [0; 4],
            run: 0,
            corrections: Vec::new(),
            dc: dc_symbols(),
            ac: ac_symbols(),
        }
    }

    fn put(&mut self, value: u32, count: u8) {
        for bit in (0..count).rev() {
            self.bits = self.bits << 1 | value >> bit & 1;
            self.held += 1;
            if self.held == 8 {
                self.data.push(self.bits as u8);
                if self.bits as u8 == 0xff {
                    self.data.push(0);
                }
                (self.bits, self.held) = (0, 0);
            }
        }
    }

    fn put_dc(&mut self, symbol: u8) {
        let (value, count) = code(&self.dc, symbol);
        self.put(value, count);
    }

    fn put_ac(&mut self, symbol: u8) {
        let (value, count) = code(&self.ac, symbol);
        self.put(value, count);
    }

    /// The bits that follow a symbol of this size.
    fn put_value(&mut self, value: i32, size: u8) {
        let bits = if value < 0 { value - 1 } else { value };
        self.put(bits as u32, size);
    }

    fn end(&mut self) {
        self.end_run();
        while self.held > 0 {
            self.put(1, 1);
        }
    }

    fn restart(&mut self, number: usize) {
        self.end();
        self.data.extend([0xff, 0xd0 + (number % 8) as u8]);
        self.predictions = [0; 4];
    }

    fn end_run(&mut self) {
        if self.run > 0 {
            let size = self.run.ilog2() as u8;
            self.put_ac(size << 4);
            self.put(self.run, size);
            self.run = 0;
        }
        for bit in std::mem::take(&mut self.corrections) {
            self.put(bit, 1);
        }
    }

    fn block(&mut self, index: usize, block: &[i32; 64], progressive: bool) {
        let Scan {
            first,
            last,
            high,
            low,
            ..
        } = *self.scan;
        if first == 0 && high > 0 {
            return self.put((block[0] >> low) as u32, 1);
        }
        if first == 0 {
            let value = block[0] >> low;
            let change = value - self.predictions[index];
            self.predictions[index] = value;
            let size = size_of(change);
            self.put_dc(size);
            self.put_value(change, size);
        }
        let band = first.max(1)..=last;
        match (high, band.is_empty()) {
            (_, true) => {}
            (0, _) => self.first_pass(&block[band], progressive),
            _ => self.refinement(&block[band]),
        }
    }

    fn first_pass(&mut self, band: &[i32], progressive: bool) {
        let mut zeros = 0;
        for value in band.iter().map(|value| value / (1 << self.scan.low)) {
            if value == 0 {
                zeros += 1;
                continue;
            }
            self.end_run();
            while zeros > 15 {
                self.put_ac(0xf0);
                zeros -= 16;
            }
            let size = size_of(value);
            self.put_ac(zeros << 4 | size);
            self.put_value(value, size);
            zeros = 0;
        }
        if zeros > 0 {
            self.run += 1;
            if !progressive || self.run == 0x7fff {
                self.end_run();
            }
        }
    }

    fn refinement(&mut self, band: &[i32]) {
        let values: Vec<i32> = band
            .iter()
            .map(|value| value / (1 << self.scan.low))
            .collect();
        let end = values
            .iter()
            .rposition(|value| value.abs() == 1)
            .map_or(0, |at| at + 1);
        let (mut zeros, mut corrections) = (0, Vec::new());
        for (at, value) in values.iter().enumerate() {
            if *value == 0 {
                zeros += 1;
                if at >= end {
                    continue;
                }
            } else if value.abs() > 1 {
                corrections.push(value.unsigned_abs() & 1);
                continue;
            } else {
                self.end_run();
                self.put_ac(zeros << 4 | 1);
                self.put(u32::from(*value > 0), 1);
                for bit in corrections.drain(..) {
                    self.put(bit, 1);
                }
                zeros = 0;
            }
            if zeros == 16 {
                self.end_run();
                self.put_ac(0xf0);
                for bit in corrections.drain(..) {
                    self.put(bit, 1);
                }
                zeros = 0;
            }
        }
        if zeros > 0 || !corrections.is_empty() {
            self.run += 1;
            self.corrections.extend(corrections);
            if self.run == 0x7fff || self.corrections.len() > 900 {
                self.end_run();
            }
        }
    }
}

fn size_of(value: i32) -> u8 {
    (i32::BITS - value.abs().leading_zeros()) as u8
}
