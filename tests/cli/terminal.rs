//! What is shown on a terminal, and nowhere else.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use concept_refinement_tests::pictures;
use concept_refinement_tests::reaper::Reaped;
use image::{DynamicImage, ImageBuffer, Rgb};
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

/// The status, and what the terminal got, which has only standard error.
fn on_terminal(command: &mut Command) -> (Option<i32>, String) {
    let (ours, theirs) = terminal();
    command.stderr(theirs).stdin(Stdio::null());
    to_the_end(command, ours)
}

/// The status, and what the terminal got, which is so wide, has all streams of the command,
/// and somebody who types this.
pub fn on_whole_terminal(
    command: &mut Command,
    columns: u16,
    typed: &str,
) -> (Option<i32>, String) {
    let (ours, theirs) = terminal();
    let size = ["rows", "24", "cols", &columns.to_string()];
    let sized = Command::new("stty")
        .args(size)
        .stdin(theirs.try_clone().unwrap())
        .status()
        .unwrap();
    assert!(sized.success());
    File::from(ours.try_clone().unwrap())
        .write_all(typed.as_bytes())
        .unwrap();
    command
        .stdin(theirs.try_clone().unwrap())
        .stdout(theirs.try_clone().unwrap())
        .stderr(theirs);
    to_the_end(command, ours)
}

/// The same, where somebody types this once the terminal has got `question`, after `act`.
pub fn while_asked(
    command: &mut Command,
    question: &str,
    typed: &str,
    act: impl FnOnce(),
) -> (Option<i32>, String) {
    let (ours, theirs) = terminal();
    command
        .stdin(theirs.try_clone().unwrap())
        .stdout(theirs.try_clone().unwrap())
        .stderr(theirs);
    let mut process = Reaped::spawn(command);
    release(command);
    let mut ours = File::from(ours);
    let mut shown = Vec::new();
    let mut byte = [0];
    while !String::from_utf8_lossy(&shown).contains(question) {
        ours.read_exact(&mut byte).unwrap();
        shown.extend_from_slice(&byte);
    }
    act();
    ours.write_all(typed.as_bytes()).unwrap();
    rest(&mut ours, &mut shown);
    let status = process.child().wait().unwrap();
    (status.code(), String::from_utf8(shown).unwrap())
}

/// The command holds the terminal open as well.
fn release(command: &mut Command) {
    command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .stdout(Stdio::null());
}

/// What the terminal gets until nobody has it open.
fn rest(ours: &mut File, shown: &mut Vec<u8>) {
    let mut buffer = [0; 4096];
    while let Ok(read) = ours.read(&mut buffer) {
        if read == 0 {
            break;
        }
        shown.extend_from_slice(&buffer[..read]);
    }
}

fn to_the_end(command: &mut Command, ours: OwnedFd) -> (Option<i32>, String) {
    let mut process = Reaped::spawn(command.env("TERM", "xterm"));
    release(command);
    let mut shown = Vec::new();
    rest(&mut File::from(ours), &mut shown);
    let status = process.child().wait().unwrap();
    (status.code(), String::from_utf8(shown).unwrap())
}

#[test]
fn progress_is_shown_and_then_the_result() {
    let place = Place::new();
    place.write("logo.png", &pictures::png(40, 30).bytes);
    let mut command = place.scripted(&["refine", "logo.png", "wait 500ms", "-o", "out.png"]);
    let (code, shown) = on_terminal(command.stdout(Stdio::piped()));
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("logo.png: refining"), "{shown:?}");
    assert!(
        shown.contains("logo.png → out.png (image/png)"),
        "{shown:?}"
    );
}

/// Of the words, and of the original.
#[test]
fn what_the_model_says_of_its_work_is_shown() {
    let deep = ImageBuffer::from_pixel(20, 20, Rgb([9_000, 30_000, 60_000]));
    let deep = pictures::png_of(&DynamicImage::ImageRgb16(deep));
    let place = Place::new();
    place.write("logo", deep.bytes);
    let mut command = place.command(&["refine", "logo", "lighter, with sparkles", "-o", "out"]);
    let (code, shown) = on_terminal(command.stdout(Stdio::piped()));
    assert_eq!(code, Some(0), "{shown}");
    for note in ["Not understood: sparkles.", "has 8 bits per channel"] {
        assert!(shown.contains(note), "{shown:?}");
    }
}

#[test]
fn a_failure_is_shown_in_its_own_line() {
    let place = Place::new();
    place.write("logo.png", &pictures::png(40, 30).bytes);
    let mut command = place.scripted(&["refine", "logo.png", "refuse: not today", "-o", "out.png"]);
    let (code, shown) = on_terminal(command.stdout(Stdio::piped()));
    assert_eq!(code, Some(1), "{shown}");
    let sentence = "concept-refinement: logo.png: not today\r\n";
    assert!(shown.contains(sentence), "{shown:?}");
}

#[test]
fn the_log_has_colours_unless_nobody_wants_them() {
    let place = Place::new();
    place.write("data", "in the way");
    for (variable, has_colours) in [("CI", true), ("NO_COLOR", false)] {
        let mut command = place.command(&["serve", "--data-dir", "data"]);
        command.env_remove("NO_COLOR").env(variable, "1");
        let (code, shown) = on_terminal(command.stdout(Stdio::piped()));
        assert_eq!(code, Some(1), "{shown}");
        assert!(shown.contains("starting"), "{shown:?}");
        assert_eq!(shown.contains('\u{1b}'), has_colours, "{shown:?}");
    }
}

#[test]
fn help_fits_the_terminal() {
    for command in ["serve", "refine", "tasks"] {
        let mut help = Place::new().command(&["help", command]);
        let (code, shown) = on_whole_terminal(help.env("NO_COLOR", "1"), 80, "");
        assert_eq!(code, Some(0), "{shown}");
        let longest = shown.lines().max_by_key(|line| line.chars().count());
        let longest = longest.unwrap();
        assert!(longest.chars().count() <= 80, "{longest}");
    }
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
