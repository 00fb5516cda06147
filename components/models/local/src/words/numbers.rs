//! Numbers as people write them in a prompt: 20%, -20%, 2x, 22.5, 16:9, 1024x1024.

use concept_refinement_vocabulary::Meaning;

/// Longest side of a picture that can be asked for, in pixels.
const MAX_SIDE: u32 = 16_384;

/// Whether the character goes on with a number, though it would end a word.
pub fn is_within(word: &str, character: char, next: Option<char>) -> bool {
    let is_number = word.ends_with(|last: char| last.is_ascii_digit());
    let goes_on = next.is_some_and(|next| next.is_ascii_digit());
    is_number
        && match character {
            '%' => true,
            '×' => is_plain(word),
            '.' | ':' => goes_on && unsigned(word).chars().all(|c| c.is_ascii_digit()),
            _ => false,
        }
}

pub fn meaning(token: &str) -> Option<Meaning> {
    if let Some(percent) = token.strip_suffix('%') {
        return signed(percent).map(|percent| Meaning::Percent(percent / 100.0));
    }
    if let Some((wide, high)) = token.split_once(':') {
        return Some(Meaning::Ratio(side(wide)?, side(high)?));
    }
    if let Some((wide, high)) = token.split_once(['x', '×'])
        && !wide.is_empty()
        && !high.is_empty()
    {
        let high = high.strip_suffix("px").unwrap_or(high);
        return Some(Meaning::Size(side(wide)?, side(high)?));
    }
    let times = token
        .strip_suffix(['x', '×'])
        .or_else(|| token.strip_prefix('x'));
    if let Some(times) = times {
        return plain(times).map(Meaning::Times);
    }
    signed(token).map(Meaning::Figure)
}

/// Whether the character is the sign of the number that follows.
pub fn is_minus(character: char, next: Option<char>) -> bool {
    is_dash(character) && next.is_some_and(|next| next.is_ascii_digit())
}

pub fn is_dash(character: char) -> bool {
    matches!(character, '-' | '\u{2212}' | '\u{2013}')
}

/// What follows a percentage. None: the text does not begin with one.
pub fn after_percent(text: &str) -> Option<&str> {
    after_figure(text)?.trim_start().strip_prefix('%')
}

/// What follows a number. None: the text does not begin with one.
pub fn after_figure(text: &str) -> Option<&str> {
    let number = text.trim_start();
    let rest = number.trim_start_matches(|next: char| next.is_ascii_digit() || next == '.');
    (rest.len() < number.len()).then_some(rest)
}

/// Whether the token is a number, with or without a sign.
pub fn is_signed(token: &str) -> bool {
    is_plain(unsigned(token))
}

/// Whether the token is a number without a sign, perhaps of per cent.
pub fn is_unsigned(token: &str) -> bool {
    is_plain(token.strip_suffix('%').unwrap_or(token))
}

fn unsigned(token: &str) -> &str {
    token.strip_prefix('-').unwrap_or(token)
}

fn signed(token: &str) -> Option<f32> {
    let number: f32 = is_signed(token).then(|| token.parse().ok())??;
    number.is_finite().then_some(number)
}

fn plain(token: &str) -> Option<f32> {
    signed(token).filter(|_| is_plain(token))
}

pub fn is_plain(token: &str) -> bool {
    token.starts_with(|first: char| first.is_ascii_digit())
        && token.chars().all(|c| c.is_ascii_digit() || c == '.')
}

fn side(text: &str) -> Option<u32> {
    let side = text.parse().ok()?;
    (1..=MAX_SIDE).contains(&side).then_some(side)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let cases = [
            ("20%", Some(Meaning::Percent(0.2))),
            ("-20%", Some(Meaning::Percent(-0.2))),
            ("-22.5", Some(Meaning::Figure(-22.5))),
            ("--5", None),
            ("-16:9", None),
            ("16:9", Some(Meaning::Ratio(16, 9))),
            ("1024x768", Some(Meaning::Size(1024, 768))),
            ("1024×768px", Some(Meaning::Size(1024, 768))),
            ("2x", Some(Meaning::Times(2.0))),
            ("x4", Some(Meaning::Times(4.0))),
            ("1.5×", Some(Meaning::Times(1.5))),
            ("22.5", Some(Meaning::Figure(22.5))),
            ("45", Some(Meaning::Figure(45.0))),
            ("0x0", None),
            ("99999x1", None),
            ("5cups", None),
            ("x", None),
            ("mix", None),
            ("3d", None),
        ];
        for (token, expected) in cases {
            assert_eq!(meaning(token), expected, "{token}");
        }
        for ending in ["", "%", "x"] {
            let endless = "9".repeat(60) + ending;
            assert_eq!(meaning(&endless), None, "{endless}");
        }
    }
}
