//! Which keys of a published set count, and for which tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::issuer::{Signer, claims, encode, service, status};

#[test]
fn keys_of_which_nothing_comes() {
    let rsa = Signer::rsa();
    let ec = Signer::p256(7);
    let ed = Signer::ed25519(9);
    let short = Signer::short_rsa();
    type Change = fn(&mut Value);
    let cases: &[(&str, &Signer, Change)] = &[
        ("to encrypt", &rsa, |key| key["use"] = json!("enc")),
        ("of an unknown use", &rsa, |key| key["use"] = json!("x")),
        ("to sign only", &rsa, |key| key["key_ops"] = json!(["sign"])),
        ("for nothing", &rsa, |key| key["key_ops"] = json!([])),
        ("operations in a text", &rsa, |key| {
            key["key_ops"] = json!("verify")
        }),
        ("for RS512", &rsa, |key| key["alg"] = json!("RS512")),
        ("for PS256", &rsa, |key| key["alg"] = json!("PS256")),
        ("for encryption", &rsa, |key| key["alg"] = json!("RSA-OAEP")),
        ("of RSA for ES256", &rsa, |key| key["alg"] = json!("ES256")),
        ("of RSA for HS256", &rsa, |key| key["alg"] = json!("HS256")),
        ("of 1,024 bits", &short, |_| ()),
        ("by the exponent 1", &rsa, |key| key["e"] = json!("AQ")),
        ("by an even exponent", &rsa, |key| key["e"] = json!("BA")),
        ("without an exponent", &rsa, |key| key["e"] = Value::Null),
        ("by an exponent of zeros", &rsa, |key| {
            key["e"] = json!("AAAA")
        }),
        ("by an enormous exponent", &rsa, |key| {
            key["e"] = key["n"].clone()
        }),
        ("by an empty modulus", &rsa, |key| key["n"] = json!("")),
        ("too large", &rsa, |key| {
            key["n"] = json!(encode(&[0xff; 1025]))
        }),
        ("of another type", &rsa, |key| key["kty"] = json!("EC")),
        ("a secret", &rsa, |key| {
            *key = json!({"kty": "oct", "kid": "it", "k": "AAAA"})
        }),
        ("private, and told to everyone", &rsa, |key| {
            key["d"] = json!("AQAB")
        }),
        ("of another curve", &ec, |key| key["crv"] = json!("P-384")),
        ("of a curve alike", &ec, |key| {
            key["crv"] = json!("secp256k1")
        }),
        ("of no curve", &ec, |key| key["crv"] = Value::Null),
        ("beside the curve", &ec, |key| key["y"] = key["x"].clone()),
        ("at zero", &ec, |key| {
            key["x"] = json!(encode(&[0; 32]));
            key["y"] = json!(encode(&[0; 32]));
        }),
        ("with a short coordinate", &ec, |key| {
            key["x"] = json!(encode(&[1; 31]))
        }),
        ("of ECDSA for RS256", &ec, |key| key["alg"] = json!("RS256")),
        ("to agree on keys", &ed, |key| key["crv"] = json!("X25519")),
        ("of Ed448", &ed, |key| key["crv"] = json!("Ed448")),
        ("by which anything verifies", &ed, |key| {
            key["x"] = json!(encode(&[&[1][..], &[0; 31]].concat()));
        }),
        ("too short", &ed, |key| key["x"] = json!(encode(&[1; 31]))),
        ("whose name is a number", &ed, |key| key["kid"] = json!(5)),
        ("that is no key", &ed, |key| *key = json!("key")),
        ("that is null", &ed, |key| *key = Value::Null),
    ];
    for (name, signer, change) in cases {
        let mut key = signer.jwk("it");
        change(&mut key);
        let service = service(&[key, Signer::p256(3).jwk("good")]);
        for token in [
            signer.token("it", "ann"),
            signer.signed(&json!({"alg": signer.alg()}), &claims("ann")),
        ] {
            assert_eq!(status(&service, &token), 401, "a key {name}");
        }
        let good = Signer::p256(3).token("good", "ann");
        assert_eq!(status(&service, &good), 200, "beside a key {name}");
    }
}

