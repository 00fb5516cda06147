//! `get_refinement`: a task as it stands now.

use concept_refinement_mcp::{CallToolResult, Params, Tool};
use serde_json::{Map, Value, json};

use super::READS;
use crate::ports::Ports;
use crate::problem::Problem;
use crate::routes::mcp::schema::{Schemas, object};
use crate::routes::mcp::{Exchange, outcome};
use crate::routes::tasks::{NO_SUCH_TASK, find};

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
        annotations: READS,
    }
}

impl<P: Ports> Exchange<'_, P> {
    pub async fn get_refinement(&self, arguments: &Params) -> Result<CallToolResult, Problem> {
        let id = arguments.get("id").and_then(Value::as_str);
        let id = id.ok_or_else(|| Problem::of_field("id", "must be a string"))?;
        let ports = &self.state.ports;
        let task = find(ports, &self.caller.user, id).await?;
        let task = task.ok_or(NO_SUCH_TASK)?;
        self.state
            .republisher
            .republish_if_overdue(&task, self.begin);
        outcome::of(ports, &task, &self.origin).await
    }
}
