//! `refine`: the same pipeline as the service's, without one.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures::{self, brightness, decode};
use concept_refinement_tests::service::Launch;

use crate::place::{Place, origin, run};

#[test]
fn a_file_is_refined_and_leaves_nothing_else_behind() {
    for picture in pictures::all(64, 48) {
        let place = Place::new();
        place.write("logo", &picture.bytes);
        let done = place.run(&["refine", "logo", "make it much lighter", "-o", "out"]);
        done.silent();
        assert_eq!(done.text(), "");
        assert_eq!(place.files(), ["logo", "out"]);
        assert_eq!(place.read("logo"), picture.bytes);
        let (before, after) = (decode(&picture.bytes), decode(&place.read("out")));
        assert_eq!((after.width(), after.height()), (64, 48));
        assert!(brightness(&after) > brightness(&before) + 10.0);
    }
}

#[tokio::test]
async fn it_does_to_the_byte_what_the_service_does() {
    let picture = pictures::png(64, 48);
    let prompt = "  warmer, with more contrast ";
    let service = Launch::new().start();
    let client = Client::session(service.url()).await;
    let original = client.uploaded(&picture).await;
    let task = client.refined(&original, prompt).await;
    let by_service = client.get(task["image_url"].as_str().unwrap()).await;

    let place = Place::new();
    place.write("logo.png", &picture.bytes);
    let arguments = ["refine", "logo.png", prompt, "-o", "out.png"];
    place.run(&arguments).silent();
    assert!(place.read("out.png") == by_service.body.to_vec());
}

#[test]
fn a_url_is_fetched_from_where_it_may_be() {
    let picture = pictures::png(30, 20);
    let url = origin().picture(&picture);
    let place = Place::new();
    // What is there for the service alone does not matter.
    let allowed = origin().authority();
    let text = format!("allow_sources = '{allowed}'\nauth = 'secret'\nlisten = 'nonsense'\n");
    place.write("refinement.toml", text);
    let arguments = ["refine", &url, "echo it", "-o", "out.png"];
    place.run_scripted(&arguments).silent();
    assert_eq!(place.files(), ["out.png", "refinement.toml"]);
    assert_eq!(place.read("out.png"), marked(&picture));
}

#[test]
fn an_image_goes_through_a_pipe() {
    let place = Place::new();
    let picture = pictures::jpeg(400, 300);
    let mut command = place.scripted(&["refine", "-", "echo it", "-o", "-"]);
    let done = run(&mut command, &picture.bytes);
    done.silent();
    assert!(done.stdout == marked(&picture));
    assert_eq!(place.files(), [""; 0]);
}

/// Also in a pipe, on standard error and by the name of each image.
#[test]
fn what_the_model_says_of_its_work_is_printed() {
    let place = Place::new();
    let logo = pictures::png(40, 30).bytes;
    for name in ["a.png", "b.png"] {
        place.write(name, &logo);
    }
    let done = place.run_scripted(&["refine", "a.png", "b.png", "note 2 times", "-o", "out/"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(done.text(), "");
    let expected = "concept-refinement: a.png: Note 1.\n\
        concept-refinement: a.png: Note 2.\n\
        concept-refinement: b.png: Note 1.\n\
        concept-refinement: b.png: Note 2.\n";
    assert_eq!(done.stderr, expected);

    let prompt = "lighter, with sparkles";
    let mut command = place.command(&["refine", "-", prompt, "--seed=7", "-o", "-"]);
    let done = run(&mut command, &logo);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let expected = "concept-refinement: standard input: Not understood: sparkles.\n\
        concept-refinement: standard input: The model takes no seed: the same request always \
        gives the same image.\n";
    assert_eq!(done.stderr, expected);
    assert_eq!(decode(&done.stdout).width(), 40);
}

#[test]
fn descriptions_reach_the_model() {
    let place = Place::new();
    place.write("badge.png", &pictures::png(64, 48).bytes);
    let base = ["refine", "badge.png", "a bit more contrast", "-o"];
    place.run(&[&base[..], &["plain.png"]].concat()).silent();
    let themed = [
        &base[..],
        &["themed.png", "--theme-description=navy and gold"],
    ]
    .concat();
    place.run(&themed).silent();
    assert!(place.read("plain.png") != place.read("themed.png"));
}

/// Without a place to keep compiled code, it compiles again.
#[test]
fn a_cache_that_cannot_be_used_is_gone_without() {
    let place = Place::new();
    place.write("logo.png", &pictures::png(8, 8).bytes);
    place.write("cache/concept-refinement", "in the way");
    let mut command = place.scripted(&["refine", "logo.png", "instant", "-o", "out.gif"]);
    command.env("XDG_CACHE_HOME", place.path().join("cache"));
    run(&mut command, b"").silent();
    let files = ["cache/concept-refinement", "logo.png", "out.gif"];
    assert_eq!(place.files(), files);
}
