//! Wires a plan: each import of our interfaces must be satisfied, otherwise it is an
//! error.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, NodeId, Processor};

use crate::plan::{Instance, Part, Plan};
use crate::platform::HANDLER;
use crate::version_0_1;

/// Reads the file of a part.
pub type Parts<'a> = &'a dyn Fn(&Part) -> anyhow::Result<Vec<u8>>;

/// Prefixes of the names of our interfaces.
const OURS: [&str; 2] = ["concept:refinement/", "concept:composing/"];

/// The instance that provides the interfaces without functions, listed below.
const TYPES: &str = "types";
const TYPE_INTERFACES: [&str; 2] = ["types", "model-types"];

struct Wired<'a> {
    instance: &'a Instance,
    node: NodeId,
    /// Its imports of our interfaces, by full name.
    imports: Vec<String>,
    /// Its exports.
    exports: Vec<String>,
}

/// Composes the component of a plan.
pub fn compose(plan: &Plan, parts: Parts<'_>) -> anyhow::Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let mut wired = BTreeMap::new();
    let types = Instance {
        name: TYPES.to_owned(),
        part: Part::Types,
        filled: Vec::new(),
    };
    for instance in plan.instances.iter().chain([&types]) {
        let added = add(&mut graph, instance, parts(&instance.part)?)?;
        if wired.insert(instance.name.as_str(), added).is_some() {
            bail!("two instances are called {}", instance.name);
        }
    }
    for to in wired.values() {
        check_wires(to)?;
        for import in &to.imports {
            fill(&mut graph, &wired, to, import)?;
        }
    }
    let front = node(&wired, plan.front)?;
    let handler = graph
        .alias_instance_export(front, HANDLER)
        .with_context(|| format!("{} does not export {HANDLER}", plan.front))?;
    graph.export(handler, HANDLER)?;
    let options = EncodeOptions {
        define_components: true,
        validate: true,
        processor: Some(Processor {
            name: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
        }),
    };
    Ok(graph.encode(options)?)
}

fn add<'a>(
    graph: &mut CompositionGraph,
    instance: &'a Instance,
    bytes: Vec<u8>,
) -> anyhow::Result<Wired<'a>> {
    let name = format!("concept:{}", instance.name);
    let package = Package::from_bytes(&name, None, bytes, graph.types_mut())
        .with_context(|| format!("{} is no component", instance.name))?;
    let imports = graph.types()[package.ty()].imports.keys();
    let is_ours = |import: &&String| OURS.iter().any(|ours| import.starts_with(ours));
    let imports = imports.filter(is_ours).cloned().collect();
    let exports = graph.types()[package.ty()].exports.keys();
    let exports = exports.cloned().collect();
    let id = graph.register_package(package)?;
    let node = graph.instantiate(id);
    graph.set_node_name(node, &instance.name);
    Ok(Wired {
        instance,
        node,
        imports,
        exports,
    })
}

/// A wire for an import that does not exist means that the plan is outdated.
fn check_wires(to: &Wired<'_>) -> anyhow::Result<()> {
    if matches!(to.instance.part, Part::Model(_)) {
        return Ok(());
    }
    for (interface, from) in &to.instance.filled {
        if !to.imports.iter().any(|import| short(import) == *interface) {
            let name = &to.instance.name;
            bail!("{name} does not import {interface}, which {from} is to fill");
        }
    }
    Ok(())
}

fn fill(
    graph: &mut CompositionGraph,
    wired: &BTreeMap<&str, Wired<'_>>,
    to: &Wired<'_>,
    import: &str,
) -> anyhow::Result<()> {
    let name = &to.instance.name;
    let interface = short(import);
    let wires = to.instance.filled.iter();
    let mut wires = wires
        .map(|(filled, from)| (*filled, from.as_str()))
        .chain(TYPE_INTERFACES.map(|interface| (interface, TYPES)));
    let from = wires
        .find(|(filled, _)| *filled == interface)
        .map(|(_, from)| from)
        .with_context(|| format!("nothing fills {import}, which {name} imports"))?;
    let from_node = node(wired, from)?;
    let exports = wired.get(from).map_or(&[][..], |from| &from.exports);
    let export = exported(exports, import);
    let export = graph
        .alias_instance_export(from_node, export)
        .with_context(|| {
            format!("{from} does not export {import}, which it is to fill for {name}")
        })?;
    graph
        .set_instantiation_argument(to.node, import, export)
        .with_context(|| format!("{import} of {from} is not what {name} imports"))
}

/// The export that fills an import: of the same version or, for 0.1.0, that of now.
fn exported<'a>(exports: &'a [String], import: &'a str) -> &'a str {
    let mut exports = exports.iter().map(String::as_str);
    let is_old = import.ends_with(version_0_1::VERSION) && !exports.clone().any(|it| it == import);
    let now = is_old.then(|| exports.find(|export| short(export) == short(import)));
    now.flatten().unwrap_or(import)
}

fn node(wired: &BTreeMap<&str, Wired<'_>>, name: &str) -> anyhow::Result<NodeId> {
    let found = wired.get(name).map(|wired| wired.node);
    found.with_context(|| format!("no instance is called {name}"))
}

/// `settings` of `concept:refinement/settings@0.2.0`.
fn short(import: &str) -> &str {
    let ours = OURS.iter().find_map(|ours| import.strip_prefix(ours));
    let name = ours.unwrap_or(import);
    name.split_once('@').map_or(name, |(name, _)| name)
}
