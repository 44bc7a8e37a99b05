// One instance of the library: puts arguments into its memory, calls the C interface or the command, and reads results.
// Runs in a worker, and on the main thread for the self test. makeHans is emscripten's.
'use strict';

const reasons = ['success', 'unchanged_prediction', 'other_class', 'outside_ball', 'outside_box', 'not_a_number'];
const verdicts = ['certified', 'attacked', 'unknown', 'wrong'];
const doubts = ['none', 'nodes', 'time', 'rounding', 'nan', 'bound'];
const steps = ['none', 'attack', 'ibp', 'crown', 'alpha', 'branching', 'zonotope', 'joint'];
const norms = ['linf', 'l2', 'l1'];
const methods = ['auto', 'ibp', 'crown', 'alpha', 'complete', 'zonotope', 'joint'];
const folder = '/work';

/** Collects bytes to lines; a carriage return ends one too, as progress bars use it. */
class Lines {
  constructor() {
    this.bytes = [];
    this.all = [];
    this.seen = null;
  }
  put(byte) {
    if (byte !== 10 && byte !== 13) {
      this.bytes.push(byte);
      return;
    }
    const line = new TextDecoder().decode(new Uint8Array(this.bytes)).replace(/\x1b\[[0-9;]*[A-Za-z]/g, '');
    this.bytes = [];
    if (byte === 10) this.all.push(line);
    if (line !== '' && this.seen) this.seen(line);
  }
  take() {
    const text = this.all.map((line) => line + '\n').join('');
    this.all = [];
    return text;
  }
}

class Instance {
  /** `wasm`: the compiled library; `kernels`: the compiled kernels with relaxed SIMD, or null; `nets`: {name: bytes}. */
  static async open({wasm, kernels, nets}) {
    const made = new Instance();
    const settings = {
      instantiateWasm(imports, done) {
        WebAssembly.instantiate(wasm, imports).then((instance) => done(instance, wasm));
        return {};
      },
      stdin: () => null,
      stdout: (byte) => made.out.put(byte),
      stderr: (byte) => made.err.put(byte),
      preRun: [(module) => Object.assign(module.ENV, {HANS_NETS: '/nets', HOME: folder, COLUMNS: '100'})],
    };
    made.out = new Lines();
    made.err = new Lines();
    made.module = await makeHans(settings);
    made.fs = made.module.FS;
    made.fs.mkdir(folder);
    made.fs.mkdir('/nets');
    made.models = new Map();
    for (const [name, bytes] of Object.entries(nets)) made.fs.writeFile(`/nets/${name}.hans`, bytes);
    made.fs.chdir(folder);
    if (kernels) await made.addKernels(kernels);
    const name = made.allocate(4);
    made.call('hans_kernels', name);
    made.kernel = made.text(made.word(name));
    made.module._free(name);
    return made;
  }

  /** Puts the kernels' module into memory and table of the library, which takes it if its multiply-adds are fused. */
  async addKernels(kernels) {
    const {memory, table} = this.module.shared();
    const end = 16384 + 64;  // as CMakeLists.txt links the kernels' module
    if (table.length < end) table.grow(end - table.length);
    const {exports} = await WebAssembly.instantiate(kernels, {env: {memory, __indirect_function_table: table}});
    this.module._hans_add_kernels(exports.hans_kernel_set());
  }

  // ---- memory ----

  allocate(bytes) {
    const at = this.module._malloc(bytes);
    if (at === 0) throw new Error('this page has no memory left for that');
    return at;
  }
  get view() { return new DataView(this.module.shared().memory.buffer); }
  word(at) { return this.view.getUint32(at, true); }
  text(at) { return this.module.UTF8ToString(at); }

  /** Calls `use` with the addresses of copies of `values`: typed arrays, texts, sizes in bytes (zeroed), null for none. */
  borrow(values, use) {
    const at = [];
    try {
      for (const value of values) {
        const bytes = typeof value === 'string' ? new TextEncoder().encode(value + '\0')
            : typeof value === 'number' ? new Uint8Array(value)
            : value && new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
        at.push(bytes ? this.allocate(Math.max(bytes.length, 8)) : 0);
        if (bytes) new Uint8Array(this.module.shared().memory.buffer).set(bytes, at[at.length - 1]);
      }
      return use(...at);
    } finally {
      for (const address of at) this.module._free(address);
    }
  }
  floats(at, count) { return new Float32Array(this.module.shared().memory.buffer.slice(at, at + 4 * count)); }

  /** Calls a function that returns a status, and throws its message if it fails. */
  call(name, ...values) {
    let status;
    try {
      status = this.module['_' + name](...values);
    } catch (error) {
      throw new Error(`this page's engine stopped: ${error.message || error}`);
    }
    if (status !== 0) throw new Error(this.text(this.module._hans_last_error()));
  }

