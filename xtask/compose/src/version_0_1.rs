//! Models and middleware that were built with the interfaces of 0.1.0: between them and the
//! other components stand adapters.

use anyhow::Context as _;
use wac_graph::types::{Package, Types};

use crate::plan::{Instance, Part, shipped};

/// What such a component exports.
const EXPORT: &str = "concept:refinement/image-model@0.1.0";

/// Ends the names of their imports. All but those that the adapters fill are the same now.
pub const VERSION: &str = "@0.1.0";

/// Whether a component was built with them.
pub fn is_spoken_by(component: &[u8]) -> anyhow::Result<bool> {
    let mut types = Types::default();
    let package = Package::from_bytes("model", None, component, &mut types)
        .context("the model is no component")?;
    Ok(types[package.ty()].exports.contains_key(EXPORT))
}

/// Puts the adapters in. `is_old`: whether the link of this place was built with them.
pub fn adapted(instances: Vec<Instance>, is_old: &dyn Fn(usize) -> bool) -> Vec<Instance> {
    let adapted = instances
        .into_iter()
        .flat_map(|instance| match instance.part {
            Part::Model(place) if is_old(place) => around(instance),
            _ => vec![instance],
        });
    adapted.collect()
}

/// The adapter in front has the component's name, so that the others find it.
fn around(mut instance: Instance) -> Vec<Instance> {
    let name = instance.name;
    instance.name = format!("{name}-0-1");
    let front = [("image-model", instance.name.as_str())];
    let mut around = vec![shipped(&name, "adapter-model-0-1", &front)];
    for (interface, from) in &mut instance.filled {
        if *interface == "next-models" {
            let behind = format!("{name}-next-0-1");
            let filled = [("next-models", from.as_str())];
            around.push(shipped(&behind, "adapter-next-models-0-1", &filled));
            *from = behind;
        }
    }
    around.push(instance);
    around
}
