use palette::Oklab;
use proptest::prelude::*;

use super::*;
use crate::color;
use crate::pixels::{alpha, rgb};
use crate::plan::Plan;

/// Every edit that leaves alpha as it is, each asked for alone.
const PROMPTS: &[&str] = &[
    "lighter",
    "darker",
    "warmer",
    "cooler",
    "more saturated",
    "less saturated",
    "more contrast",
    "less contrast",
    "monochrome",
    "minimalist",
    "smooth",
    "sharpen",
    "lighter shades of brown",
    "blue and gold",
    "replace red by green",
    "outline",
    "sketch",
    "posterize",
    "invert",
    "sepia",
    "vintage",
    "vignette",
    "#8b5a2b",
    "two colours",
    "two colours: navy and gold",
    "only black and white",
];

/// Those that do not.
const OF_ALPHA: &[&str] = &[
    "pixelate",
    "blur",
    "transparent background",
    "rounded corners",
];

/// Those that change the size, and how.
const OF_SIZE: &[(&str, Size)] = &[
    ("rotate left", |width, height| (height, width)),
    ("rotate right", |width, height| (height, width)),
    ("upside down", |width, height| (width, height)),
    ("flip", |width, height| (width, height)),
    ("flip vertically", |width, height| (width, height)),
    ("crop to a square", |width, height| {
        (width.min(height), width.min(height))
    }),
    ("crop to a circle", |width, height| {
        (width.min(height), width.min(height))
    }),
];

type Size = fn(u32, u32) -> (u32, u32);

/// A disk in stripes of green and red on white, with a blue corner, all a
/// little noisy.
fn picture(alpha: bool) -> Pixels {
    const SIDE: i32 = 96;
    let mut data = Vec::new();
    for y in 0..SIDE {
        for x in 0..SIDE {
            let distance = (x - 48).pow(2) + (y - 48).pow(2);
            let color = match (distance < 36 * 36, x < 20 && y < 20) {
                (true, _) if x < 48 => [60, 120, 50],
                (true, _) => [170, 50, 40],
                (_, true) => [40, 70, 180],
                _ => [252, 252, 252],
            };
            let noise = ((x * 7 + y * 13 + x * y) % 9 - 4) as i16;
            data.extend(color.map(|value: i16| (value + noise).clamp(0, 255) as u8));
            if alpha {
                data.push(if distance < 44 * 44 {
                    255
                } else {
                    (x * 2) as u8
                });
            }
        }
    }
    Pixels::new(SIDE as u32, SIDE as u32, alpha, data).unwrap()
}

fn edited(original: &Pixels, prompt: &str, strength: f32) -> Pixels {
    let plan = Plan::of(prompt);
    assert!(!plan.edits.is_empty(), "{prompt}");
    let mut pixels = original.clone();
    apply(&mut pixels, &plan, strength);
    pixels
}

fn colors(pixels: &Pixels) -> Vec<Oklab> {
    pixels
        .iter()
        .map(|pixel| color::from_srgb(rgb(pixel)))
        .collect()
}

fn mean(pixels: &Pixels, of: impl Fn(Oklab) -> f32) -> f32 {
    let colors = colors(pixels);
    colors.iter().copied().map(of).sum::<f32>() / colors.len() as f32
}

fn spread(pixels: &Pixels, of: impl Fn(Oklab) -> f32 + Copy) -> f32 {
    let middle = mean(pixels, of);
    mean(pixels, |color| (of(color) - middle).powi(2)).sqrt()
}

fn lightness(color: Oklab) -> f32 {
    color.l
}

fn chroma(color: Oklab) -> f32 {
    color.a.hypot(color.b)
}

/// How much there is of edges and noise: the mean square of the Laplacian.
fn sharpness(pixels: &Pixels) -> f32 {
    let (colors, width) = (colors(pixels), pixels.width() as usize);
    let at = |place: usize| colors[place].l;
    let inner =
        (1..pixels.height() as usize - 1).flat_map(|y| (1..width - 1).map(move |x| y * width + x));
    inner
        .map(|p| (4.0 * at(p) - at(p - 1) - at(p + 1) - at(p - width) - at(p + width)).powi(2))
        .sum::<f32>()
        / colors.len() as f32
}

fn distinct(pixels: &Pixels) -> usize {
    let colors: std::collections::BTreeSet<_> = pixels.iter().map(rgb).collect();
    colors.len()
}

