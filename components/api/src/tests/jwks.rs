//! Tokens signed with an issuer's keys, and every known way to forge one.

use hmac::{Hmac, Mac};
use proptest::prelude::*;
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};
use sha2::Sha256;

use super::issuer::{Signer, URL, asked, claims, encode, message, publish, service, status};
use super::service::{Call, NOW, Service, run, signed, token};
use crate::auth::Authenticator;
use crate::config::Config;

/// One key of each kind, by its name.
fn signers() -> [(&'static str, Signer); 3] {
    let (rsa, ec, ed) = (Signer::rsa(), Signer::p256(7), Signer::ed25519(9));
    [("rsa", rsa), ("ec", ec), ("ed", ed)]
}

fn jwks() -> Vec<Value> {
    signers()
        .iter()
        .map(|(id, signer)| signer.jwk(id))
        .collect()
}

fn hmac(secret: &[u8], header: &Value) -> String {
    let message = message(&header.to_string(), &claims("ann").to_string());
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(message.as_bytes());
    format!("{message}.{}", encode(&mac.finalize().into_bytes()))
}

#[test]
fn tokens_of_each_algorithm_are_taken() {
    let service = service(&jwks());
    for (id, signer) in signers() {
        assert_eq!(status(&service, &signer.token(id, "ann")), 200, "{id}");
        let without = signer.signed(&json!({"alg": signer.alg()}), &claims("ann"));
        assert_eq!(status(&service, &without), 200, "{id}, without its name");
        for typ in ["JWT", "jwt", "at+jwt", "application/at+jwt"] {
            let header = json!({"alg": signer.alg(), "kid": id, "typ": typ});
            let token = signer.signed(&header, &claims("ann"));
            assert_eq!(status(&service, &token), 200, "{id}, {typ}");
        }
    }
    assert_eq!(asked(&service), 1);
    assert_eq!(service.memory.0.borrow().asked_issuer, URL);
}

#[test]
fn the_caller_is_the_subject() {
    let service = service(&jwks());
    let signer = Signer::p256(7);
    let mut claims = claims("ann");
    claims["is_anonymous"] = json!(true);
    let token = signer.signed(&json!({"alg": "ES256", "kid": "ec"}), &claims);
    let refine = Call::post("/api/concepts/refine").json(&super::service::refinement());
    let reply = service.send(refine.header("cookie", format!("session={token}")));
    assert_eq!(reply.status, 202);
    let task = service.memory.task();
    assert_eq!((task.user_id.as_str(), task.is_anonymous), ("ann", true));
}

#[test]
fn a_subject_may_be_long_but_not_longer() {
    let service = service(&jwks());
    for (id, signer) in signers() {
        for (length, expected) in [(1_024, 200), (1_025, 401)] {
            let token = signer.token(id, &"a".repeat(length));
            assert_eq!(status(&service, &token), expected, "{id}, {length}");
        }
    }
}

/// An issuer's users may be able to set claims of theirs.
#[test]
fn a_claim_for_users_counts_only_where_our_own_secret_signed_it() {
    let mut claims = claims("ann");
    claims["for_users"] = json!(true);
    claims["plan"] = json!("pro");
    let issued = Signer::p256(7).signed(&json!({"alg": "ES256", "kid": "ec"}), &claims);
    let of_issuer = service(&jwks());
    for (service, token, expected) in [
        (&of_issuer, issued, false),
        (&Service::new(), signed(claims), true),
    ] {
        let config = run(Config::read(&service.memory)).unwrap();
        let authenticator = Authenticator::new(&config, service.memory.clone());
        let call = Call::get("/api/tasks").header("authorization", format!("Bearer {token}"));
        let (request, _) = call.into_request();
        for is_cached in [false, true] {
            let caller = run(authenticator.reader(&request)).unwrap();
            assert_eq!(caller.user, "ann");
            assert_eq!(caller.for_users, expected, "cached: {is_cached}");
            // The plan is for issuers to name.
            assert_eq!(caller.plan.as_deref(), Some("pro"), "cached: {is_cached}");
        }
    }
}

#[test]
fn forged_tokens() {
    let [(_, rsa), (_, ec), (_, ed)] = signers();
    let Signer::Rsa(private) = &rsa else {
        panic!("an RSA key");
    };
    let modulus = private.n().to_bytes_be();
    let good = rsa.token("rsa", "ann");
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else {
        panic!("three parts");
    };
    let with = |signer: &Signer, header: Value| signer.signed(&header, &claims("ann"));
    let texts = |header: &str, claims: &str| ec.signed_texts(header, claims);
    let exp = NOW.as_secs() + 3600;
    let plain = claims("ann").to_string();
    let es256 = r#"{"alg":"ES256","kid":"ec"}"#;
    let es = |claims: Value| ec.signed(&json!({"alg": "ES256", "kid": "ec"}), &claims);
    let named = |alg: &str, kid: &str| json!({"alg": alg, "kid": kid});
    let of_ec = |more: Value| {
        let mut header = named("ES256", "ec");
        for (field, value) in more.as_object().unwrap() {
            header[field] = value.clone();
        }
        with(&ec, header)
    };
    let ec_message = message(es256, &plain);
    let of_message = |signature: &[u8]| format!("{ec_message}.{}", encode(signature));
    let rsa_message = format!("{header}.{payload}");
    let of_rsa = |signature: &[u8]| format!("{rsa_message}.{}", encode(signature));
    let whole_key = rsa.jwk("rsa").to_string();
    let whole_key = whole_key.as_bytes();
    let other_key = Signer::p256(8);
    let none = message(r#"{"alg":"none"}"#, &plain);
    let named_none = message(r#"{"alg":"none","kid":"rsa"}"#, &plain);
    let of_ed = message(r#"{"alg":"EdDSA","kid":"ed"}"#, &plain);
    let (encoded, hs256) = (encode(&modulus), json!({"alg": "HS256"}));
    let of_rs256 = encode(br#"{"alg":"RS256"}"#);
    let of_bob = encode(claims("bob").to_string().as_bytes());
    let (one, zeros) = ([&[0; 255][..], &[1]].concat(), encode(&[0; 64]));
    let zero_before = [&[0], &rsa.sign(rsa_message.as_bytes())[..]].concat();
    let ec_signature = ec.sign(ec_message.as_bytes());
    let deep = format!("{}{}", "[".repeat(2000), "]".repeat(2000));
    let long = json!({"sub": "ann", "exp": exp, "x": "y".repeat(8000)});
    let early = json!({"sub": "ann", "exp": exp, "nbf": NOW.as_secs() + 62});
    let past = NOW.as_secs() - 60;
    let nested = r#"{"alg":"ES256","kid":"ec","cty":"JWT"}"#;
    let as_encrypted = format!("{good}.{payload}.{signature}");
    let cases: Vec<(&str, String)> = vec![
        ("alg none", format!("{none}.")),
        ("alg none with a name", format!("{named_none}.")),
        ("alg none, signed", format!("{none}.{signature}")),
        ("HMAC by a modulus", hmac(&modulus, &named("HS256", "rsa"))),
        ("HMAC by it, encoded", hmac(encoded.as_bytes(), &hs256)),
        ("HMAC by the key", hmac(whole_key, &named("HS256", "rsa"))),
        ("HMAC by nothing", hmac(b"", &hs256)),
        ("HMAC for RS256", hmac(&modulus, &named("RS256", "rsa"))),
        ("HMAC for EdDSA", hmac(&modulus, &named("EdDSA", "ed"))),
        ("HMAC by the secret of other modes", token("ann")),
        ("RSA that says ES256", with(&rsa, named("ES256", "rsa"))),
        ("ECDSA that says RS256", with(&ec, named("RS256", "ec"))),
        ("ECDSA by the name of RSA", with(&ec, named("ES256", "rsa"))),
        ("EdDSA by ECDSA's name", with(&ed, named("EdDSA", "ec"))),
        ("EdDSA that says ES256", with(&ed, named("ES256", "ec"))),
        ("RS384", with(&rsa, named("RS384", "rsa"))),
        ("PS256", with(&rsa, named("PS256", "rsa"))),
        ("ES384", with(&ec, named("ES384", "ec"))),
        ("ES256K", with(&ec, named("ES256K", "ec"))),
        ("another's key", other_key.token("ec", "ann")),
        ("an unknown name", ec.token("unknown", "ann")),
        ("a name almost right", ec.token("EC", "ann")),
        ("critical extension", of_ec(json!({"crit": ["x"], "x": 1}))),
        ("critical claim", of_ec(json!({"crit": ["exp"], "exp": 1}))),
        ("nothing critical", of_ec(json!({"crit": []}))),
        ("critical null", of_ec(json!({"crit": null}))),
        ("unencoded", of_ec(json!({"b64": false, "crit": ["b64"]}))),
        ("nested", texts(nested, &ec.token("ec", "ann"))),
        ("said to be nested", of_ec(json!({"cty": "jwt"}))),
        ("to log out", of_ec(json!({"typ": "logout+jwt"}))),
        ("a proof of a key", of_ec(json!({"typ": "dpop+jwt"}))),
        ("claims in a list", es(json!([claims("ann")]))),
        ("no subject", es(json!({"exp": exp}))),
        ("no end", es(json!({"sub": "ann"}))),
        ("expired", es(json!({"sub": "ann", "exp": past}))),
        ("not begun", es(early)),
        ("too long", es(long)),
        ("no signature", format!("{ec_message}.")),
        ("a signature of zeros", of_message(&[0; 64])),
        ("a short signature", of_message(&ec_signature[..63])),
        ("a signature in DER", of_message(&der(&ec_signature))),
        ("an EdDSA signature of zeros", format!("{of_ed}.{zeros}")),
        ("an RSA signature of zeros", of_rsa(&[0; 256])),
        ("an RSA signature of one", of_rsa(&one)),
        ("an RSA signature beyond the modulus", of_rsa(&[255; 256])),
        ("an RSA signature with a zero before", of_rsa(&zero_before)),
        ("another's claims", format!("{header}.{of_bob}.{signature}")),
        ("other header", format!("{of_rs256}.{payload}.{signature}")),
        ("padded", format!("{good}=")),
        ("two parts", format!("{header}.{payload}")),
        ("four parts", format!("{good}.{signature}")),
        ("five parts, as if encrypted", as_encrypted),
        ("dots", "..".into()),
        ("nothing", String::new()),
    ];
    let headers = [
        ("no alg", r#"{"kid":"ec"}"#),
        ("alg null", r#"{"alg":null,"kid":"ec"}"#),
        ("two algs", r#"{"alg":"none","alg":"ES256","kid":"ec"}"#),
        (
            "two, one escaped",
            r#"{"a\u006cg":"none","alg":"ES256","kid":"ec"}"#,
        ),
        ("alg in lower case", r#"{"alg":"es256","kid":"ec"}"#),
        ("two names", r#"{"alg":"ES256","kid":"rsa","kid":"ec"}"#),
        ("a name that is a number", r#"{"alg":"ES256","kid":5}"#),
    ];
    let headers = headers.map(|(name, header)| (name, texts(header, &plain)));
    // Signed with another key, which some of them bring.
    let jwk = |id| other_key.jwk(id);
    let elsewhere = "https://evil.example/jwks.json";
    let others = [
        ("no name", json!({})),
        ("its key", json!({"kid": "ec", "jwk": jwk("ec")})),
        ("its key without a name", json!({"jwk": jwk("x")})),
        ("its keys elsewhere", json!({"kid": "x", "jku": elsewhere})),
        ("a certificate there", json!({"kid": "x", "x5u": elsewhere})),
        ("its certificate", json!({"x5c": ["MIIB"]})),
    ];
    let others = others.map(|(name, mut header)| {
        header["alg"] = json!("ES256");
        (name, with(&other_key, header))
    });
    let claiming = [
        ("no claims", ""),
        ("two subjects", r#"{"sub":"ann","sub":"bob","exp":EXP}"#),
        ("one escaped", r#"{"s\u0075b":"ann","sub":"bob","exp":EXP}"#),
        ("two ends", r#"{"sub":"ann","exp":1,"exp":EXP}"#),
        ("an end beyond numbers", r#"{"sub":"ann","exp":1e999}"#),
        ("deep", &deep),
    ];
    let claiming = claiming.map(|(name, claims)| {
        let claims = claims.replace("EXP", &exp.to_string());
        (name, texts(es256, &claims))
    });
    let cases = cases
        .into_iter()
        .chain(headers)
        .chain(others)
        .chain(claiming);
    let service = service(&jwks());
    for (id, signer) in signers() {
        assert_eq!(status(&service, &signer.token(id, "ann")), 200, "{id}");
    }
    for (name, token) in cases {
        assert_eq!(status(&service, &token), 401, "{name}");
    }
    assert_eq!(service.memory.0.borrow().asked_issuer, URL, "and no other");
}

fn der(signature: &[u8]) -> Vec<u8> {
    let (r, s) = signature.split_at(32);
    let integer = |bytes: &[u8]| [&[2, 33, 0], bytes].concat();
    [&[0x30, 70][..], &integer(r), &integer(s)].concat()
}

#[test]
fn audience_and_issuer_where_configured() {
    let service = Service::with(&[
        ("auth", "jwks"),
        ("jwks-url", URL),
        ("jwt-audience", "us"),
        ("jwt-issuer", "them"),
    ]);
    publish(&service, &jwks());
    for (name, aud, iss, expected) in [
        ("both", json!("us"), json!("them"), 200),
        ("another audience", json!("x"), json!("them"), 401),
        ("another issuer", json!("us"), json!("x"), 401),
    ] {
        let mut claims = claims("ann");
        claims["aud"] = aud;
        claims["iss"] = iss;
        let token = Signer::ed25519(9).signed(&json!({"alg": "EdDSA", "kid": "ed"}), &claims);
        assert_eq!(status(&service, &token), expected, "{name}");
    }
}

#[test]
fn where_keys_are_published_nothing_is_signed_here() {
    let service = service(&jwks());
    service
        .send(Call::post("/api/auth/session"))
        .is_error(404, "NOT_FOUND");
}

#[test]
fn where_there_is_a_secret_no_other_algorithm_counts() {
    for auth in ["secret", "anonymous"] {
        let service = Service::with(&[("auth", auth), ("jwks-url", URL)]);
        publish(&service, &jwks());
        for (id, signer) in signers() {
            let token = signer.token(id, "ann");
            assert_eq!(status(&service, &token), 401, "{auth}, {id}");
        }
        assert_eq!(status(&service, &token("ann")), 200);
        assert_eq!(asked(&service), 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_token_panics(
        header in "\\PC{0,40}|\\{\"alg\":\"(RS256|ES256|EdDSA|HS256)\"(,\"kid\":\"(rsa|ec|ed)\")?\\}",
        claims in "\\PC{0,40}|\\{\"sub\":\"\\PC{0,9}\",\"exp\":-?[0-9]{1,20}(e[0-9]{1,3})?\\}",
        signature in proptest::collection::vec(any::<u8>(), 0..300),
        raw in "\\PC{0,60}",
    ) {
        let service = service(&jwks());
        let token = format!("{}.{}", message(&header, &claims), encode(&signature));
        prop_assert_eq!(status(&service, &token), 401);
        let call = Call::get("/api/tasks").header("cookie", format!("session={raw}"));
        prop_assert_eq!(service.send(call).status, 401);
    }

    #[test]
    fn no_document_panics(document in "\\PC{0,200}", of_each in proptest::collection::vec(any::<u8>(), 0..70)) {
        let text = encode(&of_each);
        let keys = [
            json!({"kty": "RSA", "n": text, "e": text}),
            json!({"kty": "EC", "crv": "P-256", "x": text, "y": text}),
            json!({"kty": "OKP", "crv": "Ed25519", "x": text}),
        ];
        let token = Signer::p256(7).token("ec", "ann");
        let with_keys = service(&keys);
        prop_assert_eq!(status(&with_keys, &token), 401);
        let with_text = service(&[]);
        with_text.memory.0.borrow_mut().key_set = document.into_bytes();
        prop_assert!(matches!(status(&with_text, &token), 401 | 503));
    }
}
