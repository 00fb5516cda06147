//! What the READMEs of the clients tell to do, in empty directories: a checkout is
//! installed, and the program that stands there refines an image.

use std::env;
use std::ffi::OsString;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::pictures;
use concept_refinement_tests::reaper::scratch;
use concept_refinement_tests::service::{Launch, Service};

use crate::clients::packages::succeeds;
use crate::root;

/// The blocks of a README in this language.
fn blocks(client: &str, language: &str) -> Vec<String> {
    let readme = root().join("clients").join(client).join("README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let block = |rest: &str| rest.split_once("\n```").unwrap().0.to_owned();
    let fence = format!("```{language}\n");
    readme.split(&fence).skip(1).map(block).collect()
}

/// The line that installs, as it is from another directory than the checkout.
fn install_line(client: &str) -> String {
    let line = blocks(client, "sh").remove(0);
    let clients = root().join("clients");
    assert!(line.ends_with(&format!(" ./clients/{client}")), "{line}");
    line.replace("./clients", clients.to_str().unwrap())
}

fn bash(lines: &str, directory: &Path) -> Command {
    let mut bash = Command::new("bash");
    bash.args(["-e", "-u", "-c", lines]).current_dir(directory);
    bash
}

/// A directory with nothing but the image that the programs refine.
fn directory_with_logo(name: &str) -> PathBuf {
    let directory = scratch(name);
    std::fs::write(directory.join("logo.png"), pictures::png(64, 48).bytes).unwrap();
    directory
}

/// A README's program, for this service.
fn program(client: &str, language: &str, service: &Service) -> String {
    let program = blocks(client, language).remove(0);
    assert!(program.contains("http://127.0.0.1:8080"), "{program}");
    program.replace("http://127.0.0.1:8080", service.url())
}

fn has_refined(directory: &Path) {
    let refined = std::fs::read(directory.join("refined.png")).unwrap();
    assert!(refined.starts_with(b"\x89PNG"));
}

#[test]
fn the_python_client_does_what_its_readme_shows() {
    let directory = directory_with_logo("python");
    let environment = scratch("environment");
    let mut make = Command::new(artifacts::client_python_tool("python"));
    succeeds(make.args(["-m", "venv"]).arg(&environment));
    let path = search_path(&environment.join("bin"));
    succeeds(
        bash(&install_line("python"), &directory)
            .env("PATH", &path)
            .env("PIP_NO_INDEX", "1")
            .env("PIP_FIND_LINKS", artifacts::client_wheels()),
    );

    let service = Launch::new().start();
    let program = program("python", "python", &service);
    std::fs::write(directory.join("refine.py"), &program).unwrap();
    let mut mypy = Command::new(artifacts::client_python_tool("mypy"));
    mypy.args(["--strict", "--python-executable"]);
    mypy.arg(environment.join("bin/python"));
    mypy.arg("--cache-dir").arg(scratch("mypy"));
    succeeds(mypy.arg("refine.py").current_dir(&directory));
    succeeds(bash("python refine.py", &directory).env("PATH", &path));
    has_refined(&directory);

    // A service without anonymous users refuses it, and says so.
    let closed = Launch::new().with_tokens().start();
    let program = program.replace(service.url(), closed.url());
    std::fs::write(directory.join("refine.py"), program).unwrap();
    let refused = bash("python refine.py", &directory)
        .env("PATH", &path)
        .output();
    let refused = String::from_utf8(refused.unwrap().stderr).unwrap();
    assert!(
        refused.contains("ApiError: Credentials are required."),
        "{refused}"
    );
}

#[test]
fn the_typescript_client_does_what_its_readme_shows() {
    for compiler in ["typescript-5", "typescript"] {
        let directory = directory_with_logo(compiler);
        let install = install_line("typescript");
        succeeds(&mut without_network(bash(&install, &directory)));

        let service = Launch::new().start();
        let program = program("typescript", "ts", &service);
        std::fs::write(directory.join("refine.mts"), program).unwrap();
        let compile = blocks("typescript", "sh").remove(1);
        let (install, compile) = compile.split_once('\n').unwrap();
        assert_eq!(install, "npm install --save-dev typescript @types/node");
        // As this line does, from what is on this machine.
        let modules = directory.join("node_modules");
        for kind in [".bin", "@types"] {
            std::fs::create_dir_all(modules.join(kind)).unwrap();
        }
        let tsc = artifacts::npm_tool(compiler, "tsc");
        symlink(tsc, modules.join(".bin/tsc")).unwrap();
        symlink(artifacts::node_types(), modules.join("@types/node")).unwrap();

        succeeds(&mut without_network(bash(compile, &directory)));
        has_refined(&directory);
    }
}

fn without_network(mut npm: Command) -> Command {
    npm.env("npm_config_offline", "true")
        .env("npm_config_audit", "false")
        .env("npm_config_cache", scratch("npm"));
    npm
}

/// Programs are looked for here first.
fn search_path(directory: &Path) -> OsString {
    let path = env::var_os("PATH").unwrap();
    let directories = env::split_paths(&path);
    env::join_paths([directory.to_owned()].into_iter().chain(directories)).unwrap()
}