/// The mean distance of each pixel to what it was, alpha included.
fn change(one: &Pixels, other: &Pixels) -> f32 {
    let alphas = |pixels: &Pixels| pixels.iter().map(alpha).collect::<Vec<_>>();
    let alphas = alphas(one).into_iter().zip(alphas(other));
    let pairs = colors(one).into_iter().zip(colors(other)).zip(alphas);
    let distances: Vec<_> = pairs
        .map(|((one, other), (alpha, changed))| {
            color::distance(one, other) + f32::from(alpha.abs_diff(changed)) / 255.0
        })
        .collect();
    distances.iter().sum::<f32>() / distances.len() as f32
}

#[test]
fn words_do_what_they_say() {
    type Measure = fn(&Pixels) -> f32;
    let lightness: Measure = |pixels| mean(pixels, lightness);
    let contrast: Measure = |pixels| spread(pixels, self::lightness);
    let chroma: Measure = |pixels| mean(pixels, chroma);
    let warmth: Measure = |pixels| mean(pixels, |color| color.b);
    let distinct: Measure = |pixels| distinct(pixels) as f32;
    let steps: Measure = |pixels| {
        let row = |row: &[u8]| {
            let neighbors = row.chunks_exact(3).zip(row.chunks_exact(3).skip(1));
            neighbors.filter(|(one, other)| one != other).count()
        };
        pixels.rows().map(row).sum::<usize>() as f32
    };
    let hues: Measure = |pixels| spread(pixels, |color| color.a);
    let visible: Measure = |pixels| {
        let alphas = pixels.iter().map(|pixel| f32::from(alpha(pixel)));
        alphas.sum::<f32>() / 255.0 / (pixels.width() * pixels.height()) as f32
    };
    // The prompt, what it is about, and from and to which part of what there
    // was it may go.
    let cases: &[(&str, Measure, f32, f32)] = &[
        ("lighter", lightness, 1.03, 1.4),
        ("slightly lighter", lightness, 1.01, 1.1),
        ("darker", lightness, 0.6, 0.97),
        ("more saturated", chroma, 1.1, 2.0),
        ("less saturated", chroma, 0.2, 0.7),
        ("monochrome", chroma, 0.0, 0.05),
        ("more contrast", contrast, 1.05, 2.0),
        ("less contrast", contrast, 0.3, 0.9),
        ("warmer", warmth, 1.2, 4.0),
        ("cooler", warmth, -4.0, 0.8),
        ("minimalist", distinct, 0.0, 0.3),
        ("blur", sharpness, 0.0, 0.2),
        ("sharpen", sharpness, 1.3, 9.0),
        ("smooth", sharpness, 0.0, 0.98),
        ("outline", chroma, 0.0, 0.01),
        ("outline", lightness, 1.1, 1.5),
        ("sketch", chroma, 0.0, 0.01),
        ("sketch", lightness, 1.02, 1.5),
        ("pixelate", steps, 0.1, 0.6),
        ("posterize", distinct, 0.0, 0.2),
        ("only three colours", distinct, 0.05, 0.09),
        ("black and white only", chroma, 0.0, 0.01),
        ("crop tighter", lightness, 0.7, 0.99),
        ("invert", lightness, 0.2, 0.7),
        ("vignette", lightness, 0.7, 0.97),
        ("slightly vignetted", lightness, 0.9, 0.99),
        ("sepia", hues, 0.0, 0.2),
        ("vintage", contrast, 0.4, 0.9),
        ("transparent background", visible, 0.4, 0.7),
        ("rounded corners", visible, 0.95, 0.995),
        ("crop to a circle", visible, 0.75, 0.8),
        ("flip", lightness, 0.999, 1.001),
        ("rotate", lightness, 0.999, 1.001),
    ];
    let original = picture(false);
    for (prompt, measure, least, most) in cases {
        let ratio = measure(&edited(&original, prompt, 0.7)) / measure(&original);
        assert!((*least..=*most).contains(&ratio), "{prompt}: {ratio}");
    }
    // However strong: words leave some contrast, and a percentage no less than it says.
    for (prompt, least, most) in [
        ("much less contrast", 0.3, 0.4),
        ("20% less contrast", 0.6, 0.82),
        ("80% less contrast", 0.15, 0.25),
    ] {
        let ratio = contrast(&edited(&original, prompt, 1.0)) / contrast(&original);
        assert!((least..=most).contains(&ratio), "{prompt}: {ratio}");
    }
}

