// The smallest image model in JavaScript, to be filled.
//
// It returns the original unchanged, and refuses a prompt that asks for the
// impossible.

/**
 * Where your model goes. `image` is a whole file, checked by the service; what you
 * answer is stored byte for byte. `strength` is from 0 (no change) to 1. What you
 * throw is a sentence that the user reads after "Image refinement failed: ".
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
  return image;
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
          // If your model changes the format, say which: "image/png", …
          mediaType: request.mediaType,
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
    return "A template in JavaScript that answers the original unchanged.";
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
