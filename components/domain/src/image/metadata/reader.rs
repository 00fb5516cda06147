//! The first pass.

use super::super::Format;
use super::container;
use super::output::Count;
use super::packets::Packets;
use super::scans::Scans;
use super::segment::{Event, Kind};
use super::strip::{self, Strip};
use super::walker::Walker;
use super::{Metadata, Rewrite, SourceType};

/// Reads a file as it arrives, in chunks of any size: what it says about itself beside its
/// pixels. Never fails: what cannot be read says nothing.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    walker: Walker,
    bytes: u64,
    /// None until the signature of a known format was found.
    survey: Option<Survey>,
}

/// What was found so far.
#[derive(Clone, Debug)]
struct Survey {
    format: Format,
    has_credentials: bool,
    packets: Packets,
    scans: Scans,
    /// What is left without the rest, as far as it can be told before the end.
    strip: Strip,
    kept: Count,
}

impl Reader {
    /// A reader of one file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes.
    pub fn push(&mut self, chunk: &[u8]) {
        self.bytes += chunk.len() as u64;
        let survey = &mut self.survey;
        self.walker.push(chunk, &mut |event| take(survey, event));
    }

    /// What was found, after the last bytes. `picture_end` is how many bytes the picture
    /// takes, from the file's first one on, as the inspector of the image
    /// tells.
    pub fn finish(&self, picture_end: u64) -> Metadata {
        let mut this = self.clone();
        let survey = &mut this.survey;
        this.walker.finish(&mut |event| take(survey, event));
        match this.survey {
            Some(survey) => survey.finish(picture_end),
            None => Metadata::none(self.bytes),
        }
    }
}

fn take(survey: &mut Option<Survey>, event: Event) {
    if survey.is_none()
        && let Event::Start {
            kind: Kind::Signature,
            head,
            ..
        } = event
    {
        *survey = container::format_of(head).map(Survey::new);
    }
    if let Some(survey) = survey {
        survey.take(event);
    }
}

impl Survey {
    fn new(format: Format) -> Self {
        Self {
            format,
            has_credentials: false,
            packets: Packets::new(format),
            scans: Scans::default(),
            strip: Strip::new(format, strip::Plan::default()),
            kept: Count::default(),
        }
    }

    fn take(&mut self, event: Event) {
        if let Event::Start { kind, .. } = event {
            self.has_credentials |= kind == Kind::Credentials;
        }
        self.packets.take(event);
        self.strip.take(event, &mut self.kept);
        self.scans.take(event, self.kept.0);
    }

    fn finish(self, picture_end: u64) -> Metadata {
        let cut = self.scans.cut(picture_end);
        let end_mark = container::end_mark(self.format).len() as u64;
        let plan = strip::Plan {
            length: cut.map_or(self.kept.0, |cut| cut.kept + end_mark),
            has_exif: self.strip.has_exif,
            cut: cut.map(|cut| cut.position),
        };
        let is_changed = self.strip.is_changed || cut.is_some();
        Metadata {
            has_credentials: self.has_credentials,
            source_type: self.packets.source_type().map(str::to_owned),
            stripped: is_changed.then_some(Rewrite::strip(self.format, plan)),
            marked: SourceType::ALL.map(|source| {
                let (plan, length) = self.packets.plan(source);
                Rewrite::mark(self.format, plan, length)
            }),
        }
    }
}
