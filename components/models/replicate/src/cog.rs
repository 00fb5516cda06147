//! A server built with Cog, which computes a prediction while the request waits.

use concept_refinement_model_provider::{
    Answer, Contents, Error, HttpRequest, Input, MAX_JSON_WITH_IMAGE, Method, Ports, Question,
    Reply, Response, Settings, Stage, earlier_output, free_if_refused, is_segment, keep_output,
    paid_if_unusable, reply, success,
};

use crate::prediction::read;

pub async fn refine(
    ports: &impl Ports,
    settings: &Settings,
    question: &Question,
    original: Contents,
) -> Result<Answer, Error> {
    if let Some(answer) = earlier_output(ports, question).await? {
        return Ok(answer);
    }
    if !is_segment(&question.task_id) {
        return Err(Error::refused(
            "the task's id cannot be that of a prediction",
        ));
    }
    let key = settings.key.as_deref();
    let input = Input::of(settings, "image");
    let body = input.with_data(question, settings, original)?;
    let body = body.within("{\"input\":", "}");
    let path = format!("/predictions/{}", question.task_id);
    let request = HttpRequest {
        method: Method::Put,
        ..HttpRequest::post(path, "application/json", body).with_bearer(key)
    };
    let response = ports.send(&settings.base, request).await?;
    if response.status == 409 {
        // All its slots are in use.
        return Err(Error::unavailable("the provider answered 409"));
    }
    let response = success(ports, settings, response).await;
    let response = free_if_refused(ports, response).await?;
    let answer = paid_if_unusable(ports, answer(response, settings).await).await?;
    keep_output(ports, &question.task_id, &answer).await;
    Ok(answer)
}

/// The image of a prediction.
async fn answer(response: Response, settings: &Settings) -> Result<Answer, Error> {
    let json = match reply(response, MAX_JSON_WITH_IMAGE).await? {
        Reply::Image(answer) => return Ok(answer),
        Reply::Json(json) => json,
    };
    match read(&json, settings)?.1 {
        Stage::Ended(outcome) => outcome.answer(),
        // It says no more about a running prediction; when asked again, it waits.
        Stage::Running => Err(Error::Unknown(
            "the provider is still at work on the image".to_owned(),
        )),
    }
}
