//! Writing the description of the API, which the component embeds as a file.
//!
//! The test that compares the file with the code writes it where it is told to.

use crate::process;
use crate::workspace::Workspace;

pub fn write(workspace: &Workspace) -> anyhow::Result<()> {
    let mut cargo = workspace.native_cargo(&["test", "--package", "concept-refinement-api"]);
    cargo
        .args(["--lib", "the_file_is_what_the_code_gives"])
        .env("REFINEMENT_WRITE_OPENAPI", "1");
    process::run(&mut cargo)
}
