//! Keys, and the verification of signatures.
//!
//! Each key has a fixed algorithm. The token's `alg` only selects among keys; it never
//! decides how a key is used.

use hmac::{Hmac, Mac};
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, RsaPublicKey};
use sha2::Sha256;

use crate::compact::Compact;

/// The accepted algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    Hs256,
    Rs256,
    Es256,
    EdDsa,
}

/// A parsed key, ready to verify.
#[derive(Clone, Debug)]
pub enum Key {
    Secret(Vec<u8>),
    Rsa(rsa::pkcs1v15::VerifyingKey<Sha256>),
    P256(p256::ecdsa::VerifyingKey),
    Ed25519(ed25519_dalek::VerifyingKey),
}

/// Allowed sizes of RSA keys: the minimum of RS256 (RFC 7518, 3.3), and a maximum because
/// of the cost.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

impl Algorithm {
    /// Parses `alg`, which is case-sensitive (RFC 7515, 4.1.1).
    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            "HS256" => Some(Self::Hs256),
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            // `Ed25519` is its name since RFC 9864.
            "EdDSA" | "Ed25519" => Some(Self::EdDsa),
            _ => None,
        }
    }
}

impl Key {
    pub fn secret(secret: &str) -> Self {
        Self::Secret(secret.as_bytes().to_vec())
    }

    /// From modulus and exponent, big-endian. None: too weak, too large or
    /// invalid.
    pub fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let is_odd = |bytes: &[u8]| bytes.last().is_some_and(|byte| byte % 2 == 1);
        if !is_odd(modulus) || !is_odd(exponent) {
            return None;
        }
        let modulus = BigUint::from_bytes_be(modulus);
        if !RSA_BITS.contains(&modulus.bits()) {
            return None;
        }
        let exponent = BigUint::from_bytes_be(exponent);
        let key = RsaPublicKey::new(modulus, exponent).ok()?;
        // With the exponent 1 anyone could forge a signature.
        (key.e() > &BigUint::from(1u8)).then(|| Self::Rsa(rsa::pkcs1v15::VerifyingKey::new(key)))
    }

    /// From the coordinates. None: not on the curve.
    pub fn p256(x: [u8; 32], y: [u8; 32]) -> Option<Self> {
        let point = p256::EncodedPoint::from_affine_coordinates(&x.into(), &y.into(), false);
        p256::ecdsa::VerifyingKey::from_encoded_point(&point)
            .ok()
            .map(Self::P256)
    }

    /// None: not a point of the curve, or a weak one.
    pub fn ed25519(x: [u8; 32]) -> Option<Self> {
        ed25519_dalek::VerifyingKey::from_bytes(&x)
            .ok()
            .filter(|key| !key.is_weak())
            .map(Self::Ed25519)
    }

    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Secret(_) => Algorithm::Hs256,
            Self::Rsa(_) => Algorithm::Rs256,
            Self::P256(_) => Algorithm::Es256,
            Self::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    /// Whether it has signed this token, by its own algorithm.
    pub fn has_signed(&self, token: &Compact<'_>) -> bool {
        token.algorithm == self.algorithm() && self.verifies(token.message, &token.signature)
    }

    /// Verifies a signature.
    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        use rsa::signature::Verifier;
        match self {
            // Compares in constant time.
            Self::Secret(key) => {
                mac(key, message).is_some_and(|mac| mac.verify_slice(signature).is_ok())
            }
            Self::Rsa(key) => rsa::pkcs1v15::Signature::try_from(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Self::P256(key) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Self::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
        }
    }

    /// None: not a symmetric key.
    pub fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Secret(key) => Some(mac(key, message)?.finalize().into_bytes().to_vec()),
            Self::Rsa(_) | Self::P256(_) | Self::Ed25519(_) => None,
        }
    }
}

/// Never None, since HMAC accepts keys of any length.
fn mac(key: &[u8], message: &[u8]) -> Option<Hmac<Sha256>> {
    let mac = Hmac::new_from_slice(key).ok()?;
    Some(mac.chain_update(message))
}
