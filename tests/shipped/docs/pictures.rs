//! The pictures of the documents are what the local model makes of the prompts below them.

use std::path::Path;
use std::process::Command;

use concept_refinement_tests::artifacts;

use crate::{read, root};

/// A picture that a table shows after an edit.
struct Example {
    before: String,
    after: String,
    prompt: String,
    theme: Option<String>,
}

#[test]
fn pictures_show_what_the_local_model_makes() {
    let documents = [("README.md", ""), ("docs/local-model.md", "docs/")];
    for (document, folder) in documents {
        let text = read(document);
        let examples: Vec<_> = text.lines().flat_map(examples).collect();
        assert!(examples.len() >= 3, "{document}");
        for example in examples {
            let path = |name: &str| root().join(folder).join(name);
            let made = example.made(&path(&example.before));
            let shown = image::open(path(&example.after)).unwrap();
            assert!(made == shown, "{}: draw it anew", example.after);
        }
    }
}

/// Those of a row: `| ![…](BEFORE) | ![…](AFTER)<br>*PROMPT*, with the theme *THEME* |`.
fn examples(row: &str) -> Vec<Example> {
    let mut cells = row.split(" | ");
    let before = cells.next().and_then(picture);
    let examples = cells.filter_map(|cell| {
        let (shown, said) = cell.split_once("<br>")?;
        let mut said = said.split('*').skip(1).step_by(2).map(str::to_owned);
        Some(Example {
            before: before.clone()?,
            after: picture(shown)?,
            prompt: said.next()?,
            theme: said.next(),
        })
    });
    examples.collect()
}

/// `![…](PATH)`
fn picture(cell: &str) -> Option<String> {
    let (_, path) = cell.split_once("](")?;
    Some(path.strip_suffix(')')?.to_owned())
}

impl Example {
    fn made(&self, before: &Path) -> image::DynamicImage {
        let place = tempfile::tempdir().unwrap();
        let name = Path::new(&self.after).file_name().unwrap();
        let result = place.path().join(name);
        let mut refine = Command::new(artifacts::binary());
        refine
            .arg("refine")
            .arg(before)
            .args([&self.prompt, "-o"])
            .arg(&result)
            .arg("--components")
            .arg(artifacts::components())
            .env("XDG_CACHE_HOME", artifacts::user_cache())
            .current_dir(place.path());
        if let Some(theme) = &self.theme {
            refine.args(["--theme-description", theme]);
        }
        let refined = refine.output().unwrap();
        assert!(refined.status.success(), "{refined:?}");
        image::open(result).unwrap()
    }
}
