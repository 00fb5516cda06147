//! What is given away, and what of it is generated.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::reaper::scratch;

use crate::root;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The modules of the npm package, unpacked.
pub fn modules() -> PathBuf {
    unpacked().join("package/dist")
}

/// Where Python finds the wheel, and what it needs.
pub fn python_path() -> OsString {
    artifacts::client_packages()
        .join(format!("concept_refinement-{VERSION}-py3-none-any.whl"))
        .into()
}

fn unpacked() -> PathBuf {
    let package = format!("concept-refinement-{VERSION}.tgz");
    let to = scratch("package");
    let mut tar = Command::new("tar");
    tar.arg("--extract").arg("--file");
    tar.arg(artifacts::client_packages().join(package));
    succeeds(tar.arg("--directory").arg(&to));
    to
}

/// What a command that succeeds says on standard output.
pub fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (said(&output.stdout), said(&output.stderr));
    assert!(output.status.success(), "{command:?}: {stdout}{stderr}");
    stdout
}

#[test]
fn what_is_generated_is_up_to_date() {
    let to = scratch("generated");
    let (typescript, python) = (
        root().join("clients/typescript"),
        root().join("clients/python"),
    );
    let schemas = to.join("schemas.ts");
    succeeds(
        Command::new("node")
            .arg(typescript.join("generate.mjs"))
            .arg(&schemas),
    );
    let mut generate = Command::new(artifacts::client_python_tool("python"));
    succeeds(generate.arg(python.join("generate.py")).arg(&to));
    let python = python.join("src/concept_refinement");
    for (name, directory) in [
        ("schemas.ts", &typescript.join("src")),
        ("_schemas.py", &python),
        ("_client.py", &python),
        ("_transport.py", &python),
    ] {
        let generated = std::fs::read_to_string(to.join(name)).unwrap();
        let committed = std::fs::read_to_string(directory.join(name)).unwrap();
        assert!(generated == committed, "{name}: run the generator");
    }
}

/// npm does not build a checkout that it installs.
#[test]
fn what_is_compiled_is_up_to_date() {
    let mut compare = Command::new("diff");
    compare.arg("--recursive").arg(modules());
    succeeds(compare.arg(root().join("clients/typescript/dist")));
}

/// Checkouts are installed too, so each client has copies of its own.
#[test]
fn licenses_are_those_of_the_repository() {
    for client in ["typescript", "python"] {
        for license in ["LICENSE-APACHE", "LICENSE-MIT"] {
            let copy = root().join("clients").join(client).join(license);
            succeeds(Command::new("cmp").arg(root().join(license)).arg(copy));
        }
    }
}

#[test]
fn the_same_error_has_the_same_name_in_both() {
    let listed = "console.log(Object.keys(client).filter((name) => \
                  client[name].prototype instanceof Error).sort().join())";
    let module = modules().join("index.js");
    let script = format!("import * as client from '{}'; {listed}", module.display());
    let mut node = Command::new("node");
    let typescript = succeeds(node.args(["--input-type=module", "--eval", &script]));

    let script = "import concept_refinement as client; print(*sorted(name \
                  for name, one in vars(client).items() \
                  if isinstance(one, type) and issubclass(one, Exception)), sep=',')";
    let mut python = Command::new(artifacts::client_python_tool("python"));
    python.env("PYTHONPATH", python_path());
    assert_eq!(succeeds(python.args(["-c", script])), typescript);
    assert!(typescript.contains("RefinementError"), "{typescript}");
}

#[test]
fn each_package_has_what_it_needs_and_nothing_else() {
    let package = unpacked().join("package");
    let dist = "client errors events index options schemas transport".split(' ');
    let dist = dist.flat_map(|name| ["js", "d.ts"].map(|kind| format!("dist/{name}.{kind}")));
    let whole = ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "package.json"];
    let mut expected: Vec<String> = whole.map(str::to_owned).into_iter().chain(dist).collect();
    expected.sort();
    let list = succeeds(
        Command::new("find")
            .args([".", "-type", "f"])
            .current_dir(&package),
    );
    let mut files: Vec<&str> = list
        .lines()
        .filter_map(|line| line.strip_prefix("./"))
        .collect();
    files.sort_unstable();
    assert_eq!(files, expected);
    let manifest = std::fs::read_to_string(package.join("package.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(manifest["version"], VERSION);
    assert_eq!(manifest["license"], "MIT OR Apache-2.0");
    assert!(manifest.get("dependencies").is_none());

    let names = "import sys, zipfile; print(*zipfile.ZipFile(sys.argv[1]).namelist(), sep='\\n')";
    let mut list = Command::new(artifacts::client_python_tool("python"));
    let list = succeeds(list.args(["-c", names]).arg(python_path()));
    let mut modules: Vec<&str> = list
        .lines()
        .filter_map(|name| name.strip_prefix("concept_refinement/"))
        .collect();
    modules.sort_unstable();
    let expected = "__init__.py _answers.py _async_client.py _async_transport.py _client.py \
                    _errors.py _schemas.py _transport.py py.typed";
    assert_eq!(modules.join(" "), expected);
    for license in ["LICENSE-APACHE", "LICENSE-MIT"] {
        assert!(list.contains(license), "{list}");
    }
}

#[test]
fn python_and_its_readers_agree_on_types() {
    let source = root().join("clients/python/src/concept_refinement");
    let mut mypy = Command::new(artifacts::client_python_tool("mypy"));
    mypy.arg("--strict").arg("--cache-dir").arg(scratch("mypy"));
    succeeds(mypy.arg(source));
}
