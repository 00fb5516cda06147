//! What a task costs the pipeline as components, and the same code natively,
//! over the same kind of store: originals and answers of several sizes.
//!
//! The cost is processor time with several concurrent tasks; the latency of a
//! single task is shown too.
//!
//! Everything is in memory and in this process, so that neither disk nor
//! network matters. The model returns its image at once, so each byte passes to
//! the model and back.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use concept_refinement_capability::clock::SystemClock;
use concept_refinement_capability::model::{
    ImageModel, ImageOrLocation, ModelAnswer, ModelError, ModelRequest, Source,
};
use concept_refinement_capability::{Capabilities, Clock};
use concept_refinement_domain::capability::{
    ImageKind, ImageLength, NewImage, NewTask, StoredOrNot, Submission,
};
use concept_refinement_domain::message::message_for;
use concept_refinement_domain::task::{Change, Refinement, Status};
use concept_refinement_embedded::memory::MemoryImages;
use concept_refinement_embedded::queue::StoreQueue;
use concept_refinement_embedded::tasks::{Options, SqliteTasks};
use concept_refinement_host::config::{Values, table};
use concept_refinement_host::{Components, Config, Host, HostBuilder};
use concept_refinement_tests::artifacts;
use concept_refinement_tests::capabilities::{capabilities, signing};
use concept_refinement_tests::pictures;
use concept_refinement_tests::process::Process;
use concept_refinement_tests::reaper::scratch;
use futures::future::{BoxFuture, join_all};
use futures::{StreamExt as _, stream};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::Form;
use crate::figures::{Figure, Target, pairs};
use crate::native;

/// Tasks at once, while what they cost is measured.
const AT_ONCE: u32 = 4;

/// Of an original, in bytes.
const SIZES: [(usize, &str); 3] = [(10_000, "10 kB"), (100_000, "100 kB"), (1_000_000, "1 MB")];

/// What the components may cost more: in milliseconds, and in milliseconds a
/// megabyte.
const MAX_PER_TASK: f64 = 0.2;
const MAX_PER_MEGABYTE: f64 = 0.5;

/// What a task takes, in milliseconds.
struct Cost {
    /// Of all cores, among others.
    processor: f64,
    /// From its submission to its end, alone.
    time: f64,
}

pub fn measure(form: Form) -> Vec<Figure> {
    Runtime::new().unwrap().block_on(async {
        let host = host().await;
        let components = host.capabilities();
        let native = Arc::new(in_memory(Arc::new(Unchanged)));
        native::pipeline::start(Arc::clone(&native));

        let (rounds, tasks) = form.choose((3, 200), (7, 800));
        let mut figures = Vec::new();
        for (size, name) in SIZES {
            let original = Bytes::from(pictures::noise(side(size)).bytes);
            let paths = (
                upload(components, &original).await,
                upload(&native, &original).await,
            );
            let mut costs = Vec::new();
            for number in 0..=rounds {
                let pair = if number % 2 == 0 {
                    let ours = round(components, &paths.0, tasks).await;
                    [ours, round(&native, &paths.1, tasks).await]
                } else {
                    let native = round(&native, &paths.1, tasks).await;
                    [round(components, &paths.0, tasks).await, native]
                };
                costs.push(pair);
            }
            // The first warms up.
            costs.remove(0);
            let most = MAX_PER_TASK + MAX_PER_MEGABYTE * size as f64 / 1e6;
            let of = |cost: fn(&Cost) -> f64| pairs(&costs, cost);
            figures.extend([
                Figure::of_rounds("pipeline", name, "ms", &of(|cost| cost.processor))
                    .target(Target::OverNative(most)),
                Figure::of_rounds(
                    "pipeline",
                    format!("{name}, time alone"),
                    "ms",
                    &of(|cost| cost.time),
                ),
            ]);
        }
        host.stop().await;
        figures
    })
}

/// The real host, with stores in memory.
async fn host() -> Host {
    let mut values = Values::new();
    let data = scratch("pipeline");
    std::os::unix::fs::symlink(artifacts::compiled(), data.join("compiled")).unwrap();
    for (name, value) in [
        ("listen", "127.0.0.1:0"),
        ("data-dir", data.to_str().unwrap()),
        ("concurrency", "8"),
        ("model", artifacts::scripted_model().to_str().unwrap()),
    ] {
        values.set(table::find(name).unwrap(), value);
    }
    let config = Config::new(values).unwrap();
    let components = Components::load(Some(&artifacts::components()), &config).unwrap();
    HostBuilder::new(config)
        .components(components)
        .map_capabilities(|configured| in_memory(configured.model))
        .start()
        .await
        .unwrap()
}

