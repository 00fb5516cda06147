//! Prints the table for `docs/local-model.md`:
//! `cargo run --example vocabulary -p concept-refinement-model-local`

use concept_refinement_model_local::vocabulary;

fn main() {
    print!("{}", vocabulary::markdown());
}
