//! A client's messages, and what is answered to each.
//!
//! A call of a tool is answered when it ends, in the order in which they end; everything else
//! at once. There is no state between messages but the calls that have not ended.

use std::collections::HashMap;
use std::sync::Arc;

use concept_refinement_domain::task::Stage;
use concept_refinement_mcp::{
    Call, CallToolResult, Code, Error, Id, Malformed, Message, Method, Params, Response, Terms,
    parse, progress,
};
use serde::Serialize;
use serde_json::Value;
use tokio::io::AsyncRead;
use tokio::sync::mpsc;
use tokio::task::{self, AbortHandle, JoinError, JoinSet};

use super::description::{REFINE_IMAGE, SERVER};
use super::lines::{Line, Lines};
use super::refine_image::RefineImage;

/// Calls that have not ended; another one is refused.
const MAX_CALLS: usize = 32;

const CANCELLED: &str = "notifications/cancelled";

/// One client.
pub struct Session {
    tool: Arc<RefineImage>,
    output: Output,
    calls: JoinSet<Response>,
    handles: HashMap<Id, AbortHandle>,
}

/// Where messages go to, one by one.
#[derive(Clone)]
pub struct Output(pub mpsc::Sender<Vec<u8>>);

impl Session {
    /// Of a client that gets its answers there.
    pub fn new(tool: Arc<RefineImage>, output: Output) -> Self {
        Self {
            tool,
            output,
            calls: JoinSet::new(),
            handles: HashMap::new(),
        }
    }

    /// Answers until the input ends, and then until all calls have ended. If nobody reads the
    /// answers any more, the calls are dropped.
    pub async fn run(mut self, mut lines: Lines<impl AsyncRead + Unpin>) {
        let output = self.output.clone();
        let all = async {
            loop {
                tokio::select! {
                    line = lines.next() => match line {
                        Ok(Some(line)) => self.hear(line).await,
                        Ok(None) => break,
                        Err(error) => {
                            tracing::warn!(%error, "standard input cannot be read");
                            break;
                        }
                    },
                    Some(ended) = self.calls.join_next_with_id() => self.answer(ended).await,
                }
            }
            while let Some(ended) = self.calls.join_next_with_id().await {
                self.answer(ended).await;
            }
        };
        tokio::select! {
            () = all => {}
            () = output.0.closed() => {}
        }
    }

    async fn hear(&mut self, line: Line) {
        let line = match line {
            Line::Message(line) if line.trim_ascii().is_empty() => return,
            Line::Message(line) => line,
            Line::TooLong => {
                let limit = super::MAX_LINE;
                let sentence = format!("Invalid request: a message has at most {limit} bytes");
                let error = Error::new(Code::InvalidRequest, sentence);
                let refusal = Malformed { id: None, error };
                return self.output.send(&Response::from(refusal)).await;
            }
        };
        match parse(&line) {
            Ok(Message::Request { id, method, params }) => {
                if let Some(outcome) = self.outcome(&id, &method, params) {
                    self.output.send(&Response::new(id, outcome)).await;
                }
            }
            Ok(Message::Notification { method, params }) if method == CANCELLED => {
                self.cancel(params);
            }
            Ok(Message::Notification { .. } | Message::Response) => {}
            Err(malformed) => self.output.send(&Response::from(malformed)).await,
        }
    }

