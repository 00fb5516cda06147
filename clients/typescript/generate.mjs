// Writes src/schemas.ts: the schemas of the service's openapi.json as types.
// `node generate.mjs FILE` writes to another file.

import { readFileSync, writeFileSync } from 'node:fs';

const here = (path) => new URL(path, import.meta.url);
const document = JSON.parse(readFileSync(here('../../components/api/openapi.json'), 'utf8'));

// Who uses OpenAI's API has a client of it.
const own = Object.entries(document.components.schemas).filter(([name]) => !name.startsWith('OpenAI'));
const schemas = own.map(([name, schema]) =>
  schema.properties
    ? `${comment(schema, '')}export interface ${name} ${object(schema, '')}\n`
    : `${comment(schema, '')}export type ${name} = ${type(schema, '')};\n`,
);
const text = `// Generated from openapi.json by generate.mjs: do not edit.\n\n${schemas.join('\n')}`;
writeFileSync(process.argv[2] ?? here('src/schemas.ts'), text);

function type(schema, indent) {
  if (schema.$ref) return schema.$ref.split('/').pop();
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const several = schema.anyOf ?? schema.oneOf;
  if (several) return several.map((one) => type(one, indent)).join(' | ');
  return [schema.type].flat().map((name) => named(name, schema, indent)).join(' | ');
}

function named(name, schema, indent) {
  switch (name) {
    case 'array':
      return `Array<${type(schema.items, indent)}>`;
    case 'integer':
      return 'number';
    case 'object':
      if (schema.properties) return object(schema, indent);
      return `Record<string, ${schema.additionalProperties ? type(schema.additionalProperties, indent) : 'unknown'}>`;
    case 'string':
    case 'number':
    case 'boolean':
    case 'null':
      return name;
    default:
      throw new Error(`there is no type for ${JSON.stringify(schema)}`);
  }
}

function object(schema, indent) {
  const inner = `${indent}  `;
  const members = Object.entries(schema.properties).map(([name, property]) => {
    const mark = schema.required?.includes(name) ? '' : '?';
    return `${comment(property, inner)}${inner}${name}${mark}: ${type(property, inner)};\n`;
  });
  return `{\n${members.join('')}${indent}}`;
}

function comment({ description }, indent) {
  return description ? `${indent}/** ${description.replaceAll('*/', '*\\/').replaceAll('\n', `\n${indent} * `)} */\n` : '';
}
