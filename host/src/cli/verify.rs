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

use super::connection::Server;
use super::failure::Failure;
use super::operator::block_on;
use super::settings;
use super::terminal::{escaped, in_a_line, print, say};
use crate::config::table::Command;
use service::made_here;

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
    #[serde(skip)]
    is_readable: bool,
}

pub fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let (config, _) = settings::read(matches, Some(Command::Verify))?;
    let url = matches.get_one::<Url>("against").cloned();
    let service = url.map(|url| Server::new(url, &config)).transpose()?;
    let files = matches.get_many::<PathBuf>("file").unwrap_or_default();
    let (report, is_well) = block_on(async {
        let mut report = Report { files: Vec::new() };
        let mut is_well = true;
        for path in files {
            let (verified, has_mark) = verified(path, service.as_ref()).await;
            is_well &= has_mark;
            report.files.push(verified);
        }
        Ok((report, is_well))
    })?;
    let text = match matches.get_flag("json") {
        true => escaped(&serde_json::to_string(&report).context("a report")?),
        false => {
            let readable = report.files.iter().filter(|file| file.is_readable);
            readable.map(Verified::line).collect::<Vec<_>>().join("\n")
        }
    };
    if !text.is_empty() {
        print(format!("{text}\n"))?;
    }
    match is_well {
        true => Ok(()),
        false => Err(Failure::Told),
    }
}

/// What is known of a file. False: it bears no mark, or something went wrong, which was said.
async fn verified(path: &Path, service: Option<&Server>) -> (Verified, bool) {
    let file = path.to_string_lossy().into_owned();
    let name = sanitize(&file, MAX_SHOWN);
    let mut verified = Verified {
        file,
        marks: Vec::new(),
        source: None,
        made_here: None,
        is_readable: false,
    };
    let bytes = match read(path) {
        Ok((bytes, metadata)) => {
            verified.marks = marks(&metadata).collect();
            verified.source = metadata.source_type().map(str::to_owned);
            verified.is_readable = true;
            bytes
        }
        Err(error) => {
            say(&format!("{name} cannot be read: {error:#}"));
            return (verified, false);
        }
    };
    let mut is_well = !verified.marks.is_empty();
    if let Some(service) = service {
        match made_here(service, bytes).await {
            Ok(made_here) => verified.made_here = Some(made_here),
            Err(error) => {
                say(&format!("{name}: {error:#}"));
                is_well = false;
            }
        }
    }
    (verified, is_well)
}

/// The bytes of an image, and what it says of itself.
fn read(path: &Path) -> anyhow::Result<(Bytes, Metadata)> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    file.take(MAX_BYTES.saturating_add(1))
        .read_to_end(&mut bytes)?;
    let mut inspector = Inspector::new(Limits {
        max_bytes: MAX_BYTES,
        max_pixels: u64::MAX,
    });
    inspector.push(&bytes)?;
    inspector.finish()?;
    let mut reader = Reader::new();
    reader.push(&bytes);
    let metadata = reader.finish(inspector.picture_end());
    Ok((bytes.into(), metadata))
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
