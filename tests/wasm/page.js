// Runs the engine of hans.html under node, with each set of kernels that this node has:
//   page.js FOLDER       where `cmake --workflow --preset page` built
// The golden bits, the golden manifest, the same with an edited number, a proof, an edited proof, and models that are none.
'use strict';
const fs = require('fs');
const path = require('path');
const v8 = require('v8');
const vm = require('vm');

v8.setFlagsFromString('--experimental-wasm-relaxed-simd');  // newer node needs no option

const source = path.join(__dirname, '..', '..'), built = path.resolve(process.argv[2]);
const file = (...names) => new Uint8Array(fs.readFileSync(path.join(...names)));
const script = fs.readFileSync(path.join(built, 'apps/page/hans_page.js'), 'utf8') +
    fs.readFileSync(path.join(source, 'apps/page/instance.js'), 'utf8') + '\nglobalThis.Instance = Instance;';
Object.assign(globalThis, {require, __dirname, __filename});
vm.runInThisContext(script);

let failed = 0;
function expect(what, holds, found) {
  if (holds) return;
  failed++;
  console.error(`${what}: ${JSON.stringify(found)}`);
}

const net = 'mnist-linf0.1-tiny';

async function check(name, kernels) {
  const wasm = await WebAssembly.compile(file(built, 'apps/page/hans_page.wasm'));
  const bytes = file(source, `data/nets/${net}.hans`);
  const one = await Instance.open({wasm, kernels, nets: {[net]: bytes}});
  expect('kernels', one.kernel === name, one.kernel);
  const golden = one.golden(fs.readFileSync(path.join(source, 'tests/golden/bits.txt'), 'utf8'));
  expect('golden', golden === 'identical', golden);

  const files = {'linear.json': file(source, 'tests/golden/linear.json'), 'linear.hans': file(source, 'tests/golden/linear.hans')};
  const again = one.command(['reproduce', 'linear.json', '--quiet'], {files});
  expect('manifest', again.code === 0 && again.out.includes('identical'), again);
  const text = Buffer.from(files['linear.json']).toString();
  const edited = Buffer.from(text.replace(/"robust_accuracy": ?0\.[0-9]+/, '"robust_accuracy": 0.5'));
  expect('the edit', edited.toString() !== text, null);
  const refused = one.command(['reproduce', 'linear.json', '--quiet'], {files: {...files, 'linear.json': new Uint8Array(edited)}});
  expect('edited manifest', refused.code === 1 && refused.err.length > 0 && !refused.out.includes('identical'), refused);

  const made = one.command(['certify', net, '--data', 'mnist-5k', '--eps', '0.1', '--limit', '10', '--method', 'crown',
                            '--attack', 'none', '--out', 'p.npz', '--quiet'], {outputs: ['p.npz']});
  const checked = one.command(['check', 'p.npz', '--model', net, '--data', 'mnist-5k'], {files: made.files});
  expect('proofs', checked.code === 0 && /proved +10\n/.test(checked.out), checked);
  const broken = made.files['p.npz'].slice();
  broken[broken.length >> 1] ^= 1;
  const rejected = one.command(['check', 'p.npz', '--model', net, '--data', 'mnist-5k'], {files: {'p.npz': broken}});
  expect('edited proofs', rejected.code === 1 && rejected.err.length > 0, rejected);

  one.addModel(net, bytes);
  const {images, labels} = one.digits();
  const attacked = one.attack(net, 'pgd:eps=0.3,steps=20', images.slice(0, 7840), labels.slice(0, 10));
  expect('attack', attacked.results.every(({linf}) => linf <= Math.fround(0.3)), attacked.results);
  for (const [model, says] of [[bytes.slice(0, 1000), /model/], [new Uint8Array(10), /model|magic|file/], [new Uint8Array(0), /./]]) {
    let message = '';
    try {
      one.addModel('mine.hans', model);
    } catch (error) {
      message = error.message;
    }
    expect('a model that is none', says.test(message) && !message.includes('\n'), message);
  }
  console.log(`${name}: done`);
}

(async () => {
  await check('simd128', null);
  const relaxed = file(built, 'kernels_relaxed.wasm');
  if (WebAssembly.validate(relaxed)) await check('relaxed', await WebAssembly.compile(relaxed));
  process.exit(failed === 0 ? 0 : 1);
})();