  // ---- models ----

  /** Reads a model from bytes of a .hans or .onnx file, under a name; replaces one of that name. */
  addModel(name, bytes) {
    const model = this.borrow([bytes, 4, name, name.endsWith('.onnx') ? 8 : null], (data, made, path, onnx) => {
      if (onnx) {
        this.fs.writeFile(`${folder}/${name}`, bytes);
        this.call('hans_model_import', path, 0, made);
      } else {
        this.call('hans_model_parse', data, bytes.length, made);
      }
      return this.word(made);
    });
    if (this.models.has(name)) this.module._hans_model_free(this.models.get(name).handle);
    this.models.set(name, this.describe(model));
    if (/\.(hans|onnx)$/.test(name)) this.fs.writeFile(`${folder}/${name}`, bytes);
    const {handle, ...row} = this.models.get(name);
    return row;
  }

  /** Makes an untrained model of an architecture. */
  create(name, architecture, seed = 0) {
    const model = this.borrow([architecture, 4], (words, made) => {
      this.call('hans_model_create', words, BigInt(seed), made);
      return this.word(made);
    });
    this.models.set(name, this.describe(model));
  }

  describe(handle) {
    return this.borrow([12, 4, 4, 65], (shape, classes, architecture, sha256) => {
      this.call('hans_model_input_shape', handle, shape);
      this.call('hans_model_classes', handle, classes);
      this.call('hans_model_architecture', handle, architecture);
      this.call('hans_model_sha256', handle, sha256);
      return {handle, shape: [0, 4, 8].map((at) => this.word(shape + at)), classes: this.word(classes),
              architecture: this.text(this.word(architecture)), sha256: this.text(sha256)};
    });
  }

  model(name) {
    const model = this.models.get(name);
    if (!model) throw new Error(`there is no model ${name} in this page`);
    return model;
  }

  features(name) { return this.model(name).shape.reduce((a, b) => a * b, 1); }
  count(name, images) {
    const count = images.length / this.features(name);
    if (!Number.isInteger(count) || count === 0) {
      throw new Error(`${name} takes images of ${this.model(name).shape.join('x')} numbers, not ${images.length} numbers`);
    }
    return count;
  }

  // ---- the C interface ----

  logits(name, images) {
    const {handle, classes} = this.model(name), count = this.count(name, images);
    return this.borrow([images, 4 * count * classes], (from, to) => {
      this.call('hans_logits', handle, from, count, to);
      return this.floats(to, count * classes);
    });
  }

  gradient(name, images, labels) {
    const {handle} = this.model(name), count = this.count(name, images);
    return this.borrow([images, labels, images.byteLength, 4 * count], (from, classes, to, losses) => {
      this.call('hans_gradient', handle, from, classes, count, to, losses);
      return {gradient: this.floats(to, images.length), losses: this.floats(losses, count)};
    });
  }

  attack(name, spec, images, labels, {targets = null, seed = 0, firstIndex = 0, box = [0, 1]} = {}) {
    const {handle} = this.model(name), count = this.count(name, images);
    const options = new DataView(new ArrayBuffer(32));
    options.setUint32(0, 32, true);
    options.setBigUint64(8, BigInt(seed), true);
    options.setUint32(16, firstIndex, true);
    options.setFloat32(20, box[0], true);
    options.setFloat32(24, box[1], true);
    return this.borrow([spec, images, labels, targets, options, images.byteLength, 48 * count],
        (attack, from, classes, goals, given, to, found) => {
          this.call('hans_attack', handle, attack, from, classes, goals, count, given, to, found);
          const view = this.view;
          const results = Array.from({length: count}, (_, i) => {
            const at = found + 48 * i;
            return {success: view.getInt32(at, true) === 1, evades: view.getInt32(at + 4, true) === 1,
                    prediction: view.getInt32(at + 8, true), reason: reasons[view.getInt32(at + 12, true)],
                    linf: view.getFloat64(at + 16, true), l2: view.getFloat64(at + 24, true),
                    l1: view.getFloat64(at + 32, true), l0: Number(view.getBigUint64(at + 40, true))};
          });
          return {images: this.floats(to, images.length), results};
        });
  }

