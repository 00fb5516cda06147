"""Says of an image whether its content credentials are valid, and what it shows.

What is read is as in `sign.py`; what is written is JSON: `credentials` is the state of what
validates, or null without any; `pixels` is a hash over all frames.
"""

import base64
import hashlib
import io
import json
import sys

import c2pa
from PIL import Image, ImageSequence


def credentials(image, media_type):
    try:
        reader = c2pa.Reader(media_type, io.BytesIO(image))
    except c2pa.C2paError.ManifestNotFound:
        return None
    return json.loads(reader.json())["validation_state"]


def pixels(image):
    seen = hashlib.sha256()
    for frame in ImageSequence.Iterator(Image.open(io.BytesIO(image))):
        seen.update(repr(frame.size).encode() + frame.convert("RGBA").tobytes())
    return seen.hexdigest()


given = json.load(sys.stdin)
image = base64.b64decode(given["image"])
json.dump(
    {"credentials": credentials(image, given["type"]), "pixels": pixels(image)},
    sys.stdout,
)
