// What can an attacker do who sees only answers? Square sees scores, HopSkipJump only classes; queries are counted.

addView({id: 'black', build(panel, status) {
  const run = worker(panel, status), proof = evidence();
  const QUERIES = [1, 3, 10, 30, 100, 200, 400, 700, 1000, 2000], JUMPS = [1, 2, 3, 5, 8, 12, 20, 30];
  const before = picture('original'), now = picture('adversarial'), change = picture('difference', 'digit smooth', 280);
  const probabilities = bars('after'), curve = chart('black_chart'), sees = element('table');
  const kind = choice('attack', [['square', 'attack_square'], ['hopskipjump', 'attack_hop']], 'square', () => compute());
  const eps = slider('eps', {min: 0.02, max: 0.4, step: 0.01, value: 0.08}, () => compute());
  const at = slider('budget', {min: 0, max: QUERIES.length - 1, step: 1, value: QUERIES.length - 1,
    show: (x) => String(list()[x] ?? '')}, () => show());
  const counter = element('p', {className: 'result'});
  panel.append(element('div', {className: 'controls'}, kind.node, eps.node, at.node), status, counter,
    element('div', {className: 'figures'}, before.node, now.node, change.node, probabilities.node),
    element('figure', {className: 'wide'}, curve), element('div', {className: 'scroll'}, sees), proof.node);
  fillTable(sees, 'who_sees', ['attack', 'sees_heading'], [
    ['FGSM, PGD, JSMA, DDN, FMN', element('span', {text: 'sees_gradients'})], ['Square', element('span', {text: 'sees_scores'})],
    ['HopSkipJump', element('span', {text: 'sees_classes'})]]);

  function list() { return kind.value === 'square' ? QUERIES : JUMPS; }
  const spec = (k) => kind.value === 'square' ? `square:eps=${eps.value},queries=${k}` : `hopskipjump:norm=l2,steps=${k}`;
  let frames = [];

  function show() {
    const frame = frames[at.value], {digit} = app;
    if (!frame) return;
    drawDigit(before.canvas, digit.image);
    drawDigit(now.canvas, frame.image);
    drawDifference(change.canvas, digit.image, frame.image);
    say(change.line, 'changes', changesOf(digit.image, frame.image));
    const {prediction, share} = probabilities.show(frame.logits, digit.label);
    say(now.line, 'reads_as', {prediction, share: {percent: share}});
    say(counter, frame.queries === null ? 'queries_at_most' : 'queries_used', {queries: frame.queries ?? list()[at.value]});
    say(status, argmax(frames.clean) !== digit.label ? 'wrong_before' : frame.success ? (kind.value === 'square' ? 'black_falls' : 'black_near') : 'black_holds',
      {prediction, label: digit.label, l2: frame.l2, budget: list()[at.value]});
    proof.set({command: attackLine(spec(list()[at.value])), image: frame.image, spec: spec(list()[at.value])});
  }

  /** How many queries the command counts: forward passes that the attack asked for. */
  async function count(k) {
    const row = modelRow();
    const ran = await app.pool.command(['benchmark', fileOf(row), '--data', 'digit.npz', '--attack', spec(k), '--probes', '0',
      '--out', 'm.json'], {files: commandFiles(row), outputs: ['m.json']});
    const bytes = ran.files?.['m.json'];
    return bytes ? JSON.parse(new TextDecoder().decode(bytes)).result.found[0].queries ?? null : null;
  }

  const compute = () => run(async (alive) => {
    const {digit, model, pool} = app;
    say(status, 'working');
    at.input.max = list().length - 1;
    at.value = list().length - 1;
    eps.input.disabled = kind.value !== 'square';
    frames = [];
    const found = [];
    for (const k of list()) {
      found.push({...await attackDigit(spec(k)), queries: null});
      if (!alive()) return;
      say(status, 'working_on', {done: found.length, all: list().length});
    }
    const all = new Float32Array(784 * found.length);
    found.forEach((one, k) => all.set(one.image, 784 * k));
    const logits = await pool.logits(model, all), classes = logits.length / found.length;
    if (!alive()) return;
    found.forEach((one, k) => { one.logits = logits.slice(k * classes, (k + 1) * classes); });
    frames = found;
    frames.clean = Array.from(await pool.logits(model, digit.image));
    if (!alive()) return;
    show();
    const square = kind.value === 'square';
    const value = (one) => square ? softmax(one.logits)[digit.label] : one.l2;
    drawChart(curve, {log: square, xMin: square ? 1 : 0, x: square ? 'axis_queries' : 'axis_jumps', y: square ? 'axis_share' : 'axis_l2', percent: square, xMax: list().at(-1),
      yMax: square ? 1 : Math.max(...found.map(value), 1e-6),
      series: [{name: text(square ? 'share_of' : 'found_distance', {label: digit.label}), points: found.map((one, k) => [list()[k], value(one)])}]});
    for (let k = 0; k < list().length; ++k) {
      const queries = await count(list()[k]);
      if (!alive()) return;
      found[k].queries = queries;
      if (k === at.value) show();
    }
  });
  return {refresh: compute};
}});
