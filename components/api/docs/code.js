// A request as code to copy. A credential is never part of it: the code reads the
// environment variable TOKEN.

// request: { url, method, headers: [[name, value]], json or file (a name), needsToken, answers },
// where answers is 'text', 'image' or 'events'.
export const LANGUAGES = { curl, TypeScript: typescript, Python: python };

function curl({ url, method, headers, json, file, needsToken, answers }) {
  const parts = [`curl ${quoted(url)}`];
  if (method !== 'GET') parts.push(`-X ${method}`);
  if (needsToken) parts.push('-H "Authorization: Bearer $TOKEN"');
  for (const [name, value] of headers) parts.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (json !== undefined) parts.push(`-d ${quoted(json)}`);
  if (file) parts.push(`--data-binary ${quoted(`@${file}`)}`);
  if (answers === 'image') parts.push('--output image');
  if (answers === 'events') parts.push('--no-buffer');
  return parts.join(' \\\n  ');
}

function typescript({ url, method, headers, json, file, needsToken, answers }) {
  const imports = [...(file ? ['readFile'] : []), ...(answers === 'image' ? ['writeFile'] : [])];
  const fields = headers.map(([name, value]) => `'${name}': ${JSON.stringify(value)}`);
  if (needsToken) fields.unshift('Authorization: `Bearer ${process.env.TOKEN}`');
  const options = [];
  if (method !== 'GET') options.push(`method: '${method}'`);
  if (fields.length) options.push(`headers: { ${fields.join(', ')} }`);
  if (json !== undefined) options.push(`body: ${inTypescript(json)}`);
  if (file) options.push(`body: await readFile(${JSON.stringify(file)})`);
  const given = options.map((option) => `  ${option},\n`).join('');
  const lines = imports.length ? [`import { ${imports.join(', ')} } from 'node:fs/promises';`, ''] : [];
  lines.push(`const answer = await fetch(${JSON.stringify(url)}${given && `, {\n${given}}`});`);
  lines.push(...{
    text: ['console.log(answer.status, await answer.text());'],
    image: ["await writeFile('image', new Uint8Array(await answer.arrayBuffer()));"],
    events: [
      'for await (const text of answer.body!.pipeThrough(new TextDecoderStream())) {',
      '  console.log(text);',
      '}',
    ],
  }[answers]);
  return lines.join('\n');
}

function python({ url, method, headers, json, file, needsToken, answers }) {
  const fields = headers.map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  if (needsToken) fields.unshift('"Authorization": f"Bearer {os.environ[\'TOKEN\']}"');
  const given = [`"${method}"`, JSON.stringify(url)];
  if (fields.length) given.push(`headers={${fields.join(', ')}}`);
  if (json !== undefined) given.push(`content=${inPython(json)}`);
  if (file) given.push(`content=Path(${JSON.stringify(file)}).read_bytes()`);
  const list = given.map((one) => `    ${one},\n`).join('');
  const lines = [
    ...(needsToken ? ['import os'] : []),
    ...(file || answers === 'image' ? ['from pathlib import Path'] : []),
    'import httpx',
    '',
  ];
  if (answers === 'events') {
    lines.push(`with httpx.stream(\n${list}    timeout=None,\n) as answer:`);
    lines.push('    for line in answer.iter_lines():', '        print(line)');
  } else {
    lines.push(`answer = httpx.request(\n${list})`);
    lines.push(answers === 'image'
      ? 'Path("image").write_bytes(answer.content)'
      : 'print(answer.status_code, answer.text)');
  }
  return lines.join('\n');
}

// For a POSIX shell.
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function inTypescript(json) {
  try {
    const lines = JSON.stringify(JSON.parse(json), null, 2).split('\n');
    return `JSON.stringify(${lines.join('\n  ')})`;
  } catch {
    return JSON.stringify(json);
  }
}

// The text of the JSON, which spares its values a translation.
function inPython(json) {
  return JSON.stringify(json);
}
