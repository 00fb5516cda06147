//! Erases everything that is stored about a user, in steps that are small enough not
//! to delay other work.
//!
//! Only the counts of the quota stay, under a [pseudonym](crate::pseudonym), so that
//! nobody gets a new quota by being erased.

use crate::capability::{CapabilityError, ConceptPage, Erased, ErrorKind};

/// Limit of tasks, of concepts, of idempotency keys, and of uploads that one step erases.
pub const STEP: u32 = 100;

/// Erases a user. `concepts` lists the newest [`STEP`] of them. `tasks` and `uploads` take one
/// step each, of at most as many, the newest first, and say whether there may be more; `images`
/// deletes images of concepts.
///
/// The images of concepts come before the concepts: while a concept names its image, a repeat
/// deletes it, whatever a fault or a crash has left. If a store is full, the uploads come first,
/// because they free the space that it needs.
///
/// Anything that the user submits meanwhile may or may not be erased. Of a task that is completed
/// meanwhile, the concept may go before its image: garbage collection removes it after a fault.
///
/// # Errors
///
/// A store cannot be used. A repeat erases what is left.
pub async fn erase<C, T, I, U>(
    mut concepts: impl FnMut() -> C,
    mut tasks: impl FnMut() -> T,
    mut images: impl FnMut(Vec<String>) -> I,
    mut uploads: impl FnMut() -> U,
) -> Result<(), CapabilityError>
where
    C: Future<Output = Result<ConceptPage, CapabilityError>>,
    T: Future<Output = Result<Erased, CapabilityError>>,
    I: Future<Output = Result<(), CapabilityError>>,
    U: Future<Output = Result<bool, CapabilityError>>,
{
    let mut are_uploads_erased = false;
    loop {
        let step = async {
            let named = concepts().await?.items.into_iter();
            let named: Vec<_> = named.map(|concept| concept.content.image_path).collect();
            images(named.clone()).await?;
            let mut erased = tasks().await?;
            erased.image_paths.retain(|path| !named.contains(path));
            images(erased.image_paths).await?;
            Ok::<_, CapabilityError>(erased.has_more)
        };
        match step.await {
            Ok(true) => {}
            Ok(false) => break,
            Err(full) if full.kind == ErrorKind::Full && !are_uploads_erased => {
                while uploads().await? {}
                are_uploads_erased = true;
            }
            Err(error) => return Err(error),
        }
    }
    while uploads().await? {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::future::ready;

    use futures::FutureExt as _;
    use serde_json::json;

    use super::*;
    use crate::concept::Concept;
    use crate::timestamp::Timestamp;

    type Answers = Vec<Result<bool, ErrorKind>>;

    fn error(kind: ErrorKind) -> CapabilityError {
        CapabilityError {
            kind,
            message: "It cannot be used.".into(),
        }
    }

    /// The answers of the steps, and the order in which they were taken: `c`, `t` and `u` are
    /// steps of concepts, tasks and uploads, digits are images.
    fn erased(tasks: Answers, uploads: Answers) -> (Result<(), ErrorKind>, String) {
        let (order, named) = (RefCell::new(String::new()), RefCell::new(String::new()));
        let (tasks, uploads) = (
            RefCell::new(tasks.into_iter()),
            RefCell::new(uploads.into_iter()),
        );
        let step = |letter, answers: &RefCell<std::vec::IntoIter<_>>| {
            order.borrow_mut().push(letter);
            let answer: Result<bool, ErrorKind> = answers.borrow_mut().next().unwrap();
            answer.map_err(error)
        };
        let erased = erase(
            || {
                order.borrow_mut().push('c');
                let path = order.borrow().len().to_string();
                named.replace(path.clone());
                ready(Ok(ConceptPage {
                    items: vec![concept(&path)],
                    next: None,
                }))
            },
            || {
                let has_more = step('t', &tasks);
                let image_paths = vec![named.take(), order.borrow().len().to_string()];
                ready(has_more.map(|has_more| Erased {
                    image_paths,
                    has_more,
                }))
            },
            |paths| {
                order.borrow_mut().extend(paths);
                ready(Ok(()))
            },
            || ready(step('u', &uploads)),
        );
        let erased = erased.now_or_never().unwrap();
        let left = tasks.borrow().len() + uploads.borrow().len();
        assert_eq!(left, 0, "steps that were not taken");
        (erased.map_err(|error| error.kind), order.into_inner())
    }

    fn concept(image_path: &str) -> Concept {
        let content = json!({
            "task_id": "", "user_id": "", "is_anonymous": false, "image_path": image_path,
            "image_url": "", "original_image_url": "", "refinement_prompt": "",
            "logo_description": null, "theme_description": null, "color_palettes": [],
        });
        Concept {
            id: String::new(),
            created_at: Timestamp(0),
            content: serde_json::from_value(content).unwrap(),
        }
    }

    #[test]
    fn it_goes_on_until_nothing_is_left() {
        use ErrorKind::{Full, Unavailable};
        for (name, tasks, uploads, expected, order) in [
            ("nothing", vec![Ok(false)], vec![Ok(false)], Ok(()), "c1t3u"),
            (
                "much",
                vec![Ok(true), Ok(true), Ok(false)],
                vec![Ok(true), Ok(false)],
                Ok(()),
                "c1t3c5t7c9t11uu",
            ),
            (
                "an outage",
                vec![Ok(true), Err(Unavailable)],
                vec![],
                Err(Unavailable),
                "c1t3c5t",
            ),
            (
                "a full store",
                vec![Err(Full), Ok(true), Ok(false)],
                vec![Ok(true), Ok(false), Ok(false)],
                Ok(()),
                "c1tuuc6t8c10t13u",
            ),
            (
                "a store that stays full",
                vec![Err(Full), Err(Full)],
                vec![Ok(false)],
                Err(Full),
                "c1tuc5t",
            ),
        ] {
            let expected = (expected, order.to_owned());
            assert_eq!(erased(tasks, uploads), expected, "{name}");
        }
    }
}
