//! What does not start, as it would not start on Spin.

use std::path::Path;
use std::process::Command;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::reaper::scratch;

/// The complaint about a manifest with one component of this source.
fn refused(source: &Path, rest: &str) -> String {
    let directory = scratch("refused");
    let manifest = directory.join("spin.toml");
    let text = format!(
        "spin_manifest_version = 2\napplication.name = \"refused\"\n\
         [[trigger.http]]\ncomponent = \"one\"\nroute = \"/...\"\n\
         [component.one]\nsource = {source:?}\n{rest}\n"
    );
    std::fs::write(&manifest, text).unwrap();
    let output = Command::new(artifacts::spin_shaped())
        .args(["up", "--listen", "127.0.0.1:0", "--from"])
        .arg(&manifest)
        .output()
        .unwrap();
    assert!(!output.status.success(), "it ended well: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn what_nobody_offers_is_named() {
    // By itself it asks for its capabilities.
    let api = artifacts::components().join("api.wasm");
    let complaint = refused(&api, "");
    assert!(complaint.contains("concept:refinement/"), "{complaint}");
    assert!(complaint.contains("\"one\""), "{complaint}");
}

#[test]
fn a_component_without_a_handler_is_refused() {
    let processor = artifacts::components().join("processor.wasm");
    let complaint = refused(&processor, "");
    assert!(complaint.contains("no handler"), "{complaint}");
}

#[test]
fn a_manifest_that_spin_refuses_is_refused() {
    let probe = artifacts::spin_probe();
    for (rest, problem) in [
        ("key_value_stores = [\"other\"]", "key_value_stores"),
        ("allowed_outbound_hosts = [\"example.com\"]", "scheme"),
        ("variables = { url = \"{{ url }}\" }", "unknown variable"),
        ("[variables]\nsecret = { required = true }", "secret"),
        ("colour = \"red\"", "colour"),
    ] {
        let complaint = refused(&probe, rest);
        assert!(complaint.contains(problem), "{problem}: {complaint}");
    }
}
