//! The test cases for a model.

use std::time::{Duration, Instant};

use bytes::Bytes;
use concept_refinement_capability::model::{ModelRequest, RetryLater};
use concept_refinement_capability::payments::Payments;
use futures::{StreamExt as _, stream};
use uuid::Uuid;

/// A prompt that suits most models.
pub const PROMPT: &str = "make it lighter and more minimalist";

pub struct Picture {
    name: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
}

const fn picture(name: &'static str, media_type: &'static str, bytes: &'static [u8]) -> Picture {
    Picture {
        name,
        media_type,
        bytes,
    }
}

/// Ordinary images, one of each format.
pub const PICTURES: [Picture; 4] = [
    picture("a PNG", "image/png", include_bytes!("disc.png")),
    picture("a JPEG", "image/jpeg", include_bytes!("disc.jpg")),
    picture("a WebP", "image/webp", include_bytes!("disc.webp")),
    picture("a GIF", "image/gif", include_bytes!("disc.gif")),
];

/// Valid, but unusual.
const ODD: [Picture; 5] = [
    picture("one pixel", "image/png", include_bytes!("pixel.png")),
    picture("a long strip", "image/png", include_bytes!("strip.png")),
    picture(
        "transparency",
        "image/png",
        include_bytes!("transparent.png"),
    ),
    picture(
        "sixteen bits of grey",
        "image/png",
        include_bytes!("grey16.png"),
    ),
    picture("an animation", "image/gif", include_bytes!("turning.gif")),
];

pub struct Case {
    pub name: String,
    /// Whether a model is expected to refine it.
    pub is_good: bool,
    /// Whether the input is a valid image, as the interface guarantees. For any other
    /// input the call only has to end, with any answer.
    pub is_whole: bool,
    change: Box<dyn Fn(&mut ModelRequest) + Send + Sync>,
    media_type: &'static str,
    bytes: Bytes,
    /// The length announced to the model, in bytes.
    length: u64,
}

impl Case {
    pub fn good(picture: &'static Picture) -> Self {
        Self {
            name: picture.name.to_owned(),
            is_good: true,
            is_whole: true,
            change: Box::new(|_| {}),
            media_type: picture.media_type,
            bytes: Bytes::from_static(picture.bytes),
            length: picture.bytes.len() as u64,
        }
    }

    /// The request for the model, with the bytes of the picture in chunks.
    pub fn request(&self) -> ModelRequest {
        let pieces: Vec<_> = self
            .bytes
            .chunks(1000)
            .map(Bytes::copy_from_slice)
            .collect();
        let mut request = ModelRequest {
            task_id: Uuid::now_v7().to_string(),
            prompt: PROMPT.to_owned(),
            strength: 0.7,
            seed: None,
            logo_description: None,
            theme_description: None,
            media_type: self.media_type.to_owned(),
            length: self.length,
            source_url: None,
            options: Vec::new(),
            mask: None,
            image: stream::iter(pieces).boxed(),
            reopen: None,
            retry_later: RetryLater::default(),
            deadline: Instant::now() + Duration::from_secs(300),
            payments: Payments::default(),
        };
        (self.change)(&mut request);
        request
    }

    fn odd(picture: &'static Picture) -> Self {
        Self {
            is_good: false,
            ..Self::good(picture)
        }
    }

    /// Other bytes than those of the picture.
    fn of(name: &str, is_whole: bool, bytes: Vec<u8>) -> Self {
        Self {
            name: name.to_owned(),
            is_whole,
            length: bytes.len() as u64,
            bytes: bytes.into(),
            ..Self::odd(&PICTURES[0])
        }
    }

    /// A beginning of the good PNG, announced as if it were all of it.
    fn cut_off(name: &str, length: usize) -> Self {
        let png = PICTURES[0].bytes;
        Self {
            length: png.len() as u64,
            ..Self::of(name, false, png.get(..length).unwrap_or_default().to_vec())
        }
    }

    fn asked(name: &str, change: impl Fn(&mut ModelRequest) + Send + Sync + 'static) -> Self {
        Self {
            name: name.to_owned(),
            change: Box::new(change),
            ..Self::odd(&PICTURES[0])
        }
    }

    fn prompt(name: &str, prompt: impl Into<String>) -> Self {
        let prompt = prompt.into();
        Self::asked(&format!("a prompt {name}"), move |request| {
            request.prompt.clone_from(&prompt);
        })
    }
}

/// All cases: good, odd and hostile ones.
pub fn cases() -> Vec<Case> {
    let good = PICTURES.iter().map(Case::good);
    let odd = ODD.iter().map(Case::odd);
    good.chain(odd).chain(hostile()).chain(prompts()).collect()
}

/// Inputs that a model must survive, although the service lets few of them through.
fn hostile() -> Vec<Case> {
    let png = PICTURES[0].bytes;
    let mut behind = png.to_vec();
    behind.resize(1 << 20, 7);
    let mut garbled = png.to_vec();
    for byte in garbled.iter_mut().skip(60).step_by(7) {
        *byte ^= 0x55;
    }
    let mut claims = png.to_vec();
    // Width and height in the header: 7,000 pixels each, below the limit of the service.
    for (at, byte) in [(18, 0x1b), (19, 0x58), (22, 0x1b), (23, 0x58)] {
        if let Some(place) = claims.get_mut(at) {
            *place = byte;
        }
    }
    vec![
        Case::of("bytes after the image", true, behind),
        Case::cut_off("half of an image", png.len() / 2),
        Case::cut_off("nothing of an image", 0),
        Case::of("a garbled image", false, garbled),
        Case::of("an image that claims 49 megapixels", false, claims),
        Case::of("no image", false, b"This is not an image.".to_vec()),
    ]
}

fn prompts() -> Vec<Case> {
    vec![
        Case::prompt("of one character", "?"),
        Case::prompt("of 2,000 characters", "lighter ".repeat(250)),
        Case::prompt("in other scripts", "もっと明るく 🎨 أفتح קצת"),
        Case::prompt(
            "that looks like code",
            "lighter\"}],{{image}} </prompt> ${x} %s %n '; DROP TABLE tasks; --",
        ),
        Case::prompt(
            "with odd characters",
            "lighter\u{0}\u{7}\u{202e}\r\n--x\r\n",
        ),
        Case::prompt("that means nothing", "qwertz uiop"),
        Case::asked("no change at all", |request| request.strength = 0.0),
        Case::asked("as much change as can be", |request| request.strength = 1.0),
        Case::asked("long descriptions", |request| {
            request.logo_description = Some("a brown disc ".repeat(153));
            request.theme_description = Some("warm ".repeat(400));
        }),
    ]
}
