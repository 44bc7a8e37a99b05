// The pool: as many workers as asked, each with an instance of the library. README.md says what the page may call.
'use strict';

/** The byte of each character of windows-1252, in which the page is written. */
const byteOf = new Uint8Array(65536);
Array.from(new TextDecoder('windows-1252').decode(Uint8Array.from({length: 256}, (_, i) => i)))
    .forEach((character, byte) => { byteOf[character.charCodeAt(0)] = byte; });

/** Text of a data element as bytes: a character each; '=' says that the next is 64 too high (assemble.js, apps/commands/page.cpp). */
function unpacked(text) {
  const bytes = new Uint8Array(text.length);
  let size = 0;
  for (let i = 0; i < text.length; i++) {
    const byte = byteOf[text.charCodeAt(i)];
    bytes[size++] = byte === 61 ? byteOf[text.charCodeAt(++i)] - 64 : byte;
  }
  return bytes.slice(0, size);
}

/** The bytes of one of the page's data elements. */
async function embedded(element) {
  const bytes = unpacked(element.textContent);
  if (element.dataset.encoding !== 'gzip') return bytes;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const asScript = (bytes) => URL.createObjectURL(new Blob([bytes], {type: 'text/javascript'}));

/** Runs a script as a part of this page. */
function run(url) {
  return new Promise((done, failed) => {
    const script = document.createElement('script');
    script.src = url;
    script.onload = done;
    script.onerror = () => failed(new Error('a part of this page does not load'));
    document.head.append(script);
  });
}

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
async function sha256(bytes) { return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))); }

/** Whether this browser compiles 128-bit SIMD, and relaxed SIMD: 40 bytes of code with one instruction each. */
const understandsSimd = (...code) => WebAssembly.validate(new Uint8Array(
    [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, code.length + 4, 1, code.length + 2, 0, ...code, 11]));
const hasSimd = () => typeof WebAssembly === 'object' && understandsSimd(65, 1, 253, 15);
const hasRelaxedSimd = () => understandsSimd(65, 1, 253, 15, 65, 2, 253, 15, 65, 3, 253, 15, 253, 133, 2);

/** Whether a model is a file, and not a network that hans ships. */
const isFile = (name) => /\.(hans|onnx)$/.test(name);

/** What an instance is opened with, and the script of a worker, out of the page. */
async function parts() {
  if (!hasSimd()) throw new Error('This browser has no WebAssembly with SIMD, which this page needs; every browser since 2023 has it.');
  const element = (id) => document.getElementById(`hans-${id}`);
  const models = Array.from(document.querySelectorAll('script.hans-model'));
  const bytes = await Promise.all(models.map(embedded));
  const compile = async (id) => WebAssembly.compile(await embedded(element(id)));
  const named = models.map(({dataset}, i) => ({name: dataset.name, bytes: bytes[i]}));
  return {
    wasm: await compile('wasm'),
    kernels: hasRelaxedSimd() && element('kernels') ? await compile('kernels') : null,
    script: asScript(await embedded(element('script'))),
    golden: new TextDecoder().decode(await embedded(element('golden'))),
    models: named,
    nets: Object.fromEntries(named.filter(({name}) => !isFile(name)).map(({name, bytes}) => [name, bytes])),
  };
}

/** A worker that answers one call after the other. A worker that dies rejects what it was asked and is opened again. */
class Member {
  constructor(script, given, models) {
    Object.assign(this, {script, given, models, next: 0, waiting: new Map()});
    this.start();
  }
  start() {
    this.worker = new Worker(this.script);
    this.worker.onmessage = ({data: {id, result, error, line}}) => {
      const call = this.waiting.get(id);
      if (!call) return;
      if (line !== undefined) {
        if (call.onLine) call.onLine(line);
        return;
      }
      this.waiting.delete(id);
      error === undefined ? call.done(result) : call.failed(new Error(error));
    };
    this.worker.onerror = (event) => {
      event.preventDefault();
      this.restart(`a worker of this page stopped: ${event.message || 'no reason was given'}`);
    };
    this.ready = this.send('open', [this.given]);
    for (const [name, bytes] of this.models) this.send('addModel', [name, bytes]).catch(() => {});
  }
  restart(reason) {
    this.worker.terminate();
    const lost = this.waiting;
    this.waiting = new Map();
    for (const call of lost.values()) call.failed(new Error(reason));
    this.start();
  }
  send(name, values, onLine) {
    const id = this.next++;
    return new Promise((done, failed) => {
      this.waiting.set(id, {done, failed, onLine});
      this.worker.postMessage({id, name, values});
    });
  }
  get busy() { return this.waiting.size; }
}

