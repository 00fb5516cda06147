//! Finds the vocabulary's words in a prompt: case-insensitive, whole words only, with
//! inflections, the longest phrase first.

mod numbers;

use std::cmp::Reverse;

use concept_refinement_vocabulary::{Meaning, TABLE};

/// A word or phrase of a prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// As written, in lower case.
    pub text: String,
    /// None: the vocabulary does not contain it.
    pub meaning: Option<Meaning>,
}

pub fn terms(prompt: &str) -> Vec<Term> {
    let tokens = tokens(prompt);
    let mut rest = tokens.as_slice();
    let mut terms = Vec::new();
    while let Some(first) = rest.first() {
        let (length, meaning) = if ENDS.contains(first.as_str()) {
            (1, Some(Meaning::Stop))
        } else if let Some(color) = hex(first) {
            (1, Some(Meaning::Color(color)))
        } else if let Some((length, meaning)) = longest_before_vague(rest) {
            match part(rest, length, meaning).filter(|_| is_changed(&terms)) {
                Some(part) => (1, Some(part)),
                None => (length, Some(meaning)),
            }
        } else {
            (1, numbers::meaning(first))
        };
        let (found, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        terms.push(Term {
            text: found.join(" "),
            meaning,
        });
        rest = after;
    }
    terms
}

/// The part of the picture that a colour's name begins with, at the end of a clause: "(make
/// the) sky blue", but not "(the) sky blue logo".
fn part(tokens: &[String], length: usize, meaning: Meaning) -> Option<Meaning> {
    let (name, after) = tokens.split_at_checked(length)?;
    if !matches!(meaning, Meaning::Color(_)) || !ends_clause(after) {
        return None;
    }
    let first = longest(name.get(..1)?).map(|(_, first)| first);
    first.filter(|first| *first == Meaning::Part)
}

/// Whether a clause ends before these tokens.
fn ends_clause(after: &[String]) -> bool {
    let is_end = |next: &String| ENDS.contains(next.as_str());
    after.first().is_none_or(is_end)
        || matches!(longest(after), Some((_, Meaning::Stop | Meaning::Or)))
}

/// Whether the last words are "make the" or "turn the".
fn is_changed(terms: &[Term]) -> bool {
    let is_verb = |verb: &str| matches!(verb, "make" | "turn");
    matches!(terms, [.., verb, the] if is_verb(&verb.text) && the.text == "the")
}

/// Punctuation that ends the context of words.
const ENDS: &str = ".,;:!?()\n";

/// Words in lower case, numbers, and punctuation that has a meaning.
fn tokens(prompt: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut word = String::new();
    let mut characters = prompt.chars().peekable();
    while let Some(character) = characters.next() {
        let next = characters.peek().copied();
        if character.is_alphanumeric() || numbers::is_within(&word, character, next) {
            word.extend(character.to_lowercase());
            continue;
        }
        let line = || characters.clone().take_while(|next| *next != '\n').take(64);
        // "by -20%", but neither "16-20" nor a list's "- 20% darker" or "-3 colours"
        if word.is_empty() && numbers::is_minus(character, next) {
            let is_item = tokens.last().is_none_or(|last| last == "\n");
            if !is_item || numbers::after_percent(&line().collect::<String>()).is_some() {
                word.push('-');
                continue;
            }
        }
        if !word.is_empty() {
            tokens.push(std::mem::take(&mut word));
        }
        // "brightness-20%", "brightness - 20"
        let is_of_word = tokens
            .last()
            .is_some_and(|last| last.ends_with(char::is_alphabetic));
        let is_change = || matches!(last_meaning(&tokens), Some(Meaning::Change(_)));
        let is_before = |after: &str| {
            let percent = numbers::after_percent(after);
            let rest = percent.or_else(|| numbers::after_figure(after).filter(|_| is_change()));
            rest.is_some_and(|rest| is_negated(after, rest))
        };
        if is_of_word && numbers::is_dash(character) && is_before(&line().collect::<String>()) {
            tokens.push("minus".to_owned());
            continue;
        }
        // "20 %"
        if character == '%'
            && let Some(number) = tokens.last_mut().filter(|last| numbers::is_signed(last))
        {
            number.push(character);
            continue;
        }
        if character == '&' || ENDS.contains(character) {
            tokens.push(character.to_string());
        }
        if character == '×' {
            tokens.push("x".to_owned());
        }
        // "red → blue", "red -> blue", but not "contrast > 50%"
        let is_arrow = matches!(character, '→' | '➜' | '⟶');
        if is_arrow
            || (character == '>' && matches!(last_meaning(&tokens), Some(Meaning::Color(_))))
        {
            tokens.push("to".to_owned());
        }
        if character == '#' {
            word.push(character);
        }
    }
    if !word.is_empty() {
        tokens.push(word);
    }
    for token in &mut tokens {
        if hex(token).is_none() && token.starts_with('#') {
            token.remove(0);
        }
    }
    tokens.retain(|token| !token.is_empty());
    joined(tokens)
}

/// Whether a dash behind a word makes the number after it, and before the rest, negative: if that
/// is next to it, or ends the clause. Otherwise it is a dash between two wishes.
fn is_negated(after: &str, rest: &str) -> bool {
    let is_close = after.starts_with(|next: char| next.is_ascii_digit());
    let rest = rest.trim_start();
    is_close || rest.is_empty() || rest.starts_with(|next| ENDS.contains(next))
}

/// What the last word means by itself.
fn last_meaning(tokens: &[String]) -> Option<Meaning> {
    let last = tokens.last()?;
    let word = || longest(std::slice::from_ref(last)).map(|(_, meaning)| meaning);
    hex(last).map(Meaning::Color).or_else(word)
}

/// Joins what is one number: "512 x 512", "20 percent", "minus 20%".
fn joined(tokens: Vec<String>) -> Vec<String> {
    let mut joined: Vec<String> = Vec::with_capacity(tokens.len());
    for token in tokens {
        match joined.as_mut_slice() {
            [.., wide, times]
                if times.as_str() == "x"
                    && numbers::is_plain(wide.as_str())
                    && numbers::is_plain(&token) =>
            {
                wide.push('x');
                wide.push_str(&token);
                joined.pop();
            }
            [.., number, per]
                if per.as_str() == "per"
                    && token == "cent"
                    && numbers::is_signed(number.as_str()) =>
            {
                number.push('%');
                joined.pop();
            }
            [.., number] if token == "percent" && numbers::is_signed(number) => number.push('%'),
            [.., minus] if minus.as_str() == "minus" && numbers::is_unsigned(&token) => {
                *minus = format!("-{token}");
            }
            _ => joined.push(token),
        }
    }
    joined
}

/// The colour of `#8b5a2b`, or in short form `#abc`.
fn hex(token: &str) -> Option<u32> {
    let digits = token.strip_prefix('#')?;
    let value = u32::from_str_radix(digits, 16).ok()?;
    match digits.len() {
        6 => Some(value),
        // Each digit counts twice.
        3 => {
            let [r, g, b] = [value >> 8, value >> 4 & 0xF, value & 0xF];
            Some((r << 16 | g << 8 | b) * 0x11)
        }
        _ => None,
    }
}

/// The longest phrase of the vocabulary at the beginning of the tokens, and how many
/// tokens it takes. A literal match takes precedence over an inflection of another word.
fn longest(tokens: &[String]) -> Option<(usize, Meaning)> {
    TABLE
        .iter()
        .flat_map(|entry| entry.words().map(move |phrase| (entry, phrase)))
        .filter_map(|(entry, phrase)| {
            let (length, exact) = matched(phrase, tokens, inflected(entry.meaning))?;
            Some((length, exact, entry.meaning))
        })
        // Of equal ones the first counts; `max_by_key` would take the last.
        .min_by_key(|(length, exact, _)| Reverse((*length, *exact)))
        .map(|(length, _, meaning)| (length, meaning))
}

/// Grammatical words are matched only literally ("bitter" is not an inflection of "bit").
fn inflected(meaning: Meaning) -> bool {
    use Meaning::*;
    let is_literal = matches!(
        meaning,
        Degree(_) | Number(_) | Definite | Toward(_) | Stop | Or | By | On
    );
    !is_literal && !matches!(meaning, Whole | More | Only | Vague | Share(_))
}

/// The same, but a vague phrase keeps its first word: "remove the colour cast" is none of "remove
/// the colour".
fn longest_before_vague(tokens: &[String]) -> Option<(usize, Meaning)> {
    let (length, meaning) = longest(tokens)?;
    let (before, last) = tokens.split_at_checked(length.saturating_sub(1))?;
    match longest(last) {
        Some((2.., Meaning::Vague)) if !before.is_empty() => longest(before),
        _ => Some((length, meaning)),
    }
}

/// How many tokens the phrase takes, and whether all match literally.
fn matched(phrase: &str, tokens: &[String], inflected: bool) -> Option<(usize, bool)> {
    let mut tokens = tokens.iter();
    let mut exact = true;
    let mut length = 0;
    for word in phrase.split([' ', '\'']) {
        let token = tokens.next()?;
        if token != word {
            if !(inflected && inflects(word, token)) {
                return None;
            }
            exact = false;
        }
        length += 1;
    }
    Some((length, exact))
}

const ENDINGS: &[&str] = &[
    "s", "es", "d", "ed", "r", "er", "st", "est", "n", "en", "ens", "ened", "ening", "ing", "ly",
    "ish", "ness", "y",
];
/// Endings before which a final `e` is dropped, or a final consonant doubled.
const VOWEL_ENDINGS: &[&str] = &[
    "es", "ed", "er", "est", "en", "ens", "ened", "ening", "ing", "ish", "y",
];
/// Endings before which a final `y` becomes `i`: "grain" is not grey.
const ENDINGS_OF_Y: &[&str] = &["es", "ed", "er", "est", "ly", "ness"];

/// Whether the token is the word with an English ending: lighter, paler,
/// cosiest, dimmed, browns, bluish.
fn inflects(word: &str, token: &str) -> bool {
    const SHORTEST: usize = 3;
    if word.len() < SHORTEST {
        return false;
    }
    let ends = |ending: Option<&str>, endings: &[&str]| {
        ending.is_some_and(|ending| endings.contains(&ending))
    };
    let behind = token.strip_prefix(word);
    if ends(behind, ENDINGS) {
        return true;
    }
    let of_stem = |last: char| token.strip_prefix(word.strip_suffix(last)?);
    match word.chars().next_back() {
        Some('e') => ends(of_stem('e'), VOWEL_ENDINGS),
        Some('y') => ends(
            of_stem('y').and_then(|it| it.strip_prefix('i')),
            ENDINGS_OF_Y,
        ),
        Some(last) => ends(behind.and_then(|it| it.strip_prefix(last)), VOWEL_ENDINGS),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use concept_refinement_vocabulary::Quality::*;

    #[test]
    fn words_are_found_whole_and_inflected() {
        const LIGHTER: Option<Meaning> = Some(Meaning::Change(&[(Lightness, 1.0)]));
        const DARKER: Option<Meaning> = Some(Meaning::Change(&[(Lightness, -1.0)]));
        const COSY: Option<Meaning> = Some(Meaning::Change(&[(Temperature, 1.0)]));
        const BROWN: Option<Meaning> = Some(Meaning::Color(0x8B5A2B));
        const BLUE: Option<Meaning> = Some(Meaning::Color(0x2563C9));
        const BLUR: Option<Meaning> = Some(Meaning::Change(&[(Sharpness, -1.0)]));
        let cases = [
            ("lighter", LIGHTER),
            ("LIGHTEN", LIGHTER),
            ("lightened", LIGHTER),
            ("brighter", LIGHTER),
            ("brightness", LIGHTER),
            ("highlighter", None),
            ("dimmer", DARKER),
            ("darkening", DARKER),
            ("dime", None),
            ("cosiest", COSY),
            ("grain", None),
            ("browns", BROWN),
            ("brownish", BROWN),
            ("brownie", None),
            ("bluish", BLUE),
            ("bluer", BLUE),
            ("bluebird", None),
            ("blurred", BLUR),
            ("blurs", BLUR),
            ("bitter", None),
            ("redo", None),
            ("café", None),
        ];
        for (word, meaning) in cases {
            let found = terms(word);
            assert_eq!(found.len(), 1, "{word}");
            assert_eq!(found[0].meaning, meaning, "{word}");
        }
    }

    #[test]
    fn a_hex_color_is_a_color() {
        let cases = [
            ("#8b5a2b", "#8b5a2b", Some(0x8B5A2B)),
            ("#8B5A2B", "#8b5a2b", Some(0x8B5A2B)),
            ("#abc", "#abc", Some(0xAABBCC)),
            ("#0F0", "#0f0", Some(0x00FF00)),
            ("(#fff)", "#fff", Some(0xFFFFFF)),
            // Without the mark, of another length, or not hexadecimal.
            ("8b5a2b", "8b5a2b", None),
            ("#8b5a", "8b5a", None),
            ("#8b5a2b80", "8b5a2b80", None),
            ("#grand", "grand", None),
            ("#+ab", "ab", None),
            ("##abc", "#abc", Some(0xAABBCC)),
        ];
        for (prompt, text, color) in cases {
            let found = terms(prompt);
            let term = found.iter().find(|term| term.text == text);
            let term = term.unwrap_or_else(|| panic!("{prompt}: {found:?}"));
            assert_eq!(term.meaning, color.map(Meaning::Color), "{prompt}");
        }
        assert_eq!(terms("# ##"), []);
    }

    #[test]
    fn the_longest_phrase_wins() {
        let cases = [
            ("black and white", vec!["black and white"]),
            ("Black-and-White", vec!["black and white"]),
            ("b&w", vec!["b & w"]),
            ("sky blue", vec!["sky blue"]),
            ("make the sky blue", vec!["make", "the", "sky", "blue"]),
            (
                "turn the sky blue, please",
                vec!["turn", "the", "sky", "blue", ",", "please"],
            ),
            (
                "make the sky blue logo big",
                vec!["make", "the", "sky blue", "logo", "big"],
            ),
            ("keep the sky blue", vec!["keep", "the", "sky blue"]),
            ("my sky blue logo", vec!["my", "sky blue", "logo"]),
            (
                "the sky blue background",
                vec!["the", "sky blue", "background"],
            ),
            ("the navy blue", vec!["the", "navy blue"]),
            ("a little lighter", vec!["a little", "lighter"]),
            ("less detail, please", vec!["less detail", ",", "please"]),
            ("don't blur", vec!["don t", "blur"]),
            (
                "a transparent background",
                vec!["a", "transparent background"],
            ),
            ("8-bit", vec!["8 bit"]),
            ("remove the colour", vec!["remove the colour"]),
            (
                "remove the colour cast",
                vec!["remove", "the", "colour cast"],
            ),
            ("512 x 512.", vec!["512x512", "."]),
            ("to 20 × 30", vec!["to", "20x30"]),
            ("2× bigger", vec!["2×", "bigger"]),
            (". x 5 x cups", vec![".", "x", "5", "x", "cups"]),
            ("20 %, 20%", vec!["20%", ",", "20%"]),
            ("-20%, −5.5", vec!["-20%", ",", "-5.5"]),
            ("(-20 %)", vec!["(", "-20%", ")"]),
            ("minus 20%, 20 percent", vec!["-20%", ",", "20%"]),
            ("minus 20 percent", vec!["-20%"]),
            ("by 20 per cent", vec!["by", "20%"]),
            ("- 20% 16-20 a-5", vec!["20%", "16", "20", "a", "5"]),
            ("a-20%, a - 20 %", vec!["a", "-20%", ",", "a", "-20%"]),
            (
                "a - 20% b, 10 - 20%",
                vec!["a", "20%", "b", ",", "10", "20%"],
            ),
            (
                "-3 a\n-5 b\n-20% c",
                vec!["3", "a", "\n", "5", "b", "\n", "-20%", "c"],
            ),
        ];
        for (prompt, expected) in cases {
            let found: Vec<_> = terms(prompt).into_iter().map(|term| term.text).collect();
            assert_eq!(found, expected, "{prompt}");
        }
    }

    #[test]
    fn each_phrase_stands_in_one_row_and_means_what_that_says() {
        let mut seen = std::collections::BTreeSet::new();
        for entry in TABLE.iter() {
            for phrase in entry.words() {
                assert!(seen.insert(phrase), "{phrase} stands twice");
                assert_eq!(phrase, phrase.to_lowercase());
                let found = terms(phrase);
                let meanings: Vec<_> = found.iter().map(|term| term.meaning).collect();
                assert_eq!(meanings, [Some(entry.meaning)], "{phrase}");
            }
        }
    }
}
