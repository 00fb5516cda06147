//! Which path of the document a request's path is.

/// A template matches segment by segment, and one without parameters comes
/// before one with them. A last parameter `path` stands for all that follows.
pub fn find<'a>(templates: impl Iterator<Item = &'a str>, path: &str) -> Option<&'a str> {
    templates
        .filter(|template| matches(template, path))
        .min_by_key(|template| template.matches('{').count())
}

fn matches(template: &str, path: &str) -> bool {
    if let Some(prefix) = template.strip_suffix("{path}") {
        return path.len() > prefix.len() && path.starts_with(prefix);
    }
    let mut wanted = template.split('/');
    let mut given = path.split('/');
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => {}
            (Some(wanted), Some(given)) if wanted == given => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found() {
        let templates = [
            "/",
            "/api/concepts",
            "/api/concepts/refine",
            "/api/concepts/{concept_id}",
            "/api/concepts/task/{task_id}",
            "/api/images",
            "/api/images/{path}",
            "/api/tasks/{task_id}/events",
        ];
        let cases = [
            ("/", Some("/")),
            ("/api/concepts", Some("/api/concepts")),
            ("/api/concepts/refine", Some("/api/concepts/refine")),
            ("/api/concepts/1", Some("/api/concepts/{concept_id}")),
            ("/api/concepts/task/1", Some("/api/concepts/task/{task_id}")),
            ("/api/images/a/b/c.png", Some("/api/images/{path}")),
            ("/api/images/", None),
            ("/api/concepts/", None),
            ("/api/tasks/1/events", Some("/api/tasks/{task_id}/events")),
            ("/api/tasks/1/event", None),
            ("/x", None),
        ];
        for (path, expected) in cases {
            assert_eq!(find(templates.into_iter(), path), expected, "{path}");
        }
    }
}
