//! The arguments of a call: those of a refine request, with files in place of uploads.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use concept_refinement_domain::original::AllowedSources;
use concept_refinement_domain::task::Refinement;
use concept_refinement_domain::validation::FieldErrors;
use concept_refinement_mcp::UNKNOWN_ARGUMENT;
use serde_json::{Map, Value};

use super::description::REFINE_IMAGE;
use crate::image_file::stem_of_url;
use crate::wiring::refiner::request::{check_fields, source};

const ORIGINAL: &str = "original_image_url";
const MASK: &str = "mask_url";

/// The names of the arguments that a refine request has under another name.
const RENAMED: [(&str, &str); 3] = [
    ("url", ORIGINAL),
    ("prompt", "refinement_prompt"),
    ("mask", MASK),
];

const PATH: &str = "path";
const OUT: &str = "out";

/// What a call asks for.
#[derive(Debug)]
pub struct Arguments {
    /// Its original.
    pub original: Source,
    /// What shows where the original is to change.
    pub mask: Option<Source>,
    /// Where the result is to be. None: beside the original.
    pub out: Option<PathBuf>,
    /// Everything else.
    pub refinement: Refinement,
}

/// Where an image is.
#[derive(Debug, PartialEq, Eq)]
pub enum Source {
    /// A file.
    Path(PathBuf),
    /// Somewhere that it is downloaded from.
    Url(String),
}

impl Arguments {
    /// Checks them as a service checks a request. `task_timeout`: the longest deadline.
    ///
    /// # Errors
    ///
    /// The problems of each argument. One that is not known is a problem too: a call that
    /// was meant otherwise may cost.
    pub fn parse(
        mut arguments: Map<String, Value>,
        allowed: &AllowedSources,
        task_timeout: Duration,
    ) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let path = text(&mut arguments, PATH, &mut errors);
        let out = text(&mut arguments, OUT, &mut errors);
        let mut fields = Map::new();
        for (name, value) in arguments {
            match field(&name) {
                Some(field) => _ = fields.insert(field.to_owned(), value),
                None => errors.add(&name, UNKNOWN_ARGUMENT),
            }
        }
        let has_url = fields.get(ORIGINAL).is_some_and(|url| !url.is_null());
        match path {
            None if !has_url && !errors.0.contains_key(PATH) => {
                errors.add(PATH, "is required, unless there is a url");
            }
            Some(_) if has_url => errors.add(PATH, "must not be sent together with url"),
            _ => {}
        }
        let mask = fields.get(MASK).and_then(Value::as_str).map(Source::of);
        let of_mask = source(matches!(mask, Some(Source::Url(_))), allowed);
        if !has_url {
            // An uploaded file has no address yet.
            fields.insert(ORIGINAL.to_owned(), Value::from(""));
        }
        let checked = check_fields(fields, source(has_url, allowed), of_mask, task_timeout);
        let refinement = checked.map_err(|FieldErrors(problems)| {
            for (field, problems) in problems {
                for problem in problems {
                    errors.add(argument(&field), problem);
                }
            }
        });
        match refinement {
            Ok(refinement) if errors.is_empty() => Ok(Self {
                original: match (path, &refinement.original_image_url) {
                    (None, Some(url)) => Source::Url(url.clone()),
                    (path, _) => Source::Path(path.unwrap_or_default().into()),
                },
                mask,
                out: out.map(PathBuf::from),
                refinement,
            }),
            _ => Err(errors),
        }
    }
}

impl Source {
    /// A file whose name looks like a URL can be given as `./NAME`.
    fn of(text: &str) -> Self {
        match text.contains("://") {
            true => Self::Url(text.to_owned()),
            false => Self::Path(text.into()),
        }
    }

    /// The folder beside it, for a URL the working directory, and its name without an
    /// extension.
    pub fn folder_and_stem(&self) -> (&Path, OsString) {
        let (folder, stem) = match self {
            Self::Path(path) => (path.parent(), path.file_stem().map(OsString::from)),
            Self::Url(url) => (None, stem_of_url(url).map(OsString::from)),
        };
        let folder = folder.filter(|folder| *folder != Path::new(""));
        let stem = stem.unwrap_or_else(|| "image".into());
        (folder.unwrap_or(Path::new(".")), stem)
    }
}

/// The field of a refine request that an argument is. Those that the tool describes and that
/// are not renamed have the same name.
fn field(name: &str) -> Option<&str> {
    let renamed = RENAMED.iter().find(|(argument, _)| *argument == name);
    let same = REFINE_IMAGE.takes(name).then_some(name);
    renamed.map(|(_, field)| *field).or(same)
}

/// The reverse.
fn argument(field: &str) -> &str {
    let renamed = RENAMED.iter().find(|(_, renamed)| *renamed == field);
    renamed.map_or(field, |(argument, _)| argument)
}

fn text(
    arguments: &mut Map<String, Value>,
    name: &str,
    errors: &mut FieldErrors,
) -> Option<String> {
    let problem = match arguments.remove(name) {
        None | Some(Value::Null) => return None,
        Some(Value::String(text)) if !text.is_empty() => return Some(text),
        Some(Value::String(_)) => "must not be empty",
        Some(_) => "must be a string",
    };
    errors.add(name, problem);
    None
}
