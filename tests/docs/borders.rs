//! The borders between the rooms are where `ARCHITECTURE.md` says.

use std::path::Path;

use crate::documents::{root, sources};

/// A room, the parts of it that may cross the border, and the words that
/// nothing else in it uses.
const BORDERS: [(&str, &[&str], &[&str]); 12] = [
    (
        "components/domain/src",
        &[],
        &["wasip3", "wit_bindgen", "SystemTime", "Instant", "std::fs"],
    ),
    (
        "components/api/src",
        &["bindings", "convert.rs", "log.rs"],
        &["wasip3", "wit_bindgen", "SystemTime"],
    ),
    (
        "components/processor/src",
        &["component"],
        &["wasip3", "wit_bindgen", "SystemTime"],
    ),
    (
        "components/adapters/store/src",
        &["component"],
        &["wasip3", "wit_bindgen", "SystemTime"],
    ),
    // What `deny.toml` says of an advisory.
    ("components", &["tests"], &["RsaPrivateKey"]),
    ("host/src", &[], &["RsaPrivateKey"]),
    (
        "host/src/capability",
        &["convert.rs", "link.rs", "model/component"],
        &[
            "wasmtime",
            "crate::wasm",
            "crate::ingress",
            "crate::loops",
            "crate::assembly",
        ],
    ),
    (
        "host/src",
        &["capability/"],
        &["SqliteTasks", "FileImages", "StoreQueue", "MemoryImages"],
    ),
    ("host/src/loops", &[], &["crate::assembly"]),
    ("host/src/wasm", &[], &["crate::assembly", "crate::ingress"]),
    (
        "host/src/ingress",
        &[],
        &["crate::loops", "crate::assembly"],
    ),
    (
        "host/src",
        &[
            "capability/clock.rs",
            "metrics/process.rs",
            "wasm/engine/compiled/files.rs",
        ],
        &["SystemTime::now", "super::super::"],
    ),
];

/// What a file says to the compiler, without its tests.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let (code, _) = text.split_once("#[cfg(test)]").unwrap_or((&text, ""));
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn each_room_keeps_to_its_side() {
    for (room, exceptions, words) in BORDERS {
        let folder = root().join(room);
        assert!(folder.is_dir(), "{room}");
        let mut looked_at = 0;
        for path in sources() {
            let Ok(within) = path.strip_prefix(&folder) else {
                continue;
            };
            let within = within.to_str().unwrap();
            let is_test = within.contains("tests") || within.ends_with("fakes.rs");
            let may_cross = exceptions
                .iter()
                .any(|part| within.starts_with(part) || within.ends_with(part));
            if is_test || may_cross || !within.ends_with(".rs") {
                continue;
            }
            let code = code(&path);
            for word in words {
                assert!(!code.contains(word), "{room}/{within} uses {word}");
            }
            looked_at += 1;
        }
        assert!(looked_at > 3, "{room} has {looked_at} files");
    }
}
