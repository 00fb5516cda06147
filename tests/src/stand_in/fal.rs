//! fal: a queue, which gives the addresses of a request's status and of its result.

use serde_json::{Value, json};

use super::shop::Shop;
use super::{
    BadAnswer, Body, Edit, Memory, OtherModel, Refinement, StandIn, bad_addresses, data_url,
    decoded,
};
use crate::pictures::Picture;
use crate::provider::{Asked, Provider};
use crate::server::Reply;

pub struct Fal;

/// Where requests are asked about, before their names.
const REQUESTS: &str = "/openai/gpt-image-2.5/requests/";

/// What the queue says of a request, at the provider of this URL.
fn queued(url: &str, id: &str, status: &str) -> Value {
    let request = format!("{url}{REQUESTS}{id}");
    json!({
        "status": status,
        "request_id": id,
        "response_url": request,
        "status_url": format!("{request}/status"),
        "cancel_url": format!("{request}/cancel"),
        "logs": null,
    })
}

fn submitted(url: &str, id: &str) -> Reply {
    Reply::json(200, &queued(url, id, "IN_QUEUE"))
}

fn running(url: &str, id: &str) -> Reply {
    Reply::json(202, &queued(url, id, "IN_PROGRESS"))
}

fn completed(url: &str, id: &str) -> Reply {
    Reply::json(200, &queued(url, id, "COMPLETED"))
}

/// The result: an image at this URL, or in it.
fn images(url: &str) -> Reply {
    let image = json!({"url": url, "content_type": "image/png", "width": 50, "height": 40});
    Reply::json(200, &json!({"images": [image]}))
}

/// An answer that leads to this result at once.
fn with_result(provider: &Provider, result: Reply) -> Reply {
    with_result_after(provider, &[completed], result)
}

/// The same after these answers about the status.
fn with_result_after(
    provider: &Provider,
    statuses: &[fn(&str, &str) -> Reply],
    result: Reply,
) -> Reply {
    let (url, id) = (provider.url(), format!("r{}", provider.name()));
    let request = format!("{REQUESTS}{id}");
    let statuses = statuses.iter().map(|status| status(&url, &id));
    provider.serve_each_at(&format!("{request}/status"), statuses);
    provider.serve_at(&request, result);
    submitted(&url, &id)
}

impl StandIn for Fal {
    fn label(&self) -> &'static str {
        "fal"
    }

    fn key(&self) -> &'static str {
        "fal-hush-1234"
    }

    fn credentials(&self) -> (&'static str, String) {
        ("authorization", format!("Key {}", self.key()))
    }

    fn request_line(&self, _: &str) -> (&'static str, String) {
        ("POST", "/openai/gpt-image-2.5/sunburst/edit".to_owned())
    }

    fn answers_at_once(&self) -> bool {
        false
    }

    fn success(&self, provider: &Provider, picture: &Picture) -> Reply {
        let url = provider.serve(Reply::picture(picture));
        with_result(provider, images(&url))
    }

    fn forms(&self, provider: &Provider, picture: &Picture) -> Vec<(&'static str, Reply)> {
        let url = provider.serve(Reply::picture(picture));
        let relative = url.trim_start_matches(&provider.url());
        let later = with_result_after(provider, &[running, completed], images(&url));
        let one = json!({"image": {"url": url}, "prompt": "see https://x.example"});
        let forms = [
            ("images", images(&url)),
            ("one image", Reply::json(200, &one)),
            ("a relative address", images(relative)),
            ("a data URL", images(&data_url(picture))),
        ];
        let forms = forms.map(|(name, result)| (name, with_result(provider, result)));
        forms.into_iter().chain([("later", later)]).collect()
    }

    fn bad_answers(&self, provider: &Provider, elsewhere: &str) -> Vec<BadAnswer> {
        let addresses = bad_addresses(provider, elsewhere, |url| {
            with_result(provider, images(url))
        });
        let problem = |kind: &str, said: &str| json!({"detail": [{"msg": said, "type": kind}]});
        let results = [
            (
                "a prompt that is refused",
                Reply::json(422, &problem("content_policy_violation", "Flagged.\nSorry")),
                1,
                "the provider refused the image or the prompt: Flagged",
            ),
            (
                "a request that failed",
                Reply::json(500, &problem("internal_server_error", "Out of memory")),
                1,
                "the provider could not refine the image: Out of memory",
            ),
            (
                "a result that is forgotten",
                Reply::json(404, &json!({"detail": "Request not found"})),
                1,
                "the provider no longer knows the refinement",
            ),
            (
                "a request that nobody took",
                Reply::json(
                    503,
                    &json!({
                        "detail": "No runner could be allocated",
                        "error_type": "runner_scheduling_failure",
                    }),
                ),
                3,
                "the provider could not refine the image: No runner could be allocated",
            ),
        ];
        let results = results.map(|(name, result, times, sentence)| {
            BadAnswer::of(name, with_result(provider, result), times, sentence)
        });
        let elsewhere = json!({
            "status": "IN_QUEUE",
            "status_url": elsewhere,
            "response_url": elsewhere,
        });
        let not_its_own = BadAnswer::of(
            "a status elsewhere",
            Reply::json(200, &elsewhere),
            1,
            "the provider named an address that is not its own, and was not asked there",
        );
        let own = results.into_iter().chain([not_its_own]);
        addresses.into_iter().chain(own).collect()
    }

    fn original(&self, _: &Provider, asked: &Asked) -> Vec<u8> {
        decoded(&asked.json()["image_urls"][0])
    }

    fn body(&self, refinement: &Refinement) -> Body {
        let image = data_url(refinement.original);
        Body::Json(json!({"prompt": refinement.prompt, "image_urls": [image]}))
    }

    /// It has no inputs but those that an operator names.
    fn edit(&self, _: &Provider, asked: &Asked) -> Edit {
        let json = asked.json();
        let names = json.as_object().unwrap().keys();
        assert!(names.eq(["image_urls", "prompt"]), "{json}");
        Edit::default()
    }

    fn other_models(&self) -> Vec<OtherModel> {
        vec![OtherModel {
            name: "fal-ai/flux-kontext/dev",
            check: |asked| {
                assert_eq!(asked.path, "/fal-ai/flux-kontext/dev");
                decoded(&asked.json()["image_url"]);
            },
        }]
    }

    fn memory(&self) -> Memory {
        Memory::ByItsNames
    }

    fn under_load(&self, shop: &Shop, asked: &Asked) -> Reply {
        if let Some(output) = shop.output(asked) {
            return output;
        }
        let (dice, host) = (shop.dice(), asked.header("host").unwrap());
        let url = format!("http://{host}");
        if let Some(request) = asked.path.strip_prefix(REQUESTS) {
            let (id, is_status) = match request.strip_suffix("/status") {
                Some(id) => (id, true),
                None => (request, false),
            };
            let mut works = shop.works();
            let Some(work) = works.get_mut(id) else {
                return Reply::status(404);
            };
            work.looks += u32::from(is_status);
            let answer = match (is_status, work.looks) {
                (false, _) => images(&format!("{url}/files/{id}")),
                (true, 1) => running(&url, id),
                (true, _) => completed(&url, id),
            };
            return match dice {
                0..15 => Reply::status(503),
                15..25 => answer.without_end(20),
                _ => answer,
            };
        }
        shop.named(dice, asked, |id| submitted(&url, id))
    }
}
