//! The grammar: `LINK = [NAME "="] (NAME | PATH) ["(" LINK {"," LINK} ")"]`. Whitespace
//! around a name or a path is ignored.

use super::{CACHE, Component, Link, MAX_DEPTH, MAX_LINKS, MIDDLEWARE, is_name};

/// Characters that names and paths within a chain cannot contain.
const MARKS: [char; 3] = ['(', ',', ')'];

pub fn parse(text: &str) -> Result<Link, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("must name a model".to_owned());
    }
    // The path of a model without a chain may contain any character.
    let first = text.find(MARKS).and_then(|at| text.get(..at));
    if !text.ends_with(')') && first.is_none_or(is_path) {
        return model(text);
    }
    let mut parser = Parser {
        rest: text,
        links: 0,
    };
    let link = parser.link(1)?;
    match parser.rest.chars().next() {
        None => Ok(link),
        Some(',') => Err(format!(
            "must be one model: several are written fallback(…, …), not {text:?}"
        )),
        Some(_) => Err(format!(
            "must end after {link}, not go on with {:?}",
            parser.rest
        )),
    }
}

struct Parser<'a> {
    rest: &'a str,
    links: usize,
}

impl Parser<'_> {
    /// Both limits are checked while parsing, so that no input takes long.
    fn link(&mut self, depth: usize) -> Result<Link, String> {
        if depth > MAX_DEPTH {
            return Err(format!("must be at most {MAX_DEPTH} links deep"));
        }
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(format!("must have at most {MAX_LINKS} links"));
        }
        let end = self.rest.find(MARKS).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end).unwrap_or_default();
        let word = word.trim();
        self.rest = rest;
        if word.is_empty() {
            return Err(match rest.chars().next() {
                None => "must name a model where it ends".to_owned(),
                Some(mark) => format!("must name a model before {mark:?}"),
            });
        }
        if !self.takes('(') {
            return model(word);
        }
        let mut behind = vec![self.link(depth + 1)?];
        while self.takes(',') {
            behind.push(self.link(depth + 1)?);
        }
        if !self.takes(')') {
            return Err(format!("must have a \")\" for the \"(\" of {word}"));
        }
        middleware(word, behind)
    }

    fn takes(&mut self, mark: char) -> bool {
        match self.rest.strip_prefix(mark) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }
}

fn model(word: &str) -> Result<Link, String> {
    let (given_name, word) = name(word)?;
    if MIDDLEWARE.contains(&word) {
        return Err(format!(
            "must name what is behind {word}, as in {word}(openai)"
        ));
    }
    Ok(Link {
        given_name,
        component: component(word),
        behind: None,
    })
}

fn middleware(word: &str, behind: Vec<Link>) -> Result<Link, String> {
    let (given_name, word) = name(word)?;
    let component = component(word);
    if matches!(component, Component::Shipped(_)) && !MIDDLEWARE.contains(&word) {
        let known = MIDDLEWARE.join(", ");
        return Err(format!(
            "must have {known} or a path before a \"(\", not {word:?}"
        ));
    }
    match &behind[..] {
        [_, second, ..] if word == CACHE => Err(format!(
            "must have one link in {CACHE}(…), and {second} is one more"
        )),
        _ => Ok(Link {
            given_name,
            component,
            behind: Some(behind),
        }),
    }
}

/// The given name, and the component that it names. A `=` within a path that has a
/// directory before it is part of the path.
fn name(word: &str) -> Result<(Option<String>, &str), String> {
    let Some((name, of)) = word.split_once('=') else {
        return Ok((None, word));
    };
    let (name, of) = (name.trim_end(), of.trim_start());
    if name.contains('/') {
        return Ok((None, word));
    }
    if !is_name(name) {
        return Err(format!(
            "must have a name of letters, digits, - and _ before a \"=\", not {name:?}"
        ));
    }
    match of {
        "" => Err(format!("must name a model after {name}=")),
        of => Ok((Some(name.to_owned()), of)),
    }
}

fn component(word: &str) -> Component {
    match is_path(word) {
        true => Component::File(word.to_owned()),
        false => Component::Shipped(word.to_owned()),
    }
}

fn is_path(word: &str) -> bool {
    word.contains('/') || word.ends_with(".wasm")
}
