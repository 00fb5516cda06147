//! Responses shared by all routes.

use serde::Serialize;

use crate::ports::Ports;
use crate::problem::Problem;
use crate::response::Response;

pub type Answer<P> = Result<Response<<P as Ports>::Contents>, Problem>;

pub fn json<C>(status: u16, value: &impl Serialize) -> Result<Response<C>, Problem> {
    Ok(Response::json(status, value)?)
}
