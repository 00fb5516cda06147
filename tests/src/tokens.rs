//! Valid and hostile JSON Web Tokens, assembled by hand, since libraries refuse
//! to make invalid ones.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};

/// The secret of services that take tokens from outside.
pub const SECRET: &str = "a secret of the tests, 32 bytes and more";
pub const AUDIENCE: &str = "concept-refinement-tests";
pub const ISSUER: &str = "https://issuer.test/";

/// A token of this user that is good for a day: some tests set the clock by hours.
pub fn token(user: &str) -> String {
    signed(&json!({"alg": "HS256", "typ": "JWT"}), &claims(user))
}

pub fn claims(user: &str) -> Value {
    json!({
        "sub": user,
        "exp": now() + 24 * 3600,
        "aud": AUDIENCE,
        "iss": ISSUER,
    })
}

/// The claims of a user with one of them changed, or taken out by null.
pub fn with_claim(user: &str, name: &str, value: Value) -> String {
    let mut claims = claims(user);
    match value {
        Value::Null => claims.as_object_mut().unwrap().remove(name),
        value => claims
            .as_object_mut()
            .unwrap()
            .insert(name.to_owned(), value),
    };
    signed(&json!({"alg": "HS256", "typ": "JWT"}), &claims)
}

/// Signed by HMAC with SHA-256, whatever the header says.
pub fn signed(header: &Value, claims: &Value) -> String {
    signed_with(SECRET.as_bytes(), header, claims)
}

pub fn signed_with(secret: &[u8], header: &Value, claims: &Value) -> String {
    let text = unsigned(header, claims);
    let key = EncodingKey::from_secret(secret);
    let signature = crypto::sign(text.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{text}.{signature}")
}

pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_secs()
}

/// Tokens that name `user` and must not be taken, each with what is wrong: one of each kind,
/// of which the API's own tests have more.
pub fn hostile(user: &str) -> Vec<(&'static str, String)> {
    let hs256 = json!({"alg": "HS256", "typ": "JWT"});
    let good = token(user);
    let parts: Vec<&str> = good.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let none = unsigned(&json!({"alg": "none", "typ": "JWT"}), &claims(user));
    let other = encode(claims("somebody else").to_string().as_bytes());
    let another = b"another secret of 32 bytes or more!!";
    let hour = 3600;
    vec![
        ("alg none, no signature", format!("{none}.")),
        (
            "alg RS256 with an HMAC",
            signed(&json!({"alg": "RS256"}), &claims(user)),
        ),
        ("its key in its header", key_in_header(user)),
        (
            "another secret",
            signed_with(another, &hs256, &claims(user)),
        ),
        (
            "half a signature",
            format!("{header}.{payload}.{}", &signature[..signature.len() / 2]),
        ),
        ("another payload", format!("{header}.{other}.{signature}")),
        ("expired", with_claim(user, "exp", json!(now() - hour))),
        (
            "not yet valid",
            with_claim(user, "nbf", json!(now() + hour)),
        ),
        ("no sub", with_claim(user, "sub", Value::Null)),
        ("another aud", with_claim(user, "aud", json!("elsewhere"))),
        (
            "another iss",
            with_claim(user, "iss", json!("https://elsewhere.test/")),
        ),
        (
            "too long",
            with_claim(user, "padding", json!("x".repeat(12_000))),
        ),
        ("a word", "token".to_owned()),
    ]
}

fn key_in_header(user: &str) -> String {
    let key = b"a key that the token brings with it";
    let header = json!({"alg": "HS256", "jwk": {"kty": "oct", "k": encode(key)}});
    signed_with(key, &header, &claims(user))
}

/// The signed text.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    let (header, claims) = (header.to_string(), claims.to_string());
    format!(
        "{}.{}",
        encode(header.as_bytes()),
        encode(claims.as_bytes())
    )
}

pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