#[test]
fn shades_of_a_color_have_its_hue_and_leave_paper_alone() {
    let original = picture(false);
    for (name, hex) in [("brown", 0x8B5A2B), ("blue", 0x2563C9), ("green", 0x2E8B4A)] {
        let named = color::from_hex(hex);
        let after = edited(&original, &format!("shades of {name}"), 0.7);
        for (old, new) in colors(&original).into_iter().zip(colors(&after)) {
            if chroma(old) > 0.08 {
                let apart = (color::polar(new).hue - named.hue).into_degrees().abs();
                assert!(apart < 25.0, "{name}: {apart}°");
            }
            if old.l > 0.97 {
                assert!(chroma(new) < 0.02 && new.l > 0.95, "{name}: {new:?}");
            }
        }
        let lighter = edited(&original, &format!("lighter shades of {name}"), 0.7);
        let darker = edited(&original, &format!("darker shades of {name}"), 0.7);
        assert!(
            mean(&lighter, lightness) > mean(&after, lightness) + 0.02,
            "{name}"
        );
        assert!(
            mean(&darker, lightness) < mean(&after, lightness) - 0.02,
            "{name}"
        );
    }
}

#[test]
fn lighter_shades_are_lighter_than_what_there_was() {
    let original = picture(false);
    let after = edited(&original, "lighter shades of brown", 0.7);
    let ink = colors(&original)
        .into_iter()
        .zip(colors(&after))
        .filter(|(old, _)| old.l < 0.9);
    let darker = ink.filter(|(old, new)| new.l < old.l - 0.01).count();
    assert_eq!(darker, 0);
}

#[test]
fn a_grey_picture_takes_a_color() {
    let data = (0..=255_u8).flat_map(|level| [level; 3]).collect();
    let original = Pixels::new(16, 16, false, data).unwrap();
    let after = edited(&original, "brown", 0.7);
    assert!(mean(&after, chroma) > 0.04);
}

#[test]
fn only_the_color_that_is_replaced_changes() {
    let original = picture(false);
    let after = edited(&original, "replace the red with blue", 0.7);
    for ((old, new), place) in colors(&original).into_iter().zip(colors(&after)).zip(0..) {
        let (x, y) = (place % 96, place / 96);
        let inside = (x - 48_i32).pow(2) + (y - 48_i32).pow(2) < 34 * 34;
        if inside && x > 50 {
            assert!(new.b < -0.05, "{x},{y} is not blue: {new:?}");
        } else if inside && x < 46 {
            assert!(color::distance(old, new) < 0.03, "{x},{y} changed");
        }
    }
}

#[test]
fn minimalism_leaves_few_colors_in_whole_shapes() {
    let after = edited(&picture(false), "minimalist", 0.7);
    let mut counts = std::collections::BTreeMap::new();
    for pixel in after.iter() {
        *counts.entry(rgb(pixel)).or_insert(0) += 1;
    }
    let mut counts: Vec<_> = counts.into_values().collect();
    counts.sort_by_key(|count| std::cmp::Reverse(*count));
    let flat: usize = counts.iter().take(5).sum();
    assert!(
        flat * 100 > 96 * 96 * 93,
        "{flat} pixels have one of five colours"
    );
}

#[test]
fn smoothing_keeps_edges() {
    let row = |y: i32| {
        (0..64).flat_map(move |x: i32| {
            let level = if x < 32 { 60 } else { 190 } + (x * 5 + y * 3 + x * y) % 13 - 6;
            [level as u8; 3]
        })
    };
    let original = Pixels::new(64, 64, false, (0..64).flat_map(row).collect()).unwrap();
    let after = edited(&original, "smooth", 0.7);
    let column = |pixels: &Pixels, x: usize| -> Vec<f32> {
        pixels.rows().map(|row| f32::from(row[x * 3])).collect()
    };
    let noise = |values: &[f32]| {
        let middle = values.iter().sum::<f32>() / values.len() as f32;
        values
            .iter()
            .map(|value| (value - middle).powi(2))
            .sum::<f32>()
    };
    assert!(noise(&column(&after, 16)) < 0.3 * noise(&column(&original, 16)));
    let step = column(&after, 33)[32] - column(&after, 30)[32];
    assert!(step > 110.0, "{step}");
}

#[test]
fn what_cannot_be_seen_lends_no_color() {
    let data = (0..32 * 32).flat_map(|place| {
        if place % 32 < 16 {
            [255, 0, 0, 0]
        } else {
            [250, 250, 250, 255]
        }
    });
    let original = Pixels::new(32, 32, true, data.collect()).unwrap();
    for prompt in ["blur", "smooth", "minimalist"] {
        let after = edited(&original, prompt, 1.0);
        for pixel in after.iter().filter(|pixel| alpha(pixel) == 255) {
            assert!(
                rgb(pixel).iter().all(|value| *value >= 248),
                "{prompt}: {pixel:?}"
            );
        }
    }
}

#[test]
fn alpha_is_kept() {
    let original = picture(true);
    for prompt in PROMPTS {
        let after = edited(&original, prompt, 1.0);
        assert!(
            original.iter().map(alpha).eq(after.iter().map(alpha)),
            "{prompt}"
        );
        assert!(change(&original, &after) > 0.001, "{prompt}");
    }
}

