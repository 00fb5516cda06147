//! The commands where standard output or standard error fails.

use std::process::Stdio;

use concept_refinement_tests::pictures;
use concept_refinement_tests::reaper::Reaped;
use concept_refinement_tests::service::Output;

use crate::place::Place;

/// The exit status with these outputs, and what was said on standard error.
fn ended(place: &Place, arguments: &[&str], stdout: &Output, stderr: &Output) -> (i32, String) {
    let mut command = match arguments[0] {
        "refine" => place.scripted(arguments),
        _ => place.command(arguments),
    };
    command
        .stdin(Stdio::null())
        .stdout(stdout.open())
        .stderr(stderr.open());
    let mut process = Reaped::spawn(&mut command);
    let said = process.child().stderr.take().map(std::io::read_to_string);
    let status = process.child().wait().unwrap();
    // None: a signal, as after a panic within a panic.
    let code = status.code().unwrap_or(-1);
    (code, said.map(Result::unwrap).unwrap_or_default())
}

fn place() -> Place {
    let place = Place::new();
    place.write("logo.png", &pictures::png(40, 30).bytes);
    place.write("bad.png", "text");
    place
}

/// One sentence says so, and the status is that of a failure; whoever reads no
/// more has got what they wanted.
#[test]
fn what_cannot_be_printed_is_a_failure() {
    let full = Output::File("/dev/full".into());
    for arguments in [
        &["vocabulary"][..],
        &["man", "serve"],
        &["completions", "bash"],
        &["--help"],
        &["--version"],
        &["refine", "--help"],
        &["refine", "logo.png", "echo it", "-o", "-"],
        &["check"],
        &["check", "--json"],
    ] {
        let (code, said) = ended(&place(), arguments, &full, &Output::Log);
        assert_eq!(code, 1, "{arguments:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
        assert!(said.contains("No space left"), "{arguments:?}: {said}");
        let (code, said) = ended(&place(), arguments, &Output::Gone, &Output::Log);
        assert_eq!((code, said.as_str()), (0, ""), "{arguments:?}");
    }
}

/// The status says what nobody can be told otherwise.
#[test]
fn a_standard_error_that_fails_changes_no_outcome() {
    let null = Output::File("/dev/null".into());
    for output in [Output::File("/dev/full".into()), Output::Gone] {
        for (arguments, expected) in [
            (&["refine", "logo.png", "echo it", "-o", "out.png"][..], 0),
            (&["refine", "bad.png", "echo it", "-o", "out.png"], 1),
            (&["refine", "logo.png", "echo it"], 2),
            (&["check", "--lease=30"], 1),
            (&["serve", "--lease=30"], 2),
            (&["vocabulary"], 0),
            (&["gone"], 2),
        ] {
            let place = place();
            let (code, _) = ended(&place, arguments, &null, &output);
            assert_eq!(code, expected, "{arguments:?} {output:?}");
            let is_there = place.files().contains(&"out.png".to_owned());
            assert_eq!(is_there, expected == 0 && arguments[0] == "refine");
        }
    }
}
