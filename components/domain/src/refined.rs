//! The name of a refined image: its task and attempt.
//!
//! The attempt is the fencing token, so a worker that has lost its lease never overwrites
//! the image of the current one, and garbage collection can distinguish images that may
//! still be needed from those that never will be.

/// The name of a refined image in the `image-store`.
pub fn name(task_id: &str, attempt: u32) -> String {
    format!("{task_id}-{attempt}")
}

/// Whether it is the path of a refined image, in whatever form its name is.
pub fn is_refined(path: &str) -> bool {
    path.starts_with("refined/")
}

/// The task and the attempt in a stored image's path. None: not the path of a
/// refined image.
pub fn task_and_attempt(path: &str) -> Option<(&str, u32)> {
    let (_, file) = path.rsplit_once('/')?;
    let name = file.split_once('.').map_or(file, |(name, _)| name);
    let (task_id, digits) = name.rsplit_once('-')?;
    let attempt: u32 = digits.parse().ok()?;
    let is_written_so = attempt.to_string() == digits;
    (is_refined(path) && !task_id.is_empty() && is_written_so).then_some((task_id, attempt))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: &str = "0190c0de-0000-7000-8000-000000000001";

    #[test]
    fn a_path_tells_what_the_name_was_made_of() {
        for attempt in [1, 10, u32::MAX] {
            let name = name(TASK, attempt);
            for path in [
                format!("refined/{name}"),
                format!("refined/0123/{name}.png"),
            ] {
                assert_eq!(task_and_attempt(&path), Some((TASK, attempt)), "{path}");
            }
        }
    }

    #[test]
    fn other_paths_tell_nothing() {
        for path in [
            "",
            "refined",
            "refined/",
            "refined/ada/-1.png",
            "refined/ada/a.png",
            "refined/ada/a-.png",
            "refined/ada/a-x.png",
            "refined/ada/a-01.png",
            "refined/ada/a-+1.png",
            "refined/ada/a-4294967296.png",
            "uploads/ada/a-1.png",
        ] {
            assert_eq!(task_and_attempt(path), None, "{path:?}");
        }
    }
}
