mod stand_ins;

use wac_graph::types::{Package, Types};

use super::*;
use crate::plan::Plan;
use crate::platform::{HANDLER, SPIN, check};
use stand_ins::{StandIns, component, foreign_component, wit};

fn plan(name: &str) -> Plan {
    plan_of("local", name)
}

fn plan_of(model: &str, name: &str) -> Plan {
    plan_with(model, &[], name)
}

/// `old`: the places of the links that were built with the interfaces of 0.1.0.
fn plan_with(model: &str, old: &[usize], name: &str) -> Plan {
    let plans = plans(&chain::parse(model).unwrap(), &|place| old.contains(&place));
    plans.into_iter().find(|plan| plan.name == name).unwrap()
}

fn composed(name: &str, parts: &StandIns) -> anyhow::Result<Vec<u8>> {
    compose(&plan(name), &|part| parts.part(part))
}

fn problem(name: &str, parts: &StandIns) -> String {
    format!("{:#}", composed(name, parts).unwrap_err())
}

/// The names of its imports and exports.
fn world(component: &[u8]) -> (Vec<String>, Vec<String>) {
    let mut types = Types::default();
    let package = Package::from_bytes("it", None, component, &mut types).unwrap();
    let world = &types[package.ty()];
    let names = |map: &mut dyn Iterator<Item = &String>| map.cloned().collect();
    (
        names(&mut world.imports.keys()),
        names(&mut world.exports.keys()),
    )
}

#[test]
fn every_plan_is_wired_whole() {
    let parts = StandIns::new();
    for (name, left_open) in [
        ("spin-api", "wasi:keyvalue/store@0.2.0-draft2"),
        ("spin-processor", "wasi:keyvalue/store@0.2.0-draft2"),
        ("standalone", "wasi:filesystem/types@0.2.6"),
    ] {
        let (mut imports, exports) = world(&composed(name, &parts).unwrap());
        imports.sort();
        let mut expected = ["wasi:io/poll@0.2.6", left_open];
        expected.sort_unstable();
        assert_eq!(imports, expected, "{name}");
        assert_eq!(exports, [HANDLER], "{name}");
    }
}

#[test]
fn a_chain_is_wired_whole() {
    let parts = StandIns::of_chain();
    for model in ["fallback(openai)", "fallback(openai, local, ./mine.wasm)"] {
        for name in ["spin-processor", "standalone"] {
            let composed = compose(&plan_of(model, name), &|part| parts.part(part));
            let (imports, exports) = world(&composed.unwrap());
            let is_whole = imports.iter().all(|import| import.starts_with("wasi:"));
            assert!(is_whole, "{imports:?}");
            assert_eq!(exports, [HANDLER], "{model}, {name}");
        }
    }
    let chain = chain::parse("fallback(openai, local)").unwrap();
    let said = merged(&chain.names());
    let expected = "fallback, openai, local are in one instance";
    assert!(said.starts_with(expected), "{said}");
}

/// Built by other people, who had the interfaces of 0.1.0.
#[test]
fn a_model_and_a_middleware_of_0_1_are_wired_whole() {
    let released = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/released/0.1.0");
    let read = |name: &str| fs::read(released.join(name)).unwrap();
    let (model, middleware) = (read("model.wasm"), read("middleware.wasm"));
    for component in [&model, &middleware] {
        assert!(version_0_1::is_spoken_by(component).unwrap());
    }
    assert!(!version_0_1::is_spoken_by(&component(&stand_ins::model())).unwrap());
    for (chain, old) in [
        ("./model.wasm", &[0][..]),
        ("fallback(./model.wasm, local)", &[1]),
        ("./middleware.wasm(openai, local)", &[0]),
        ("./middleware.wasm(openai, ./model.wasm)", &[0, 2]),
    ] {
        let is_chain = chain.contains('(');
        let parts = match is_chain {
            true => StandIns::of_chain(),
            false => StandIns::new(),
        };
        let parts = |part: &Part| match part {
            Part::Model(0) if is_chain && old.contains(&0) => Ok(middleware.clone()),
            Part::Model(place) if old.contains(place) => Ok(model.clone()),
            _ => parts.part(part),
        };
        for name in ["spin-processor", "standalone"] {
            let composed = compose(&plan_with(chain, old, name), &parts);
            let composed = composed.unwrap_or_else(|error| panic!("{chain}, {name}: {error:#}"));
            assert_eq!(world(&composed).1, [HANDLER], "{chain}, {name}");
        }
    }
}

