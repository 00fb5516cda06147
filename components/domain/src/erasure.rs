//! Erases everything that is stored about a user, in steps that are small enough not
//! to delay other work.
//!
//! Only the counts of the quota stay, under a [pseudonym](crate::pseudonym), so that
//! nobody gets a new quota by being erased.

use crate::capability::{CapabilityError, Erased, ErrorKind};

/// Limit of tasks, of concepts, of idempotency keys, and of uploads that one step erases.
pub const STEP: u32 = 500;

/// Erases a user. `tasks` and `uploads` take one step each, of at most [`STEP`], and say
/// whether there may be more; `images` deletes the images of erased concepts. The tasks
/// come first, so that no worker continues them; but if the task store is full, the
/// uploads come first, because they free the space that it needs.
///
/// Anything that the user submits meanwhile may or may not be erased.
///
/// # Errors
///
/// A store cannot be used. A repeat erases what is left; garbage collection removes
/// images of concepts that are already erased.
pub async fn erase<T, I, U>(
    mut tasks: impl FnMut() -> T,
    mut images: impl FnMut(Vec<String>) -> I,
    mut uploads: impl FnMut() -> U,
) -> Result<(), CapabilityError>
where
    T: Future<Output = Result<Erased, CapabilityError>>,
    I: Future<Output = Result<(), CapabilityError>>,
    U: Future<Output = Result<bool, CapabilityError>>,
{
    let mut makes_room = true;
    loop {
        let erased = match tasks().await {
            Err(full) if full.kind == ErrorKind::Full && makes_room => {
                while uploads().await? {}
                makes_room = false;
                continue;
            }
            erased => erased?,
        };
        images(erased.image_paths).await?;
        if !erased.has_more {
            break;
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

    use super::*;

    type Answers = Vec<Result<bool, ErrorKind>>;

    fn error(kind: ErrorKind) -> CapabilityError {
        CapabilityError {
            kind,
            message: "It cannot be used.".into(),
        }
    }

    /// The answers of the steps, and the order in which they were taken: `t` and `u` are
    /// steps of tasks and uploads, digits are images.
    fn erased(tasks: Answers, uploads: Answers) -> (Result<(), ErrorKind>, String) {
        let order = RefCell::new(String::new());
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
                let has_more = step('t', &tasks);
                let image_paths = vec![order.borrow().len().to_string()];
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

    #[test]
    fn it_goes_on_until_nothing_is_left() {
        use ErrorKind::{Full, Unavailable};
        for (name, tasks, uploads, expected, order) in [
            ("nothing", vec![Ok(false)], vec![Ok(false)], Ok(()), "t1u"),
            (
                "much",
                vec![Ok(true), Ok(true), Ok(false)],
                vec![Ok(true), Ok(false)],
                Ok(()),
                "t1t3t5uu",
            ),
            (
                "an outage",
                vec![Ok(true), Err(Unavailable)],
                vec![],
                Err(Unavailable),
                "t1t",
            ),
            (
                "a full store",
                vec![Err(Full), Ok(true), Ok(false)],
                vec![Ok(true), Ok(false), Ok(false)],
                Ok(()),
                "tuut4t6u",
            ),
            (
                "a store that stays full",
                vec![Err(Full), Err(Full)],
                vec![Ok(false)],
                Err(Full),
                "tut",
            ),
        ] {
            let expected = (expected, order.to_owned());
            assert_eq!(erased(tasks, uploads), expected, "{name}");
        }
    }
}
