//! The arguments of a call: those of a refine request, with files in place of uploads.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use concept_refinement_domain::original::AllowedSources;
use concept_refinement_domain::task::Refinement;
use concept_refinement_domain::validation::{Draft, FieldErrors, Source as Checked};
use serde_json::{Map, Value};

use crate::image_file::stem_of_url;
use crate::wiring::refiner::request::RefineRequest;

/// The names of the arguments that a refine request has under another name.
const RENAMED: [(&str, &str); 3] = [
    ("url", "original_image_url"),
    ("prompt", "refinement_prompt"),
    ("mask", "mask_url"),
];

/// The names of those that it has under the same name.
const SAME: [&str; 8] = [
    "logo_description",
    "theme_description",
    "strength",
    "seed",
    "preserve_aspects",
    "region",
    "mask_feather",
    "region_only",
];
const DEADLINE: &str = "deadline_seconds";
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
    /// Everything else, without the mask.
    pub request: RefineRequest,
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
                None => errors.add(&name, "is no argument of this tool"),
            }
        }
        let url = fields
            .get("original_image_url")
            .filter(|url| !url.is_null());
        match (&path, url) {
            (None, None) if !errors.0.contains_key(PATH) => {
                errors.add(PATH, "is required, unless there is a url");
            }
            (Some(_), Some(_)) => errors.add(PATH, "must not be sent together with url"),
            _ => {}
        }
        let has_url = url.is_some();
        if !has_url {
            fields.insert("original_image_url".to_owned(), Value::from(""));
        }
        let mask = fields.get("mask_url").and_then(Value::as_str);
        let mask = mask.map(|mask| Source::of(mask));
        let original = match has_url {
            true => Checked::Elsewhere(allowed),
            false => Checked::Own,
        };
        let checked = match mask {
            Some(Source::Url(_)) => Checked::Elsewhere(allowed),
            _ => Checked::Own,
        };
        // There is no webhook here.
        let webhooks = AllowedSources::default();
        let refinement = match Draft::of(fields).check(original, checked, &webhooks, task_timeout) {
            Ok(request) => Some(request.refinement),
            Err(FieldErrors(problems)) => {
                for (field, problems) in problems {
                    let name = argument(&field);
                    problems
                        .into_iter()
                        .for_each(|problem| errors.add(name, problem));
                }
                None
            }
        };
        match refinement {
            Some(refinement) if errors.is_empty() => Ok(Self {
                original: match path {
                    Some(path) => Source::Path(path.into()),
                    None => Source::Url(refinement.original_image_url.clone().unwrap_or_default()),
                },
                mask,
                out: out.map(PathBuf::from),
                request: request(refinement),
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

/// The problems in one sentence.
pub fn sentence(FieldErrors(fields): &FieldErrors) -> String {
    let problems = fields.iter().flat_map(|(name, problems)| {
        let told = move |problem| format!("{name} {problem}");
        problems.iter().map(told)
    });
    problems.collect::<Vec<_>>().join("; ")
}

/// The field of a refine request that an argument is.
fn field(name: &str) -> Option<&str> {
    let renamed = RENAMED.iter().find(|(argument, _)| *argument == name);
    let same = SAME.contains(&name) || name == DEADLINE;
    renamed.map(|(_, field)| *field).or(same.then_some(name))
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
    match arguments.remove(name) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text),
        Some(_) => {
            errors.add(name, "must be a string");
            None
        }
    }
}

fn request(refinement: Refinement) -> RefineRequest {
    RefineRequest {
        prompt: refinement.refinement_prompt,
        logo_description: refinement.logo_description,
        theme_description: refinement.theme_description,
        strength: refinement.strength.map(|strength| strength.value()),
        preserve_aspects: refinement.preserve_aspects.unwrap_or_default(),
        seed: refinement.seed,
        region: refinement.region,
        mask: None,
        mask_feather: refinement.mask_feather,
        region_only: refinement.region_only.unwrap_or_default(),
        deadline_seconds: refinement.deadline_seconds,
    }
}