  certify(name, eps, images, labels, {norm = 'linf', method = 'auto', nodes = 80000, attack = null, seed = 0,
                                      firstIndex = 0, box = [0, 1]} = {}) {
    const {handle} = this.model(name), count = this.count(name, images);
    const options = new DataView(new ArrayBuffer(56));
    options.setUint32(0, 56, true);
    options.setBigUint64(8, BigInt(seed), true);
    options.setBigUint64(16, BigInt(nodes), true);
    options.setInt32(36, norms.indexOf(norm), true);
    options.setInt32(40, methods.indexOf(method), true);
    options.setUint32(44, firstIndex, true);
    options.setFloat32(48, box[0], true);
    options.setFloat32(52, box[1], true);
    return this.borrow([attack, images, labels, options, 48 * count, images.byteLength],
        (first, from, classes, given, found, to) => {
          this.view.setUint32(given + 32, first, true);
          this.call('hans_certify', handle, eps, from, classes, count, given, found, to, 0);
          const view = this.view;
          const certificates = Array.from({length: count}, (_, i) => {
            const at = found + 48 * i, number = (offset) => view.getInt32(at + offset, true);
            return {verdict: verdicts[number(0)], doubt: doubts[number(4) + 1], step: steps[number(8) + 1],
                    prediction: number(12), real: number(16) === 1, float32: number(20) === 1, runnerUp: number(28),
                    bound: view.getFloat64(at + 32, true), nodes: Number(view.getBigUint64(at + 40, true))};
          });
          return {certificates, counterexamples: this.floats(to, images.length)};
        });
  }

  digits() {
    const count = this.module._hans_page_digit_count();
    return this.borrow([4 * 784 * count, 4 * count], (images, labels) => {
      this.module._hans_page_digits(images, labels);
      return {images: this.floats(images, 784 * count), labels: new Int32Array(this.floats(labels, count).buffer)};
    });
  }

  // ---- training ----

  train({architecture, seed = 0, optimizer = 'adam:rate=0.002', defense = null}) {
    this.endTraining();
    this.borrow([architecture, 4, optimizer, defense], (words, made, by, against) => {
      this.call('hans_model_create', words, BigInt(seed), made);
      this.trained = this.word(made);
      this.call('hans_trainer_create', this.trained, by, against, 0, made);
      this.trainer = this.word(made);
    });
  }
  trainStep(images, labels, indices) {
    return this.borrow([images, labels, indices, 8], (from, classes, positions, loss) => {
      this.call('hans_trainer_step', this.trainer, from, classes, positions, labels.length, loss);
      return this.view.getFloat64(loss, true);
    });
  }
  trainRate(factor) { this.call('hans_trainer_set_rate_factor', this.trainer, factor); }
  /** The bytes of the .hans file of the present weights. */
  trainedModel() {
    const path = '/tmp/trained.hans';
    this.borrow([path], (to) => this.call('hans_model_save', this.trained, to));
    return this.fs.readFile(path);
  }
  endTraining() {
    if (this.trainer) this.module._hans_trainer_free(this.trainer);
    if (this.trained) this.module._hans_model_free(this.trained);
    this.trainer = this.trained = 0;
  }

  // ---- the command ----

  /** Runs `hans ...words` in a folder with these files; onLine hears progress. */
  command(words, {files = {}, outputs = [], onLine = null} = {}) {
    for (const [name, bytes] of Object.entries(files)) this.fs.writeFile(`${folder}/${name}`, bytes);
    this.fs.chdir(folder);
    this.out.take();
    this.err.take();
    this.err.seen = onLine;
    let code;
    try {
      code = this.module.callMain(words);
    } catch (error) {
      throw new Error(`this page's engine stopped: ${error.message || error}`);
    } finally {
      this.err.seen = null;
    }
    const made = {};
    for (const name of outputs) {
      if (this.fs.analyzePath(`${folder}/${name}`).exists) made[name] = this.fs.readFile(`${folder}/${name}`);
    }
    for (const name of [...Object.keys(files), ...outputs]) {
      if (!this.models.has(name) && this.fs.analyzePath(`${folder}/${name}`).exists) this.fs.unlink(`${folder}/${name}`);
    }
    return {code, out: this.out.take(), err: this.err.take(), files: made};
  }

  /** 'identical', or a sentence about the first line in which this instance's bits are not the golden ones. */
  golden(lines) {
    const wanted = lines.split('\n').filter((line) => line && !line.startsWith('#'));
    this.out.take();
    if (this.module._hans_page_bits() !== 0) return `the golden bits could not be computed: ${this.err.take()}`;
    const found = this.out.take().split('\n').filter((line) => line && !line.startsWith('#'));
    const at = wanted.findIndex((line, i) => line !== found[i]);
    if (at >= 0) return `the bits of ${wanted[at].split(' ')[0]} are not the golden ones`;
    return found.length === wanted.length ? 'identical' : `${found.length} lines of bits instead of ${wanted.length}`;
  }
}
