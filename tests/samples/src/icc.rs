//! Colour profiles (ICC.1:2022): of a screen with more colours than sRGB, and of a printer.

/// A colour in CIE L*a*b* with the white point D50.
pub type Lab = [f64; 3];

/// Display P3, which photos of phones have.
pub fn display_p3() -> Vec<u8> {
    let xyz = |values: [f64; 3]| [&b"XYZ \0\0\0\0"[..], &fixed(&values)].concat();
    let curve = [2.4, 1.0 / 1.055, 0.055 / 1.055, 1.0 / 12.92, 0.040_45];
    let curve = [&b"para\0\0\0\0\0\x03\0\0"[..], &fixed(&curve)].concat();
    profile(
        b"mntrRGB XYZ ",
        &[
            (b"rXYZ", xyz([0.515_12, 0.241_20, -0.001_05])),
            (b"gXYZ", xyz([0.291_98, 0.692_25, 0.041_89])),
            (b"bXYZ", xyz([0.157_10, 0.066_57, 0.784_07])),
            (b"rTRC", curve.clone()),
            (b"gTRC", curve.clone()),
            (b"bTRC", curve),
        ],
    )
}

/// Grey whose values are light itself.
pub fn linear_grey() -> Vec<u8> {
    let curve = [&b"para\0\0\0\0\0\0\0\0"[..], &fixed(&[1.0])].concat();
    let white = [&b"XYZ \0\0\0\0"[..], &fixed(&[0.9642, 1.0, 0.8249])].concat();
    profile(b"mntrGRAYXYZ ", &[(b"wtpt", white), (b"kTRC", curve)])
}

/// A printer's, by what each overprint of cyan, magenta, yellow and black looks like.
/// Between them it is linear.
pub fn printer(overprint: &dyn Fn([bool; 4]) -> Lab) -> Vec<u8> {
    let straight = || 0..=255_u8;
    let mut table = b"mft1\0\0\0\0\x04\x03\x02\0".to_vec();
    table.extend(fixed(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]));
    table.extend((0..4).flat_map(|_| straight()));
    for place in 0..16 {
        let [l, a, b] = overprint([8, 4, 2, 1].map(|ink| place & ink > 0));
        table.extend([l * 2.55, a + 128.0, b + 128.0].map(|value| value.round() as u8));
    }
    table.extend((0..3).flat_map(|_| straight()));
    profile(b"prtrCMYKLab ", &[(b"A2B0", table)])
}

/// A JPEG with this profile.
pub fn in_jpeg(jpeg: &[u8], profile: &[u8]) -> Vec<u8> {
    let contents = [b"ICC_PROFILE\0\x01\x01", profile].concat();
    let length = (contents.len() as u16 + 2).to_be_bytes();
    let (start, rest) = jpeg.split_at(2);
    [start, &[0xff, 0xe2], &length, &contents, rest].concat()
}

/// Of a class, for colours in one space, by way of another one.
fn profile(kinds: &[u8; 12], tags: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    const HEADER: usize = 128;
    let mut header = [0; HEADER];
    header[8] = 4; // the version
    header[12..24].copy_from_slice(kinds);
    header[24..36].copy_from_slice(b"\x07\xea\0\x01\0\x01\0\0\0\0\0\0"); // a date
    header[36..40].copy_from_slice(b"acsp");
    header[68..80].copy_from_slice(&fixed(&[0.9642, 1.0, 0.8249])); // D50
    let mut index = (tags.len() as u32).to_be_bytes().to_vec();
    let mut data = Vec::new();
    for (name, contents) in tags {
        let place = HEADER + 4 + 12 * tags.len() + data.len();
        index.extend(*name);
        index.extend(
            [place, contents.len()]
                .map(|number| (number as u32).to_be_bytes())
                .concat(),
        );
        data.extend(contents);
    }
    let length = (HEADER + index.len() + data.len()) as u32;
    header[..4].copy_from_slice(&length.to_be_bytes());
    [&header[..], &index, &data].concat()
}

fn fixed(values: &[f64]) -> Vec<u8> {
    let number = |value: &f64| ((value * 65_536.0).round() as i32).to_be_bytes();
    values.iter().flat_map(number).collect()
}
