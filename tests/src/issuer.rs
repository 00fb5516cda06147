//! An issuer of tokens that publishes its keys, well or badly.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use rsa::BigUint;
use rsa::pkcs8::EncodePrivateKey as _;
use rsa::signature::SignatureEncoding as _;
use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::server::{Origin, Reply};
use crate::tokens::{claims, encode, unsigned};

const PATH: &str = "/.well-known/jwks.json";

/// Primes made for these tests, and for nothing else.
const PRIMES: [&str; 2] = [
    "FFDAA358952287712DAC15106E2E0DD148B83448E806AEE699B6EA5BC5CFEBC49033D5B709594514E8CF467DA368DA31\
     1A08768378BEECB786BD382527D4C2C1C2F43E92F81D04AA63C344CEFAEED7E439CAC2F6C4DB3FC009D900E5D12596C9\
     36F18F7C533629CF52B1E565736A3D95518BBEF8404094A3FA95CACDF1F66899",
    "E69E37BAE6FB4B601B8294C862872BFFDB0A7BDBC74B582A984DFB0228474163A788DC1812B9448C157720CF80523D02\
     A993A1B3B7F322A4F2A075D8A9A4CF9B0792E91E0688E57A3DA252416F8B5D0177C31BAA508ABA8A93384BFB6AED447B\
     37425A988A6E6AB088DCF1CAEA794500765501825BD731E156A38E1BFF2DEA75",
];

/// The origin where the keys are published.
pub struct Issuer {
    origin: Origin,
    url: String,
}

/// A key, by its name.
pub struct Signer {
    pub id: &'static str,
    key: Key,
}

enum Key {
    Rsa(Box<rsa::RsaPrivateKey>),
    P256(p256::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
}

impl Issuer {
    /// That publishes one key of each kind.
    pub fn start() -> Self {
        let issuer = Self::that_answers(Reply::status(500));
        issuer.recover();
        issuer
    }

    pub fn that_answers(reply: Reply) -> Self {
        let origin = Origin::start();
        let url = origin.serve_at(PATH, reply);
        Self { origin, url }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it publishes them.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Publishes the keys from now on.
    pub fn recover(&self) {
        let document = document().to_string();
        self.answers(Reply::ok("application/json", document.as_bytes()));
    }

    /// Answers so from now on.
    pub fn answers(&self, reply: Reply) {
        self.origin.serve_at(PATH, reply);
    }

    /// How often it was asked for its keys.
    pub fn asked(&self) -> usize {
        self.origin.requests(&self.url).len()
    }
}

/// What it publishes.
pub fn document() -> Value {
    let keys: Vec<Value> = Signer::all().iter().map(Signer::jwk).collect();
    json!({ "keys": keys })
}

impl Signer {
    /// One of each kind.
    pub fn all() -> [Self; 3] {
        [Self::rsa(), Self::p256(), Self::ed25519()]
    }

    pub fn rsa() -> Self {
        let [p, q] = PRIMES.map(|prime| BigUint::parse_bytes(prime.as_bytes(), 16).unwrap());
        let key = rsa::RsaPrivateKey::from_p_q(p, q, BigUint::from(65_537u32)).unwrap();
        Self {
            id: "rsa",
            key: Key::Rsa(Box::new(key)),
        }
    }

    pub fn p256() -> Self {
        Self {
            id: "ec",
            key: Key::P256(p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap()),
        }
    }

    pub fn ed25519() -> Self {
        Self {
            id: "ed",
            key: Key::Ed25519(ed25519_dalek::SigningKey::from_bytes(&[9; 32])),
        }
    }

    /// Under another name.
    pub fn named(self, id: &'static str) -> Self {
        Self { id, ..self }
    }

    pub fn alg(&self) -> &'static str {
        match self.key {
            Key::Rsa(_) => "RS256",
            Key::P256(_) => "ES256",
            Key::Ed25519(_) => "EdDSA",
        }
    }

    /// A token of this user that is good for an hour.
    pub fn token(&self, user: &str) -> String {
        self.signed(&json!({"alg": self.alg(), "kid": self.id}), &claims(user))
    }

    /// Signed with this key, whatever the header says.
    pub fn signed(&self, header: &Value, claims: &Value) -> String {
        let message = unsigned(header, claims);
        let signature = self.sign(message.as_bytes());
        format!("{message}.{}", encode(&signature))
    }

    /// As Google gives it to who may act as an account: a file of credentials.
    pub fn credentials(&self, email: &str) -> Value {
        let Key::Rsa(key) = &self.key else {
            panic!("{} is no key of Google's", self.id);
        };
        let der = key.to_pkcs8_der().unwrap();
        let text = STANDARD.encode(der.as_bytes());
        json!({
            "type": "service_account",
            "project_id": "p",
            "private_key_id": self.id,
            "private_key": format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"),
            "client_email": email,
            "client_id": "1",
        })
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.key {
            Key::Rsa(key) => {
                let key = rsa::pkcs1v15::SigningKey::<Sha256>::new((**key).clone());
                key.sign(message).to_vec()
            }
            Key::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_vec()
            }
            Key::Ed25519(key) => key.sign(message).to_vec(),
        }
    }

    fn jwk(&self) -> Value {
        let mut jwk = match &self.key {
            Key::Rsa(key) => json!({
                "kty": "RSA",
                "n": encode(&key.n().to_bytes_be()),
                "e": encode(&key.e().to_bytes_be()),
            }),
            Key::P256(key) => {
                let point = key.verifying_key().to_encoded_point(false);
                json!({
                    "kty": "EC",
                    "crv": "P-256",
                    "x": encode(point.x().unwrap()),
                    "y": encode(point.y().unwrap()),
                })
            }
            Key::Ed25519(key) => json!({
                "kty": "OKP",
                "crv": "Ed25519",
                "x": encode(key.verifying_key().as_bytes()),
            }),
        };
        jwk["kid"] = json!(self.id);
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(self.alg());
        jwk
    }
}
