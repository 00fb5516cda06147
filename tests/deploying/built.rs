//! `deploy/Dockerfile`, built and run by buildah where that is. What the image is based
//! on has to be downloaded, so what stands for it has the same user, home and
//! libraries.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use concept_refinement_tests::artifacts;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::reaper::{Reaped, scratch};
use serde_json::Value;

use crate::containers::image;
use crate::root;

/// The user of images of distroless that have no root.
const USER: &str = "65532";
const HOME: &str = "/home/nonroot";

const COMPONENTS: &str = "/components";

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

    /// What stands for the image that this one is based on.
    fn base(&self, program: &Path, name: &str) {
        let files = self.place.join("base");
        fs::create_dir_all(files.join("tmp")).unwrap();
        fs::create_dir_all(self.place.join("home")).unwrap();
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
        let container = self.run(&["from", "scratch"]);
        let [files, home] = [files, self.place.join("home")];
        self.run(&["copy", "-q", &container, files.to_str().unwrap(), "/"]);
        // The executable of development has none inside.
        let components = artifacts::components();
        let components = components.to_str().unwrap();
        self.run(&["copy", "-q", &container, components, COMPONENTS]);
        let home = home.to_str().unwrap();
        let owner = format!("{USER}:{USER}");
        self.run(&["copy", "-q", "--chown", &owner, &container, home, HOME]);
        self.run(&["config", "--user", USER, "--workingdir", HOME, &container]);
        self.run(&["commit", "-q", &container, name]);
    }

    /// A container of the image, which is built now.
    fn container(&self) -> String {
        let context = self.place.join("context");
        fs::create_dir(&context).unwrap();
        let program = context.join("concept-refinement");
        let stripped = Command::new("strip")
            .arg("-o")
            .arg(&program)
            .arg(artifacts::binary())
            .status();
        assert!(stripped.unwrap().success());
        self.base(&program, &image()["FROM"]);
        fs::copy(root().join("deploy/Dockerfile"), context.join("Dockerfile")).unwrap();
        let built = [
            "build",
            "-q",
            "--pull-never",
            "--format",
            "docker",
            "-t",
            "it",
        ];
        self.run(&[&built[..], &[context.to_str().unwrap()]].concat());
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

    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
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
