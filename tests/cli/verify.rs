//! `verify`: what files say of themselves, and what a service says of them.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::metadata::{signed, with_source};
use concept_refinement_tests::pictures;
use concept_refinement_tests::service::Launch;
use serde_json::{Value, json};

use crate::place::{Done, Place};

const SOURCE: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalArt";

fn files(done: &Done) -> Value {
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(report.as_object().unwrap().len(), 1, "{report}");
    report["files"].clone()
}

#[test]
fn marks_are_told_and_one_without_them_fails() {
    let place = Place::new();
    let picture = pictures::png(20, 20);
    let sourced = with_source(&picture, SOURCE);
    place.write("bare.png", &picture.bytes);
    place.write("sourced.png", &sourced.bytes);
    place.write("signed.webp", signed(&pictures::webp(20, 20)).bytes);
    place.write("both.png", signed(&sourced).bytes);
    place.write("cut.png", &picture.bytes[..picture.bytes.len() / 2]);
    let marked = ["sourced.png", "signed.webp", "both.png"];

    let done = place.run(&["verify", marked[0], marked[1], marked[2]]);
    done.silent();
    let expected = "sourced.png: xmp (digitalArt)\nsigned.webp: c2pa\n\
                    both.png: c2pa, xmp (digitalArt)\n";
    assert_eq!(done.text(), expected);
    let done = place.run(&["verify", "--json", marked[0], marked[1], marked[2]]);
    done.silent();
    let told = |file: &str, marks: &[&str], source: Option<&str>| json!({"file": file, "marks": marks, "source": source, "made_here": null});
    let art = Some("digitalArt");
    let expected = json!([
        told("sourced.png", &["xmp"], art),
        told("signed.webp", &["c2pa"], None),
        told("both.png", &["c2pa", "xmp"], art),
    ]);
    assert_eq!(files(&done), expected);

    let done = place.run(&["verify", "bare.png", "sourced.png"]);
    assert_eq!((done.code, &*done.stderr), (1, ""));
    assert_eq!(
        done.text(),
        "bare.png: no mark\nsourced.png: xmp (digitalArt)\n"
    );
    for unreadable in ["cut.png", "missing.png", "."] {
        let done = place.run(&["verify", "--json", unreadable, "sourced.png"]);
        assert_eq!(done.code, 1, "{unreadable}");
        let begin = format!("{unreadable} cannot be read: ");
        assert!(done.stderr.contains(&begin), "{}", done.stderr);
        assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
        let files = files(&done);
        assert_eq!(files[0], told(unreadable, &[], None));
        assert_eq!(files[1], told("sourced.png", &["xmp"], art));
    }
    assert_eq!(place.run(&["verify"]).code, 2, "no file");
}

/// The mark alone decides: what was made there may have lost it since.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_asked_whether_it_made_them() {
    let place = Place::new();
    let service = Launch::new().start();
    let client = Client::session(service.url()).await;
    let original = client.uploaded(&pictures::png(20, 20)).await;
    let task = client.refined(&original, "make it lighter").await;
    let image = client.get(task["image_url"].as_str().unwrap()).await.body;
    place.write("ours.png", &image);
    place.write(
        "other.png",
        with_source(&pictures::png(20, 20), SOURCE).bytes,
    );
    place.write("bare.png", pictures::png(20, 20).bytes);
    let against = ["verify", "--against", service.url()];
    let asked = |more: &[&str]| place.run(&[&against[..], more].concat());

    let done = asked(&["ours.png", "other.png"]);
    done.silent();
    let expected = "ours.png: xmp (algorithmicallyEnhanced), made there\n\
                    other.png: xmp (digitalArt), not made there\n";
    assert_eq!(done.text(), expected);
    let done = asked(&["--json", "ours.png", "other.png", "bare.png"]);
    assert_eq!((done.code, &*done.stderr), (1, ""));
    let told = files(&done);
    let made: Vec<_> = told.as_array().unwrap().iter().collect();
    let made = made.iter().map(|file| &file["made_here"]);
    assert!(
        made.eq([true, false, false].map(Value::from).iter()),
        "{told}"
    );

    let url = service.url().to_owned();
    service.stop();
    let done = place.run(&["verify", "--json", "--against", &url, "ours.png"]);
    assert_eq!(done.code, 1);
    assert!(done.stderr.contains("cannot be reached"), "{}", done.stderr);
    assert_eq!(files(&done)[0]["marks"], json!(["xmp"]));
    assert_eq!(files(&done)[0]["made_here"], Value::Null);
}
