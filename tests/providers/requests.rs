//! What each provider is asked, field by field.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures::{self, Picture};
use concept_refinement_tests::provider::{Asked, Part, Provider};
use concept_refinement_tests::server::Reply;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::kinds::{Kind, image, refined};

const LOGO: &str = "A modern coffee shop logo with coffee beans";
const THEME: &str = "Warm brown tones, natural feeling";

/// The one request that a refinement of the picture with descriptions leads to,
/// and the prompt in it.
async fn asked(kind: Kind, picture: &Picture) -> (Asked, String) {
    let pair = kind.pair();
    let prompt = pair.provider.prompt([kind.success(picture)]);
    let client = Client::session(pair.service.url()).await;
    let original = client.uploaded(picture).await;
    let body = json!({
        "original_image_url": original,
        "refinement_prompt": prompt,
        "logo_description": LOGO,
        "theme_description": THEME,
    });
    let answer = client.post("/api/concepts/refine", &body).await;
    let task = client.finished(&answer.task_id()).await;
    assert!(image(&client, &task).await == marked(picture), "{kind:?}");
    let mut asked = pair.provider.asked(&prompt);
    assert_eq!(asked.len(), 1, "{kind:?}");
    let enriched = format!("{prompt} Logo: {LOGO}. Theme: {THEME}.");
    (asked.remove(0), enriched)
}

#[tokio::test]
async fn a_request_names_itself_and_nobody_else() {
    let picture = pictures::png(8, 8);
    join_all(Kind::ALL.map(async |kind| {
        let (asked, _) = asked(kind, &picture).await;
        match kind {
            Kind::Cog => {
                assert_eq!(asked.method, "PUT");
                let id = asked.path.strip_prefix(kind.path()).unwrap();
                assert_eq!(id.len(), 36, "{id} is no id of a task");
            }
            _ => assert_eq!(
                (asked.method.as_str(), asked.path.as_str()),
                ("POST", kind.path())
            ),
        }
        let (name, credentials) = kind.credentials();
        let authority = kind.pair().provider.authority();
        let length = asked.body.len().to_string();
        let accepted = match kind {
            Kind::Stability => "application/json",
            _ => "application/json, image/png, image/jpeg, image/webp, image/gif",
        };
        let mut expected = vec![
            (name, Some(credentials.as_str())),
            ("host", Some(authority.as_str())),
            ("user-agent", Some("concept-refinement")),
            ("accept", Some(accepted)),
            ("accept-encoding", Some("identity")),
            ("content-length", Some(length.as_str())),
            ("transfer-encoding", None),
            ("cookie", None),
            ("referer", None),
        ];
        if kind == Kind::JigsawStack {
            expected.push(("authorization", None));
        }
        for (name, value) in expected {
            assert_eq!(asked.header(name), value, "{kind:?}: {name}");
        }
    }))
    .await;
}

#[tokio::test]
async fn jigsawstack_gets_the_original_as_a_data_url() {
    for picture in pictures::all(40, 30) {
        let (asked, prompt) = asked(Kind::JigsawStack, &picture).await;
        let base64 = STANDARD.encode(&picture.bytes);
        let expected = json!({
            "prompt": prompt,
            "image_url": format!("data:{};base64,{base64}", picture.media_type),
            "strength": 0.7,
            "steps": 30,
            "advance_config": {
                "negative_prompt": "blurry, low quality",
                "guidance": 7.5,
            },
        });
        assert_eq!(asked.json(), expected);
    }
}

/// What was checked is what the provider gets. The operator may let it fetch an
/// original that it can reach.
#[tokio::test]
async fn jigsawstack_fetches_an_original_only_where_the_operator_says_so() {
    let kind = Kind::JigsawStack;
    let picture = pictures::png(40, 30);
    let public = "https://images.example.com";
    for (form, public_url, by_url) in [
        (None, public, false),
        (Some("bytes"), public, false),
        (Some("url"), public, true),
        (Some("url"), "http://192.168.1.7:8080", false),
        (Some("url"), "http://localhost:8080", false),
    ] {
        let provider = Provider::start();
        let launch = kind.launch(&provider.url()).set("public-url", public_url);
        let service = match form {
            Some(form) => launch.set("model-original", form).start(),
            None => launch.start(),
        };
        let client = Client::session(service.url()).await;
        let original = client.uploaded(&picture).await;
        let prompt = provider.prompt([kind.success(&picture)]);
        let task = client.refined(&original, &prompt).await;
        assert_eq!(task["status"], "completed", "{task}");
        let asked = provider.asked(&prompt)[0].json();
        let url = asked["image_url"].as_str().unwrap();
        match by_url {
            true => assert!(
                url.starts_with(&format!("{public_url}/api/images/")),
                "{url}"
            ),
            false => assert!(
                in_base64(&asked["image_url"]) == picture.bytes,
                "{form:?}: {url}"
            ),
        }
        assert_eq!(asked["strength"], json!(0.7));
    }
}

