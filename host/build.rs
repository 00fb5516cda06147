//! Embeds the components from the directory named by `REFINEMENT_EMBED`, so
//! that an operator needs one executable only. Without it nothing is embedded,
//! and the executable requires `--components`.

use std::path::PathBuf;
use std::{env, fs, io};

const NAMES: [&str; 6] = [
    "api",
    "processor",
    "model-local",
    "model-jigsawstack",
    "model-openai",
    "model-automatic1111",
];

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-env-changed=REFINEMENT_EMBED");
    let mut embedded = String::from("pub const COMPONENTS: &[(&str, &[u8])] = &[\n");
    if let Some(directory) = env::var_os("REFINEMENT_EMBED") {
        for name in NAMES {
            let path = PathBuf::from(&directory).join(format!("{name}.wasm"));
            println!("cargo::rerun-if-changed={}", path.display());
            embedded.push_str(&format!("({name:?}, include_bytes!({path:?})),\n"));
        }
    }
    embedded.push_str("];\n");
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("no OUT_DIR"))?;
    fs::write(PathBuf::from(out).join("embedded.rs"), embedded)
}
