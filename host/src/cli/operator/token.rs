//! The operator's token, which is never an argument, because other users of the
//! machine can see arguments.

use http::HeaderValue;

use super::super::failure::Failure;

const ACT: &str = "REFINEMENT_ADMIN_TOKEN";
const READ: &str = "REFINEMENT_ADMIN_READ_TOKEN";

/// The kind of access that a command needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    Act,
}

pub struct Token {
    /// The variable that it comes from.
    pub variable: &'static str,
    /// The value of the `Authorization` header.
    pub header: HeaderValue,
}

impl Token {
    /// A token with enough rights. `variable` reads the environment.
    pub fn of(access: Access, variable: impl Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let names: &[&'static str] = match access {
            Access::Read => &[ACT, READ],
            Access::Act => &[ACT],
        };
        let given = names.iter().find_map(|name| {
            let token = variable(name)?;
            let token = token.trim();
            (!token.is_empty()).then(|| (*name, format!("Bearer {token}")))
        });
        let Some((variable, value)) = given else {
            return Err(Failure::usage(format!(
                "--admin-url needs the operator's token in the variable {}",
                names.join(" or ")
            )));
        };
        let Ok(mut header) = HeaderValue::try_from(value) else {
            let problem = format!("the variable {variable} has characters that no token has");
            return Err(Failure::usage(problem));
        };
        header.set_sensitive(true);
        Ok(Self { variable, header })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_that_suffices_is_taken() {
        let both = [(ACT, "act"), (READ, "read")];
        let read = [(READ, " read\n")];
        for (access, variables, expected) in [
            (Access::Act, &both[..], Some((ACT, "Bearer act"))),
            (Access::Read, &both, Some((ACT, "Bearer act"))),
            (Access::Read, &read, Some((READ, "Bearer read"))),
            (Access::Act, &read, None),
            (
                Access::Read,
                &[(ACT, ""), (READ, "read")],
                Some((READ, "Bearer read")),
            ),
            (Access::Act, &[(ACT, "two\nlines")], None),
            (Access::Read, &[], None),
        ] {
            let variable = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            let token = Token::of(access, variable).ok();
            let found = token.as_ref();
            let found = found.map(|token| (token.variable, token.header.to_str().unwrap()));
            assert_eq!(found, expected, "{access:?} {variables:?}");
        }
    }
}