class Pool {
  constructor(parts, members) { Object.assign(this, {parts, members, models: []}); }

  idlest() { return this.members.reduce((best, one) => (one.busy < best.busy ? one : best)); }

  /** Calls `name` for parts of `count` samples on all workers; `part(first, count)` gives the values of a part. */
  async split(count, name, part) {
    const shares = Math.min(count, this.members.length);
    const starts = Array.from({length: shares + 1}, (_, i) => Math.floor(i * count / shares));
    const idle = [...this.members].sort((a, b) => a.busy - b.busy);
    return Promise.all(starts.slice(1).map((end, i) => idle[i].send(name, part(starts[i], end - starts[i]))));
  }

  features(name) {
    const row = this.models.find((model) => model.name === name);
    if (!row) throw new Error(`there is no model ${name} in this page`);
    return row.shape.reduce((a, b) => a * b, 1);
  }

  async onImages(call, name, images, labels, values) {
    const size = this.features(name), count = images.length / size;
    if (!Number.isInteger(count) || count === 0) throw new Error(`${name} takes images of ${size} numbers, not ${images.length}`);
    return this.split(count, call, (first, n) => [name, ...values(
        images.slice(first * size, (first + n) * size), labels && labels.slice(first, first + n), first, n)]);
  }

  async logits(name, images) {
    return joined(await this.onImages('logits', name, images, null, (part) => [part]));
  }
  async gradient(name, images, labels) {
    const all = await this.onImages('gradient', name, images, labels, (part, classes) => [part, classes]);
    return {gradient: joined(all.map((one) => one.gradient)), losses: joined(all.map((one) => one.losses))};
  }
  async attack(name, spec, images, labels, options = {}) {
    const {targets = null, firstIndex = 0} = options;
    const all = await this.onImages('attack', name, images, labels, (part, classes, first, n) => [spec, part, classes,
        {...options, targets: targets && targets.slice(first, first + n), firstIndex: firstIndex + first}]);
    return {images: joined(all.map((one) => one.images)), results: all.flatMap((one) => one.results)};
  }
  async certify(name, eps, images, labels, options = {}) {
    const {firstIndex = 0} = options;
    const all = await this.onImages('certify', name, images, labels, (part, classes, first) => [eps, part, classes,
        {...options, firstIndex: firstIndex + first}]);
    return {certificates: all.flatMap((one) => one.certificates),
            counterexamples: joined(all.map((one) => one.counterexamples))};
  }

  /** Runs the command in one worker. */
  command(words, {files = {}, outputs = [], onLine = null} = {}) {
    return this.idlest().send('command', [words, {files, outputs}], onLine);
  }

  /** Reads a model in all workers, and what `hans show` says of it. */
  async described(name, bytes) {
    const rows = await Promise.all(this.members.map((one) => one.send('addModel', [name, bytes])));
    for (const one of this.members) one.models.set(name, bytes);
    const shown = await this.command(['show', this.word(name), '--json', '-']);
    const facts = shown.code === 0 ? JSON.parse(shown.out) : {};
    return {...rows[0], name, bytes, facts, parameters: facts.parameters};
  }

  async addModel(name, bytes) {
    const row = await this.described(name, bytes);
    const known = this.models.findIndex((model) => model.name === name);
    this.models.splice(known < 0 ? this.models.length : known, known < 0 ? 0 : 1, row);
    return row;
  }

  /** What stands for a model on a command line: the name of a network that hans ships, else its file. */
  word(name) { return isFile(name) ? `./${name}` : name; }

