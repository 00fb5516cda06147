//! `refine IMAGE… PROMPT -o OUT`

use std::io;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use futures::{StreamExt as _, stream};

use super::failure::Failure;
use super::output::Output;
use super::progress::Progress;
use super::signals::Signals;
use super::source::Source;
use super::{code_cache, settings};
use crate::config::table::Command;
use crate::image_file::{misnamed, names_an_image};
use crate::wiring::refiner::request::{self, RefineError, RefineRequest, RefinedImage};
use crate::wiring::{HostBuilder, Refiner};

/// The default log level: errors are printed as one sentence, details only on
/// request.
const LOGGED: &str = "off";

pub fn run(
    matches: &ArgMatches,
    prepare: impl FnOnce(HostBuilder) -> HostBuilder,
) -> Result<(), Failure> {
    let (config, given) = settings::begin(matches, Some(Command::Refine), LOGGED)?;

    let runtime = tokio::runtime::Runtime::new()?;
    let text = |name| matches.get_one::<String>(name).cloned();
    let mut request = RefineRequest::new(text("prompt").unwrap_or_default());
    request.logo_description = text("logo-description");
    request.theme_description = text("theme-description");
    request.strength = matches.get_one("strength").copied();
    let aspects = matches.get_many("preserve-aspects").unwrap_or_default();
    request.preserve_aspects = aspects.copied().collect();
    request.seed = matches.get_one("seed").copied();
    request.region = matches.get_one("region").copied();
    request.mask_feather = matches.get_one("mask-feather").copied();
    request.region_only = matches.get_flag("region-only");
    request.deadline_seconds = matches.get_one("deadline-seconds").copied();
    let images = matches.get_many::<PathBuf>("image").unwrap_or_default();
    let sources: Vec<_> = images.map(|image| Source::of(image)).collect();
    let mask = matches.get_one::<PathBuf>("mask");
    let mask = mask.map(|mask| Source::of(mask));
    let is_stdin = |source: &&Source| matches!(source, Source::Stdin);
    if sources.iter().chain(&mask).filter(is_stdin).count() > 1 {
        return Err(Failure::usage("standard input can be one image only"));
    }
    if is_an_image(&request.prompt) {
        let prompt = &request.prompt;
        return Err(Failure::usage(format!(
            "PROMPT is missing: the last argument, {prompt}, is an image"
        )));
    }
    if let Some(mask) = &mask {
        let read = runtime.block_on(mask.read(config.max_image_bytes));
        let read = read.map_err(|error| unreadable(mask, &error));
        request.mask = Some(read.map_err(Failure::usage)?);
    }
    for source in &sources {
        let (allowed, limit) = (&config.allowed_sources, config.task_timeout);
        request::check(&request, source.url(), allowed, limit)
            .map_err(|error| Failure::usage(sentence(&error, source)))?;
    }
    let out = matches.get_one::<PathBuf>("output").cloned();
    let output = Output::new(&out.unwrap_or_default(), &sources)?;
    let max_bytes = config.max_image_bytes;
    let components = given.components(&config).map_err(Failure::Usage)?;
    let builder = prepare(HostBuilder::new(config).components(components));

    let done = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        tokio::select! {
            done = refine_all(builder, &sources, &request, output, max_bytes) => done,
            signal = signals.next() => Err(Failure::Stopped(signal.as_raw_value())),
        }
    });
    // Threads that are blocked on reading or writing are abandoned.
    runtime.shutdown_background();
    done
}

/// Detects an image in place of the prompt: `refine a.png b.png -o c.png`.
fn is_an_image(prompt: &str) -> bool {
    let path = Path::new(prompt);
    names_an_image(path) && path.is_file()
}

/// Runs in the order of the arguments, so that the same command produces the same
/// names. `max_bytes`: the largest original.
async fn refine_all(
    builder: HostBuilder,
    sources: &[Source],
    request: &RefineRequest,
    mut output: Output,
    max_bytes: u64,
) -> Result<(), Failure> {
    let progress = Progress::new(sources.len());
    let mut builder = builder.on_compiling(progress.telling());
    // With logging, the log has it.
    if !settings::is_verbose() {
        builder = builder.on_output(progress.listening());
    }
    let refiner = builder.refiner(code_cache::of_user()).await?;
    let one = async |source| {
        let refined = refined(&refiner, source, request, max_bytes, &progress).await;
        (source, refined)
    };
    let mut images = stream::iter(sources).map(one).buffered(refiner.at_once());
    let mut failed = false;
    while let Some((source, refined)) = images.next().await {
        let written = match refined {
            Ok(refined) => write(&mut output, source, refined, &progress).await,
            Err(sentence) => Err(sentence),
        };
        if let Err(sentence) = written {
            progress.tell(&sentence);
            failed = true;
        }
    }
    if failed { Err(Failure::Told) } else { Ok(()) }
}

/// Writes an image, and says where it is and what there is to say of it.
async fn write(
    output: &mut Output,
    source: &Source,
    mut refined: RefinedImage,
    progress: &Progress,
) -> Result<(), String> {
    let name = source.name();
    let notes = std::mem::take(&mut refined.notes);
    let format = refined.format;
    let written = output.write(source, refined).await;
    let written =
        written.map_err(|error| format!("{name}: the result cannot be written: {error}"))?;
    let Some(place) = written else {
        return Ok(());
    };
    let shown = place.display();
    if let Some(sentence) = misnamed(&place, format) {
        progress.tell(&format!("{shown}: {sentence}"));
    }
    progress.done(&format!("{name} → {shown} ({})", format.media_type()));
    for note in notes {
        progress.tell(&format!("{name}: {note}"));
    }
    Ok(())
}

async fn refined(
    refiner: &Refiner,
    source: &Source,
    request: &RefineRequest,
    max_bytes: u64,
    progress: &Progress,
) -> Result<RefinedImage, String> {
    let mut steps = progress.of(source.name());
    let image = source
        .read(max_bytes)
        .await
        .map_err(|error| unreadable(source, &error))?;
    refiner
        .refine(image, request, |stage| steps.began(stage))
        .await
        .map_err(|error| sentence(&error, source))
}

fn unreadable(source: &Source, error: &io::Error) -> String {
    format!("{} cannot be read: {error}", source.name())
}

/// Names the fields of a request as the command line does.
fn sentence(error: &RefineError, source: &Source) -> String {
    match error {
        RefineError::Failed(reason) => format!("{}: {reason}", source.name()),
        RefineError::Invalid(errors) => errors.joined(|field, problem| match field {
            "original_image_url" => format!("{} {problem}", source.name()),
            "refinement_prompt" => format!("PROMPT {problem}"),
            "mask_url" => format!("--mask {problem}"),
            field => format!("--{} {problem}", field.replace('_', "-")),
        }),
    }
}
