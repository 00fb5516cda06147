// The scenario in Node or Deno, told on standard output. Arguments: the client's
// module, what the scenario needs as JSON, and the file of a picture.

import { readFileSync } from 'node:fs';
import process from 'node:process';

import { run } from './scenario.mjs';

const [module, world, picture] = process.argv.slice(2);
const client = await import(module);
await run(client, { ...JSON.parse(world), picture: readFileSync(picture) }, (step) => console.log(JSON.stringify(step)));
