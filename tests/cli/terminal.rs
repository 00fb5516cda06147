//! What is shown on a terminal, and nowhere else.

use std::fs::File;
use std::io::{Cursor, Read as _};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use concept_refinement_tests::artifacts;
use concept_refinement_tests::pictures;
use concept_refinement_tests::reaper::Reaped;
use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, ImageBuffer, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::place::Place;

/// A terminal of our own: what is written to it, and what it is written to.
fn terminal() -> (OwnedFd, File) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = File::options()
        .read(true)
        .write(true)
        .open(name.to_str().unwrap())
        .unwrap();
    (ours, theirs)
}

/// The status, and what the terminal got. It has ended when nobody has it open.
fn on_terminal(command: &mut Command) -> (Option<i32>, String) {
    let (ours, theirs) = terminal();
    command
        .stderr(theirs)
        .stdin(Stdio::null())
        .env("TERM", "xterm");
    let mut process = Reaped::spawn(command);
    // The command holds the terminal open as well.
    command.stderr(Stdio::null()).stdout(Stdio::null());
    let mut shown = Vec::new();
    let mut buffer = [0; 4096];
    let mut ours = File::from(ours);
    while let Ok(read) = ours.read(&mut buffer) {
        if read == 0 {
            break;
        }
        shown.extend_from_slice(&buffer[..read]);
    }
    let status = process.child().wait().unwrap();
    (status.code(), String::from_utf8(shown).unwrap())
}

#[test]
fn progress_is_shown_and_then_the_result() {
    let place = Place::new();
    place.write("logo.png", &pictures::png(40, 30).bytes);
    let mut command = place.command(&["refine", "logo.png", "wait 500ms", "-o", "out.png"]);
    command
        .arg("--model")
        .arg(artifacts::scripted_model())
        .stdout(Stdio::piped());
    let (code, shown) = on_terminal(&mut command);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("logo.png: refining"), "{shown:?}");
    assert!(
        shown.contains("logo.png → out.png (image/png)"),
        "{shown:?}"
    );
}

#[test]
fn what_the_model_says_of_its_work_is_shown() {
    let logo = pictures::png(40, 30).bytes;
    let cases = [
        (&logo, "lighter, with sparkles", "Not understood: sparkles."),
        (
            &logo,
            "lighter, rotate by 45 degrees",
            "Nothing was changed for: rotate 45.",
        ),
        (
            &logo,
            "make the cup green",
            "Made the whole picture green: this model cannot tell the cup from the rest.",
        ),
        (
            &logo,
            "sharper on a blue background",
            "this model cannot tell parts of a picture apart: blue background.",
        ),
        (
            &quarters(),
            "remove the background",
            "The background was left as it is: it could not be found",
        ),
        (
            &animated(),
            "lighter",
            "Only the first frame of the animation was edited",
        ),
        (&deep(), "lighter", "The result has 8 bits per channel"),
    ];
    for (image, prompt, note) in cases {
        let place = Place::new();
        place.write("logo", image);
        let mut command = place.command(&["refine", "logo", prompt, "-o", "out"]);
        let (code, shown) = on_terminal(command.stdout(Stdio::piped()));
        assert_eq!(code, Some(0), "{shown}");
        assert!(shown.contains(note), "{shown:?}");
    }
}

/// Four colours that meet in the middle: none of them is the background's.
fn quarters() -> Vec<u8> {
    let colors = [[250, 250, 250], [20, 20, 20], [200, 0, 0], [0, 0, 200]];
    let image = RgbImage::from_fn(40, 40, |x, y| Rgb(colors[(x / 20 + y / 20 * 2) as usize]));
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn animated() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    for level in [60, 200] {
        let image = RgbaImage::from_pixel(20, 20, Rgba([level, level, level, 255]));
        encoder.encode_frame(Frame::new(image)).unwrap();
    }
    drop(encoder);
    bytes
}

/// With 16 bits per channel.
fn deep() -> Vec<u8> {
    let image = ImageBuffer::from_pixel(20, 20, Rgb([9_000_u16, 30_000, 60_000]));
    let mut bytes = Cursor::new(Vec::new());
    let image = DynamicImage::ImageRgb16(image);
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[test]
fn a_failure_is_shown_in_its_own_line() {
    let place = Place::new();
    place.write("logo.png", &pictures::png(40, 30).bytes);
    let mut command = place.command(&["refine", "logo.png", "refuse: not today", "-o", "out.png"]);
    command
        .arg("--model")
        .arg(artifacts::scripted_model())
        .stdout(Stdio::piped());
    let (code, shown) = on_terminal(&mut command);
    assert_eq!(code, Some(1), "{shown}");
    let sentence = "concept-refinement: logo.png: not today\r\n";
    assert!(shown.contains(sentence), "{shown:?}");
}

#[test]
fn an_image_is_not_written_to_a_terminal() {
    let place = Place::new();
    place.write("logo.png", &pictures::png(40, 30).bytes);
    let mut command = place.command(&["refine", "logo.png", "make it lighter", "-o", "-"]);
    let (_ours, theirs) = terminal();
    command.stdout(theirs);
    let (code, shown) = on_terminal(&mut command);
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("standard output is a terminal"), "{shown:?}");
}
