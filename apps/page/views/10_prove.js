// Is it true? A manifest is run again bit for bit, proofs and adversarial images are checked, in this page.

addView({id: 'prove', build(panel, status) {
  const run = worker(panel, status), proof = evidence();
  const output = element('pre', {className: 'output', tabIndex: 0, label: 'output'}), progress = element('p', {className: 'hint'});
  const holds = element('ul'), differing = element('ul');
  const file = element('input', {type: 'file', multiple: true, className: 'file',
    accept: '.json,.npz,.hans,.onnx,.png', onchange: () => { take([...file.files]); file.value = ''; }});
  const zone = element('div', {className: 'drop', role: 'group', label: 'drop_here'}, element('p', {text: 'drop_here'}), field('choose_files', file), holds);
  const go = button('prove_run', () => verify(), true), empty = button('prove_empty', () => { given.clear(); list(); });
  const source = choice('prove_without', ['embedded', 'manifest', 'proofs', 'images'].map((one) => [one, `without_${one}`]), 'embedded', () => {});
  const own = button('prove_own', () => ownFiles()), stop = button('stop', () => { app.pool.stop(); });
  const quick = element('input', {type: 'checkbox', id: 'quick', checked: true}), given = new Map();
  output.hidden = true;
  stop.disabled = true;
  panel.append(element('p', {className: 'hint', text: 'prove_hint'}), zone, element('div', {className: 'controls'}, source.node, own), element('div', {className: 'controls'}, go, stop, empty, element('div', {}, quick, ' ', element('label', {htmlFor: 'quick', text: 'prove_quick'}))),
    status, differing, progress, output, proof.node);
  zone.addEventListener('dragover', (event) => { event.preventDefault(); zone.classList.add('over'); });
  zone.addEventListener('dragleave', () => zone.classList.remove('over'));
  zone.addEventListener('drop', (event) => {
    event.preventDefault();
    zone.classList.remove('over');
    take([...event.dataTransfer.files]);
  });

  /** The kind of a file, by its first bytes: manifest, proofs, images, net, picture, data. */
  function kindOf(name, bytes) {
    const latin = (from, to) => String.fromCharCode(...bytes.subarray(from, to));
    if (latin(0, 4) === 'PK\x03\x04') {
      const members = [];
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      for (let at = 0; at + 30 < bytes.length && view.getUint32(at, true) === 0x04034b50 && members.length < 64;) {
        const long = view.getUint16(at + 26, true);
        members.push(latin(at + 30, at + 30 + Math.min(long, 64)));
        at += 30 + long + view.getUint16(at + 28, true) + view.getUint32(at + 18, true);
      }
      if (members.includes('image_sha256.npy') && members.includes('bound.npy')) return 'proofs';
      return members.includes('images.npy') ? 'images' : 'unknown';
    }
    if (latin(1, 4) === 'PNG') return 'picture';
    if (/\.(hans|onnx)$/i.test(name)) return 'net';
    if (/^\s*\{/.test(latin(0, 64))) {
      try {
        return JSON.parse(new TextDecoder().decode(bytes)).manifest ? 'manifest' : 'unknown';
      } catch {
        return 'broken_json';
      }
    }
    return 'unknown';
  }

  function list() {
    holds.replaceChildren(...[...given].map(([name, {kind, bytes}]) => element('li', {text: ['file_is', {name, kind: [`kind_${kind}`], size: bytes.length}]})));
    go.disabled = empty.disabled = !given.size;
    if (!given.size) say(status, 'prove_ready');
  }

  const take = (files) => run(async (alive) => {
    let refused = null;
    for (const one of files.slice(0, 12)) {
      const name = one.name.replace(/[^\w.+-]/g, '_');
      try {
        const bytes = await readFile(one), kind = kindOf(name, bytes);
        if (kind === 'net') await takeNet(name, bytes).then(listModels);
        if (kind !== 'picture') given.set(name, {kind, bytes});
        else given.set(`${name}.npz`, {kind: 'images', bytes: await readPicture(bytes), original: commandFiles()['digit.npz']});
      } catch (error) {
        refused = {name, reason: oneLine(error)};
      }
      if (!alive()) return;
    }
    list();
    if (refused) return say(status, 'model_refused', refused);
    const odd = [...given.values()].find(({kind}) => kind === 'unknown' || kind === 'broken_json');
    say(status, odd ? `prove_${odd.kind}` : 'prove_taken', {count: given.size});
  });

  /** A picture of 28 x 28 (or a whole multiple) as an image beside the digit on screen. */
  async function readPicture(bytes) {
    const bitmap = await createImageBitmap(new Blob([bytes], {type: 'image/png'}));
    if (bitmap.width !== bitmap.height || bitmap.width % 28) {
      throw new Error(text('picture_size', {width: String(bitmap.width), height: String(bitmap.height)}));
    }
    const canvas = element('canvas', {width: 28, height: 28}), context = canvas.getContext('2d');
    context.imageSmoothingEnabled = false;
    context.drawImage(bitmap, 0, 0, 28, 28);
    const {data} = context.getImageData(0, 0, 28, 28);
    return npz(Float32Array.from({length: 784}, (_, i) => data[4 * i] / 255), Int32Array.of(app.digit.label));
  }

  const verify = () => run(async (alive) => {
    await needTrust(status);
    differing.replaceChildren();
    output.hidden = true;
    const of = (kind) => [...given].filter(([, one]) => one.kind === kind).map(([name]) => name);
    const [manifest] = of('manifest'), [proofs] = of('proofs'), nets = of('net'), data = of('images');
    const files = Object.fromEntries([...given].map(([name, one]) => [name, one.bytes]));
    let words, row = null;
    if (manifest) {
      const wanted = JSON.parse(new TextDecoder().decode(given.get(manifest).bytes)).result?.model_sha256;
      const known = app.pool.models.find((row) => row.sha256 === wanted);
      if (!nets.length && !known) throw new Error(text('prove_no_net', {sha: String(wanted)}));
      row = known;
      const net = nets[0] ?? fileOf(known);
      if (!nets.length) files[net] = known.bytes;
      words = ['reproduce', manifest, '--model', net, ...(data[0] ? ['--data', data[0]] : []), ...(quick.checked ? ['--quick', '50'] : [])];
    } else if (proofs || data.length) {
      const net = nets[0] ?? fileOf(modelRow());
      row = nets.length ? modelRow(net) : modelRow();
      if (!nets.length) files[net] = row.bytes;
      const checked = proofs ?? data[0];
      const beside = given.get(checked).original, original = beside ? 'digit.npz' : (proofs ? data[0] : data[1]) ?? 'mnist-5k';
      if (beside) files['digit.npz'] = beside;
      words = ['check', checked, '--model', net, '--data', original];
    } else {
      throw new Error(text('prove_nothing'));
    }
    stop.disabled = false;
    say(status, 'working');
    let ran;
    try {
      ran = await app.pool.command(words, {files, onLine: (one) => { progress.textContent = one; }});
    } finally {
      stop.disabled = true;
      progress.textContent = '';
    }
    if (!alive()) return;
    const lines = `${ran.out}${ran.err ? `\n${ran.err}` : ''}`.trim();
    output.textContent = lines;
    output.hidden = !lines;
    tell(words[0], ran);
    await proof.set({command: `hans ${words.join(' ')}`, row, sha: await sha256(new TextEncoder().encode(ran.out))});
  });

  function tell(kind, ran) {
    const refused = oneLine(ran.err.replace(/^hans: /, ''));
    if (kind === 'reproduce') {
      const same = ran.out.match(/^identical: (?:all )?(\d+) (?:of (\d+) )?images/m);
      if (same) return claim(status, same[2] ? 'prove_identical_part' : 'prove_identical', {count: Number(same[1]), all: Number(same[2] ?? same[1])});
      const rows = ran.out.split('\n').filter((one) => /differ|not identical|image/.test(one)).slice(0, 20);
      differing.replaceChildren(...rows.map((one) => { const item = element('li'); item.textContent = one; return item; }));
      return claim(status, refused && !ran.out ? 'prove_refused' : 'prove_differs', {reason: refused || rows[0] || ''});
    }
    const count = (name) => Number(ran.out.match(new RegExp(`^\\s*${name}\\s+(\\d+)`, 'm'))?.[1] ?? NaN);
    if (!ran.out) return claim(status, 'prove_refused', {reason: refused});
    if (Number.isFinite(count('proofs'))) {
      return claim(status, count('rejected') ? 'proofs_rejected' : 'proofs_confirmed', {proved: count('proved'), rejected: count('rejected') || 0});
    }
    return claim(status, ran.code ? 'images_rejected' : 'images_confirmed', {confirmed: count('confirmed') || 0, rejected: count('rejected') || 0});
  }

  /** Something to check without a file: what the page holds, or what the command makes of the net on screen. */
  const ownFiles = () => run(async (alive) => {
    say(status, 'working');
    const row = modelRow(), name = fileOf(row), kind = source.value, data = ['--data', 'mnist-5k', '--limit'];
    const [words, made] = {
      manifest: [['benchmark', name, ...data, '50', '--attack', 'pgd:eps=0.1', '--probes', '20', '--out', 'manifest.json'], 'manifest.json'],
      proofs: [['certify', name, ...data, '10', '--eps', '0.02', '--nodes', '100', '--out', 'proofs.npz'], 'proofs.npz'],
      images: [['attack', name, ...data, '20', '--attack', 'pgd:eps=0.1', '--out', 'images.npz'], 'images.npz'],
      embedded: [[], 'linear.json'],
    }[kind];
    const found = new Map();
    if (kind === 'embedded') {
      const part = (id) => embedded(document.getElementById(`hans-${id}`));
      found.set(made, {kind: 'manifest', bytes: await part('manifest')});
      found.set('linear.hans', {kind: 'net', bytes: await part('linear')});
    } else {
      const ran = await app.pool.command(words, {files: {[name]: row.bytes}, outputs: [made], onLine: (one) => { progress.textContent = one; }});
      progress.textContent = '';
      if (!ran.files[made]) throw new Error(ran.err || ran.out);
      found.set(made, {kind, bytes: ran.files[made]});
      found.set(name, {kind: 'net', bytes: row.bytes});
    }
    if (!alive()) return;
    given.clear();
    for (const [key, one] of found) given.set(key, one);
    list();
    say(status, 'prove_made', {name: kind === 'embedded' ? 'linear.hans' : name});
    const {bytes} = found.get(made);
    await proof.set({command: words.length ? `hans ${words.map((word) => word === name ? row.name : word).join(' ')}` : 'hans reproduce linear.json --model linear.hans',
      row: kind === 'embedded' ? null : row, sha: await sha256(bytes), files: {[made]: bytes}});
  });

  list();
  return {refresh() {
    if (!given.size) proof.set({command: 'hans reproduce manifest.json --model NET.hans'});
  }};
}});
