//! The Debian package: the executable, the unit of systemd, dashboard and alerts, manual
//! pages and completions, staged as they are installed and packed by `dpkg-deb`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use fs_err as fs;

use crate::executable::Profile;
use crate::process;
use crate::workspace::{Workspace, remove};

const NAME: &str = "concept-refinement";

/// The date of all files, fixed so that builds are reproducible.
const EPOCH: &str = "315532800";

const UNIT: &str = "deploy/systemd/concept-refinement@.service";

/// The dashboard and the alerts, by the names that they have in `deploy/`.
const MONITORING: [&str; 2] = ["grafana/concept-refinement.json", "prometheus/rules.yaml"];

/// Files that exist only for the package.
const OWN: [(&str, &str); 5] = [
    (SETTINGS, include_str!("package/refinement.toml")),
    (
        "DEBIAN/conffiles",
        "/etc/concept-refinement/refinement.toml\n",
    ),
    ("DEBIAN/postinst", include_str!("package/postinst")),
    ("DEBIAN/prerm", include_str!("package/prerm")),
    ("DEBIAN/postrm", include_str!("package/postrm")),
];

const SETTINGS: &str = "etc/concept-refinement/refinement.toml";

/// Where each shell looks for completions.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "bash-completion/completions/concept-refinement"),
    ("zsh", "zsh/vendor-completions/_concept-refinement"),
    ("fish", "fish/vendor_completions.d/concept-refinement.fish"),
];

/// Packs an executable. Returns the path of the package in this directory.
///
/// # Errors
///
/// There is no tool to build packages, or the package is incomplete.
pub fn build(
    workspace: &Workspace,
    executable: &Path,
    profile: Profile,
    to: &Path,
) -> anyhow::Result<PathBuf> {
    if process::find("dpkg-deb").is_none() {
        bail!("a Debian package is made by dpkg-deb, from the package dpkg");
    }
    let stage = workspace.target().join("package");
    remove(&stage)?;
    put_files(workspace, executable, &stage)?;
    put_printed(workspace, executable, &stage)?;
    let architecture = process::output(workspace.command("dpkg").arg("--print-architecture"))?;
    let control = control(executable, &architecture)?;
    put(&stage, "DEBIAN/control", &control)?;
    set_modes(workspace, &stage)?;

    let version = env!("CARGO_PKG_VERSION");
    let package = to.join(format!("{NAME}_{version}_{architecture}.deb"));
    let mut pack = workspace.command("dpkg-deb");
    // Packages for tests are compressed quickly.
    pack.args(match profile {
        Profile::Dev => ["-Zgzip", "-z1"],
        Profile::Release => ["-Zxz", "-z6"],
    });
    pack.arg("--root-owner-group")
        .env("SOURCE_DATE_EPOCH", EPOCH);
    process::run(pack.arg("--build").arg(&stage).arg(&package))?;
    remove(&stage)?;
    Ok(package)
}

fn put_files(workspace: &Workspace, executable: &Path, stage: &Path) -> anyhow::Result<()> {
    let read = |name: &str| fs::read_to_string(workspace.root().join(name));
    let unit = read(UNIT)?.replace("/usr/local/bin/", "/usr/bin/");
    let copyright = read("LICENSE-MIT")? + "\n" + &read("LICENSE-APACHE")? + "\n";
    let (system, documents) = ("usr/lib/systemd/system", "usr/share/doc");
    put(stage, &format!("{system}/{NAME}@.service"), &unit)?;
    put(stage, &format!("{documents}/{NAME}/copyright"), &copyright)?;
    for name in MONITORING {
        let file = read(&format!("deploy/{name}"))?;
        put(stage, &format!("usr/share/{NAME}/{name}"), &file)?;
    }
    for (path, text) in OWN {
        put(stage, path, text)?;
    }
    let installed = stage.join("usr/bin").join(NAME);
    fs::create_dir_all(stage.join("usr/bin"))?;
    fs::copy(executable, &installed)?;
    Ok(())
}