#[test]
fn the_same_parts_make_the_same_bytes() {
    let parts = StandIns::new();
    let twice = [0, 1].map(|_| composed("standalone", &parts).unwrap());
    assert_eq!(twice[0], twice[1]);
}

#[test]
fn an_import_that_nothing_fills_is_named() {
    let parts = StandIns::new().with("api", "import concept:refinement/progress@0.2.0;");
    for name in ["spin-api", "standalone"] {
        assert_eq!(
            problem(name, &parts),
            format!("{name}: nothing fills concept:refinement/progress@0.2.0, which api imports")
        );
    }
}

#[test]
fn an_adapter_that_lacks_an_export_is_named() {
    let item = "export concept:refinement/health@0.2.0;";
    let parts = StandIns::new().without("adapter-store-keyvalue", item);
    let problem = problem("spin-api", &parts);
    let expected = "spin-api: store does not export concept:refinement/health@0.2.0, \
        which it is to fill for api";
    assert!(problem.starts_with(expected), "{problem}");
}

#[test]
fn a_wire_to_an_import_that_is_not_there_is_named() {
    let item = "import concept:refinement/task-queue@0.2.0;";
    let parts = StandIns::new().without("api", item);
    assert_eq!(
        problem("spin-api", &parts),
        "spin-api: api does not import task-queue, which queue is to fill"
    );
}

#[test]
fn a_model_may_do_without_settings() {
    let item = "import concept:refinement/settings@0.2.0;";
    let parts = StandIns::new().without("model", item);
    let (imports, _) = world(&composed("spin-processor", &parts).unwrap());
    assert!(imports.iter().all(|import| import.starts_with("wasi:")));
}

#[test]
fn a_front_without_a_handler_is_named() {
    let item = "export wasi:http/handler@0.3.0;";
    let parts = StandIns::new().without("adapter-entry-http", item);
    let problem = problem("spin-processor", &parts);
    let expected = "spin-processor: entry does not export wasi:http/handler@0.3.0";
    assert!(problem.starts_with(expected), "{problem}");
}

#[test]
fn what_the_platform_does_not_offer_is_named() {
    let sockets = "import wasi:sockets/tcp@0.2.6;";
    let parts = StandIns::new().with("adapter-store-filesystem", sockets);
    assert_eq!(
        problem("standalone", &parts),
        "standalone: wasi:sockets/tcp@0.2.6 is left open, which wasmtime serve does not offer"
    );
    let files = "import wasi:filesystem/types@0.2.6;";
    let parts = StandIns::new().with("model", files);
    assert!(composed("standalone", &parts).is_ok());
    assert_eq!(
        problem("spin-processor", &parts),
        "spin-processor: wasi:filesystem/types@0.2.6 is left open, which Spin does not offer"
    );
}

