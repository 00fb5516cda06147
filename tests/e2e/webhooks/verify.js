// Verifies a delivery, as JSON on standard input, with the official library.
const { Webhook } = require("standardwebhooks");

const given = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const event = new Webhook(given.secret).verify(given.body, given.headers);
console.log(event.type);
