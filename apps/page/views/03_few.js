// Which few pixels change the answer? JSMA takes two at a time, the most salient first; sigma-zero answers beside it.

addView({id: 'few', build(panel, status) {
  const run = worker(panel, status), proof = evidence();
  const before = picture('original'), now = picture('adversarial'), map = picture('saliency', 'digit smooth', 280);
  const sigma = picture('sigma_zero'), probabilities = bars('after');
  const MOST = 40;
  let frames = [];
  const target = choice('target', Array.from({length: 10}, (_, digit) => String(digit)), '0', () => compute());
  const pairs = slider('pairs', {min: 0, max: MOST, step: 1, value: 0}, () => show());
  const next = button('next_pair', () => { pairs.value = Math.min(Number(pairs.input.max), pairs.value + 1); show(); }, true);
  const end = button('to_the_end', () => { pairs.value = Number(pairs.input.max); show(); });
  panel.append(element('div', {className: 'controls'}, target.node, pairs.node, next, end), status,
    element('div', {className: 'figures'}, before.node, map.node, now.node, sigma.node), probabilities.node, proof.node);
  const spec = (k) => `jsma:max_features=${2 * k}`;
  const goal = () => Number(target.value);

  /** Saliency of raising a pixel. The shares of all classes sum to 1, so the others fall by what the target gains. */
  function drawMap(gradient, image, changed) {
    const context = map.canvas.getContext('2d'), cell = 10;
    const gain = Array.from(gradient, (g, i) => image[i] >= 1 ? 0 : Math.max(0, -g)), most = Math.max(...gain, 1e-30);
    context.fillStyle = colour('field');
    context.fillRect(0, 0, 280, 280);
    for (let i = 0; i < 784; ++i) {
      const x = i % 28 * cell, y = Math.floor(i / 28) * cell;
      context.fillStyle = colour('raised');
      context.globalAlpha = gain[i] / most;
      context.fillRect(x, y, cell, cell);
      context.globalAlpha = 1;
      if (!changed.has(i)) continue;
      context.strokeStyle = colour('ink');
      context.lineWidth = 2;
      context.strokeRect(x + 1, y + 1, cell - 2, cell - 2);
    }
  }

  const show = () => run(async (alive) => {
    const {digit, model, pool} = app, k = Number(pairs.value), frame = frames[k];
    if (!frame) return;
    drawDigit(before.canvas, digit.image);
    drawDigit(now.canvas, frame.image);
    const changed = new Set(), latest = [];
    frame.image.forEach((value, i) => {
      if (value === digit.image[i]) return;
      changed.add(i);
      if (k && frames[k - 1].image[i] !== value) latest.push(`${Math.floor(i / 28) + 1}/${i % 28 + 1}`);
    });
    frame.gradient ??= (await pool.gradient(model, frame.image, Int32Array.of(goal()))).gradient;
    if (!alive()) return;
    drawMap(frame.gradient, frame.image, changed);
    const {prediction, share} = probabilities.show(frame.logits, digit.label);
    say(map.line, latest.length ? 'map_line' : 'map_first', {pair: latest.join(', '), target: goal()});
    say(now.line, 'reads_as', {prediction, share: {percent: share}});
    say(status, prediction === goal() ? 'few_reached' : k === Number(pairs.input.max) && k ? 'few_ended' : 'few_step',
      {pixels: changed.size, target: goal(), share: {percent: softmax(frame.logits)[goal()]}, prediction});
    next.disabled = end.disabled = k >= Number(pairs.input.max);
    await proof.set({command: attackLine(spec(Math.max(1, k)), ` --targets ${goal()}`), image: frame.image, spec: spec(Math.max(1, k)), targets: goal()});
  });

  const compute = () => run(async (alive) => {
    const {digit, model, pool} = app;
    if (goal() === digit.label) target.select.value = String((digit.label + 1) % 10);
    for (const option of target.select.options) option.disabled = Number(option.value) === digit.label;
    const targets = goal();
    say(status, 'working');
    const whole = await attackDigit(spec(MOST), {targets});
    const used = Math.ceil(whole.image.reduce((n, value, i) => n + (value !== digit.image[i]), 0) / 2);
    const found = await Promise.all(Array.from({length: used}, (_, k) => attackDigit(spec(k + 1), {targets})));
    if (!alive()) return;
    const images = [digit.image, ...found.map((one) => one.image)], all = new Float32Array(784 * images.length);
    images.forEach((image, k) => all.set(image, 784 * k));
    const logits = await pool.logits(model, all), classes = logits.length / images.length;
    const fewest = await attackDigit('sigma-zero');
    if (!alive()) return;
    frames = images.map((image, k) => ({image, logits: logits.slice(k * classes, (k + 1) * classes)}));
    drawDigit(sigma.canvas, fewest.image);
    say(sigma.line, fewest.success ? 'sigma_line' : 'sigma_failed', {pixels: fewest.l0, prediction: fewest.prediction});
    pairs.input.max = used;
    pairs.value = 0;
    show();
  });
  return {refresh: () => {
    target.select.value = String((app.digit.label + 1) % 10);
    return compute();
  }};
}});
