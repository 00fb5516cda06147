//! The requests that a server of tools answers, and which there are in which revision.

use serde_json::Value;

use crate::error::Error;
use crate::message::Params;
use crate::revision::Terms;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Initialize,
    Discover,
    Ping,
    ListTools,
    CallTool,
    GetTask,
    /// Answers what a task asked its client, which ours never does.
    UpdateTask,
    CancelTask,
}

impl Method {
    /// `has_tasks`: whether the server has any.
    ///
    /// # Errors
    ///
    /// There is no such method in the request's revision, or its client must have the Tasks
    /// extension for it.
    pub fn of(name: &str, terms: Terms, has_tasks: bool) -> Result<Self, Error> {
        let method = match name {
            "tools/list" => return Ok(Self::ListTools),
            "tools/call" => return Ok(Self::CallTool),
            "initialize" if !terms.revision.is_stateless() => return Ok(Self::Initialize),
            "ping" if !terms.revision.is_stateless() => return Ok(Self::Ping),
            "server/discover" if terms.revision.is_stateless() => return Ok(Self::Discover),
            "tasks/get" => Self::GetTask,
            "tasks/update" => Self::UpdateTask,
            "tasks/cancel" => Self::CancelTask,
            _ => return Err(Error::method_not_found(name)),
        };
        match (has_tasks && terms.revision.is_stateless(), terms.has_tasks) {
            (true, true) => Ok(method),
            (true, false) => Err(Error::needs_tasks()),
            (false, _) => Err(Error::method_not_found(name)),
        }
    }
}

/// The parameters of `tools/call`.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub name: String,
    pub arguments: Params,
    /// Where the client wants to know how far the call is.
    pub progress_token: Option<Value>,
}

impl Call {
    /// # Errors
    ///
    /// There is no name, or the arguments are no object.
    pub fn of(mut params: Params) -> Result<Self, Error> {
        let Some(Value::String(name)) = params.remove("name") else {
            return Err(Error::invalid_params("name must be a string"));
        };
        let arguments = match params.remove("arguments") {
            None => Params::new(),
            Some(Value::Object(arguments)) => arguments,
            Some(_) => return Err(Error::invalid_params("arguments must be an object")),
        };
        let meta = params.get_mut("_meta").and_then(Value::as_object_mut);
        let token = meta.and_then(|meta| meta.remove("progressToken"));
        Ok(Self {
            name,
            arguments,
            progress_token: token.filter(|token| token.is_string() || token.is_number()),
        })
    }
}

/// The parameter of `tasks/get` and its like.
///
/// # Errors
///
/// There is none.
pub fn task_id(params: &Params) -> Result<&str, Error> {
    params
        .get("taskId")
        .and_then(Value::as_str)
        .ok_or_else(|| Error::invalid_params("taskId must be a string"))
}
