//! The images of `deploy`, built and run by buildah. What they are based on has to be
//! downloaded, so stand-ins have the same user, home and libraries, and in place of Rust
//! a `cargo` that has already built the executable.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use concept_refinement_tests::artifacts;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::port::free_address;
use concept_refinement_tests::reaper::{Reaped, scratch};
use serde_json::Value;

use crate::deploying::containers::{RELEASE, SOURCE, image};
use crate::{read, root};

/// The user of images of distroless that have no root.
const USER: &str = "65532";
const HOME: &str = "/home/nonroot";

const COMPONENTS: &str = "/components";

/// What stands for the build, which is right only if it is asked to build a release of the
/// sources alone.
const CARGO: &str = r#"
[ "$*" = "xtask build --release" ]
[ -f Cargo.lock ] && [ -d components ] && [ -d host ] && [ -d wit ]
[ ! -e .git ]
mkdir -p target/release
cp /built target/release/concept-refinement
"#;

/// Images and containers of their own.
struct Builder {
    place: PathBuf,
}

impl Builder {
    fn command(&self) -> Command {
        let mut command = Command::new("buildah");
        command
            .args(["--storage-driver", "vfs"])
            .arg("--root")
            .arg(self.place.join("storage"))
            .arg("--runroot")
            .arg(self.place.join("run"))
            .env("BUILDAH_ISOLATION", "chroot");
        command
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> String {
        let done = self.command().args(arguments).output().unwrap();
        assert!(done.status.success(), "{arguments:?}: {done:?}");
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    /// A container of nothing but programs and the libraries that they load.
    fn bare(&self, name: &str, programs: &[&Path]) -> String {
        let files = self.place.join(name);
        fs::create_dir_all(files.join("tmp")).unwrap();
        for program in programs {
            let linked = Command::new("ldd").arg(program).output().unwrap();
            let linked = String::from_utf8(linked.stdout).unwrap();
            for library in linked
                .split_whitespace()
                .filter(|word| word.starts_with('/'))
            {
                let to = files.join(library.trim_start_matches('/'));
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::copy(library, to).unwrap();
            }
        }
        let container = self.run(&["from", "scratch"]);
        self.copy(&container, &files, "/");
        container
    }

    fn copy(&self, container: &str, from: &Path, to: &str) {
        self.run(&["copy", "-q", container, from.to_str().unwrap(), to]);
    }

    /// The stand-in for the image that the service's is based on.
    fn runtime(&self, program: &Path) {
        let container = self.bare("runtime", &[program]);
        // The executable of a debug build has none inside.
        self.copy(&container, &artifacts::components(), COMPONENTS);
        let home = self.place.join("home");
        fs::create_dir_all(&home).unwrap();
        let owner = format!("{USER}:{USER}");
        let home = home.to_str().unwrap();
        self.run(&["copy", "-q", "--chown", &owner, &container, home, HOME]);
        self.run(&["config", "--user", USER, "--workingdir", HOME, &container]);
        self.run(&["commit", "-q", &container, &image(RELEASE)["FROM"]]);
    }

    /// The stand-in for Rust's image: its `cargo` copies the executable to where it would
    /// have built it.
    fn rust(&self, program: &Path) {
        let programs = ["sh", "cp", "mkdir"].map(|name| {
            let path = format!("/bin/{name}");
            fs::canonicalize(path).unwrap()
        });
        let container = self.bare("rust", &programs.each_ref().map(PathBuf::as_path));
        for (name, path) in ["sh", "cp", "mkdir"].iter().zip(&programs) {
            self.copy(&container, path, &format!("/bin/{name}"));
        }
        self.copy(&container, program, "/built");
        for (name, script) in [("rustup", "exit 0"), ("cargo", CARGO)] {
            let file = self.place.join(name);
            fs::write(&file, format!("#!/bin/sh\nset -eu\n{script}\n")).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
            self.copy(&container, &file, &format!("/bin/{name}"));
        }
        self.run(&["commit", "-q", &container, &build_stage()]);
    }

    /// Builds an image of this file.
    fn build(&self, file: &str, context: &Path, name: &str) {
        let file = root().join(file);
        let build = [
            "build",
            "-q",
            "--pull-never",
            "--format",
            "docker",
            "-t",
            name,
        ];
        let of = ["-f", file.to_str().unwrap(), context.to_str().unwrap()];
        self.run(&[&build[..], &of].concat());
    }

    /// The executable, as small as that of a release.
    fn program(&self) -> PathBuf {
        let context = self.place.join("context");
        fs::create_dir(&context).unwrap();
        let program = context.join("concept-refinement");
        let stripped = Command::new("strip")
            .arg("-o")
            .arg(&program)
            .arg(artifacts::binary())
            .status();
        assert!(stripped.unwrap().success());
        program
    }

    /// A container of the release's image, which is built now.
    fn container(&self) -> String {
        let program = self.program();
        self.runtime(&program);
        self.build(RELEASE, program.parent().unwrap(), "it");
        self.run(&["from", "--pull-never", "it"])
    }

    /// A command in a container, with all that the image says but where it listens.
    fn in_container(&self, container: &str, address: &str, words: &[String]) -> Command {
        let mut command = self.command();
        command
            .arg("run")
            .arg(format!("--env=REFINEMENT_LISTEN={address}"))
            .args([container, "--"])
            .args(words);
        command
    }
}

/// Whoever is not root has no isolation without more of the system.
fn builder() -> Option<Builder> {
    let found = Command::new("buildah").arg("--version").output();
    let is_usable = found.is_ok_and(|found| found.status.success());
    (is_usable && rustix::process::geteuid().is_root()).then(|| Builder {
        place: scratch("buildah"),
    })
}

/// A list of words in what buildah says of an image.
fn words(configuration: &Value, path: &str) -> Vec<String> {
    let list = configuration.pointer(path).unwrap().as_array().unwrap();
    let list = list.iter().map(|word| word.as_str().unwrap().to_owned());
    list.collect()
}

/// The image that the sources are built in.
fn build_stage() -> String {
    let file = read(SOURCE);
    let mut stages = file.lines().filter_map(|line| line.strip_prefix("FROM "));
    let (image, name) = stages.next().unwrap().split_once(" AS ").unwrap();
    assert_eq!(name, "build");
    image.to_owned()
}

#[test]
fn the_sources_become_an_image() {
    let Some(builder) = builder() else {
        eprintln!("NOT run: there is no buildah, or nobody here may use it");
        return;
    };
    let program = builder.program();
    builder.runtime(&program);
    builder.rust(&program);
    builder.build(SOURCE, &root(), "it");
    let container = builder.run(&["from", "--pull-never", "it"]);
    let words = ["/concept-refinement", "--version"].map(str::to_owned);
    let version = builder
        .in_container(&container, "127.0.0.1:0", &words)
        .output();
    let version = version.unwrap();
    assert!(version.status.success(), "{version:?}");
    assert!(
        version.stdout.starts_with(b"concept-refinement "),
        "{version:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_image_is_built_and_serves_and_says_that_it_is_ready() {
    let Some(builder) = builder() else {
        eprintln!("NOT run: there is no buildah, or nobody here may use it");
        return;
    };
    let container = tokio::task::block_in_place(|| builder.container());
    let configuration = builder.run(&["inspect", "--type", "image", "it"]);
    let configuration: Value = serde_json::from_str(&configuration).unwrap();
    let configuration = &configuration["Docker"]["config"];
    assert_eq!(configuration["User"], USER);
    let check = &words(configuration, "/Healthcheck/Test")[1..];

    let address = free_address().to_string();
    let serve = [
        words(configuration, "/Entrypoint"),
        words(configuration, "/Cmd"),
        ["--components", COMPONENTS].map(str::to_owned).to_vec(),
    ];
    let mut serve = builder.in_container(&container, &address, &serve.concat());
    let mut service = Reaped::spawn_group(serve.stdout(Stdio::piped()));
    let mut ready = String::new();
    let stdout = service.child().stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut ready).unwrap();
    assert!(ready.contains(&address), "{ready}");

    let checked = builder.in_container(&container, &address, check).output();
    let checked = checked.unwrap();
    assert!(checked.status.success(), "{checked:?}");
    let url = format!("http://{address}");
    let answer = Client::new(&url).get("/api/health/ready").await;
    assert_eq!(answer.status, 200, "{answer:?}");

    // As by `docker exec`.
    let backup = ["/concept-refinement", "backup", "-"].map(str::to_owned);
    let backup = builder.in_container(&container, &address, &backup).output();
    let backup = backup.unwrap();
    assert!(backup.status.success(), "{backup:?}");
    assert!(backup.stdout.ends_with(&[0; 1024]));
    assert!(!backup.stdout.is_empty());

    drop(service);
    let checked = builder.in_container(&container, &address, check).output();
    assert!(!checked.unwrap().status.success());
}