  /** Ends all that is running; every call that waits is rejected. */
  stop() {
    for (const one of this.members) if (one.busy) one.restart('stopped');
  }

  async trainer(options) {
    const worker = this.members[0];
    await worker.send('train', [options]);
    return {
      step: (images, labels, indices) => worker.send('trainStep', [images, labels, indices]),
      rate: (factor) => worker.send('trainRate', [factor]),
      model: async (name) => this.addModel(name, await worker.send('trainedModel', [])),
      free: () => worker.send('endTraining', []),
    };
  }
}

function joined(arrays) {
  const all = new Float32Array(arrays.reduce((size, one) => size + one.length, 0));
  let at = 0;
  for (const one of arrays) {
    all.set(one, at);
    at += one.length;
  }
  return all;
}

async function openPool({workers = 2} = {}) {
  const all = await parts();
  const given = {wasm: all.wasm, kernels: all.kernels, nets: all.nets};
  const count = Math.max(1, Math.min(workers || 1, 8));
  const pool = new Pool(all, Array.from({length: count}, () => new Member(all.script, given, new Map())));
  const opened = await Promise.all(pool.members.map((one) => one.ready));
  pool.kernel = opened[0].kernel;
  [pool.digits, ...pool.models] = await Promise.all(
      [pool.members[0].send('digits', []), ...all.models.map(({name, bytes}) => pool.described(name, bytes))]);
  pool.version = (await pool.command(['--version'])).out.trim().replace(/^hans /, '').replace(/,.*/, '');
  pool.golden = pool.members[count - 1].send('golden', [all.golden]);
  pool.golden.catch(() => {});
  return pool;
}

// ---- files ----

const crcTable = Uint32Array.from({length: 256}, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});
const crc32 = (bytes) => ~bytes.reduce((crc, byte) => crcTable[(crc ^ byte) & 255] ^ (crc >>> 8), -1) >>> 0;

/** A .npy file of an array. */
function npy(type, shape, data) {
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  const header = text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11) + '\n';
  const bytes = new Uint8Array(10 + header.length + data.byteLength);
  bytes.set([0x93, 78, 85, 77, 80, 89, 1, 0, header.length & 255, header.length >> 8]);
  bytes.set(new TextEncoder().encode(header), 10);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + header.length);
  return bytes;
}

/** A zip archive of stored files, {name: bytes}. */
function zip(files) {
  const records = [], directory = [];
  let at = 0;
  for (const [name, bytes] of Object.entries(files)) {
    const path = new TextEncoder().encode(name);
    const common = new DataView(new ArrayBuffer(26));  // from the version needed to the length of the extra field
    common.setUint16(0, 20, true);
    common.setUint16(8, 33, true);  // 1 January 1980
    common.setUint32(10, crc32(bytes), true);
    common.setUint32(14, bytes.length, true);
    common.setUint32(18, bytes.length, true);
    common.setUint16(22, path.length, true);
    const shared = new Uint8Array(common.buffer);
    records.push(new Uint8Array([80, 75, 3, 4]), shared, path, bytes);
    const tail = new DataView(new ArrayBuffer(14));
    tail.setUint32(10, at, true);
    directory.push(new Uint8Array([80, 75, 1, 2, 20, 0]), shared, new Uint8Array(tail.buffer), path);
    at += 30 + path.length + bytes.length;
  }
  const length = (all) => all.reduce((sum, one) => sum + one.length, 0);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, Object.keys(files).length, true);
  end.setUint16(10, Object.keys(files).length, true);
  end.setUint32(12, length(directory), true);
  end.setUint32(16, at, true);
  const all = [...records, ...directory, new Uint8Array(end.buffer)];
  const bytes = new Uint8Array(length(all));
  let to = 0;
  for (const one of all) {
    bytes.set(one, to);
    to += one.length;
  }
  return bytes;
}

/** An .npz of n images of 28 x 28 and their labels, which `--data FILE.npz` reads. */
function npz(images, labels) {
  const n = labels.length;
  return zip({'images.npy': npy('<f4', [n, 28, 28, 1], images), 'labels.npy': npy('<i4', [n], labels)});
}
