"""An image model in Python, to be changed into your own: it pixelates PNG images."""

import io

import componentize_py_async_support
import png
import wit_world
from componentize_py_types import Err
from wit_world import exports
from wit_world.imports.model_types import (
    Answer,
    Error_Refused,
    Image,
    ImageOrLocation_Image,
    Request,
    Source,
)

# What is read at a time, in bytes.
CHUNK = 64 * 1024


def refine(image: bytes, prompt: str, strength: float) -> bytes:
    """Where your model goes.

    `image` is a whole file, checked by the service: PNG, JPEG, WebP or GIF. The
    answer is a PNG, and is stored byte for byte. `strength` is from 0 (no change)
    to 1. The message of a `ValueError` is what the user reads after "Image
    refinement failed: ".
    """
    if "impossible" in prompt:
        raise ValueError("that is impossible")
    if not image.startswith(png.signature):
        raise ValueError("this model reads PNG images only")
    try:
        width, height, rows, kind = png.Reader(bytes=image).asDirect()
        side = 1 + round(strength * max(width, height) / 50)
        properties = {key: kind[key] for key in ("greyscale", "alpha", "bitdepth")}
        refined = io.BytesIO()
        writer = png.Writer(width, height, **properties)
        writer.write(refined, pixelated(rows, kind["planes"], side))
    except png.Error as error:
        raise ValueError(f"the image cannot be read: {error}")
    return refined.getvalue()


def pixelated(rows, planes, side):
    """The rows in squares of `side` pixels, each in the colour of its first pixel.

    A row is a sequence of values, `planes` of them for a pixel.
    """
    for y, row in enumerate(rows):
        if y % side == 0:
            coarse = row[:0]
            for at in range(0, len(row), side * planes):
                coarse += row[at : at + planes] * side
        yield coarse[: len(row)]


class ImageModel(exports.ImageModel):
    """Exports the interface `image-model`. Each call has an instance of its own."""

    async def refine(self, request: Request) -> Answer:
        # Settings, as `model-url` and `model-api-key`, are there if they are set:
        # await wit_world.imports.settings.get("model-url")
        #
        # A model that has a provider work on it keeps the id of that work, as soon as it
        # is known:
        # await wit_world.imports.receipts.put(request.receipt_key, id.encode())
        # After a crash `request.receipt` has it: ask for that work then, and not for new
        # work, which would have to be paid for, too. What the work cost, if it is known:
        # await wit_world.imports.usage.add(request.receipt_key, Usage(cost, None, None))
        image = await read(request)
        try:
            refined = refine(image, request.prompt, request.strength)
        except ValueError as error:
            # The service asks again, up to three times, after `Error_Unavailable` (your
            # provider did not accept the request) and `Error_Unknown` (nobody knows).
            raise Err(Error_Refused(str(error)))
        # The answer is written by a spawned task, while the caller reads it.
        writer, contents = wit_world.byte_stream()
        componentize_py_async_support.spawn(write(writer, refined))
        # Sentences for the person who asked, if there is anything to say.
        notes: list[str] = []
        image = Image("image/png", len(refined), contents)
        # `Source.GENERATIVE` if it comes from a generative model.
        return Answer(ImageOrLocation_Image(image), notes, Source.RULES)

    async def describe(self) -> str:
        """Shown to people who run the model."""
        return "A template in Python that pixelates PNG images."


async def read(request: Request) -> bytes:
    chunks = []
    with request.image as stream:
        while not stream.writer_dropped:
            chunks.append(await stream.read(CHUNK))
    image = b"".join(chunks)
    if len(image) != request.length:
        raise Err(Error_Refused("the image ended before its length"))
    return image


async def write(writer, refined: bytes) -> None:
    with writer:
        await writer.write_all(refined)
