//! The parameters of a header field: `essence; name=value; name="value"`.

/// Names and values; a value is without its quotes.
pub type Parameters<'a> = Vec<(&'a str, String)>;

/// What precedes the parameters, and these. None: they cannot be read.
pub fn split(field: &str) -> Option<(&str, Parameters<'_>)> {
    let (essence, mut rest) = field.split_once(';').unwrap_or((field, ""));
    let mut parameters = Vec::new();
    loop {
        rest = rest.trim_start_matches(SPACE);
        // Some end the last parameter as well.
        if rest.is_empty() {
            return Some((essence.trim_matches(SPACE), parameters));
        }
        let (name, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(after) => quoted(after)?,
            None => {
                let end = after.find(';').unwrap_or(after.len());
                let (value, after) = after.split_at_checked(end)?;
                (value.trim_end_matches(SPACE).to_owned(), after)
            }
        };
        parameters.push((name, value));
        let after = after.trim_start_matches(SPACE);
        rest = match after.strip_prefix(';') {
            Some(after) => after,
            None if after.is_empty() => after,
            None => return None,
        };
    }
}

/// The value of the only parameter of a name, whose case does not count. An error: there are
/// several.
pub fn only<'a>(parameters: &'a Parameters<'_>, name: &str) -> Result<Option<&'a str>, ()> {
    let mut values = parameters
        .iter()
        .filter(|(other, _)| other.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str());
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        _ => Err(()),
    }
}

const SPACE: [char; 2] = [' ', '\t'];

/// The value of a quoted string, and what follows it. A backslash escapes a quote and itself;
/// before anything else it stands for itself, as in the paths of old browsers.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text.chars();
    loop {
        match rest.next()? {
            '"' => return Some((value, rest.as_str())),
            '\\' => match rest.as_str().chars().next()? {
                escaped @ ('"' | '\\') => {
                    rest.next();
                    value.push(escaped);
                }
                _ => value.push('\\'),
            },
            character => value.push(character),
        }
    }
}
