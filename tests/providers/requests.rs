//! What each provider is asked, field by field.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures::{self, Picture};
use concept_refinement_tests::provider::{Asked, Provider};
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::stand_in::cog::Cog;
use concept_refinement_tests::stand_in::jigsawstack::JigsawStack;
use concept_refinement_tests::stand_in::openai::OpenAi;
use concept_refinement_tests::stand_in::{ALL, Body, OtherModel, Refinement, StandIn as _};
use futures::future::join_all;
use futures::stream::{self, StreamExt as _};
use serde_json::json;

use crate::pairs::{Pair, image, pair, pairs, refined, started};

const LOGO: &str = "A modern coffee shop logo with coffee beans";
const THEME: &str = "Warm brown tones, natural feeling";

/// Large originals at once. Each is copied several times on its way: all of them together keep
/// a machine busy for longer than a request may take.
const LARGE_AT_ONCE: usize = 2;

/// The one request that a task leads to.
struct Request {
    asked: Asked,
    task: String,
    /// What the provider is to do.
    prompt: String,
}

/// That of a refinement of the picture with descriptions.
async fn request(pair: &Pair, picture: &Picture) -> Request {
    let Pair {
        stand_in,
        service,
        provider,
    } = pair;
    let prompt = provider.prompt([stand_in.success(provider, picture)]);
    let client = Client::session(service.url()).await;
    let original = client.uploaded(picture).await;
    let more = json!({"logo_description": LOGO, "theme_description": THEME});
    let id = client.accepted_with(&original, &prompt, &more).await;
    let task = client.finished(&id).await;
    let is_same = image(&client, &task).await == marked(picture);
    assert!(is_same, "{}", pair.label());
    let mut asked = provider.asked(&prompt);
    assert_eq!(asked.len(), 1, "{}", pair.label());
    Request {
        asked: asked.remove(0),
        task: id,
        prompt: format!("{prompt} Logo: {LOGO}. Theme: {THEME}."),
    }
}

#[tokio::test]
async fn a_request_names_itself_and_nobody_else() {
    let picture = pictures::png(8, 8);
    join_all(pairs().iter().map(async |pair| {
        let Request { asked, task, .. } = request(pair, &picture).await;
        let (label, stand_in) = (pair.label(), pair.stand_in);
        let (method, path) = stand_in.request_line(&task);
        assert_eq!((asked.method.as_str(), &asked.path), (method, &path));
        let (name, credentials) = stand_in.credentials();
        let authority = pair.provider.authority();
        let length = asked.body.len().to_string();
        for (name, value) in [
            (name, Some(credentials.as_str())),
            ("host", Some(authority.as_str())),
            ("user-agent", Some("concept-refinement")),
            ("accept", Some(stand_in.accept())),
            ("accept-encoding", Some("identity")),
            ("content-length", Some(length.as_str())),
            ("transfer-encoding", None),
            ("cookie", None),
            ("referer", None),
        ] {
            assert_eq!(asked.header(name), value, "{label}: {name}");
        }
        let others = ALL.iter().map(|stand_in| stand_in.credentials().0);
        for other in others.filter(|other| *other != name) {
            assert_eq!(asked.header(other), None, "{label}: {other}");
        }
    }))
    .await;
}

#[tokio::test]
async fn each_gets_the_original_the_prompt_and_nothing_unknown() {
    let pictures = [
        pictures::png(640, 480),
        pictures::jpeg(1500, 1000),
        pictures::gif(100, 200),
    ];
    let pictures: Vec<_> = pictures.into_iter().chain(pictures::all(40, 30)).collect();
    join_all(pairs().iter().map(async |pair| {
        for original in &pictures {
            if !pair.stand_in.takes(original.media_type) {
                continue;
            }
            let request = request(pair, original).await;
            let expected = pair.stand_in.body(&Refinement {
                task: &request.task,
                prompt: &request.prompt,
                original,
            });
            let body = match expected {
                Body::Json(_) => Body::Json(request.asked.json()),
                Body::Form(_) => Body::Form(request.asked.form()),
            };
            assert_eq!(body, expected, "{}", pair.label());
            let came = pair.stand_in.original(&pair.provider, &request.asked);
            assert!(came == original.bytes, "{}: other bytes", pair.label());
        }
    }))
    .await;
}

