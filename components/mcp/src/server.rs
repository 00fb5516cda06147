//! A server of tools, as it presents itself in each revision.

use serde::Serialize;
use serde_json::{Value, json};

use crate::content::CallToolResult;
use crate::error::Error;
use crate::message::Params;
use crate::result::{COMPLETE, TASK, cached, fields};
use crate::revision::{REVISIONS, Revision, Terms};
use crate::task::{self, Task};
use crate::tool::Tool;

const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// Which program it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Implementation {
    pub name: &'static str,
    pub title: &'static str,
    pub version: &'static str,
}

/// A server of tools, the same for all of its clients.
#[derive(Clone, Copy, Debug)]
pub struct Server {
    pub info: Implementation,
    /// For a model: when to use which tool.
    pub instructions: &'static str,
    /// Whether it may answer a call by a task.
    pub has_tasks: bool,
}

impl Server {
    /// `initialize`: agrees on a revision.
    pub fn initialize(&self, params: &Params) -> Result<Params, Error> {
        let requested = params.get("protocolVersion").and_then(Value::as_str);
        fields(&json!({
            "protocolVersion": Revision::agreed(requested).as_str(),
            "capabilities": { "tools": {} },
            "serverInfo": self.info,
            "instructions": self.instructions,
        }))
    }

    /// `server/discover`: what there is, for a client that agrees on nothing.
    pub fn discover(&self, terms: Terms) -> Result<Params, Error> {
        let versions: Vec<_> = REVISIONS.iter().map(|revision| revision.as_str()).collect();
        let mut capabilities = json!({ "tools": {} });
        if let (true, Some(capabilities)) = (self.has_tasks, capabilities.as_object_mut()) {
            capabilities.insert("extensions".into(), json!({ task::EXTENSION: {} }));
        }
        let mut result = fields(&json!({
            "supportedVersions": versions,
            "capabilities": capabilities,
            "instructions": self.instructions,
        }))?;
        cached(&mut result);
        self.completed(terms, result, COMPLETE)
    }

    /// `tools/list`: all on one page.
    pub fn list(&self, terms: Terms, tools: &[Tool]) -> Result<Params, Error> {
        let mut result = fields(&json!({ "tools": tools }))?;
        if terms.revision.is_stateless() {
            cached(&mut result);
        }
        self.completed(terms, result, COMPLETE)
    }

    /// `tools/call`: what a tool answered.
    pub fn called(&self, terms: Terms, result: &CallToolResult) -> Result<Params, Error> {
        self.completed(terms, fields(result)?, COMPLETE)
    }

    /// The same, as a task whose end is asked for.
    pub fn created(&self, terms: Terms, task: &Task) -> Result<Params, Error> {
        self.completed(terms, fields(task)?, TASK)
    }

    /// `tasks/get`.
    pub fn task(&self, terms: Terms, task: &Task) -> Result<Params, Error> {
        self.completed(terms, fields(task)?, COMPLETE)
    }

    /// `ping`, `tasks/update` and `tasks/cancel`: it was understood.
    pub fn acknowledged(&self, terms: Terms) -> Result<Params, Error> {
        self.completed(terms, Params::new(), COMPLETE)
    }

    fn completed(&self, terms: Terms, mut result: Params, kind: &str) -> Result<Params, Error> {
        if terms.revision.is_stateless() {
            result.insert("resultType".into(), kind.into());
            let meta = fields(&json!({ SERVER_INFO: self.info }))?;
            result.insert("_meta".into(), meta.into());
        }
        Ok(result)
    }
}
