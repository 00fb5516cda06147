//! A component that exports the interfaces with only types, for components that import
//! them because other interfaces use them. It contains no code.

use std::path::Path;

use anyhow::Context as _;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// An empty module.
const EMPTY: [u8; 8] = *b"\0asm\x01\0\0\0";

const WORLD: &str = "
    package concept:composing;
    world the-types {
        export concept:refinement/types@0.2.0;
        export concept:refinement/model-types@0.2.0;
        export concept:refinement/types@0.1.0;
        export concept:refinement/model-types@0.1.0;
    }
";

/// Generates it from the interfaces in a directory.
pub fn component(wit: &Path) -> anyhow::Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    for wit in [wit, &wit.join("0.1.0")] {
        resolve
            .push_dir(wit)
            .with_context(|| format!("the interfaces in {} cannot be read", wit.display()))?;
    }
    let package = resolve.push_str("types.wit", WORLD)?;
    let world = resolve.select_world(&[package], None)?;
    let mut module = EMPTY.to_vec();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    ComponentEncoder::default()
        .validate(true)
        .module(&module)?
        .encode()
        .context("the types cannot be made a component")
}
