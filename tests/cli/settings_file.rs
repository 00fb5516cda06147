//! Which settings file a command reads.

use std::process::Command;

use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::{artifacts, pictures};

use crate::place::{Done, Place, prepared, run};

/// Runs a command where `/etc` is the folder `etc` of the place. None: nobody here may
/// mount anything.
fn run_on_machine(place: &Place, arguments: &[&str]) -> Option<Done> {
    const MOUNTED: &str = r#"mount --bind etc /etc || exit 77; exec "$@""#;
    let mut unshare = Command::new("unshare");
    unshare.args(["--map-root-user", "--mount", "sh", "-c", MOUNTED, "sh"]);
    unshare.arg(artifacts::binary());
    let done = run(&mut prepared(unshare, place.path(), arguments), b"");
    (done.code != 77).then_some(done)
}

#[test]
fn the_first_settings_file_counts_and_what_may_cost_says_whose() {
    let told = "concept-refinement: the settings are those of \
                /etc/concept-refinement/refinement.toml\n";
    let refine = ["refine", "logo.png", "echo it", "-o", "out.png"];
    let named = [&refine[..], &["--config", "named.toml"]].concat();
    let scripted = format!("model = {:?}\n", artifacts::scripted_model());
    // The file with the scripted model, one that nobody may read, and what is said.
    for (name, arguments, read, unread, expected) in [
        (
            "the machine's",
            &refine[..],
            "etc/concept-refinement/refinement.toml",
            "named.toml",
            told,
        ),
        (
            "the working directory's",
            &refine,
            "refinement.toml",
            "etc/concept-refinement/refinement.toml",
            "",
        ),
        ("the named one", &named, "named.toml", "refinement.toml", ""),
    ] {
        let place = Place::new();
        let picture = pictures::png(20, 10);
        place.write("logo.png", &picture.bytes);
        place.write("etc/hosts", "127.0.0.1 localhost\n");
        place.write(read, &scripted);
        place.write(unread, "nonsense");
        let Some(done) = run_on_machine(&place, arguments) else {
            eprintln!("NOT run: nobody here may mount anything");
            return;
        };
        assert_eq!((done.code, &*done.stderr), (0, expected), "{name}");
        assert_eq!(place.read("out.png"), marked(&picture), "{name}");
    }
}

/// It asks the service that the machine's file describes.
#[test]
fn what_cannot_cost_reads_the_machine_s_file_in_silence() {
    let place = Place::new();
    let settings = "listen = '127.0.0.1:9'\n";
    place.write("etc/concept-refinement/refinement.toml", settings);
    let Some(done) = run_on_machine(&place, &["health"]) else {
        eprintln!("NOT run: nobody here may mount anything");
        return;
    };
    done.refused(1, "127.0.0.1:9");
}
