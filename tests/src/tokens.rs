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
    with_hmac(Algorithm::HS256, secret, &unsigned(header, claims))
}

fn with_hmac(algorithm: Algorithm, secret: &[u8], text: &str) -> String {
    let key = EncodingKey::from_secret(secret);
    let signature = crypto::sign(text.as_bytes(), &key, algorithm).unwrap();
    format!("{text}.{signature}")
}

pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_secs()
}

/// Tokens that name `user` and must not be taken, each with what is wrong.
pub fn hostile(user: &str) -> Vec<(&'static str, String)> {
    let hs256 = json!({"alg": "HS256", "typ": "JWT"});
    let good = token(user);
    let parts: Vec<&str> = good.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let none = |alg: &str| unsigned(&json!({"alg": alg, "typ": "JWT"}), &claims(user));
    let other = encode(claims("somebody else").to_string().as_bytes());
    let deep = encode(format!("{}{}", "[".repeat(3000), "]".repeat(3000)).as_bytes());
    let hour = 3600;
    vec![
        ("alg none, no signature", format!("{}.", none("none"))),
        ("alg None, no signature", format!("{}.", none("None"))),
        (
            "alg none, the signature kept",
            format!("{}.{signature}", none("none")),
        ),
        ("alg of two parts only", none("none")),
        (
            "alg RS256 with an HMAC",
            signed(&json!({"alg": "RS256"}), &claims(user)),
        ),
        (
            "alg ES256 with an HMAC",
            signed(&json!({"alg": "ES256"}), &claims(user)),
        ),
        (
            "alg HS512 with an HMAC of 256 bits",
            signed(&json!({"alg": "HS512"}), &claims(user)),
        ),
        ("alg HS512, truly", hs512(user)),
        ("no alg", signed(&json!({"typ": "JWT"}), &claims(user))),
        (
            "alg in lower case",
            signed(&json!({"alg": "hs256"}), &claims(user)),
        ),
        (
            "a critical extension",
            signed(&json!({"alg": "HS256", "crit": ["exp"]}), &claims(user)),
        ),
        ("its key in its header", key_in_header(user)),
        (
            "another secret",
            signed_with(
                b"another secret of 32 bytes or more!!",
                &hs256,
                &claims(user),
            ),
        ),
        ("an empty secret", signed_with(b"", &hs256, &claims(user))),
        ("no signature", format!("{header}.{payload}.")),
        (
            "half a signature",
            format!("{header}.{payload}.{}", &signature[..signature.len() / 2]),
        ),
        (
            "a padded signature",
            format!("{header}.{payload}.{signature}="),
        ),
        ("another payload", format!("{header}.{other}.{signature}")),
        (
            "a payload of deep lists",
            format!("{header}.{deep}.{signature}"),
        ),
        ("signed twice", format!("{good}.{signature}")),
        (
            "five parts, as if encrypted",
            format!("{header}.{payload}.{signature}.{payload}.{signature}"),
        ),
        ("expired", with_claim(user, "exp", json!(now() - hour))),
        ("no exp", with_claim(user, "exp", Value::Null)),
        (
            "exp is text",
            with_claim(user, "exp", json!((now() + hour).to_string())),
        ),
        ("exp before the epoch", with_claim(user, "exp", json!(-1))),
        (
            "not yet valid",
            with_claim(user, "nbf", json!(now() + hour)),
        ),
        ("no sub", with_claim(user, "sub", Value::Null)),
        ("an empty sub", with_claim(user, "sub", json!(""))),
        ("sub is a number", with_claim(user, "sub", json!(7))),
        ("sub is a list", with_claim(user, "sub", json!([user]))),
        ("no aud", with_claim(user, "aud", Value::Null)),
        ("another aud", with_claim(user, "aud", json!("elsewhere"))),
        (
            "an aud that begins alike",
            with_claim(user, "aud", json!(format!("{AUDIENCE}2"))),
        ),
        (
            "auds without ours",
            with_claim(user, "aud", json!(["a", "b"])),
        ),
        ("no iss", with_claim(user, "iss", Value::Null)),
        (
            "another iss",
            with_claim(user, "iss", json!("https://elsewhere.test/")),
        ),
        (
            "claims that are a list",
            signed(&hs256, &json!([claims(user)])),
        ),
        (
            "claims that are a list of values",
            signed(
                &hs256,
                &json!([user, now() + hour, null, ISSUER, AUDIENCE, false]),
            ),
        ),
        (
            "a header that is a list of values",
            signed(&json!(["HS256", null, "JWT", null]), &claims(user)),
        ),
        (
            "too long",
            with_claim(user, "padding", json!("x".repeat(12_000))),
        ),
        ("nothing", String::new()),
        ("dots", "..".to_owned()),
        ("a word", "token".to_owned()),
    ]
}

fn hs512(user: &str) -> String {
    let text = unsigned(&json!({"alg": "HS512"}), &claims(user));
    with_hmac(Algorithm::HS512, SECRET.as_bytes(), &text)
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
