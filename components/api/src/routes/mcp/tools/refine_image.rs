//! `refine_image`: an ordinary task.

use std::time::Duration;

use concept_refinement_domain::capability::NewTask;
use concept_refinement_domain::task::Task;
use concept_refinement_domain::validation::Draft;
use concept_refinement_mcp::{Annotations, Params, Terms, Tool};
use serde_json::{Map, Value};

use super::{Called, READS};
use crate::ports::Ports;
use crate::problem::Problem;
use crate::routes::end::end;
use crate::routes::mcp::schema::{Schemas, object};
use crate::routes::mcp::{Exchange, outcome, tasks};
use crate::routes::submission::{self, Submitted};

pub const NAME: &str = "refine_image";

/// How long a call waits for the end of its task.
const WAIT: Duration = Duration::from_secs(45);

/// The arguments, and the fields of a refinement request that they are. What a request may
/// have besides is not for agents: nobody should be talked into a webhook.
const ARGUMENTS: [(&str, &str); 13] = [
    ("url", "original_image_url"),
    ("concept_id", "original_concept_id"),
    ("prompt", "refinement_prompt"),
    ("logo_description", "logo_description"),
    ("theme_description", "theme_description"),
    ("strength", "strength"),
    ("seed", "seed"),
    ("preserve_aspects", "preserve_aspects"),
    ("region", "region"),
    ("mask_url", "mask_url"),
    ("mask_feather", "mask_feather"),
    ("region_only", "region_only"),
    ("deadline_seconds", "deadline_seconds"),
];

pub fn describe(schemas: &Schemas) -> Tool {
    let properties = ARGUMENTS.into_iter().map(|(argument, field)| {
        let mut schema = schemas.field("RefinementRequest", field);
        if let Some(Value::String(description)) = schema.get_mut("description") {
            *description = renamed(description);
        }
        (argument.to_owned(), schema)
    });
    Tool {
        name: NAME,
        title: "Refine an image",
        description: "Refines an image by a prompt: in whole, or the part that region or mask_url \
                      shows. The original is url or concept_id. Answers the refined image when it \
                      is done, or within 45 seconds the id by which get_refinement tells of it. \
                      Counts toward the user's quota.",
        input_schema: object(properties.collect(), &["prompt"]),
        output_schema: Some(schemas.whole("TaskResponse")),
        annotations: Annotations {
            read_only_hint: false,
            idempotent_hint: false,
            open_world_hint: true,
            ..READS
        },
    }
}

/// What is wrong with a field of a refinement request, as a sentence about the argument.
pub fn sentence(field: &str, problem: &str) -> String {
    let named = ARGUMENTS.iter().find(|(_, name)| *name == field);
    match named.map_or(field, |(argument, _)| argument) {
        "url" if problem == "is required" => "url or concept_id is required".to_owned(),
        argument => format!("{argument} {}", renamed(problem)),
    }
}

/// A sentence about fields of a refinement request, as one about arguments.
fn renamed(sentence: &str) -> String {
    let mut sentence = sentence.to_owned();
    for (argument, field) in ARGUMENTS {
        if argument != field {
            sentence = sentence.replace(field, argument);
        }
    }
    sentence
}

impl<P: Ports> Exchange<'_, P> {
    pub async fn refine_image(&self, terms: Terms, arguments: Params) -> Result<Called, Problem> {
        let task = self.requested(arguments).await?;
        let (ports, caller) = (&self.state.ports, &self.caller);
        let submitted =
            submission::submit(self.state, task, &[], caller, &self.origin, self.begin).await?;
        let accepted = match submitted {
            Submitted::Created(accepted) | Submitted::Replayed(accepted) => accepted,
            Submitted::Active(accepted) => {
                let active = outcome::of_active(ports, &accepted.task, &self.origin).await?;
                return Ok(Called::Done(active));
            }
        };
        if terms.has_tasks {
            return Ok(Called::Task(tasks::of(&accepted.task)));
        }
        let ended = self.ended(&accepted.task).await;
        let task = ended.unwrap_or(accepted.task);
        let result = outcome::of(ports, &task, &self.origin).await?;
        Ok(Called::Done(result))
    }

    async fn requested(&self, mut arguments: Params) -> Result<NewTask, Problem> {
        let is_data = |url: &Value| url.as_str().is_some_and(|url| url.starts_with("data:"));
        for argument in ["url", "mask_url"] {
            if arguments.get(argument).is_some_and(is_data) {
                let problem = "must be an address: upload the image by upload_image first, and \
                               use its image_url";
                return Err(Problem::of_field(argument, problem));
            }
        }
        let fields = ARGUMENTS.into_iter().filter_map(|(argument, field)| {
            let value = arguments.remove(argument)?;
            Some((field.to_owned(), value))
        });
        let draft = Draft::of(fields.collect::<Map<_, _>>());
        let user = &self.caller.user;
        submission::validate(self.state, draft, Ok(None), user, &self.origin).await
    }

    /// The task when it has ended, or as it is when the call has to be answered. None: it was
    /// deleted, or cannot be read. A client that leaves meanwhile keeps it.
    async fn ended(&self, task: &Task) -> Option<Task> {
        let ports = &self.state.ports;
        let left = WAIT.saturating_sub(ports.now().since(self.begin));
        let end = end(ports, &self.state.republisher, task);
        if let Some(Some(ended)) = ports.timeout(left, end).await {
            return Some(ended);
        }
        let current = ports.task(&task.user_id, &task.id).await;
        current.ok().flatten()
    }
}
