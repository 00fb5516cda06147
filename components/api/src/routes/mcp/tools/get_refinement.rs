//! `get_refinement`: a task as it stands now.

use concept_refinement_domain::validation;
use concept_refinement_mcp::{Annotations, CallToolResult, Params, Tool};
use serde_json::{Map, Value, json};

use super::unusable;
use crate::ports::{Ports, TaskStore};
use crate::problem::Problem;
use crate::routes::mcp::schema::{Schemas, object};
use crate::routes::mcp::{Exchange, outcome};
use crate::routes::tasks::NO_SUCH_TASK;

pub const NAME: &str = "get_refinement";

pub fn describe(schemas: &Schemas) -> Tool {
    let id = json!({
        "type": "string",
        "format": "uuid",
        "description": "As refine_image and list_refinements tell it (task_id).",
    });
    Tool {
        name: NAME,
        title: "Get a refinement",
        description: "Tells how far a refinement is; of a completed one the image, under an \
                      address that is good for about an hour.",
        input_schema: object(Map::from_iter([("id".to_owned(), id)]), &["id"]),
        output_schema: Some(schemas.whole("TaskResponse")),
        annotations: Annotations {
            read_only_hint: true,
            destructive_hint: false,
            idempotent_hint: true,
            open_world_hint: false,
        },
    }
}

impl<P: Ports> Exchange<'_, P> {
    pub async fn get_refinement(&self, arguments: &Params) -> Result<CallToolResult, Problem> {
        let id = arguments.get("id").and_then(Value::as_str);
        let id = id.ok_or_else(|| unusable("id", "must be a string"))?;
        let id = validation::uuid(id).ok_or(NO_SUCH_TASK)?;
        let ports = &self.state.ports;
        let task = TaskStore::get(ports, &self.caller.user, &id).await?;
        let task = task.ok_or(NO_SUCH_TASK)?;
        self.state
            .republisher
            .republish_if_overdue(&task, self.begin);
        outcome::of(ports, &task, &self.origin).await
    }
}
