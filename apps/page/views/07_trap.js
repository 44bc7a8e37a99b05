// Which of these defences is broken? Five nets that look robust; the indicators say why not, an attack shows it.

// tail and head are put around the plain net's layers; its weights stay what they are.
const TRAPS = {
  temperature: {head: '', tail: ';normalize:scale=1000', weak: 'fgsm:eps=0.1', strong: 'pgd:eps=0.1,loss=margin'},
  quantised: {head: 'normalize:scale=4;round;normalize:scale=0.25;', tail: '', weak: 'noise:eps=0.2', strong: 'bpda:attack=[pgd:eps=0.2]',
    refused: 'pgd:eps=0.2'},
  rounded: {head: '', tail: ';round', weak: 'noise:eps=0.1', strong: 'bpda:attack=[pgd:eps=0.1]', refused: 'pgd:eps=0.1'},
  noise: {head: 'gaussian_noise:sigma=0.3;', tail: '', weak: 'square:eps=0.1,queries=200', strong: 'eot:attack=[pgd:eps=0.1],draws=20'},
  fgsm: {net: 'fgsm.hans', weak: 'fgsm:eps=0.2', strong: 'pgd:eps=0.2'},
};

/** Makes a trap's net of the plain one: the same weights in another architecture. */
async function trapNet(kind) {
  const trap = TRAPS[kind];
  const name = trap.net ?? `trap-${kind}.hans`, known = modelRow(name);
  if (known) return known;
  const plain = modelRow('plain.hans');
  if (!plain || trap.net) throw new Error(text('trap_no_net', {name: trap.net ?? 'plain.hans'}));
  const [input, ...layers] = plain.architecture.split(';');
  const weights = await app.pool.command(['convert', 'plain.hans', 'plain.npz'], {files: {'plain.hans': plain.bytes}, outputs: ['plain.npz']});
  if (!weights.files['plain.npz']) throw new Error(weights.err);
  const architecture = `${input};${trap.head}${layers.join(';')}${trap.tail}`;
  const built = await app.pool.command(['convert', 'plain.npz', name, '--model', architecture], {files: weights.files, outputs: [name]});
  if (!built.files[name]) throw new Error(built.err);
  const row = await app.pool.addModel(name, built.files[name]);
  listModels();
  return row;
}

addView({id: 'trap', build(panel, status) {
  const run = worker(panel, status), proof = evidence(), COUNT = 50;
  const lamps = element('ul', {className: 'lamps'}), table = element('table'), refusal = element('p', {className: 'soft'});
  const progress = element('p', {className: 'hint'}), story = element('p'), verdict = element('p', {className: 'result'});
  const kind = choice('defence', Object.keys(TRAPS).map((name) => [name, `trap_${name}`]), 'temperature', () => reset());
  const weak = button('trap_measure', () => measure(), true), strong = button('trap_break', () => breakIt());
  let rows = [];
  panel.append(element('div', {className: 'controls'}, kind.node, weak, strong), story, status, progress, verdict, refusal,
    element('div', {className: 'scroll'}, table), element('h3', {text: 'indicators'}), lamps, proof.node);

  function reset() {
    rows = [];
    lamps.replaceChildren();
    table.replaceChildren();
    say(story, `trap_${kind.value}_story`);
    verdict.textContent = refusal.textContent = '';
    delete verdict.dataset.text;
    delete refusal.dataset.text;
    say(status, 'trap_ready');
    strong.disabled = true;
    run(async (alive) => {
      const row = await trapNet(kind.value);
      if (alive()) await proof.set({command: line(row, TRAPS[kind.value].weak), row});
    });
  }

  const line = (row, spec) => `hans benchmark ${row.name} --data mnist-5k --limit ${COUNT} --attack '${spec}' --probes 25 --out manifest.json`;

  /** The manifest of an attack on the trap's net. */
  async function benchmark(row, spec) {
    const ran = await app.pool.command(['benchmark', row.name, '--data', 'mnist-5k', '--limit', String(COUNT), '--attack', spec, '--probes', '25',
      '--out', 'manifest.json'], {files: {[row.name]: row.bytes}, outputs: ['manifest.json'], onLine: (one) => { progress.textContent = one; }});
    progress.textContent = '';
    const bytes = ran.files['manifest.json'];
    if (!bytes) throw new Error(ran.err || ran.out);
    return {bytes, manifest: JSON.parse(new TextDecoder().decode(bytes))};
  }

  async function show(row, spec, {bytes, manifest}) {
    const {result, judgement} = manifest;
    rows.push([spec, {percent: result.clean_accuracy}, {percent: result.robust_accuracy}, judgement.verdict]);
    fillTable(table, 'trap_table', ['attack', 'clean', 'robust', 'verdict'], rows);
    await proof.set({command: line(row, spec), row, sha: manifest.name, files: {'manifest.json': bytes}});
  }

  const measure = () => run(async (alive) => {
    say(status, 'working');
    const trap = TRAPS[kind.value], row = await trapNet(kind.value);
    if (trap.refused) {
      const ran = await app.pool.command(['attack', row.name, '--data', 'mnist-5k', '--limit', '5', '--attack', trap.refused],
        {files: {[row.name]: row.bytes}});
      if (alive() && ran.code) say(refusal, 'trap_refused', {attack: trap.refused, reason: oneLine(ran.err.replace(/^hans: /, ''))});
    }
    const found = await benchmark(row, trap.weak);
    if (!alive()) return;
    rows = [];
    await show(row, trap.weak, found);
    const {judgement, result} = found.manifest, {indicators} = judgement.attacks[0];
    const lit = indicators.filter((one) => one.verdict !== 'RELIABLE');
    lamps.replaceChildren(...[...lit, ...indicators.filter((one) => one.verdict === 'RELIABLE')].map((one) => {
      const on = one.verdict !== 'RELIABLE', node = element('li', {className: on ? 'on' : 'soft'});
      node.textContent = `${on ? '●' : '○'} ${one.name}${one.reason ? `: ${one.reason}` : ''}`;
      return node;
    }));
    say(status, 'trap_looks', {robust: {percent: result.robust_accuracy}, clean: {percent: result.clean_accuracy}, attack: trap.weak});
    say(verdict, 'trap_lit', {verdict: judgement.verdict, lit: lit.length});
    strong.disabled = false;
  });

  const breakIt = () => run(async (alive) => {
    say(status, 'working');
    const trap = TRAPS[kind.value], row = await trapNet(kind.value), found = await benchmark(row, trap.strong);
    if (!alive()) return;
    await show(row, trap.strong, found);
    say(status, 'trap_broken', {attack: trap.strong, robust: {percent: found.manifest.result.robust_accuracy}});
  });

  return {refresh() { if (!rows.length) reset(); }};
}});
