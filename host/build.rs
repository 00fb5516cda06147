//! Embeds the components from the directory named by `REFINEMENT_EMBED`, so
//! that an operator needs one executable only. Without it nothing is embedded,
//! and the executable requires `--components`. A release also carries their code
//! where it was compiled ahead, from the directory `ahead` in there.

use std::path::PathBuf;
use std::{env, fs, io};

const NAMES: [&str; 12] = [
    "api",
    "processor",
    "notifier",
    "model-local",
    "model-jigsawstack",
    "model-openai",
    "model-stability",
    "model-replicate",
    "model-automatic1111",
    "model-comfyui",
    "model-fallback",
    "model-cache",
];

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-env-changed=REFINEMENT_EMBED");
    println!("cargo::rustc-env=TARGET={}", variable("TARGET")?);
    let mut components = String::from("pub const COMPONENTS: &[(&str, &[u8])] = &[\n");
    let mut code = String::from("pub const CODE: &[&[u8]] = &[\n");
    if let Some(directory) = env::var_os("REFINEMENT_EMBED") {
        let directory = PathBuf::from(directory);
        let ahead = directory.join("ahead");
        println!("cargo::rerun-if-changed={}", ahead.display());
        let is_release = variable("PROFILE")? == "release";
        for name in NAMES {
            let path = directory.join(format!("{name}.wasm"));
            println!("cargo::rerun-if-changed={}", path.display());
            components.push_str(&format!("({name:?}, include_bytes!({path:?})),\n"));
            let compiled = ahead.join(name);
            if is_release && compiled.exists() {
                code.push_str(&format!("include_bytes!({compiled:?}),\n"));
            }
        }
    }
    components.push_str("];\n");
    code.push_str("];\n");
    let out = PathBuf::from(variable("OUT_DIR")?);
    fs::write(out.join("embedded.rs"), components)?;
    fs::write(out.join("ahead.rs"), code)
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(|_| io::Error::other(format!("no {name}")))
}
