"""Fills an image with all that should stay with its owner, each with the word `hush`.

What is read and written is as in `sign.py`; with `is_bare` there are no credentials, and
nothing is behind the end.
"""

import base64
import io
import json
import subprocess
import sys
import tempfile

import sign
from PIL import Image, ImageCms, PngImagePlugin

SECRET = "hush, this is mine"
PHOTO_IFD, GPS_IFD = 0x8769, 0x8825
ORIENTATION, ARTIST, MAKER_NOTE, SERIAL = 0x0112, 0x013B, 0x927C, 0xA431


def exif():
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[ARTIST] = SECRET
    exif.get_ifd(PHOTO_IFD).update({MAKER_NOTE: SECRET.encode(), SERIAL: SECRET})
    # A latitude, a longitude, and whose they are.
    place = {1: "N", 2: (47.0, 22.0, 36.5), 3: "E", 4: (8.0, 32.0, 24.5), 18: SECRET}
    exif.get_ifd(GPS_IFD).update(place)
    return exif


def saved(image, kind):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    more = {"exif": exif(), "icc_profile": profile}
    if kind == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", SECRET)
        text.add_text("Author", SECRET, zip=True)
        text.add_itxt("Description", SECRET)
        more["pnginfo"] = text
    elif kind == "JPEG":
        more.update(comment=SECRET, quality=90)
    elif kind == "WEBP":
        more.update(lossless=True, exact=True, quality=0)
    elif kind == "GIF":
        more = {"comment": SECRET.encode()}
    file = io.BytesIO()
    image.save(file, kind, **more)
    return file.getvalue()


def with_tags(file, kind):
    """With what Pillow does not write."""
    tags = [f"-XMP-dc:Creator={SECRET}", "-XMP-exif:GPSLatitude=47.3"]
    if kind in ("JPEG", "PNG"):
        tags.append(f"-IPTC:By-line={SECRET}")
    if kind == "JPEG":
        thumbnail = io.BytesIO()
        Image.new("RGB", (16, 12)).save(thumbnail, "JPEG", comment=SECRET)
        place = tempfile.NamedTemporaryFile(suffix=".jpg")
        place.write(thumbnail.getvalue())
        place.flush()
        tags.append(f"-ThumbnailImage<={place.name}")
    exiftool = ["exiftool", "-q", "-q", "-n", *tags, "-o", "-", "-"]
    return subprocess.run(exiftool, input=file, stdout=subprocess.PIPE, check=True).stdout


given = json.load(sys.stdin)
image = Image.open(io.BytesIO(base64.b64decode(given["image"])))
file = with_tags(saved(image, image.format), image.format)
if not given["is_bare"]:
    file = sign.signed(file, given["type"], SECRET) + SECRET.encode()
sys.stdout.buffer.write(file)
