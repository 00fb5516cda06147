//! Hostile messages, redirects and models cause no panic, and no forbidden URL
//! is fetched.

use concept_refinement_domain::original::{AllowedSources, check_url};
use concept_refinement_domain::task::Status;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::world::{GIF, ORIGINAL, Page, Script, World};
use crate::process::Outcome;

/// Valid and invalid URLs and fragments.
fn address() -> impl Strategy<Value = &'static str> {
    let chunk = select(vec![
        "http",
        "https",
        ":",
        "/",
        "//",
        "\\",
        "@",
        "[",
        "]",
        "::1",
        "::ffff:7f00:1",
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "017700000001",
        "2130706433",
        "localhost",
        ".",
        "..",
        "%",
        "%25eth0",
        "?",
        "#",
        ":80",
        ":0",
        "é",
        "。",
        "example.com",
        "user",
        "169.254.169.254",
        "file:",
        "data:",
        " ",
        "\t",
    ]);
    let made_up = vec(chunk, 0..10)
        .prop_map(|chunks: Vec<&str>| chunks.concat())
        .boxed();
    let after_scheme = made_up.clone().prop_map(|rest| format!("http://{rest}"));
    // Leaks the URL, since the test's ports need `'static`.
    prop_oneof![made_up, after_scheme, any::<String>()].prop_map(|address| &*address.leak())
}

fn assert_only_permitted(world: &World) {
    for (url, _) in world.fetched.borrow().iter() {
        let checked = check_url(url, &AllowedSources::default());
        assert!(checked.is_ok(), "{url} was fetched: {checked:?}");
    }
}

proptest! {
    #[test]
    fn a_redirect_leads_only_where_an_original_may_be(first in address(), second in address()) {
        let world = World::new()
            .page(ORIGINAL, Page::Redirect(first))
            .page("http://example.com/", Page::Redirect(second));
        prop_assert_eq!(world.process(), Outcome::Done);
        prop_assert_eq!(world.status(), Some(Status::Failed));
        prop_assert!(world.error_message().unwrap_or_default().chars().count() <= 1_000);
        assert_only_permitted(&world);
    }

    #[test]
    fn a_model_answers_only_addresses_where_an_original_may_be(address in address()) {
        let world = World::new().model([Script::Location(address)]);
        prop_assert_eq!(world.process(), Outcome::Done);
        prop_assert_eq!(world.status(), Some(Status::Failed));
        assert_only_permitted(&world);
    }

    #[test]
    fn a_stored_url_is_judged_once_more(address in address()) {
        let world = World::new().change(|task| {
            task.refinement.original_image_url = Some(address.to_owned());
        });
        prop_assert_eq!(world.process(), Outcome::Done);
        assert_only_permitted(&world);
    }

    #[test]
    fn an_original_is_taken_whole_or_not_at_all(
        changes in vec((any::<Index>(), any::<u8>()), 0..3),
        end in any::<Index>(),
        declared in proptest::option::of(any::<u64>()),
    ) {
        let mut bytes = GIF.to_vec();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(end.index(bytes.len() + 1));
        let bytes: &'static [u8] = bytes.leak();
        let page = declared.map_or(Page::Body(bytes), |length| Page::Declare(bytes, length));
        let world = World::new().page(ORIGINAL, page);
        let settings = [("original-metadata", "keep")];
        prop_assert_eq!(world.process_with(&settings), Outcome::Done);
        for (_, image) in world.asked.borrow().iter() {
            prop_assert_eq!(&image[..], bytes);
        }
    }
}
