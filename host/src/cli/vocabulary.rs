//! `vocabulary`

use concept_refinement_model_local::vocabulary;

use super::{Failure, print};

pub fn run() -> Result<(), Failure> {
    print(vocabulary::printed().as_bytes())
}