/// What was checked is what the provider gets. The operator may let it fetch an
/// original that it can reach.
#[tokio::test]
async fn jigsawstack_fetches_an_original_only_where_the_operator_says_so() {
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
        let launch = JigsawStack
            .launch(&provider.url())
            .set("public-url", public_url);
        let service = match form {
            Some(form) => launch.set("model-original", form).start(),
            None => launch.start(),
        };
        let client = Client::session(service.url()).await;
        let original = client.uploaded(&picture).await;
        let prompt = provider.prompt([JigsawStack.success(&provider, &picture)]);
        client.completed(&original, &prompt).await;
        let asked = provider.asked(&prompt).remove(0);
        match by_url {
            true => {
                let json = asked.json();
                let url = json["image_url"].as_str().unwrap();
                let address = format!("{public_url}/api/images/");
                assert!(url.starts_with(&address), "{url}");
            }
            false => {
                let came = JigsawStack.original(&provider, &asked);
                assert!(came == picture.bytes, "{form:?}");
            }
        }
        assert_eq!(asked.json()["strength"], json!(0.7));
    }
}

/// A repeat does not pay twice: it is of the same prediction.
#[tokio::test]
async fn a_cog_server_is_asked_again_under_the_same_id() {
    let pair = pair(&Cog);
    let busy = Reply::status(503);
    let picture = pictures::png(8, 8);
    let success = Cog.success(&pair.provider, &picture);
    let prompt = pair.provider.prompt([busy, success]);
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
    join_all(ALL.iter().map(async |stand_in| {
        let label = stand_in.label();
        let provider = stand_in.start();
        // Each core has connections of its own.
        let service = stand_in.launch(&provider.url()).on_cores(1).start();
        for _ in 0..TASKS {
            let prompt = provider.prompt([stand_in.success(&provider, &picture)]);
            let (client, task) = refined(&service, &prompt).await;
            assert!(image(&client, &task).await == marked(&picture), "{label}");
        }
        // So has the runtime on which a call goes on that has computed for long, as
        // unoptimised components may; and none waits for longer than four seconds.
        let connections = provider.connections();
        assert!(connections < TASKS, "{label}: {connections}");
    }))
    .await;
}

/// Which of its models a provider is asked for.
#[tokio::test]
async fn a_model_is_chosen_by_its_name() {
    let picture = pictures::png(8, 8);
    let models = ALL.iter().flat_map(|stand_in| {
        let models = stand_in.other_models().into_iter();
        models.map(move |model| (stand_in, model))
    });
    join_all(models.map(async |(stand_in, OtherModel { name, check })| {
        let provider = stand_in.start();
        let launch = stand_in.launch(&provider.url()).set("model-name", name);
        let service = started(launch).await;
        let prompt = provider.prompt([stand_in.success(&provider, &picture)]);
        let (client, task) = refined(&service, &prompt).await;
        assert!(image(&client, &task).await == marked(&picture), "{name}");
        check(&provider.asked(&prompt)[0]);
    }))
    .await;
}

/// A prompt that tries to add a field is only a prompt, since nobody knows the
/// boundary beforehand.
#[tokio::test]
async fn a_boundary_is_used_once() {
    let picture = pictures::png(8, 8);
    let first = request(pair(&OpenAi), &picture).await.asked;
    let second = request(pair(&OpenAi), &picture).await.asked;
    assert_ne!(first.header("content-type"), second.header("content-type"));
}

/// It is larger than any buffer on the way, not a multiple of three bytes, and sent while it is
/// read: an instance that waits for its provider holds nothing of it.
#[tokio::test]
async fn a_large_original_arrives_whole_and_takes_no_memory_of_the_model() {
    let picture = pictures::large_png(20_000_000);
    let sent = stream::iter(ALL).for_each_concurrent(LARGE_AT_ONCE, async |stand_in| {
        let label = stand_in.label();
        let provider = stand_in.start();
        let launch = stand_in.launch(&provider.url());
        let service = launch.set("model-memory", "16MiB").start();
        let client = Client::session(service.url()).await;
        let original = client.uploaded(&picture).await;
        let answer = stand_in.success(&provider, &pictures::png(8, 8));
        let prompt = provider.prompt([answer]);
        let task = client.refined(&original, &prompt).await;
        assert_eq!(task["status"], "completed", "{label}: {task}");
        let asked = provider.asked(&prompt);
        assert_eq!(asked.len(), 1, "{label}");
        let original = stand_in.original(&provider, &asked[0]);
        assert!(original == picture.bytes, "{label}: other bytes");
    });
    sent.await;
}
