//! `refine`, stopped in the middle.

use std::process::{Command, Stdio};

use concept_refinement_tests::artifacts;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::faults::KILL_AT;
use concept_refinement_tests::pictures;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::reaper::Reaped;
use concept_refinement_tests::server::Reply;
use rustix::process::{Signal, kill_process};

use crate::place::{Place, ended, prepared, run};

#[tokio::test]
async fn a_signal_stops_it_and_leaves_what_was_there() {
    let provider = Provider::start();
    for (signal, code) in [
        (Signal::HUP, 129),
        (Signal::INT, 130),
        (Signal::TERM, 143),
        (Signal::KILL, 137),
    ] {
        let place = Place::new();
        place.write("logo.png", &pictures::png(40, 30).bytes);
        place.write("out.png", "what was there");
        let prompt = provider.prompt([Reply::raw(b"").then_silence()]);
        let arguments = ["refine", "logo.png", &prompt, "-o", "out.png"];
        let mut command = place.command_of_terminal(&arguments);
        command
            .args(["--model=automatic1111", "--model-url", &provider.url()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = Reaped::spawn(&mut command);
        eventually("the provider is asked", SOON, async || {
            (!provider.asked(&prompt).is_empty()).then_some(())
        })
        .await;
        kill_process(process.pid(), signal).unwrap();
        let mut output = Vec::new();
        let mut stderr = process.child().stderr.take().unwrap();
        std::io::Read::read_to_end(&mut stderr, &mut output).unwrap();
        let done = ended(&mut process, Vec::new(), output);
        assert_eq!((done.code, done.stderr.as_str()), (code, ""), "{signal:?}");
        assert_eq!(place.files(), ["logo.png", "out.png"], "{signal:?}");
        assert_eq!(place.read("out.png"), b"what was there", "{signal:?}");
    }
}

/// At each step of the pipeline, from within.
#[test]
fn a_crash_at_any_step_leaves_what_was_there() {
    for point in [
        "before submit",
        "after claim",
        "amid model",
        "amid image put",
        "after image put",
        "before finish",
        "after finish",
    ] {
        let place = Place::new();
        place.write("logo.png", &pictures::png(40, 30).bytes);
        place.write("out.png", "what was there");
        let arguments = ["refine", "logo.png", "echo it", "-o", "out.png"];
        let faulty = Command::new(artifacts::faulty_binary());
        let mut command = prepared(faulty, place.path(), &arguments);
        command
            .arg("--model")
            .arg(artifacts::scripted_model())
            .env(KILL_AT, point);
        let done = run(&mut command, b"");
        assert_eq!(done.code, 137, "{point}: {}", done.stderr);
        assert_eq!(place.files(), ["logo.png", "out.png"], "{point}");
        assert_eq!(place.read("out.png"), b"what was there", "{point}");
    }
}
