//! Converts between the types of `wit/` and the domain.

use concept_refinement_domain::conversions;

use crate::wasm::bindings::capabilities::concept::refinement::types;

conversions!(types);
