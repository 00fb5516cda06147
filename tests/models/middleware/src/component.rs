//! The bindings, and what each prompt means.

use std::hint::black_box;

use wasip3::clocks::monotonic_clock;

// The generated code crosses the boundary of the component, which is unsafe by
// its nature.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit",
        world: "image-model-middleware",
    });

    export!(Component with_types_in self);
    use super::Component;
}

use bindings::concept::refinement::blobs::{Blob, Purpose};
use bindings::concept::refinement::next_models::LinkError;
use bindings::concept::refinement::{model_state, next_models, settings};
use bindings::exports::concept::refinement::image_model::{Answer, Error, Guest, Mask, Request};
use bindings::wit_stream;

struct Component;

impl Guest for Component {
    async fn refine(mut request: Request) -> Result<Answer, Error> {
        let prompt = request.prompt.clone();
        if let Some(name) = prompt.strip_prefix("tell: ") {
            let value = settings::get(name.to_owned()).await;
            return Err(Error::Refused(value.unwrap_or("nothing".to_owned())));
        }
        if let Some(text) = prompt.strip_prefix("remember: ") {
            let key = "remembered".to_owned();
            let before = model_state::get(key.clone()).await;
            let done = model_state::swap(key, before.clone(), Some(text.into())).await;
            let before = before.map(|text| String::from_utf8_lossy(&text).into_owned());
            return Err(Error::Refused(format!("{done}, after {before:?}")));
        }
        match prompt.as_str() {
            "trap before" => trap(),
            "loop before" => loop_for_ever(),
            "hang before" => hang().await,
            "leak before" => leak(),
            "trap afterwards" => {
                let _answer = next(request, "echo it").await?;
                trap()
            }
            "loop afterwards" => {
                let _answer = next(request, "echo it").await?;
                loop_for_ever()
            }
            "hang afterwards" => {
                let _answer = next(request, "echo it").await?;
                hang().await
            }
            "trap while it answers" => {
                let answer = next(request, "hold 1MiB for 300ms midway").await?;
                wit_bindgen::spawn(async {
                    monotonic_clock::wait_for(50_000_000).await;
                    trap()
                });
                Ok(answer)
            }
            "ask for ever" => loop {
                let (_, image) = wit_stream::new();
                if let Err(Error::Refused(reason)) = ask(&request, "refuse: no", image).await
                    && reason != "no"
                {
                    return Err(Error::Refused(reason));
                }
            },
            "ask two at once" => {
                let (_, image) = wit_stream::new();
                let first = ask(&request, "instant", image).await?;
                let (_, image) = wit_stream::new();
                let second = ask(&request, "instant", image).await;
                drop(first);
                second
            }
            "ask with an endless image" => {
                let (mut writer, image) = wit_stream::new();
                wit_bindgen::spawn(async move {
                    while writer.write_all(vec![0; 64 << 10]).await.is_empty() {}
                });
                let endless = Request {
                    length: u64::MAX,
                    ..request
                };
                ask(&endless, "echo it", image).await
            }
            // Seed and mask are its own.
            "ask with a mask" => {
                let (mut writer, contents) = wit_stream::new();
                wit_bindgen::spawn(async move {
                    writer.write_all(vec![0; 70_000]).await;
                });
                let mask = Mask {
                    media_type: "image/png".to_owned(),
                    length: 70_000,
                    contents,
                };
                let (_, empty) = wit_stream::new();
                let image = std::mem::replace(&mut request.image, empty);
                let asked = Request {
                    seed: Some(7),
                    options: vec![("size".to_owned(), "large".to_owned())],
                    mask: Some(mask),
                    ..asked(&request, "tell", image)
                };
                next_models::refine(0, asked).await.map_err(of_link)
            }
            "hoard blobs" => {
                let mut blobs = Vec::new();
                loop {
                    let held = Blob::reserve(Purpose::Answer, 64 << 10).await;
                    match held {
                        Ok(blob) if blob.append(vec![1; 64 << 10]).await.is_ok() => {
                            blobs.push(blob);
                        }
                        _ => {
                            let held = blobs.len();
                            return Err(Error::Refused(format!("{held} blobs are held")));
                        }
                    }
                }
            }
            "fill a blob" => {
                let Ok(blob) = Blob::reserve(Purpose::Answer, 0).await else {
                    return Err(Error::Refused("no blob is held".to_owned()));
                };
                let mut pieces = 0;
                while blob.append(vec![1; 64 << 10]).await.is_ok() {
                    pieces += 1;
                }
                Err(Error::Refused(format!("{pieces} pieces are held")))
            }
            "hoard memories" => {
                let key = |index: i32| format!("hoard {index}");
                for index in 0..10_000 {
                    model_state::swap(key(index), None, Some(vec![1; 1 << 10])).await;
                }
                let mut held = 0;
                for index in 0..10_000 {
                    held += usize::from(model_state::get(key(index)).await.is_some());
                }
                Err(Error::Refused(format!("{held} values are remembered")))
            }
            prompt => next(request, prompt).await,
        }
    }

    async fn describe() -> String {
        "The scripted middleware does what the prompt tells it to do.".to_owned()
    }
}

/// Asks the model behind it with the image as it came.
async fn next(mut request: Request, prompt: &str) -> Result<Answer, Error> {
    let (_, empty) = wit_stream::new();
    let image = std::mem::replace(&mut request.image, empty);
    ask(&request, prompt, image).await
}

async fn ask(
    request: &Request,
    prompt: &str,
    image: wit_bindgen::StreamReader<u8>,
) -> Result<Answer, Error> {
    let asked = asked(request, prompt, image);
    next_models::refine(0, asked).await.map_err(of_link)
}

/// The same request, for this prompt and image.
fn asked(request: &Request, prompt: &str, image: wit_bindgen::StreamReader<u8>) -> Request {
    Request {
        task_id: request.task_id.clone(),
        prompt: prompt.to_owned(),
        strength: request.strength,
        seed: request.seed,
        logo_description: request.logo_description.clone(),
        theme_description: request.theme_description.clone(),
        media_type: request.media_type.clone(),
        length: request.length,
        source_url: request.source_url.clone(),
        receipt: None,
        time_left: request.time_left,
        receipt_key: request.receipt_key.clone(),
        options: request.options.clone(),
        image,
        mask: None,
    }
}

fn of_link(error: LinkError) -> Error {
    match error {
        LinkError::Unavailable(unavailable) => Error::Unavailable(unavailable),
        LinkError::Unknown(reason) => Error::Unknown(reason),
        LinkError::Unauthorized(reason) => Error::Unauthorized(reason),
        LinkError::Refused(reason) => Error::Refused(reason),
        LinkError::Broken(reason) => Error::Broken(reason),
    }
}

async fn hang() -> ! {
    loop {
        monotonic_clock::wait_for(3_600_000_000_000).await;
    }
}

#[allow(clippy::panic, reason = "a crash is what the test asked for")]
fn trap() -> ! {
    panic!("the prompt asked for a crash");
}

fn loop_for_ever() -> ! {
    let mut rounds = 0u64;
    loop {
        rounds = black_box(rounds.wrapping_add(1));
    }
}

fn leak() -> ! {
    let mut leaked = Vec::new();
    loop {
        leaked.push(black_box(vec![1u8; 1 << 20]));
    }
}
