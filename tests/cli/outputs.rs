//! Where `refine` puts what it made.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;
use std::thread;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::disk::SmallDisk;
use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures;

use crate::place::{Place, origin, prepared, run};

const USAGE: i32 = 2;

/// What is made of the picture where a model leaves it as it is.
fn made() -> Vec<u8> {
    marked(&pictures::png(40, 30))
}

fn with(name: &str) -> (Place, Vec<u8>) {
    let place = Place::new();
    let png = pictures::png(40, 30).bytes;
    place.write(name, &png);
    (place, png)
}

#[test]
fn what_was_there_is_replaced_by_a_whole_image() {
    let (place, _) = with("logo.png");
    place.write("out.png", vec![0; 100_000]);
    let mode = |mode| fs::Permissions::from_mode(mode);
    fs::set_permissions(place.path().join("out.png"), mode(0o640)).unwrap();
    symlink("out.png", place.path().join("link.png")).unwrap();
    let arguments = ["refine", "logo.png", "echo it", "-o", "link.png"];
    place.run_scripted(&arguments).silent();
    assert_eq!(place.read("out.png"), made());
    let path = place.path().join("out.png");
    assert_eq!(
        fs::metadata(path).unwrap().permissions().mode() & 0o777,
        0o640
    );
    assert!(place.path().join("link.png").is_symlink());
    assert_eq!(place.files(), ["link.png", "logo.png", "out.png"]);
}

#[test]
fn a_name_that_says_another_format_is_told() {
    let (place, _) = with("logo.png");
    for (out, told) in [
        (
            "out.gif",
            "concept-refinement: out.gif: the name of the file says image/gif, but it is image/png",
        ),
        (
            "out.JPEG",
            "concept-refinement: out.JPEG: the name of the file says image/jpeg, but it is image/png",
        ),
        ("out.PNG", ""),
        ("out", ""),
    ] {
        let done = place.run_scripted(&["refine", "logo.png", "echo it", "-o", out]);
        assert_eq!((done.code, done.stderr.trim()), (0, told), "{out}");
        assert_eq!(place.read(out), made(), "{out}");
    }
}

#[test]
fn an_original_can_be_replaced_by_name() {
    let (place, png) = with("logo.gif");
    let arguments = ["refine", "logo.gif", "instant", "-o", "logo.gif"];
    place.run_scripted(&arguments).silent();
    assert_ne!(place.read("logo.gif"), png);
    assert_eq!(place.files(), ["logo.gif"]);
}

#[test]
fn a_pipe_with_a_name_is_written_to() {
    let (place, _) = with("logo.png");
    let pipe = place.path().join("pipe");
    let fifo = Command::new("mkfifo").arg(&pipe).status();
    assert!(fifo.unwrap().success());
    let reader = thread::spawn({
        let pipe = pipe.clone();
        move || fs::read(pipe).unwrap()
    });
    let arguments = ["refine", "logo.png", "echo it", "-o", "pipe"];
    place.run_scripted(&arguments).silent();
    assert_eq!(reader.join().unwrap(), made());
    assert_eq!(place.files(), ["logo.png", "pipe"]);
}

#[test]
fn in_a_folder_each_image_keeps_its_name() {
    let place = Place::new();
    let gif = pictures::gif(40, 30);
    place.write("a/logo.v2.png", &pictures::png(40, 30).bytes);
    place.write("b/Logo.V2.jpeg", &pictures::png(20, 30).bytes);
    place.write("a/photo.jpeg", &pictures::jpeg(40, 30).bytes);
    place.write("anim.gif", &gif.bytes);
    let url = origin().serve_at(
        "/to/caf%C3%A9.php",
        concept_refinement_tests::server::Reply::picture(&gif),
    );
    let before = place.files();
    let allowed = format!("--allow-sources={}", origin().authority());
    let arguments = [
        "refine",
        "a/logo.v2.png",
        "b/Logo.V2.jpeg",
        "a/photo.jpeg",
        "anim.gif",
        &url,
        "echo it",
        "-o",
        "made/of/new",
        &allowed,
    ];
    for _ in 0..2 {
        place.run_scripted(&arguments).silent();
        let mut after = place.files();
        after.retain(|name| !before.contains(name));
        // The content says the format, and two names never are the same.
        let expected = [
            "Logo.V2-2.png",
            "anim.gif",
            "café.gif",
            "logo.v2.png",
            "photo.jpg",
        ];
        assert_eq!(after, expected.map(|name| format!("made/of/new/{name}")));
        let name = "made/of/new/Logo.V2-2.png";
        let original = pictures::Picture {
            bytes: place.read("b/Logo.V2.jpeg"),
            ..pictures::png(1, 1)
        };
        assert_eq!(place.read(name), marked(&original));
    }
}

