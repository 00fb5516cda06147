//! Refines a file as the model does, without a service around it:
//! `cargo run --example refine -p concept-refinement-model-local -- IN OUT PROMPT [STRENGTH [THEME]]`

use std::io::{Error, ErrorKind, Result};
use std::time::Instant;

use concept_refinement_model_local::{Request, refine};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output, prompt, rest @ ..] = arguments.as_slice() else {
        return Err(Error::other(
            "usage: refine IN OUT PROMPT [STRENGTH [THEME]]",
        ));
    };
    let strength = match rest.first() {
        Some(strength) => strength
            .parse()
            .map_err(|error: std::num::ParseFloatError| invalid(&error))?,
        None => 0.7,
    };
    let media_type = match input.rsplit_once('.').map(|(_, extension)| extension) {
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("webp") => "image/webp",
        _ => "image/gif",
    };
    let image = std::fs::read(input)?;
    let started = Instant::now();
    let request = Request {
        media_type,
        prompt,
        theme: rest.get(1).map(String::as_str),
        strength,
    };
    let refined = refine(image, &request).map_err(|error| invalid(&error))?;
    std::fs::write(output, &refined.bytes)?;
    println!(
        "{output}: {}, {} bytes, {:?}",
        refined.media_type,
        refined.bytes.len(),
        started.elapsed()
    );
    if !refined.ignored.is_empty() {
        println!("nothing was done about: {}", refined.ignored.join(", "));
    }
    Ok(())
}

fn invalid(error: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidInput, error.to_string())
}
