//! What must hold after the last crash.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use concept_refinement_domain::sentence::{CANCELLED_BY_USER, WORKER_DIED};
use concept_refinement_tests::client::Client;
use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::provider::Asked as Delivery;
use concept_refinement_tests::service::Service;
use serde_json::Value;

use crate::acts::REFUSE;
use crate::journal::Journal;
use crate::stores::name_of;
use crate::user::{Asked, Fate, User};
use crate::world::World;

/// Within this long a process has removed what its predecessors left behind.
const REMOVAL: Duration = Duration::from_secs(10);

/// How a violation begins that is an image which nothing refers to.
pub const ORPHAN: &str = "an image that nobody has";

/// What became of a submission that was answered 503.
const NOT_QUEUED: &str = "The refinement task could not be queued for processing.";

/// Small, so that lists have many pages.
const PAGE: usize = 7;

/// Every promise that was broken, in a sentence each. The service is stopped.
pub async fn violations(world: &mut World, users: &[User], service: Service) -> Vec<String> {
    // What was left behind is removed at a start: with nothing under way, all.
    world.kill(service);
    let service = world.start(|launch| launch);
    let mut found = shown(world, users).await;
    world.stop(service);
    found.extend(world.stores.violations());
    found.append(&mut world.complaints);
    found
}

/// Those that can be seen from outside while a process serves.
pub async fn shown(world: &World, users: &[User]) -> Vec<String> {
    let mut found: Vec<String> = users
        .iter()
        .flat_map(|user| user.complaints.clone())
        .collect();
    let journal = Journal::of(&world.journal);
    let mut images = BTreeSet::new();
    for user in users {
        let client = user.client.reconnected();
        let seen = Seen::by(&client).await;
        images.extend(seen.images());
        found.extend(surprises(user, &seen));
        for asked in &user.asked {
            let mut violations = outcome(&client, asked, &seen, &journal).await;
            if !matches!(asked.fate, Fate::TaskDeleted | Fate::Erased) {
                violations.extend(undelivered(world, &client, asked).await);
            }
            let task = asked.task.as_deref().unwrap_or_default();
            let noted = || journal.of_task(task);
            found.extend(
                violations
                    .into_iter()
                    .map(|what| format!("{}: {what} ({})", asked.key, noted())),
            );
        }
    }
    found.extend(orphans(world, &images).await);
    found
}

/// All that a user is shown.
struct Seen {
    tasks: Vec<Value>,
    concepts: Vec<Value>,
}

impl Seen {
    async fn by(client: &Client) -> Self {
        Self {
            tasks: all(client, "tasks").await,
            concepts: all(client, "concepts").await,
        }
    }

    fn images(&self) -> impl Iterator<Item = String> {
        self.concepts
            .iter()
            .map(|concept| name_of(&concept["image_url"]))
    }
}