#[test]
fn keys_in_other_words() {
    type Change = fn(&mut Value);
    let cases: &[(&str, Signer, Change)] = &[
        ("of which little is said", Signer::rsa(), |key| {
            key["use"] = Value::Null;
            key["alg"] = Value::Null;
        }),
        ("to verify", Signer::p256(7), |key| {
            key["key_ops"] = json!(["verify"])
        }),
        ("to verify and more", Signer::p256(7), |key| {
            key["key_ops"] = json!(["sign", "verify", "x"]);
        }),
        ("of which more is said", Signer::rsa(), |key| {
            key["x5c"] = json!(["MIIB"]);
            key["x5t"] = json!("x");
            key["ext"] = json!(true);
        }),
        ("whose modulus is padded", Signer::rsa(), |key| {
            key["n"] = json!(format!("{}==", key["n"].as_str().unwrap()))
        }),
        ("whose numbers have signs", Signer::rsa(), |key| {
            let modulus = URL_SAFE_NO_PAD.decode(key["n"].as_str().unwrap()).unwrap();
            key["n"] = json!(encode(&[&[0], &modulus[..]].concat()));
            key["e"] = json!("AAEAAQ");
        }),
        ("in the other alphabet, in lines", Signer::rsa(), |key| {
            let modulus = key["n"].as_str().unwrap();
            let modulus = modulus.replace('-', "+").replace('_', "/");
            let (line, other) = modulus.split_at(64);
            key["n"] = json!(format!("{line}\r\n{other}==\r\n"));
        }),
        ("whose coordinates are padded", Signer::p256(7), |key| {
            for name in ["x", "y"] {
                key[name] = json!(format!("{}=", key[name].as_str().unwrap()));
            }
        }),
        ("whose coordinates have signs", Signer::p256(7), |key| {
            for name in ["x", "y"] {
                let digits = URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
                key[name] = json!(encode(&[&[0], &digits[..]].concat()));
            }
        }),
        ("whose point is padded", Signer::ed25519(9), |key| {
            key["x"] = json!(format!("{}=", key["x"].as_str().unwrap()));
        }),
        ("by its newer name", Signer::ed25519(9), |key| {
            key["alg"] = json!("Ed25519")
        }),
    ];
    for (name, signer, change) in cases {
        let mut key = signer.jwk("it");
        change(&mut key);
        let service = service(&[key]);
        assert_eq!(
            status(&service, &signer.token("it", "ann")),
            200,
            "a key {name}"
        );
    }
    let ed = Signer::ed25519(9);
    let token = ed.signed(&json!({"alg": "Ed25519", "kid": "it"}), &claims("ann"));
    assert_eq!(status(&service(&[ed.jwk("it")]), &token), 200);
}

/// The standard wants all 32 bytes of a coordinate; some issuers write it as a number.
#[test]
fn a_coordinate_may_lack_zeros_at_its_beginning() {
    let mut secret = [2; 32];
    secret[31] = 65;
    let signer = Signer::P256(p256::ecdsa::SigningKey::from_slice(&secret).unwrap());
    let mut key = signer.jwk("it");
    let x = URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap();
    assert_eq!(x[0], 0, "that is why it was chosen");
    key["x"] = json!(encode(&x[1..]));
    assert_eq!(status(&service(&[key]), &signer.token("it", "ann")), 200);
}

#[test]
fn a_key_is_chosen_by_its_name_where_both_have_one() {
    let named = |seed, id| Signer::p256(seed).jwk(id);
    let nameless = |seed| {
        let mut key = Signer::p256(seed).jwk("");
        key.as_object_mut().unwrap().remove("kid");
        key
    };
    let header = |id: Option<&str>| match id {
        Some(id) => json!({"alg": "ES256", "kid": id}),
        None => json!({"alg": "ES256"}),
    };
    let both = || vec![named(1, "a"), named(2, "b")];
    let nine = vec![Signer::rsa().jwk("r"); 9];
    let cases = [
        ("named", both(), Some("b"), 2, 200),
        ("by the wrong name", both(), Some("a"), 2, 401),
        ("a token without a name", both(), None, 2, 200),
        ("nameless", vec![nameless(1), nameless(2)], None, 2, 200),
        ("one", vec![named(1, "a"), nameless(2)], Some("b"), 2, 200),
        (
            "but not for the name of another",
            vec![named(2, "a"), nameless(3)],
            Some("a"),
            3,
            401,
        ),
        (
            "twins",
            vec![named(1, "a"), named(2, "a")],
            Some("a"),
            2,
            200,
        ),
        ("so many", (1..9).map(nameless).collect(), None, 4, 200),
        ("and no more", (1..9).map(nameless).collect(), None, 5, 401),
        (
            "of others",
            [nine, vec![nameless(1)]].concat(),
            None,
            1,
            200,
        ),
    ];
    for (name, keys, id, seed, expected) in cases {
        let service = service(&keys);
        let token = Signer::p256(seed).signed(&header(id), &claims("ann"));
        assert_eq!(status(&service, &token), expected, "{name}");
    }
}