#[tokio::test]
async fn openai_gets_a_form_with_a_file() {
    for picture in pictures::all(40, 30) {
        let (asked, prompt) = asked(Kind::OpenAi, &picture).await;
        let field = |name: &str, value: &str| Part {
            disposition: format!("form-data; name=\"{name}\""),
            content_type: None,
            contents: value.as_bytes().to_vec(),
        };
        let extension = match picture.media_type {
            "image/jpeg" => "jpg",
            other => other.trim_start_matches("image/"),
        };
        let file = Part {
            disposition: format!("form-data; name=\"image\"; filename=\"image.{extension}\""),
            content_type: Some(picture.media_type.to_owned()),
            contents: picture.bytes.clone(),
        };
        let expected = [
            field("model", "gpt-image-2.6-sunburst"),
            field("n", "1"),
            field("prompt", &prompt),
            file,
        ];
        assert_eq!(asked.form(), expected);
    }
}

#[tokio::test]
async fn stability_gets_a_form_with_a_file_and_a_strength() {
    let picture = pictures::png(40, 30);
    let (asked, prompt) = asked(Kind::Stability, &picture).await;
    let parts: Vec<_> = asked
        .form()
        .into_iter()
        .map(|part| (part.disposition, part.contents))
        .collect();
    let field = |name: &str, value: &str| {
        let disposition = format!("form-data; name=\"{name}\"");
        (disposition, value.as_bytes().to_vec())
    };
    let file = "form-data; name=\"image\"; filename=\"image.png\"".to_owned();
    let expected = [
        field("prompt", &prompt),
        field("strength", "0.70"),
        field("output_format", "png"),
        field("mode", "image-to-image"),
        field("model", "sd3.5-large"),
        (file, picture.bytes),
    ];
    assert_eq!(parts, expected);
}

#[tokio::test]
async fn a_cog_server_gets_the_original_as_a_data_url() {
    let picture = pictures::webp(40, 30);
    let (asked, prompt) = asked(Kind::Cog, &picture).await;
    let base64 = STANDARD.encode(&picture.bytes);
    let image = format!("data:image/webp;base64,{base64}");
    let expected = json!({"input": {"prompt": prompt, "image": image}});
    assert_eq!(asked.json(), expected);
}

/// A repeat does not pay twice: it is of the same prediction.
#[tokio::test]
async fn a_cog_server_is_asked_again_under_the_same_id() {
    let pair = Kind::Cog.pair();
    let busy = Reply::status(503);
    let picture = pictures::png(8, 8);
    let prompt = pair.provider.prompt([busy, Kind::Cog.success(&picture)]);
    let (client, task) = pair.refined(&prompt).await;
    assert!(image(&client, &task).await == marked(&picture));
    let asked = pair.provider.asked(&prompt);
    let paths: Vec<_> = asked.iter().map(|asked| asked.path.as_str()).collect();
    let path = format!("/predictions/{}", task["task_id"].as_str().unwrap());
    assert_eq!(paths, [&path, &path]);
}

/// Each handshake would cost every task its round trips.
#[tokio::test]
async fn a_provider_is_asked_for_the_next_task_on_the_same_connection() {
    const TASKS: usize = 6;
    let picture = pictures::png(8, 8);
    join_all(Kind::ALL.map(async |kind| {
        let provider = Provider::start();
        // Each core has connections of its own.
        let service = kind.launch(&provider.url()).on_cores(1).start();
        for _ in 0..TASKS {
            let prompt = provider.prompt([kind.success(&picture)]);
            let (client, task) = refined(&service, &prompt).await;
            assert!(image(&client, &task).await == marked(&picture), "{kind:?}");
        }
        // So has the runtime on which a call goes on that has computed for long, as
        // unoptimised components may; and none waits for longer than four seconds.
        let connections = provider.connections();
        assert!(connections < TASKS, "{kind:?}: {connections}");
    }))
    .await;
}

