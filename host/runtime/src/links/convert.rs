//! Between the values of `wit/` and those of the domain.

use concept_refinement_domain::conversions;

use crate::wasm::bindings::capabilities::concept::refinement::types;

conversions!(types);