/// All pages of a list.
async fn all(client: &Client, what: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/{what}?limit={PAGE}{cursor}");
        let page = client.get(&path).await.json();
        items.extend(page[what].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

/// Data that the user never requested.
fn surprises(user: &User, seen: &Seen) -> Vec<String> {
    let known: BTreeSet<&str> = user
        .asked
        .iter()
        .filter_map(|asked| asked.task.as_deref())
        .collect();
    let is_known = |id: &Value| id.as_str().is_some_and(|id| known.contains(id));
    let was_withdrawn = |task: &Value| task["error_message"] == NOT_QUEUED;
    let tasks = seen
        .tasks
        .iter()
        .filter(|task| !is_known(&task["task_id"]) && !was_withdrawn(task));
    let concepts = seen
        .concepts
        .iter()
        .filter(|concept| !is_known(&concept["task_id"]));
    tasks
        .chain(concepts)
        .map(|surprise| format!("{} never asked for {surprise}", user.name))
        .collect()
}

async fn outcome(client: &Client, asked: &Asked, seen: &Seen, journal: &Journal) -> Vec<String> {
    let Some(id) = &asked.task else {
        return vec!["it was never accepted".to_owned()];
    };
    let task = seen.tasks.iter().find(|task| task["task_id"] == **id);
    let concepts: Vec<&Value> = seen
        .concepts
        .iter()
        .filter(|concept| concept["task_id"] == **id)
        .collect();
    let mut found = match (task, asked.fate) {
        (None, Fate::TaskDeleted | Fate::Erased) => Vec::new(),
        (Some(task), Fate::TaskDeleted | Fate::Erased) => {
            vec![format!("it was deleted, and is there: {task}")]
        }
        (None, _) => vec!["it is gone".to_owned()],
        (Some(task), _) if is_given_up(task) => match journal.may_be_given_up(id) {
            true => Vec::new(),
            false => vec!["it was given up".to_owned()],
        },
        (Some(task), fate) => of_task(task, asked, fate, &concepts),
    };
    let is_asked =
        matches!(asked.fate, Fate::Kept | Fate::ConceptDeleted) && !task.is_some_and(is_given_up);
    found.extend(journal.violations(id, is_asked));
    let at_most = usize::from(!matches!(asked.fate, Fate::ConceptDeleted | Fate::Erased));
    if concepts.len() > at_most {
        found.push(format!("its concepts are {concepts:?}"));
    }
    for concept in concepts {
        let url = concept["image_url"].as_str().unwrap_or_default();
        let image = client.get(url).await;
        if image.status != 200 || image.body != marked(&asked.picture) {
            found.push(format!(
                "its image is not what the model answered: {}, {} bytes in place of {}",
                image.status,
                image.body.len(),
                asked.picture.bytes.len()
            ));
        }
    }
    found
}

fn is_given_up(task: &Value) -> bool {
    task["status"] == "failed" && task["error_message"] == WORKER_DIED
}

fn of_task(task: &Value, asked: &Asked, fate: Fate, concepts: &[&Value]) -> Vec<String> {
    if fate == Fate::Cancelled && task["error_message"] == CANCELLED_BY_USER {
        return match concepts {
            [] => Vec::new(),
            concepts => vec![format!("it was cancelled, and has {concepts:?}")],
        };
    }
    let expected = match asked.is_refused {
        true => "failed",
        false => "completed",
    };
    if task["status"] != expected {
        return vec![format!("it is not {expected}: {task}")];
    }
    let reason = REFUSE.trim_start_matches("refuse: ");
    if asked.is_refused {
        let sentence = task["error_message"].as_str().unwrap_or_default();
        return match sentence.ends_with(reason) {
            true => Vec::new(),
            false => vec![format!("it failed for another reason: {sentence}")],
        };
    }
    match (fate, concepts) {
        (Fate::ConceptDeleted, _) if task["image_url"].is_null() => Vec::new(),
        (Fate::ConceptDeleted, _) => vec![format!("its image was deleted: {task}")],
        (_, [concept]) if concept["id"] == task["result_id"] => Vec::new(),
        (_, concepts) => vec![format!(
            "its result is not its concept: {task} {concepts:?}"
        )],
    }
}

/// Its end was told at least once, and in the same words each time.
async fn undelivered(world: &World, client: &Client, asked: &Asked) -> Vec<String> {
    let Some(id) = &asked.task else {
        return Vec::new();
    };
    let begin = Instant::now();
    let webhook = loop {
        let webhook = client.get(&format!("/api/tasks/{id}/webhook")).await.json();
        // Of what is gone there is none.
        let is_known = webhook["state"] == "delivered" || webhook["state"].is_null();
        if is_known || begin.elapsed() > world.patience + world.hold {
            break webhook;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    if webhook["state"] != "delivered" {
        return vec![format!("its receiver was not told: {webhook}")];
    }
    let task = client.task(id).await;
    let id = format!("msg_{id}");
    let deliveries = world.receiver.deliveries(&asked.hook);
    let mut deliveries = deliveries
        .iter()
        .filter(|delivery| delivery.header("webhook-id") == Some(&id))
        .map(Delivery::json)
        .peekable();
    if deliveries.peek().is_none() {
        return vec!["its receiver was never told".to_owned()];
    }
    let status = &task["status"];
    deliveries
        .filter(|told| {
            let is_same = told["type"] == format!("task.{}", status.as_str().unwrap_or_default())
                && told["timestamp"] == task["completed_at"]
                && told["data"]["status"] == *status;
            !is_same
        })
        .map(|told| format!("its receiver was told {told}"))
        .collect()
}

/// Waits until the files of refined images are those of the concepts.
async fn orphans(world: &World, expected: &BTreeSet<String>) -> Vec<String> {
    let begin = Instant::now();
    loop {
        let stored = world.stores.refined();
        if stored == *expected {
            return Vec::new();
        }
        if begin.elapsed() > world.patience.min(REMOVAL) {
            let orphans = stored.difference(expected);
            let missing = expected.difference(&stored);
            return orphans
                .map(|name| format!("{ORPHAN}: {name}"))
                .chain(missing.map(|name| format!("no image: {name}")))
                .collect();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