/// Adds what the executable itself prints, such as manual pages.
fn put_printed(workspace: &Workspace, executable: &Path, stage: &Path) -> anyhow::Result<()> {
    let printed = |arguments: &[&str]| {
        let printed = process::output(workspace.command(executable).args(arguments))?;
        Ok::<_, anyhow::Error>(printed + "\n")
    };
    let overview = printed(&["man"])?;
    for command in commands(&overview) {
        let page = printed(&["man", command])?;
        let path = format!("usr/share/man/man1/{NAME}-{command}.1");
        put(stage, &path, &page)?;
    }
    put(stage, &format!("usr/share/man/man1/{NAME}.1"), &overview)?;
    for (shell, path) in COMPLETIONS {
        let completions = printed(&["completions", shell])?;
        put(stage, &format!("usr/share/{path}"), &completions)?;
    }
    Ok(())
}

/// The commands that have their own page, from the overview page.
fn commands(overview: &str) -> impl Iterator<Item = &str> {
    overview.lines().filter_map(|line| {
        line.strip_prefix(r"concept\-refinement\-")?
            .strip_suffix("(1)")
    })
}

fn put(stage: &Path, path: &str, text: &str) -> anyhow::Result<()> {
    let path = stage.join(path);
    fs::create_dir_all(path.parent().context("a file without a directory")?)?;
    Ok(fs::write(path, text)?)
}

/// Sets file modes, regardless of the umask of the user who builds the package.
fn set_modes(workspace: &Workspace, stage: &Path) -> anyhow::Result<()> {
    let scripts = ["postinst", "prerm", "postrm"].map(|name| stage.join("DEBIAN").join(name));
    process::run(workspace.command("chmod").arg("+x").args(scripts))?;
    let mut chmod = workspace.command("chmod");
    process::run(chmod.args(["-R", "u=rwX,go=rX"]).arg(stage))
}

fn control(executable: &Path, architecture: &str) -> anyhow::Result<String> {
    let size = fs::metadata(executable)?.len() / 1024;
    let glibc = glibc(&fs::read(executable)?);
    let (major, minor) = glibc.context("the executable needs no glibc")?;
    Ok(format!(
        "Package: {NAME}\n\
         Version: {version}\n\
         Architecture: {architecture}\n\
         Maintainer: The Concept Refinement authors <noreply@example.org>\n\
         Installed-Size: {size}\n\
         Depends: libc6 (>= {major}.{minor}), libgcc-s1\n\
         Section: web\n\
         Priority: optional\n\
         Description: service that refines images from a prompt\n \
         An HTTP API, a web page and a pipeline that survives crashes. The model that\n \
         comes with it edits by rules, without a network; settings name a provider.\n \
         .\n \
         It is started by: systemctl enable --now concept-refinement@all\n",
        version = env!("CARGO_PKG_VERSION"),
    ))
}

/// The newest version of glibc that has a symbol which the executable uses.
fn glibc(executable: &[u8]) -> Option<(u32, u32)> {
    const PREFIX: &[u8] = b"GLIBC_";
    let found = executable.windows(PREFIX.len()).enumerate();
    let found = found.filter(|(_, window)| *window == PREFIX);
    let versions = found.filter_map(|(at, _)| {
        let rest = executable.get(at + PREFIX.len()..)?;
        let length = rest
            .iter()
            .take_while(|byte| byte.is_ascii_digit() || **byte == b'.')
            .count();
        let version = std::str::from_utf8(rest.get(..length)?).ok()?;
        let mut parts = version.split('.').map(str::parse);
        Some((parts.next()?.ok()?, parts.next()?.ok()?))
    });
    versions.max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_of_glibc_is_found() {
        let executable = b"\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.9\0GLIBC_PRIVATE\0GLIBC_";
        assert_eq!(glibc(executable), Some((2, 34)));
        assert_eq!(glibc(b"static"), None);
    }

    #[test]
    fn commands_are_those_of_the_overview() {
        let overview = ".SH SUBCOMMANDS\n.TP\nconcept\\-refinement\\-serve(1)\nServes\n";
        assert_eq!(commands(overview).collect::<Vec<_>>(), ["serve"]);
    }
}
