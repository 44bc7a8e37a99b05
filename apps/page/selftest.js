// hans.html#selftest: the golden bits, a manifest and a proof on the main thread, without a click. What was found is JSON
// in the element `selftest`. The main thread computes, because a browser that only dumps the page waits for no worker.
'use strict';

/** Keeps the main thread busy with timers that each take longer than they say, while other threads unpack and compile. */
function keepAwake() {
  return setInterval(() => {
    let sum = 0;
    for (let i = 0; i < 2000000; i++) sum += i;
    return sum;
  }, 1);
}

async function selftest() {
  const awake = keepAwake();
  const found = {kernel: null, golden: null, manifest: null, proof: null, gflops: null};
  const report = document.getElementById('selftest');
  try {
    const all = await parts();
    await run(all.script);
    const one = await Instance.open(all);
    found.kernel = one.kernel;
    found.golden = one.golden(all.golden);
    const file = async (id) => embedded(document.getElementById(`hans-${id}`));
    const files = {'linear.json': await file('manifest'), 'linear.hans': await file('linear')};
    const again = one.command(['reproduce', 'linear.json', '--quiet'], {files});
    found.manifest = again.out.includes('identical') && again.code !== 1 ? 'identical' : again.err.trim() || again.out.trim();
    found.proof = provedOnce(one, Object.keys(all.nets)[0]);
    found.gflops = gflops(one);
  } catch (error) {
    found.error = error.message || String(error);
  }
  clearInterval(awake);
  report.hidden = false;
  report.textContent = JSON.stringify(found);
}

/** Certifies the first digits with proofs, and has them checked by the code that shares nothing with what made them. */
function provedOnce(one, name) {
  const made = one.command(['certify', name, '--data', 'mnist-5k', '--eps', '0.1', '--limit', '20', '--attack', 'none',
                            '--method', 'crown', '--out', 'proofs.npz', '--quiet'], {outputs: ['proofs.npz']});
  if (made.code !== 0) return made.err.trim();
  const checked = one.command(['check', 'proofs.npz', '--model', name, '--data', 'mnist-5k'], {files: made.files});
  return checked.code === 0 ? 'confirmed' : checked.err.trim() || checked.out.trim();
}

/** GFLOP/s of a linear layer of 96 units on 96 images of 512 features like those of digits; null if no time passed. */
function gflops(one) {
  one.create('product', '1x512x1;flatten;linear:units=96');
  const images = Float32Array.from({length: 96 * 512}, (_, i) => (i % 5 === 0 ? (i % 256) / 255 : 0));
  const times = 100, start = performance.now();
  for (let i = 0; i < times; i++) one.logits('product', images);
  const seconds = (performance.now() - start) / 1000;
  return seconds > 0 ? Math.round(10 * times * 2 * 96 * 96 * 512 / seconds / 1e9) / 10 : null;
}