    /// None: a call has begun.
    fn outcome(&mut self, id: &Id, name: &str, params: Params) -> Option<Result<Params, Error>> {
        let method = Terms::of(name, &params, None)
            .and_then(|terms| Ok((terms, Method::of(name, terms, SERVER.has_tasks)?)));
        let (terms, method) = match method {
            Ok(understood) => understood,
            Err(error) => return Some(Err(error)),
        };
        Some(match method {
            Method::Initialize => SERVER.initialize(&params),
            Method::Ping => SERVER.acknowledged(terms),
            Method::Discover => SERVER.discover(terms),
            Method::ListTools => SERVER.list(terms, std::slice::from_ref(&*REFINE_IMAGE)),
            Method::CallTool if self.handles.len() >= MAX_CALLS => SERVER.called(
                terms,
                &CallToolResult::error(format!(
                    "{MAX_CALLS} calls are under way already: wait until one has ended"
                )),
            ),
            Method::CallTool => match self.call(id, params, terms) {
                Ok(()) => return None,
                Err(error) => Err(error),
            },
            Method::GetTask | Method::UpdateTask | Method::CancelTask => {
                Err(Error::method_not_found(name))
            }
        })
    }

    fn call(&mut self, id: &Id, params: Params, terms: Terms) -> Result<(), Error> {
        let call = Call::of(params)?;
        if call.name != REFINE_IMAGE.name {
            return Err(Error::unknown_tool(&call.name));
        }
        if self.handles.contains_key(id) {
            let sentence = "Invalid request: another request with this id has not ended";
            return Err(Error::new(Code::InvalidRequest, sentence));
        }
        let telling = telling(call.progress_token, self.output.clone());
        let (tool, its_id) = (Arc::clone(&self.tool), id.clone());
        let answer = async move {
            let result = tool.call(call.arguments, telling).await;
            Response::new(its_id, SERVER.called(terms, &result))
        };
        let handle = self.calls.spawn(answer);
        self.handles.insert(id.clone(), handle);
        Ok(())
    }

    fn cancel(&mut self, mut params: Params) {
        let id = params.remove("requestId").map(serde_json::from_value);
        if let Some(Ok(id)) = id
            && let Some(handle) = self.handles.remove(&id)
        {
            handle.abort();
        }
    }

    /// Its id may be used again before the answer is read. One that was cancelled is not
    /// answered, also if it ended before that.
    async fn answer(&mut self, ended: Result<(task::Id, Response), JoinError>) {
        let call = match &ended {
            Ok((call, _)) => *call,
            Err(error) => error.id(),
        };
        let mut handles = self.handles.iter();
        let Some(id) = handles.find_map(|(id, handle)| (handle.id() == call).then(|| id.clone()))
        else {
            return;
        };
        self.handles.remove(&id);
        let response = match ended {
            Ok((_, response)) => response,
            Err(error) => {
                tracing::error!(%error, "a call has crashed");
                let error = Error::new(Code::InternalError, "Internal error");
                Response::new(id, Err(error))
            }
        };
        self.output.send(&response).await;
    }
}

impl Output {
    /// Waits until there is room. If nobody reads it, it is lost.
    async fn send(&self, message: &impl Serialize) {
        if let Some(line) = line(message) {
            let _ = self.0.send(line).await;
        }
    }

    /// One for which there is no room is lost.
    fn tell(&self, message: &impl Serialize) {
        if let Some(line) = line(message) {
            let _ = self.0.try_send(line);
        }
    }
}

/// With its end, the only line break in it.
fn line(message: &impl Serialize) -> Option<Vec<u8>> {
    let mut line = serde_json::to_vec(message)
        .inspect_err(|error| tracing::error!(%error, "a message cannot be written"))
        .ok()?;
    line.push(b'\n');
    Some(line)
}

/// Tells how far a call is, if the client gave a token for that.
fn telling(token: Option<Value>, output: Output) -> impl FnMut(Stage) + Send {
    // It must grow.
    let mut told = None;
    move |stage| {
        let step = Stage::ALL.iter().position(|it| *it == stage);
        let Some(token) = token.as_ref().filter(|_| step > told) else {
            return;
        };
        told = step;
        let number = |step: usize| u32::try_from(step).unwrap_or(u32::MAX);
        let (step, all) = (step.map_or(0, number), number(Stage::ALL.len()));
        output.tell(&progress(token, step, Some(all), stage.as_str()));
    }
}
