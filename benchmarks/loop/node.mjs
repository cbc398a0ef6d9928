// Runs one of the Node loops: node node.mjs <usual|tuned> <warm-up> <input> <output>; prints the measured pass as JSON.
const [name, warmUp, input, output] = process.argv.slice(2);
const { loop } = await import(`./node_${name}.mjs`);
await loop(warmUp, output); // so that the measured pass runs compiled code
const wall = process.hrtime.bigint();
const cpu = process.cpuUsage();
const [rows, kept] = await loop(input, output);
const used = process.cpuUsage(cpu);
const wallS = Number(process.hrtime.bigint() - wall) / 1e9;
console.log(JSON.stringify({ rows, kept, wall_s: wallS, cpu_s: (used.user + used.system) / 1e6 }));
