// The loop as Node's own documentation would have it: readline over a stream, createHash, a write stream with drain.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

function canonical(value) {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const members = Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`);
  return `{${members.join(',')}}`;
}

export async function loop(input, output) {
  const seen = new Set();
  const out = createWriteStream(output);
  let rows = 0;
  for await (const line of createInterface({ input: createReadStream(input), crlfDelay: Infinity })) {
    const row = JSON.parse(line);
    rows += 1;
    const sig = createHash('sha256').update(canonical(row)).digest('hex');
    if (seen.has(sig)) continue;
    seen.add(sig);
    const kept = JSON.stringify({ id: row.run, task: row.task, text: row.answer, sig });
    if (!out.write(`${kept}\n`)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'finish');
  return [rows, seen.size];
}