/// Which of its models a provider is asked for.
#[tokio::test]
async fn a_model_is_chosen_by_its_name() {
    let picture = pictures::png(8, 8);
    let named = async |kind: Kind, name: &str| {
        let provider = Provider::start();
        let service = kind.launch(&provider.url()).set("model-name", name).start();
        let prompt = provider.prompt([kind.success(&picture)]);
        let (client, task) = refined(&service, &prompt).await;
        assert!(image(&client, &task).await == marked(&picture), "{kind:?}");
        provider.asked(&prompt).remove(0)
    };
    let asked = named(Kind::OpenAi, "gpt-image-2").await;
    assert_eq!(asked.form()[0].contents, b"gpt-image-2");

    let asked = named(Kind::Automatic1111, "flux").await;
    let expected = json!({"sd_model_checkpoint": "flux"});
    assert_eq!(asked.json()["override_settings"], expected);

    let asked = named(Kind::Stability, "structure").await;
    assert_eq!(asked.path, "/v2beta/stable-image/control/structure");
    assert_eq!(asked.form()[1].contents, b"0.30");
}

/// A prompt that tries to add a field is only a prompt, since nobody knows the
/// boundary beforehand.
#[tokio::test]
async fn a_boundary_is_used_once() {
    let picture = pictures::png(8, 8);
    let (first, _) = asked(Kind::OpenAi, &picture).await;
    let (second, _) = asked(Kind::OpenAi, &picture).await;
    assert_ne!(first.header("content-type"), second.header("content-type"));
}

#[tokio::test]
async fn automatic1111_gets_the_original_in_base64_and_a_size() {
    for (picture, width, height) in [
        (pictures::png(640, 480), 640, 480),
        (pictures::jpeg(1500, 1000), 1024, 680),
        (pictures::webp(40, 30), 64, 64),
        (pictures::gif(100, 200), 96, 200),
    ] {
        let (asked, prompt) = asked(Kind::Automatic1111, &picture).await;
        let expected = json!({
            "prompt": prompt,
            "negative_prompt": "blurry, low quality",
            "init_images": [STANDARD.encode(&picture.bytes)],
            "denoising_strength": 0.7,
            "steps": 30,
            "cfg_scale": 7.5,
            "width": width,
            "height": height,
            "include_init_images": false,
        });
        assert_eq!(asked.json(), expected);
    }
}

/// Larger than any buffer on the way, and not a multiple of three bytes.
#[tokio::test]
async fn a_large_original_arrives_whole() {
    let picture = pictures::large_png(15_000_000);
    join_all(Kind::ALL.map(async |kind| {
        let (asked, _) = asked(kind, &picture).await;
        let image = match kind {
            Kind::OpenAi => asked.form().remove(3).contents,
            Kind::Stability => asked.form().remove(5).contents,
            Kind::Cog => in_base64(&asked.json()["input"]["image"]),
            Kind::JigsawStack => in_base64(&asked.json()["image_url"]),
            Kind::Automatic1111 => in_base64(&asked.json()["init_images"][0]),
        };
        assert!(image == picture.bytes, "{kind:?}: other bytes");
    }))
    .await;
}

/// It is sent while it is read: an instance that waits for its provider holds
/// nothing of it.
#[tokio::test]
async fn a_large_original_takes_no_memory_of_the_model() {
    let picture = pictures::large_png(20_000_000);
    join_all(Kind::ALL.map(async |kind| {
        let provider = Provider::start();
        let launch = kind.launch(&provider.url()).set("model-memory", "16MiB");
        let service = launch.start();
        let client = Client::session(service.url()).await;
        let original = client.uploaded(&picture).await;
        let prompt = provider.prompt([kind.success(&pictures::png(8, 8))]);
        let task = client.refined(&original, &prompt).await;
        assert_eq!(task["status"], "completed", "{kind:?}: {task}");
        let asked = provider.asked(&prompt);
        assert!(asked[0].body.len() > picture.bytes.len(), "{kind:?}");
    }))
    .await;
}

fn in_base64(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap();
    let (_, base64) = text.split_once(',').unwrap_or(("", text));
    STANDARD.decode(base64).unwrap()
}
