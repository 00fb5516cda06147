//! Passes the target triple on to the engine.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!(
        "cargo::rustc-env=TARGET={}",
        std::env::var("TARGET").unwrap_or_default()
    );
}