fn in_memory(model: Arc<dyn ImageModel>) -> Capabilities {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let tasks = SqliteTasks::in_memory(Options::default(), Arc::clone(&clock)).unwrap();
    let tasks = Arc::new(tasks);
    let images = Arc::new(MemoryImages::new(signing(), Arc::clone(&clock)));
    let queue = Arc::new(StoreQueue::new(100));
    Capabilities {
        model,
        ..capabilities(clock, tasks, images, queue)
    }
}

/// The path of an upload.
async fn upload(capabilities: &Capabilities, bytes: &Bytes) -> String {
    let image = NewImage {
        kind: ImageKind::Upload,
        name: Uuid::new_v4().to_string(),
        owner: "user".to_owned(),
        media_type: "image/png".to_owned(),
        length: ImageLength::Exactly(bytes.len() as u64),
        metadata: Vec::new(),
        limits: None,
    };
    let contents = Box::pin(stream::iter([Ok(bytes.clone())]));
    match capabilities.images.put(image, contents).await.unwrap() {
        StoredOrNot::Stored(stored) => stored.path,
        other => panic!("{other:?}"),
    }
}

async fn round(capabilities: &Capabilities, original: &str, tasks: u32) -> Cost {
    let this = Process::of(std::process::id());
    let before = this.usage().processor;
    let users = (0..AT_ONCE).map(|user| {
        let user = format!("user {user}");
        async move {
            for _ in 0..tasks / AT_ONCE {
                refined(capabilities, &user, original).await;
            }
        }
    });
    join_all(users).await;
    let processor = (this.usage().processor - before) / tasks;

    let alone = tasks / 4;
    let begin = Instant::now();
    for _ in 0..alone {
        refined(capabilities, "user", original).await;
    }
    let time = begin.elapsed() / alone;
    Cost {
        processor: processor.as_secs_f64() * 1e3,
        time: time.as_secs_f64() * 1e3,
    }
}

/// Refines once, from the submission to the end.
async fn refined(capabilities: &Capabilities, user: &str, original: &str) {
    let task = NewTask {
        original_path: Some(original.to_owned()),
        ..NewTask::new(
            Uuid::new_v4().to_string(),
            user,
            Refinement {
                logo_description: Some("A bean on a brown disc".to_owned()),
                ..Refinement::new(format!("http://localhost/api/images/{original}"), "echo it")
            },
        )
    };
    let id = task.id.clone();
    let task = match capabilities.tasks().submit(task).await.unwrap() {
        Submission::Created(accepted) => accepted.task,
        other => panic!("{other:?}"),
    };
    let changes = capabilities.tasks().watch(user, &id).await.unwrap();
    let message = message_for(&task);
    capabilities.queue.publish(message).await.unwrap();
    let mut changes = changes.unwrap();
    let mut last = task;
    while let Some(change) = changes.next().await {
        if let Change::Task(task) = change {
            last = *task;
        }
    }
    assert_eq!(last.status, Status::Completed, "{last:?}");
    // Deleted, so that the stores do not grow from round to round.
    let path = last.image_path.unwrap();
    capabilities.images.delete(&path).await.unwrap();
}

/// The model of the native side, which does what the scripted one is told to.
struct Unchanged;

impl ImageModel for Unchanged {
    fn refine(&self, request: ModelRequest) -> BoxFuture<'_, Result<ModelAnswer, ModelError>> {
        Box::pin(async move {
            Ok(ModelAnswer {
                image: ImageOrLocation::Image {
                    media_type: request.media_type,
                    length: Some(request.length),
                    contents: request.image,
                },
                notes: Vec::new(),
                source: Source::Generative,
            })
        })
    }

    fn describe(&self) -> &str {
        "A model that leaves images as they are."
    }
}

/// Of noise that takes about so many bytes.
fn side(bytes: usize) -> u32 {
    (bytes as f64 / 3.0).sqrt() as u32
}
