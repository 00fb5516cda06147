//! The template of 0.1.0, filled: it inverts the colours of a PNG.

#[cfg(target_arch = "wasm32")]
mod component;

/// The refined image, and what the user is to know of it.
pub fn refine(image: Vec<u8>, prompt: &str) -> Result<(Vec<u8>, String), String> {
    if prompt.contains("impossible") {
        return Err("that is impossible".to_owned());
    }
    let problem = |error: &dyn std::fmt::Display| format!("the PNG cannot be read: {error}");
    let mut decoder = png::Decoder::new(std::io::Cursor::new(image));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(|error| problem(&error))?;
    let mut pixels = vec![0; reader.output_buffer_size().ok_or("the PNG is too large")?];
    let info = reader
        .next_frame(&mut pixels)
        .map_err(|error| problem(&error))?;
    let channels = info.color_type.samples();
    let colors = channels - usize::from(channels % 2 == 0);
    for pixel in pixels.chunks_exact_mut(channels) {
        for value in &mut pixel[..colors] {
            *value = u8::MAX - *value;
        }
    }
    let mut refined = Vec::new();
    let mut encoder = png::Encoder::new(&mut refined, info.width, info.height);
    encoder.set_color(info.color_type);
    encoder.set_depth(info.bit_depth);
    let mut writer = encoder.write_header().map_err(|error| problem(&error))?;
    writer
        .write_image_data(&pixels)
        .map_err(|error| problem(&error))?;
    writer.finish().map_err(|error| problem(&error))?;
    Ok((refined, "A model of 0.1.0 inverted the colours.".to_owned()))
}
