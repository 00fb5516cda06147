//! The tools, one file each.

mod get_refinement;
mod list_refinements;
mod refine_image;
pub mod upload_image;

use concept_refinement_mcp::{
    Annotations, Call, CallToolResult, Error, Params, Terms, Tool, UNKNOWN_ARGUMENT,
};

use super::received::Image;
use super::schema::Schemas;
use super::{Exchange, SERVER, internal};
use crate::ports::Ports;
use crate::problem::Problem;
use crate::state::State;

/// Of a tool that only tells what there is.
const READS: Annotations = Annotations {
    read_only_hint: true,
    destructive_hint: false,
    idempotent_hint: true,
    open_world_hint: false,
};

/// What a tool led to.
pub enum Called {
    Done(CallToolResult),
    /// It goes on, and its end is asked for.
    Task(concept_refinement_mcp::Task),
}

/// Their descriptions.
pub fn all<P>(state: &State<P>) -> &[Tool] {
    state.tools.get_or_init(|| {
        let schemas = Schemas::of_the_api();
        vec![
            refine_image::describe(&schemas),
            get_refinement::describe(&schemas),
            list_refinements::describe(&schemas),
            upload_image::describe(&schemas),
        ]
    })
}

impl<P: Ports> Exchange<'_, P> {
    /// Calls a tool. It takes the image if that is what it asks for.
    pub async fn call(&self, terms: Terms, call: Call, image: &mut Image) -> Result<Params, Error> {
        let mut tools = all(self.state).iter();
        let tool = tools.find(|tool| tool.name == call.name);
        let tool = tool.ok_or_else(|| Error::unknown_tool(&call.name))?;
        match self.called(tool, terms, call.arguments, image).await {
            Ok(Called::Done(result)) => SERVER.called(terms, &result),
            Ok(Called::Task(task)) => SERVER.created(terms, &task),
            Err(problem @ Problem::Internal) => Err(internal(&problem)),
            Err(problem) => SERVER.called(terms, &CallToolResult::error(sentence(&problem))),
        }
    }

    async fn called(
        &self,
        tool: &Tool,
        terms: Terms,
        arguments: Params,
        image: &mut Image,
    ) -> Result<Called, Problem> {
        if let Some(unknown) = arguments.keys().find(|name| !tool.takes(name)) {
            // By the name that it was sent with.
            return Err(Problem::Invalid(
                format!("{unknown} {UNKNOWN_ARGUMENT}.").into(),
            ));
        }
        let done = match tool.name {
            refine_image::NAME => return self.refine_image(terms, arguments).await,
            get_refinement::NAME => self.get_refinement(&arguments).await?,
            list_refinements::NAME => self.list_refinements(&arguments).await?,
            upload_image::NAME => self.upload_image(&arguments, image).await?,
            _ => return Err(Problem::Internal),
        };
        Ok(Called::Done(done))
    }
}

/// Says what is wrong with which argument.
fn sentence(problem: &Problem) -> String {
    match problem {
        Problem::InvalidFields(errors) => format!("{}.", errors.joined(refine_image::sentence)),
        problem => problem.detail().to_owned(),
    }
}
