//! An issuer of tokens with keys of its own, good and bad.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::BigUint;
use rsa::signature::{SignatureEncoding, Signer as _};
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};
use sha2::Sha256;

use super::service::{Call, NOW, Service};

pub const URL: &str = "https://issuer.example/jwks.json";

/// Primes made for these tests, and for nothing else.
const PRIMES: [&str; 2] = [
    "FFDAA358952287712DAC15106E2E0DD148B83448E806AEE699B6EA5BC5CFEBC49033D5B709594514E8CF467DA368DA31\
     1A08768378BEECB786BD382527D4C2C1C2F43E92F81D04AA63C344CEFAEED7E439CAC2F6C4DB3FC009D900E5D12596C9\
     36F18F7C533629CF52B1E565736A3D95518BBEF8404094A3FA95CACDF1F66899",
    "E69E37BAE6FB4B601B8294C862872BFFDB0A7BDBC74B582A984DFB0228474163A788DC1812B9448C157720CF80523D02\
     A993A1B3B7F322A4F2A075D8A9A4CF9B0792E91E0688E57A3DA252416F8B5D0177C31BAA508ABA8A93384BFB6AED447B\
     37425A988A6E6AB088DCF1CAEA794500765501825BD731E156A38E1BFF2DEA75",
];
const SHORT_PRIMES: [&str; 2] = [
    "ED1E9A608B51C90175870D04883447DDD5205CE983F41713DC11650CDF2F66DA41105B0DC6BCCBFBFFF4012AE8A5806D\
     EFA21FE9427CA1AF4ADCB7B872F7136F",
    "DA08E953DBFD68DB23C6E5F03F7C28677BD4B144002C8D07A2E9250C21A372A9E455A08F7F9C56A4F9EFB9123FECB018\
     CCC3D79F1285D5F8E6AFADD0AE755EC3",
];

#[derive(Clone)]
pub enum Signer {
    Rsa(Box<rsa::RsaPrivateKey>),
    P256(p256::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
}

impl Signer {
    pub fn rsa() -> Self {
        Self::of_primes(PRIMES)
    }

    /// Of 1,024 bits.
    pub fn short_rsa() -> Self {
        Self::of_primes(SHORT_PRIMES)
    }

    fn of_primes(primes: [&str; 2]) -> Self {
        let [p, q] = primes.map(|prime| BigUint::parse_bytes(prime.as_bytes(), 16).unwrap());
        let key = rsa::RsaPrivateKey::from_p_q(p, q, BigUint::from(65_537u32)).unwrap();
        Self::Rsa(Box::new(key))
    }

    pub fn p256(seed: u8) -> Self {
        Self::P256(p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap())
    }

    pub fn ed25519(seed: u8) -> Self {
        Self::Ed25519(ed25519_dalek::SigningKey::from_bytes(&[seed; 32]))
    }

    pub fn alg(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::P256(_) => "ES256",
            Self::Ed25519(_) => "EdDSA",
        }
    }

    pub fn jwk(&self, id: &str) -> Value {
        match self {
            Self::Rsa(key) => json!({
                "kty": "RSA", "kid": id, "use": "sig", "alg": "RS256",
                "n": encode(&key.n().to_bytes_be()), "e": encode(&key.e().to_bytes_be()),
            }),
            Self::P256(key) => {
                let point = key.verifying_key().to_encoded_point(false);
                json!({
                    "kty": "EC", "crv": "P-256", "kid": id, "use": "sig", "alg": "ES256",
                    "x": encode(point.x().unwrap()), "y": encode(point.y().unwrap()),
                })
            }
            Self::Ed25519(key) => json!({
                "kty": "OKP", "crv": "Ed25519", "kid": id, "use": "sig", "alg": "EdDSA",
                "x": encode(key.verifying_key().as_bytes()),
            }),
        }
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Rsa(key) => {
                let key = rsa::pkcs1v15::SigningKey::<Sha256>::new((**key).clone());
                key.sign(message).to_vec()
            }
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_vec()
            }
            Self::Ed25519(key) => key.sign(message).to_vec(),
        }
    }

    /// A good token of this user.
    pub fn token(&self, id: &str, user: &str) -> String {
        self.signed(&json!({"alg": self.alg(), "kid": id}), &claims(user))
    }

    pub fn signed(&self, header: &Value, claims: &Value) -> String {
        self.signed_texts(&header.to_string(), &claims.to_string())
    }

    pub fn signed_texts(&self, header: &str, claims: &str) -> String {
        let message = message(header, claims);
        let signature = self.sign(message.as_bytes());
        format!("{message}.{}", encode(&signature))
    }
}

pub fn claims(user: &str) -> Value {
    json!({"sub": user, "exp": NOW.as_secs() + 3600})
}

pub fn message(header: &str, claims: &str) -> String {
    format!(
        "{}.{}",
        encode(header.as_bytes()),
        encode(claims.as_bytes())
    )
}

pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The status of a request with this token.
#[track_caller]
pub fn status(service: &Service, token: &str) -> u16 {
    let call = Call::get("/api/tasks").header("authorization", format!("Bearer {token}"));
    let reply = service.send(call);
    match reply.status {
        401 => {
            reply.is_error(401, "UNAUTHORIZED");
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
        }
        503 => {
            reply.is_error(503, "SERVICE_UNAVAILABLE");
        }
        _ => {}
    }
    reply.status
}

/// A service that takes the tokens of an issuer with these keys.
pub fn service(keys: &[Value]) -> Service {
    let service = Service::with(&[("auth", "jwks"), ("jwks-url", URL)]);
    publish(&service, keys);
    service
}

pub fn publish(service: &Service, keys: &[Value]) {
    let document = json!({ "keys": keys }).to_string();
    service.memory.0.borrow_mut().key_set = document.into_bytes();
}

/// How often the issuer was asked.
pub fn asked(service: &Service) -> usize {
    service.memory.called("key set")
}
