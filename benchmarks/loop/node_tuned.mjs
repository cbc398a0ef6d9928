// The loop as fast as Node goes: of readline, stream chunks and synchronous reads into one buffer the last is the fastest;
// likewise JSON.stringify of a copy with sorted keys over building the text by hand, the one-shot crypto.hash over
// createHash, and encoding into one buffer over streams and joined strings.
import * as crypto from 'node:crypto';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';

const sha256 = crypto.hash // since Node 20.12
  ? (text) => crypto.hash('sha256', text, 'hex')
  : (text) => crypto.createHash('sha256').update(text).digest('hex');

function sorted(value) {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(sorted);
  const copy = {};
  for (const key of Object.keys(value).sort()) copy[key] = sorted(value[key]);
  return copy;
}

class Writer {
  constructor(path) {
    this.file = openSync(path, 'w');
    this.buffer = Buffer.allocUnsafe(1 << 20);
    this.held = 0;
  }

  write(text) {
    const most = text.length * 3;
    if (this.held + most > this.buffer.length) this.flush();
    if (most > this.buffer.length) writeSync(this.file, text);
    else this.held += this.buffer.write(text, this.held, 'utf8');
  }

  flush() {
    writeSync(this.file, this.buffer, 0, this.held);
    this.held = 0;
  }

  close() {
    this.flush();
    closeSync(this.file);
  }
}

function forEachLine(path, use) {
  const file = openSync(path, 'r');
  let buffer = Buffer.allocUnsafe(4 << 20);
  let held = 0;
  for (let read; (read = readSync(file, buffer, held, buffer.length - held)) > 0; ) {
    held += read;
    const full = buffer.subarray(0, held);
    let start = 0;
    for (let end; (end = full.indexOf(10, start)) >= 0; start = end + 1) use(full.toString('utf8', start, end));
    if (start === 0 && held === buffer.length) buffer = Buffer.concat([buffer, Buffer.allocUnsafe(held)]);
    else buffer.copyWithin(0, start, held);
    held -= start;
  }
  if (held) use(buffer.toString('utf8', 0, held));
  closeSync(file);
}

export function loop(input, output) {
  const seen = new Set();
  const out = new Writer(output);
  let rows = 0;
  forEachLine(input, (line) => {
    const row = JSON.parse(line);
    rows += 1;
    const sig = sha256(JSON.stringify(sorted(row)));
    if (seen.has(sig)) return;
    seen.add(sig);
    out.write(JSON.stringify({ id: row.run, task: row.task, text: row.answer, sig }) + '\n');
  });
  out.close();
  return [rows, seen.size];
}