/// Navy and gold, from light to dark and from green to red.
#[test]
fn a_theme_pulls_colors_towards_its_own() {
    let original = picture(false);
    let themed = |prompt: &str, theme: &str| {
        let mut pixels = original.clone();
        apply(&mut pixels, &Plan::of(prompt).themed(theme), 0.7);
        pixels
    };
    // So little more contrast that nothing but the theme is to be seen.
    let prompt = "slightly, slightly more contrast";
    let without = themed(prompt, "");
    for (theme, hex) in [("navy", 0x1D2F5F), ("warm gold tones", 0xCDA02E)] {
        let with = themed(prompt, theme);
        let named = color::from_hex(hex);
        let aim = color::at(named.l, named.chroma, named.hue);
        let (mut nearer, mut colored) = (0, 0);
        for (old, new) in colors(&without).into_iter().zip(colors(&with)) {
            if chroma(old) > 0.08 {
                let away = |color: Oklab| (color.a - aim.a).hypot(color.b - aim.b);
                colored += 1;
                nearer += usize::from(away(new) < away(old));
                assert!((old.l - new.l).abs() < 0.03, "{theme}: {old:?} {new:?}");
            }
            if old.l > 0.97 {
                assert!(color::distance(old, new) < 0.02, "{theme}: {new:?}");
            }
        }
        assert!(
            nearer * 100 > colored * 95,
            "{theme}: {nearer} of {colored}"
        );
        let change = change(&without, &with);
        assert!((0.01..0.08).contains(&change), "{theme}: {change}");
    }
    assert_eq!(themed("brown", "navy"), themed("brown", ""));
}

#[test]
fn strength_goes_from_nothing_to_more_and_more() {
    let original = picture(false);
    for (prompt, _) in OF_SIZE {
        assert_eq!(edited(&original, prompt, 0.0), original, "{prompt}");
    }
    for prompt in PROMPTS.iter().chain(OF_ALPHA) {
        assert_eq!(edited(&original, prompt, 0.0), original, "{prompt}");
        let changes: Vec<_> = [0.1, 0.3, 0.5, 0.7, 1.0]
            .map(|strength| change(&original, &edited(&original, prompt, strength)))
            .into();
        for pair in changes.windows(2) {
            // Fewer colours may by chance fit a little better.
            assert!(pair[1] >= pair[0] * 0.85, "{prompt}: {changes:?}");
        }
        assert!(changes[4] > changes[0], "{prompt}: {changes:?}");
    }
}

#[test]
fn narrow_images_are_edited() {
    let narrow = |width, height| {
        let data = (0..width * height * 3).map(|place: u32| (place * 31 % 256) as u8);
        Pixels::new(width, height, false, data.collect()).unwrap()
    };
    for (width, height) in [(1, 1), (1, 20_000), (20_000, 1), (2, 3)] {
        let original = narrow(width, height);
        for prompt in PROMPTS.iter().chain(OF_ALPHA) {
            let after = edited(&original, prompt, 1.0);
            assert_eq!((after.width(), after.height()), (width, height), "{prompt}");
        }
        for (prompt, size) in OF_SIZE {
            let after = edited(&original, prompt, 1.0);
            assert_eq!(
                (after.width(), after.height()),
                size(width, height),
                "{prompt}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn images_of_any_size_are_edited(
        (width, height, has_alpha) in (1_u32..40, 1_u32..40, any::<bool>()),
        bytes in proptest::collection::vec(any::<u8>(), 40 * 40 * 4),
        prompt in proptest::sample::select(PROMPTS),
        of_alpha in proptest::sample::select(OF_ALPHA),
        of_size in proptest::sample::select(OF_SIZE),
        strength in 0.01_f32..=1.0,
    ) {
        let length = (width * height) as usize * if has_alpha { 4 } else { 3 };
        let pixels = Pixels::new(width, height, has_alpha, bytes[..length].to_vec()).unwrap();
        let after = edited(&pixels, prompt, strength);
        prop_assert_eq!((after.width(), after.height()), (width, height));
        prop_assert!(pixels.iter().map(alpha).eq(after.iter().map(alpha)));

        let after = edited(&pixels, of_alpha, strength);
        prop_assert_eq!((after.width(), after.height()), (width, height));

        let (of_size, size) = of_size;
        let after = edited(&pixels, of_size, strength);
        prop_assert_eq!((after.width(), after.height()), size(width, height));
        let all = format!("{prompt}, {of_alpha}, {of_size}");
        let after = edited(&pixels, &all, strength);
        prop_assert_eq!((after.width(), after.height()), size(width, height));
    }
}
