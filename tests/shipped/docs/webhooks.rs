//! The first webhook of `docs/webhooks.md`, run by a shell.

use std::process::Command;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::port::free_address;
use concept_refinement_tests::service::Launch;

use crate::docs::shell::lines;
use crate::{read, root};

/// The receiver's address in the document.
const ADDRESS: &str = "127.0.0.1:9000";

#[test]
fn the_first_webhook_works_as_printed() {
    // The port of the document may be in use here.
    let address = free_address();
    let service = Launch::new()
        .set("allow-webhooks", &address.to_string())
        .start();

    let place = tempfile::tempdir().unwrap();
    let page = read("docs/webhooks.md");
    assert!(page.contains(&format!("serve --allow-webhooks {ADDRESS}\n")));
    let (_, receiver) = page
        .split_once("<!-- the tests run this receiver -->\n```python\n")
        .unwrap();
    let (receiver, _) = receiver.split_once("```").unwrap();
    let port = format!("(\"127.0.0.1\", {})", address.port());
    let here = receiver.replace("(\"127.0.0.1\", 9000)", &port);
    assert_ne!(here, receiver);
    std::fs::write(place.path().join("receiver.py"), here).unwrap();

    // The environment is there already.
    let python = artifacts::webhooks_python();
    let environment = python.ancestors().nth(2).unwrap();
    std::os::unix::fs::symlink(environment, place.path().join("webhooks")).unwrap();
    let with_webhook = lines(
        "docs/webhooks.md",
        "<!-- the tests run these lines as they stand",
    );
    let (installing, with_webhook) = with_webhook.split_once("\n\n").unwrap();
    assert_eq!(installing.lines().count(), 2, "{installing}");

    let refinement = lines("README.md", "<!-- the tests run these lines as they stand");
    let end =
        "timeout 60 sh -c 'until grep -q task.completed printed; do sleep 0.1; done'; kill $!";
    let all = format!("exec >/dev/null\n{refinement}\nexec >printed\n{with_webhook}\n{end}\n");
    let shell = Command::new("bash")
        .args(["-euo", "pipefail", "-c"])
        .arg(all.replace(ADDRESS, &address.to_string()))
        .current_dir(place.path())
        .env("API", service.url())
        .env("IMAGE", root().join("docs/pictures/logo-before.png"))
        .output()
        .unwrap();
    let printed = std::fs::read_to_string(place.path().join("printed")).unwrap();
    assert!(shell.status.success(), "{shell:?} {printed}");
    let expected = format!("task.completed {}/api/images/refined/", service.url());
    assert!(printed.contains(&expected), "{printed}");
}
