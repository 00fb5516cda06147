//! What the file of a component has in it, without compiling it.

use std::collections::BTreeSet;
use std::path::Path;

use wasmparser::{Parser, Payload};

pub struct Contents {
    /// The names of what it imports itself, versions included.
    pub imports: BTreeSet<String>,
    pub exports: BTreeSet<String>,
    /// Bytes of code, of all modules within: what a browser is sent is data.
    pub code: usize,
    /// Bytes of the file.
    pub size: usize,
}

impl Contents {
    pub fn of(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let mut contents = Self {
            imports: BTreeSet::new(),
            exports: BTreeSet::new(),
            code: 0,
            size: bytes.len(),
        };
        // How many modules and components stand around what is read.
        let mut depth = 0;
        for payload in Parser::new(0).parse_all(&bytes) {
            match payload.unwrap() {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth -= 1,
                Payload::ComponentImportSection(section) if depth == 0 => {
                    let names = section.into_iter().map(|import| import.unwrap().name.name);
                    contents.imports.extend(names.map(str::to_owned));
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    let names = section.into_iter().map(|export| export.unwrap().name.name);
                    contents.exports.extend(names.map(str::to_owned));
                }
                Payload::CodeSectionStart { size, .. } => {
                    contents.code += usize::try_from(size).unwrap();
                }
                _ => {}
            }
        }
        contents
    }
}
