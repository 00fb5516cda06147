//! Access tokens (JSON Web Tokens): which are accepted, why one is not, and how the service
//! signs its own.
//!
//! Pure: keys, time and rules come in as parameters. No error has a part of a token in it.

mod caller;
mod claims;
mod compact;
mod issued;
mod key;
mod key_set;
mod refusal;

pub use caller::Caller;
use claims::plan_of;
pub use claims::{Claims, Rules, Signer, Span, parse_plan_claim};
pub use compact::{Compact, MAX_LENGTH};
pub use issued::Issued;
pub use key::{Algorithm, Key};
pub use key_set::{KeySet, Signed, Skipped};
pub use refusal::{Refusal, key_id};

/// Who a token with a valid signature names, and when it is valid; the caller compares that
/// with the time. `is_signed` checks that `signer` signed it.
///
/// # Errors
///
/// Why it is not accepted. Of the claims only if the signature is valid.
pub fn read(
    token: &str,
    rules: &Rules,
    signer: Signer,
    is_signed: impl FnOnce(&Compact<'_>) -> bool,
) -> Result<(Caller, Span), Refusal> {
    if token.len() > MAX_LENGTH {
        return Err(Refusal::TooLong);
    }
    let token = Compact::parse(token).ok_or(Refusal::Form)?;
    if !is_signed(&token) {
        return Err(Refusal::Signature);
    }
    let claims: Claims = token.claims().ok_or(Refusal::Claims)?;
    let (caller, span) = claims.judge(rules, signer)?;
    let plan = rules.plan_claim.as_ref().and_then(|claim| {
        let claims = token.claims()?;
        plan_of(&claims, claim)
    });
    Ok((Caller { plan, ..caller }, span))
}
