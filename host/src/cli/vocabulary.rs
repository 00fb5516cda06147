//! `vocabulary`

use concept_refinement_model_local::vocabulary;

use super::failure::Failure;
use super::terminal::print;

pub fn run() -> Result<(), Failure> {
    Ok(print(vocabulary::printed().as_bytes())?)
}