#[test]
fn an_interface_of_another_kind_or_version_is_named() {
    let parts = StandIns::new();
    let settings = |ours: &str, version: &str| {
        let items = format!(
            "import concept:refinement/settings@{version};
            export concept:refinement/image-model@{version};"
        );
        let model = format!(
            "package concept:refinement@{version};
            interface settings {{ {ours} }}
            interface image-model {{ refine: async func(); }}"
        );
        let model = foreign_component(&model, &items);
        let parts = |part: &Part| match part {
            Part::Model(_) => Ok(model.clone()),
            _ => parts.part(part),
        };
        let refused = compose(&plan("spin-processor"), &parts).unwrap_err();
        format!("{refused:#}")
    };
    let problem = settings("get: async func(name: string) -> u32;", "0.2.0");
    let expected = "spin-processor: concept:refinement/settings@0.2.0 of model-settings is not \
        what model imports";
    assert!(problem.starts_with(expected), "{problem}");

    let problem = settings("get: async func(name: string) -> option<string>;", "0.3.0");
    let expected = "spin-processor: model-settings does not export \
        concept:refinement/settings@0.3.0, which it is to fill for model";
    assert!(problem.starts_with(expected), "{problem}");
}

#[test]
fn a_part_that_is_no_component_is_named() {
    let parts = StandIns::new();
    let parts = |part: &Part| match part {
        Part::Shipped("api") => Ok(b"\0asm\x01\0\0\0".to_vec()),
        _ => parts.part(part),
    };
    let problem = format!("{:#}", compose(&plan("spin-api"), &parts).unwrap_err());
    let expected = "spin-api: api is no component";
    assert!(problem.starts_with(expected), "{problem}");
}

#[test]
fn what_was_composed_is_looked_at_from_outside() {
    let handler = "export wasi:http/handler@0.3.0;";
    let settings = "import concept:refinement/settings@0.2.0;";
    let queue = "export concept:refinement/task-queue@0.2.0;";
    let open = |name: &str| {
        let name = format!("concept:refinement/{name}@0.2.0");
        Some(format!("{name} is left open, which Spin does not offer"))
    };
    for (items, expected) in [
        (handler.to_owned(), None),
        (format!("{handler} {settings}"), open("settings")),
        // It brings its types along.
        (format!("{handler} {queue}"), open("types")),
        (
            format!("{handler} export wasi:io/poll@0.2.6;"),
            Some("wasi:io/poll@0.2.6 is exported, which is not wasi:http/handler@0.3.0".into()),
        ),
        (
            "import wasi:io/poll@0.2.6;".to_owned(),
            Some("wasi:http/handler@0.3.0 is not exported".into()),
        ),
    ] {
        let problem = check(&component(&items), &SPIN).err();
        let problem = problem.map(|error| format!("{error:#}"));
        assert_eq!(problem, expected, "{items}");
    }
}

#[test]
fn all_is_written_where_it_is_wanted() {
    let directory = tempfile::tempdir().unwrap();
    let parts = StandIns::new();
    let components = directory.path().join("components");
    fs::create_dir(&components).unwrap();
    let plans = plans(&chain::parse("./my-model.wasm").unwrap(), &|_| false);
    let shipped = plans.iter().flat_map(|plan| &plan.instances);
    for part in shipped.map(|instance| &instance.part) {
        let name = match part {
            Part::Shipped(name) => name,
            Part::Model(_) => "my-model",
            Part::LinkName(_) | Part::Types => continue,
        };
        let file = components.join(format!("{name}.wasm"));
        fs::write(file, parts.part(part).unwrap()).unwrap();
    }
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let mut arguments = Arguments {
        model: path("components/my-model.wasm"),
        wit: wit(),
        out: directory.path().join("deep/composed"),
        components,
    };
    run(&arguments).unwrap();
    let mut written: Vec<_> = fs::read_dir(&arguments.out)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    written.sort();
    let expected = ["spin-api.wasm", "spin-processor.wasm", "standalone.wasm"];
    assert_eq!(written, expected);

    let unknown = "no model `dall-e`: it is one that ships, or the path of a component";
    let open = "the model must have a \")\" for the \"(\" of fallback";
    for (model, expected) in [
        ("dall-e", unknown),
        ("fallback(local", open),
        (&path("missing.wasm"), "missing.wasm"),
    ] {
        arguments.model = model.to_owned();
        let problem = format!("{:#}", run(&arguments).unwrap_err());
        assert!(problem.contains(expected), "{problem}");
    }
}
