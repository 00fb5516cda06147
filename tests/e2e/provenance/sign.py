"""Signs an image with content credentials, by certificates that are made here.

What is read from standard input is JSON with the image in base64 (`image`), and its media
type (`type`); what is written to standard output is the image with its credentials.
"""

import base64
import datetime
import io
import json
import sys

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def name(common):
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "A provider"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def certificate(subject, key, issuer, issuer_key, extensions):
    """Valid since yesterday, for a month."""
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(issuer_key, hashes.SHA256())


def key_usage(is_authority):
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def signer():
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = certificate(
        "An authority",
        root_key,
        "An authority",
        root_key,
        [x509.BasicConstraints(ca=True, path_length=0), key_usage(True)],
    )
    # C2PA wants a purpose that says what is signed.
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
    leaf = certificate(
        "A model",
        key,
        "An authority",
        root_key,
        [x509.BasicConstraints(ca=False, path_length=None), key_usage(False), purposes],
    )
    encoding = serialization.Encoding.PEM
    chain = leaf.public_bytes(encoding) + root.public_bytes(encoding)
    private = key.private_bytes(
        encoding,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return c2pa.Signer.from_info(
        c2pa.C2paSignerInfo(alg=b"es256", sign_cert=chain, private_key=private, ta_url=None)
    )


def signed(image, media_type, title):
    source = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    created = {"action": "c2pa.created", "digitalSourceType": source}
    manifest = {
        "claim_generator_info": [{"name": "A model", "version": "1"}],
        "title": title,
        "assertions": [{"label": "c2pa.actions", "data": {"actions": [created]}}],
    }
    to = io.BytesIO()
    c2pa.Builder(manifest).sign(signer(), media_type, io.BytesIO(image), to)
    return to.getvalue()


if __name__ == "__main__":
    given = json.load(sys.stdin)
    image = base64.b64decode(given["image"])
    sys.stdout.buffer.write(signed(image, given["type"], "a logo"))
