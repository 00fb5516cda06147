//! OpenAI's door: what its clients send is answered as they read it, and whoever sends
//! anything else finds the rules of every other door.

mod clients;
mod hostile;
mod leaving;
mod refusals;
mod users;

use std::path::Path;

use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::openai::{EDITS, FORM, tasks};
use concept_refinement_tests::stored_images::of_kind;
use concept_refinement_tests::tokens::token;

/// The head of a request of this user whose body has this length.
fn head(user: &str, length: usize) -> String {
    format!(
        "POST {EDITS} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
         content-type: {FORM}\r\ncontent-length: {length}\r\n\r\n",
        token(user)
    )
}

/// Waits until this data directory keeps no upload.
async fn no_uploads(data: &Path) {
    eventually("all uploads are gone", SOON, async || {
        of_kind(data, "uploads").is_empty().then_some(())
    })
    .await;
}
