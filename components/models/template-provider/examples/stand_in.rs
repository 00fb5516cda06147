//! A provider on this machine, which inverts the colours of images, to see the model work.
//!
//! `cargo run --example stand_in` answers at `http://127.0.0.1:9000` until it is stopped.

use std::error::Error;
use std::io::{self, BufRead as _, BufReader, Cursor, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use image::ImageFormat;
use serde_json::{Value, json};

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:9000")?;
    println!("a stand-in for a provider answers at http://127.0.0.1:9000");
    let mut results = Vec::new();
    for stream in listener.incoming() {
        if let Err(error) = answer(&stream?, &mut results) {
            println!("{error}");
        }
    }
    Ok(())
}

/// One request a connection. The id of a piece of work is its place in `results`.
fn answer(mut stream: &TcpStream, results: &mut Vec<Vec<u8>>) -> Result<(), Box<dyn Error>> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let mut length = 0;
    loop {
        let mut field = String::new();
        reader.read_line(&mut field)?;
        match field.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse()?;
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    println!("{method} {path}");

    let id = path
        .strip_prefix("/v1/edits/")
        .and_then(|id| id.parse::<usize>().ok());
    let (status, contents) = match id.map(|id| results.get(id)) {
        Some(Some(result)) => ("200 OK", result.clone()),
        Some(None) => ("404 Not Found", error("there is no such work")),
        None => match inverted(&body) {
            Ok(result) => {
                results.push(result);
                let id = (results.len() - 1).to_string();
                ("201 Created", json!({"id": id}).to_string().into_bytes())
            }
            Err(problem) => ("422 Unprocessable Content", error(&problem.to_string())),
        },
    };
    let length = contents.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    Ok(stream.write_all(&contents)?)
}

fn error(sentence: &str) -> Vec<u8> {
    json!({"error": sentence}).to_string().into_bytes()
}

fn inverted(body: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let request: Value = serde_json::from_slice(body)?;
    let image = request.get("image").and_then(Value::as_str);
    let image = image.ok_or("there is no image")?;
    let original = BASE64_STANDARD.decode(image)?;
    let mut image = image::load_from_memory(&original)?;
    image.invert();
    let mut png = Cursor::new(Vec::new());
    image.write_to(&mut png, ImageFormat::Png)?;
    Ok(png.into_inner())
}
