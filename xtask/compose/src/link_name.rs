//! A generated component that returns the name of a link, for the adapter of its
//! settings.

use anyhow::Context as _;

/// Offset of the name in memory: after its address and length.
const NAME: u32 = 8;

/// A function that returns the location of the name, and a page of memory that contains
/// it.
pub fn component(name: &str) -> anyhow::Result<Vec<u8>> {
    let length = u32::try_from(name.len()).context("the name of a link is too long")?;
    anyhow::ensure!(length < 1 << 12, "the name of a link is too long");
    let answer = [
        &NAME.to_le_bytes(),
        &length.to_le_bytes()[..],
        name.as_bytes(),
    ];
    let answer: String = answer
        .concat()
        .iter()
        .map(|byte| format!("\\{byte:02x}"))
        .collect();
    wat::parse_str(format!(
        r#"(component
            (core module $module
                (memory (export "memory") 1 1)
                (func (export "get") (result i32) i32.const 0)
                (data (i32.const 0) "{answer}"))
            (core instance $instance (instantiate $module))
            (func $get (result string)
                (canon lift (core func $instance "get") (memory $instance "memory")))
            (instance $link-name (export "get" (func $get)))
            (export "concept:composing/link-name" (instance $link-name)))"#
    ))
    .context("the name of a link cannot be made a component")
}
