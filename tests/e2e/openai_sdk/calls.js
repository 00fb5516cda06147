// Makes the calls that come on standard input, one a line, with the `openai` package of npm.
//
// Says in one line of JSON what came of each: the answer, the events of a stream, and the
// error, if there was one.
const fs = require("node:fs");
const readline = require("node:readline");
const { default: OpenAI, toFile, APIError } = require("openai");

async function image(form, path) {
  const contents = fs.readFileSync(path);
  switch (form) {
    case "bytes":
      return toFile(contents, "a.png");
    case "file":
      return fs.createReadStream(path);
    case "tuple":
      return new File([contents], "a.png", { type: "image/png" });
    case "list":
      return [await toFile(contents, "a.png", { type: "image/png" })];
  }
}

async function begun(client, call) {
  if (call.call === "models") {
    return (await client.models.list()).getPaginatedItems();
  }
  if (call.call === "post") {
    return client.post(call.path, { body: call.body });
  }
  const fields = { ...call.fields, ...call.more };
  if (call.mask) {
    fields.mask = await image("tuple", call.mask);
  }
  fields.image = await image(call.form, call.image);
  return client.images.edit(fields, { headers: call.headers ?? {} });
}

function told(error) {
  return {
    class: error.constructor.name,
    status: error.status ?? null,
    param: error.param ?? null,
    code: error.code ?? null,
    message: error.message,
  };
}

async function made(call) {
  const client = new OpenAI({
    baseURL: call.base_url,
    apiKey: call.key,
    maxRetries: call.retries,
    timeout: 60_000,
  });
  const events = [];
  try {
    const answer = await begun(client, call);
    if (typeof answer[Symbol.asyncIterator] === "function") {
      for await (const event of answer) {
        events.push(event);
      }
      return { events };
    }
    return { answer: Array.isArray(answer) ? { data: answer } : answer };
  } catch (error) {
    if (!(error instanceof APIError)) {
      throw error;
    }
    return { events, error: told(error) };
  }
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await made(JSON.parse(line))));
  }
})();
