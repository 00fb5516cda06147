//! `vocabulary`

use concept_refinement_vocabulary as vocabulary;

use super::failure::Failure;
use super::terminal::print;

pub fn run() -> Result<(), Failure> {
    Ok(print(vocabulary::printed())?)
}
