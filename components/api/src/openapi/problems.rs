//! What can be wrong with a request, by what is answered to it.

use concept_refinement_domain::image;
use concept_refinement_domain::quota::{Quota, QuotaState, Window};
use concept_refinement_domain::sentence;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::validation::{FieldErrors, Malformed};

use super::answers::{Answer, OfHost};
use crate::problem::Problem;
use crate::routes::{concepts, images, tasks};

const OVERLOADED: OfHost = OfHost {
    name: "overloaded",
    status: 503,
    error_code: "SERVICE_UNAVAILABLE",
    detail: "Too many requests are under way. Try again later.",
    retry_after: true,
};

/// All of them.
pub fn all() -> Vec<Answer> {
    let answer = |name, description, problems| Answer {
        name,
        description,
        problems,
        of_host: Vec::new(),
    };
    let of_host = |name, description, said| Answer {
        of_host: vec![said],
        ..answer(name, description, Vec::new())
    };
    vec![
        of_host(
            "BadRequest",
            "The request is not one of HTTP, or does not name its host.",
            OfHost {
                name: "bad_request",
                status: 400,
                error_code: "BAD_REQUEST",
                detail: "the request has no Host header",
                retry_after: false,
            },
        ),
        of_host(
            "TooManySessions",
            "Too many sessions were made from this address.",
            OfHost {
                name: "too_many_sessions",
                status: 429,
                error_code: "RATE_LIMIT_EXCEEDED",
                detail: "Too many sessions from this address. Try again later.",
                retry_after: true,
            },
        ),
        of_host("Overloaded", "Too many requests are under way.", OVERLOADED),
        answer(
            "Unauthorized",
            "No credentials, or credentials that do not verify or have expired.",
            vec![
                (
                    "missing",
                    Problem::Unauthorized("Credentials are required."),
                ),
                (
                    "unverified",
                    Problem::Unauthorized("The credentials do not verify."),
                ),
                (
                    "expired",
                    Problem::Unauthorized("The credentials have expired."),
                ),
            ],
        ),
        answer(
            "FromElsewhere",
            "The request came by cookie, and from a page of another origin.",
            vec![(
                "from_elsewhere",
                Problem::Forbidden(
                    "A request from another origin cannot change anything by cookie.",
                ),
            )],
        ),
        answer(
            "BadlySigned",
            "The signature is wrong, incomplete or expired, and the owner's credentials did not \
             come with it.",
            vec![("badly_signed", images::BADLY_SIGNED)],
        ),
        answer(
            "NoSuchTask",
            "There is no such task, or it is another user's.",
            vec![("no_such_task", tasks::NO_SUCH_TASK)],
        ),
        answer(
            "NoSuchConcept",
            "There is no such concept, or it is another user's.",
            vec![("no_such_concept", concepts::NO_SUCH_CONCEPT)],
        ),
        answer(
            "NoSuchImage",
            "There is no such image, or it is another user's.",
            vec![("no_such_image", images::NO_SUCH_IMAGE)],
        ),
        answer(
            "NoSuchOriginal",
            "`original_image_url` is one of this service's own images, which does not exist or \
             is another user's.",
            vec![(
                "no_such_original",
                Problem::NotFound("There is no such original image."),
            )],
        ),
        answer(
            "NoSessions",
            "Anonymous sessions are off: tokens come from elsewhere.",
            vec![(
                "no_sessions",
                Problem::NotFound("There are no anonymous sessions here."),
            )],
        ),
        answer(
            "NothingHere",
            "There is nothing at this path.",
            vec![(
                "nothing_here",
                Problem::NotFound("There is nothing at this path."),
            )],
        ),
        answer(
            "MethodNotAllowed",
            "The path does not answer to the method that was used; `Allow` has those that it \
             answers to.",
            vec![(
                "method_not_allowed",
                Problem::MethodNotAllowed { allow: "GET, HEAD" },
            )],
        ),
        answer(
            "GoesWithConcept",
            "The image is a refined one.",
            vec![(
                "goes_with_concept",
                Problem::Conflict("A refined image goes with its concept. Delete that."),
            )],
        ),
        answer(
            "BodyTooLarge",
            "The body is longer than 64 KiB.",
            vec![(
                "too_large",
                Problem::TooLarge("The body is longer than 64 KiB.".into()),
            )],
        ),
        answer(
            "ImageTooLarge",
            "The image has too many bytes or too many pixels.",
            vec![
                (
                    "too_many_bytes",
                    image::Problem::TooLarge {
                        max_bytes: 20 << 20,
                    }
                    .into(),
                ),
                (
                    "too_many_pixels",
                    image::Problem::TooManyPixels {
                        max_pixels: 50_000_000,
                    }
                    .into(),
                ),
            ],
        ),
        answer(
            "NotJson",
            "The body is not declared as `application/json`.",
            vec![(
                "not_declared",
                Problem::UnsupportedMediaType(
                    "The body must be declared as application/json.".into(),
                ),
            )],
        ),
        answer(
            "NotAnImage",
            "The body is not an image. Its contents decide, not its declared type.",
            vec![("not_an_image", image::Problem::NotAnImage.into())],
        ),
        answer(
            "RangeNotSatisfiable",
            "The range lies outside the image.",
            vec![("outside", Problem::RangeNotSatisfiable { size: 48_213 })],
        ),
        answer(
            "InvalidRefinement",
            "The body is no JSON object, or fields are missing or cannot be used: all problems \
             at once. It costs no quota.",
            vec![
                (
                    "fields",
                    fields(&[
                        ("original_image_url", "must point to a public address"),
                        ("refinement_prompt", "must be at least 5 characters"),
                    ]),
                ),
                (
                    "malformed",
                    Problem::Invalid(Malformed::NotJson.to_string().into()),
                ),
                (
                    "key_reused",
                    fields(&[("Idempotency-Key", "was used with another request before")]),
                ),
            ],
        ),
        answer(
            "InvalidQuery",
            "A parameter cannot be used: all problems at once.",
            vec![(
                "fields",
                fields(&[
                    ("cursor", "must be a next_cursor of this list"),
                    ("limit", "must be from 1 to 100"),
                ]),
            )],
        ),
        answer(
            "InvalidImage",
            "The image is empty, cut short or not well-formed.",
            vec![
                ("empty", image::Problem::Empty.into()),
                ("cut_short", image::Problem::CutShort.into()),
            ],
        ),
        answer(
            "QuotaExceeded",
            "The user's quota is used up. It is counted when a task is created.",
            vec![("quota_exceeded", quota_exceeded())],
        ),
        answer(
            "TooManyUploads",
            "The user keeps as many uploads as allowed already.",
            vec![(
                "too_many_kept",
                Problem::TooManyKept("You keep 100 uploads already. Delete one first.".into()),
            )],
        ),
        answer(
            "InternalError",
            "A fault of the service, of which nothing is told.",
            vec![("internal", Problem::Internal)],
        ),
        answer(
            "Unavailable",
            "Something that the service needs cannot be reached now, or is overloaded.",
            vec![
                (
                    "unavailable",
                    unavailable("The task store cannot be reached.", None),
                ),
                (
                    "no_keys",
                    unavailable(
                        "Credentials cannot be verified at the moment. Try again later.",
                        Some(10),
                    ),
                ),
            ],
        ),
        answer(
            "UnavailableOrBusy",
            "The task store or the queue cannot be reached, the disk is full, or too many \
             requests wait already.",
            vec![
                (
                    "unavailable",
                    unavailable("The task store cannot be reached.", None),
                ),
                (
                    "busy",
                    unavailable("Too many tasks are waiting. Try again later.", Some(30)),
                ),
            ],
        ),
    ]
}

fn fields(problems: &[(&str, &str)]) -> Problem {
    let mut errors = FieldErrors::default();
    for (field, problem) in problems {
        errors.add(field, *problem);
    }
    Problem::InvalidFields(errors)
}

fn quota_exceeded() -> Problem {
    let quota = Quota {
        limit: 10,
        window: Window::Month,
    };
    Problem::QuotaExceeded {
        detail: sentence::rate_limited(quota),
        quota: QuotaState {
            limit: 10,
            remaining: 0,
            reset: Timestamp::from_secs(1_796_083_200),
        },
        retry_after: 907_199,
    }
}

fn unavailable(detail: &'static str, retry_after: Option<u32>) -> Problem {
    Problem::Unavailable {
        detail: detail.into(),
        retry_after,
    }
}