#[test]
fn several_images_do_not_go_into_one_file() {
    let (place, png) = with("a.png");
    place.write("b.png", &png);
    for (arguments, sentence) in [
        (
            &["refine", "a.png", "b.png", "echo it", "-o", "x.png"][..],
            "x.png is the name of one file, and there are 2 images: name a folder as OUT, such \
             as x/",
        ),
        (
            &["refine", "a.png", "b.png", "-o", "x.png"],
            "PROMPT is missing: the last argument, b.png, is an image",
        ),
        (
            &["refine", "a.png", "b.png", "echo it", "-o", "a.png"],
            "a.png is not a folder",
        ),
    ] {
        let done = place.run_scripted(arguments);
        assert_eq!(done.code, USAGE, "{}", done.stderr);
        assert!(done.stderr.contains(sentence), "{}", done.stderr);
        assert_eq!(place.files(), ["a.png", "b.png"]);
    }
    // Who says that it is a folder may call it so.
    let arguments = ["refine", "a.png", "b.png", "echo it", "-o", "x.png/"];
    place.run_scripted(&arguments).silent();
    let expected = ["a.png", "b.png", "x.png/a.png", "x.png/b.png"];
    assert_eq!(place.files(), expected);
}

#[test]
fn the_folder_of_the_originals_keeps_them() {
    let (place, png) = with("logo.png");
    let arguments = ["refine", "logo.png", "echo it", "-o", "."];
    place.run_scripted(&arguments).silent();
    assert_eq!(place.files(), ["logo-2.png", "logo.png"]);
    assert_eq!(place.read("logo.png"), png);
}

#[test]
fn one_that_fails_does_not_keep_the_others() {
    let (place, png) = with("good.png");
    place.write("bad.png", "text");
    place.write("late.png", &png);
    let arguments = [
        "refine", "good.png", "bad.png", "gone.png", "late.png", "echo it", "-o", "out",
    ];
    let done = place.run_scripted(&arguments);
    assert_eq!(done.code, 1);
    let lines: Vec<_> = done.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].contains("bad.png: the file is not an image"),
        "{lines:?}"
    );
    assert!(lines[1].contains("gone.png cannot be read"), "{lines:?}");
    for name in ["out/good.png", "out/late.png"] {
        assert_eq!(place.read(name), made());
    }
    assert_eq!(place.files().len(), 5);
}

#[test]
fn what_cannot_be_a_place_is_told_before_anything_is_refined() {
    let (place, _) = with("logo.png");
    place.write("file", "x");
    let (one, two) = (["logo.png"], ["logo.png"; 2]);
    let cases = [
        (&two[..], "-", USAGE, "several images need a folder"),
        (&two, "file", USAGE, "file is not a folder"),
        (&one, "file/", USAGE, "file/ is not a folder"),
        (&one, "file/out.png", 1, "file is not a folder"),
        (&one, "gone/out.png", 1, "gone cannot be written to"),
    ];
    for (images, out, code, sentence) in cases {
        let files = place.files();
        // A model that would never answer.
        let arguments = [&["refine"], images, &["hang for ever", "-o", out]].concat();
        let done = place.run_scripted(&arguments);
        done.refused(code, sentence);
        assert_eq!(place.files(), files, "{out}");
    }
}

#[test]
fn a_disk_that_takes_nothing_is_told_and_left_as_it_is() {
    let (place, _) = with("logo.png");
    let disk_place = place.path().join("disk");
    fs::create_dir(&disk_place).unwrap();
    let disk = SmallDisk::new(&disk_place, "size=1m");
    fs::write(disk.path().join("out.png"), "what was there").unwrap();
    let refine = |prompt| {
        let command = disk.command(place.path(), artifacts::binary());
        let arguments = ["refine", "logo.png", prompt, "-o", "disk/out.png"];
        let mut command = prepared(command, place.path(), &arguments);
        run(command.arg("--model").arg(artifacts::scripted_model()), b"")
    };
    let kept = || {
        assert_eq!(
            fs::read(disk.path().join("out.png")).unwrap(),
            b"what was there"
        );
        let files = fs::read_dir(disk.path()).unwrap();
        let names = files.map(|file| file.unwrap().file_name());
        names
            .filter(|name| name != "filler" && name != "out.png")
            .count()
    };

    disk.make_read_only("");
    let done = refine("hang for ever");
    done.refused(1, "disk cannot be written to: Read-only");
    disk.make_writable("");
    assert_eq!(kept(), 0);

    disk.fill();
    let done = refine("echo it");
    let sentence = "logo.png: the result cannot be written: No space left on device";
    done.refused(1, sentence);
    assert_eq!(kept(), 0);
    disk.free();
    refine("echo it").silent();
}
