// Elements of the page.

import { $ as find, make as el } from '/page/dom.js';

export { el, find };

// Follows a reference, if it is one.
export function resolved(api, value) {
  if (!value?.$ref) return value;
  const { $ref, ...more } = value;
  const target = $ref.slice(2).split('/').reduce((at, key) => at[key], api);
  return { ...target, ...more };
}

// Paragraphs and lists with `code` and **weight**, as elements.
export function text(source) {
  return (source ?? '').split('\n\n').filter(Boolean).map((block) => {
    if (!block.startsWith('- ')) return el('p', {}, ...inline(block));
    const items = block.split('\n').map((line) => el('li', {}, ...inline(line.slice(2))));
    return el('ul', {}, ...items);
  });
}

// A line with `code` and **weight**.
export function inline(line) {
  return line.split(/(`[^`]+`|\*\*[^*]+\*\*)/).filter(Boolean).map((part) => {
    if (part.startsWith('`')) return el('code', {}, part.slice(1, -1));
    if (part.startsWith('**')) return el('strong', {}, part.slice(2, -2));
    return part;
  });
}

// Names with what they stand for.
export function fields(api, members) {
  return el('dl', { className: 'fields' }, ...members.map(({ name, required, note, schema }) => {
    const told = resolved(api, schema);
    const marks = [type(api, schema), note, required && 'required'].filter(Boolean).join(', ');
    return el('div', {},
      el('dt', {}, el('code', {}, name), el('div', { className: 'hint' }, marks)),
      el('dd', {}, ...text(told.description), ...limits(told)));
  }));
}

function type(api, schema) {
  if (schema.$ref) return schema.$ref.split('/').pop();
  const several = schema.anyOf ?? schema.oneOf;
  if (several) return several.map((one) => type(api, one)).join(' or ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const types = [schema.type ?? 'any'].flat().map((name) => {
    if (name === 'array') return `list of ${type(api, schema.items ?? {})}`;
    return name === 'string' && schema.format ? schema.format : name;
  });
  return types.join(' or ');
}

function limits(schema) {
  const said = [];
  if (schema.enum) said.push(`one of ${schema.enum.join(', ')}`);
  if (schema.minLength > 1) said.push(`at least ${schema.minLength} characters`);
  if (schema.maxLength) said.push(`at most ${schema.maxLength} characters`);
  if (schema.maximum) said.push(`from ${schema.minimum} to ${schema.maximum}`);
  if (schema.default !== undefined) said.push(`${schema.default} if it is not given`);
  return said.length ? [el('p', { className: 'hint' }, said.join('; '))] : [];
}
