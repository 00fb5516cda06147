//! `verify FILE…`: what marks files bear, and with `--against URL` whether a service made
//! them. Only that service is asked, and nothing is sent without it.

mod service;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bytes::Bytes;
use clap::ArgMatches;
use concept_refinement_domain::image::metadata::{Metadata, Reader};
use concept_refinement_domain::image::{Inspector, Limits};
use concept_refinement_domain::provenance::{Mark, marks};
use concept_refinement_domain::sentence::sanitize;
use serde::Serialize;
use url::Url;

use super::failure::Failure;
use super::settings;
use super::terminal::{escaped, in_a_line, print, say};
use crate::config::table::Command;
use service::Service;

/// Largest file, in bytes: as large as a refined image can be.
const MAX_BYTES: u64 = 256 << 20;

/// Longest name that is shown, in code points.
const MAX_SHOWN: usize = 200;

#[derive(Serialize)]
struct Report {
    files: Vec<Verified>,
}

#[derive(Serialize)]
struct Verified {
    file: String,
    marks: Vec<Mark>,
    source: Option<String>,
    /// None: no service was asked, or it did not answer.
    made_here: Option<bool>,
}

pub fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let given = settings::given(matches, Some(Command::Verify))?;
    let config = settings::config(given.values)?;
    let service = match matches.get_one::<Url>("against") {
        Some(url) => Some(Service::new(url.clone(), &config)?),
        None => None,
    };
    let files = matches.get_many::<PathBuf>("file").unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut report = Report { files: Vec::new() };
    let mut is_well = true;
    for path in files {
        let verified = verified(path, service.as_ref(), &runtime);
        is_well &= verified.is_well;
        report.files.push(verified.file);
    }
    // Does not wait for a DNS lookup that hangs.
    runtime.shutdown_background();
    let text = match matches.get_flag("json") {
        true => escaped(&serde_json::to_string(&report).context("a report")?),
        false => {
            let lines: Vec<_> = report.files.iter().map(Verified::line).collect();
            lines.join("\n")
        }
    };
    print(format!("{text}\n").as_bytes())?;
    match is_well {
        true => Ok(()),
        false => Err(Failure::Told),
    }
}

/// A file, and whether there was nothing wrong with it.
struct Outcome {
    file: Verified,
    is_well: bool,
}

fn verified(path: &Path, service: Option<&Service>, runtime: &tokio::runtime::Runtime) -> Outcome {
    let file = path.to_string_lossy().into_owned();
    let name = sanitize(&file, MAX_SHOWN);
    let mut verified = Verified {
        file,
        marks: Vec::new(),
        source: None,
        made_here: None,
    };
    let bytes = match read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            say(&format!("{name} cannot be read: {error:#}"));
            return Outcome {
                file: verified,
                is_well: false,
            };
        }
    };
    match metadata(&bytes) {
        Ok(metadata) => {
            verified.marks = marks(&metadata).collect();
            verified.source = metadata.source_type().map(str::to_owned);
        }
        Err(sentence) => say(&format!("{name} cannot be read: {sentence}")),
    }
    let mut is_well = !verified.marks.is_empty();
    if let Some(service) = service {
        match runtime.block_on(service.made_here(bytes)) {
            Ok(made_here) => verified.made_here = Some(made_here),
            Err(error) => {
                say(&format!("{name}: {error:#}"));
                is_well = false;
            }
        }
    }
    Outcome {
        file: verified,
        is_well,
    }
}

fn read(path: &Path) -> anyhow::Result<Bytes> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    file.take(MAX_BYTES.saturating_add(1))
        .read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

/// What an image says of itself. The error is a sentence.
fn metadata(bytes: &[u8]) -> Result<Metadata, String> {
    let mut inspector = Inspector::new(Limits {
        max_bytes: MAX_BYTES,
        max_pixels: u64::MAX,
    });
    let mut reader = Reader::new();
    let pushed = inspector.push(bytes);
    reader.push(bytes);
    let inspected = pushed.and_then(|()| inspector.finish());
    let inspected = inspected.map_err(|problem| problem.to_string())?;
    Ok(reader.finish(inspected.bytes.saturating_sub(inspector.behind())))
}

impl Verified {
    fn line(&self) -> String {
        let marks: Vec<_> = self.marks.iter().map(|mark| mark.as_str()).collect();
        let marks = match marks.as_slice() {
            [] => "no mark".to_owned(),
            marks => marks.join(", "),
        };
        let source = match &self.source {
            Some(source) => format!(" ({source})"),
            None => String::new(),
        };
        let made = match self.made_here {
            Some(true) => ", made there",
            Some(false) => ", not made there",
            None => "",
        };
        in_a_line(&format!("{}: {marks}{source}{made}", self.file))
    }
}
