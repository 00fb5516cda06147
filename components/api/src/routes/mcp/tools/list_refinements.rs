//! `list_refinements`: the user's tasks, newest first.

use concept_refinement_domain::cursor::List;
use concept_refinement_mcp::{CallToolResult, Content, Params, Tool};
use serde_json::{Map, Value, json};
use url::form_urlencoded::Serializer;

use super::READS;
use crate::paging::{ByStatus, DEFAULT_LIMIT, MAX_LIMIT, Paging};
use crate::ports::Ports;
use crate::problem::Problem;
use crate::routes::mcp::Exchange;
use crate::routes::mcp::schema::{Schemas, object};
use crate::routes::tasks;

pub const NAME: &str = "list_refinements";

const LIMIT: &str = "limit";
const CURSOR: &str = "cursor";

pub fn describe(schemas: &Schemas) -> Tool {
    let limit = json!({
        "type": "integer",
        "minimum": 1,
        "maximum": MAX_LIMIT,
        "default": DEFAULT_LIMIT,
        "description": "How many.",
    });
    let cursor = json!({
        "type": "string",
        "description": "The next_cursor of the page before.",
    });
    let properties = [(LIMIT.to_owned(), limit), (CURSOR.to_owned(), cursor)];
    Tool {
        name: NAME,
        title: "List refinements",
        description: "Lists the user's refinements, newest first, with their ids, prompts and \
                      states.",
        input_schema: object(Map::from_iter(properties), &[]),
        output_schema: Some(schemas.whole("TaskList")),
        annotations: READS,
    }
}

impl<P: Ports> Exchange<'_, P> {
    pub async fn list_refinements(&self, arguments: &Params) -> Result<CallToolResult, Problem> {
        let mut query = Serializer::new(String::new());
        for name in [LIMIT, CURSOR] {
            match arguments.get(name) {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) if name == CURSOR => {
                    query.append_pair(name, text);
                }
                // A string keeps its quotes, and is no number.
                Some(value) => drop(query.append_pair(name, &value.to_string())),
            }
        }
        let user = &self.caller.user;
        let paging = Paging::parse(Some(&query.finish()), List::Tasks, user, ByStatus::No)?;
        let page = tasks::page(self.state, user, paging, self.begin).await?;
        let page = tasks::list_of(self.state, user, &page, &self.origin).await?;
        let page = serde_json::to_value(page)?;
        Ok(CallToolResult {
            // Many clients show a model nothing but text.
            content: vec![Content::text(page.to_string())],
            structured_content: Some(page),
            is_error: false,
        })
    }
}
