// An image model in JavaScript, to be changed into your own: it pixelates PNG images.

import "./text.js";
import { convertIndexedToRgb, decode, encode, hasPngSignature } from "fast-png";

/**
 * Where your model goes. `image` is a whole file, checked by the service: PNG, JPEG,
 * WebP or GIF. The answer is a PNG, and is stored byte for byte. `strength` is from 0
 * (no change) to 1. The message of what you throw is what the user reads after "Image
 * refinement failed: ".
 *
 * @param {Uint8Array} image
 * @param {string} prompt
 * @param {number} strength
 * @returns {Uint8Array}
 */
export function refine(image, prompt, strength) {
  if (prompt.includes("impossible")) {
    throw new Error("that is impossible");
  }
  if (!hasPngSignature(image)) {
    throw new Error("this model reads PNG images only");
  }
  const png = unpacked(decode(image));
  const { width, height, channels, data } = png;
  // Squares of `side` pixels, each in the colour of its first pixel.
  const side = 1 + Math.round((strength * Math.max(width, height)) / 50);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const first = ((y - (y % side)) * width + x - (x % side)) * channels;
      data.copyWithin((y * width + x) * channels, first, first + channels);
    }
  }
  return encode(png);
}

/** The image with a palette's colours, and with whole bytes, in its pixels. */
function unpacked(png) {
  const { width, height, depth } = png;
  if (!png.palette && depth >= 8) {
    return png;
  }
  const last = 2 ** depth - 1;
  const greys = Array.from({ length: last + 1 }, (_, level) => [(255 * level) / last]);
  const palette = png.palette ?? greys;
  const data = convertIndexedToRgb({ ...png, palette });
  return { width, height, channels: palette[0].length, data };
}

/** Exports the interface `image-model`. Each call has an instance of its own. */
export const imageModel = {
  async refine(request) {
    const image = await read(request);
    let refined;
    try {
      refined = refine(image, request.prompt, request.strength);
    } catch (error) {
      // `unavailable`: the service asks again, up to three times. `receipts` cannot be
      // used here, since componentize-qjs cannot import asynchronous functions.
      throw { tag: "refused", val: error.message };
    }
    return {
      image: {
        tag: "image",
        val: {
          mediaType: "image/png",
          length: refined.length,
          // Written while the caller reads it.
          contents: [refined],
        },
      },
      // Sentences for the person who asked, if there is anything to say.
      notes: [],
      // "generative" if it comes from a generative model.
      source: "rules",
    };
  },

  /** Shown to people who run the model. */
  async describe() {
    return "A template in JavaScript that pixelates PNG images.";
  },
};

async function read(request) {
  const image = new Uint8Array(request.length);
  let length = 0;
  for await (const chunk of request.image) {
    image.set(chunk, length);
    length += chunk.length;
  }
  if (length !== request.length) {
    throw { tag: "refused", val: "the image ended before its length" };
  }
  return image;
}
