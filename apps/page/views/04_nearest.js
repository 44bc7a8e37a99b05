// How near is the nearest image of another class? Four norms, the shrinking ball, and a slice of the decision regions.

addView({id: 'nearest', build(panel, status) {
  const run = worker(panel, status), proof = evidence();
  const SIDE = 60, BUDGETS = [2, 5, 10, 20, 40, 70, 100];
  const before = picture('original'), nearest = picture('adversarial'), change = picture('difference', 'digit smooth', 280);
  const slice = picture('slice', 'big smooth', 540), ball = chart('ball_chart'), legend = element('table');
  const norm = choice('norm', [['l2', 'norm_l2'], ['linf', 'norm_linf'], ['l1', 'norm_l1'], ['l0', 'norm_l0'], ['ddn', 'norm_ddn']], 'l2',
    () => compute());
  const budget = slider('gradients', {min: 0, max: BUDGETS.length - 1, step: 1, value: BUDGETS.length - 1,
    show: (x) => String(BUDGETS[x])}, () => show());
  panel.append(element('div', {className: 'controls'}, norm.node, budget.node), status,
    element('div', {className: 'figures'}, before.node, nearest.node, change.node),
    element('div', {className: 'figures'}, slice.node, element('div', {className: 'scroll'}, legend)),
    element('figure', {className: 'wide'}, ball), proof.node);

  const spec = (k) => norm.value === 'ddn' ? `ddn:steps=${k}` : `fmn:norm=${norm.value},steps=${k}`;
  const measure = () => norm.value === 'ddn' ? 'l2' : norm.value;
  let frames = [];

  function show() {
    const at = budget.value, frame = frames[at], {digit} = app;
    if (!frame) return;
    drawDigit(before.canvas, digit.image);
    drawDigit(nearest.canvas, frame.image);
    drawDifference(change.canvas, digit.image, frame.image);
    say(change.line, 'changes', changesOf(digit.image, frame.image));
    say(nearest.line, 'distances', {l0: frame.l0, l1: frame.l1, l2: frame.l2, linf: frame.linf});
    say(status, frame.l2 === 0 && frame.success ? 'wrong_before' : frame.success ? 'nearest_found' : 'nearest_none', {distance: frame[measure()], norm: measure(), steps: BUDGETS[at],
      label: digit.label, prediction: frame.prediction});
    proof.set({command: attackLine(spec(BUDGETS[at])), image: frame.image, spec: spec(BUDGETS[at])});
  }

  /** The plane through the original, the nearest image and the nearest image of a third class. */
  async function cut(alive) {
    const {digit, model, pool} = app, to = frames.at(-1);
    if (!to?.success || to.l2 === 0) {
      slice.node.hidden = true;
      legend.replaceChildren();
      return;
    }
    slice.node.hidden = false;
    const others = Array.from({length: 10}, (_, c) => c).filter((c) => c !== digit.label && c !== to.prediction);
    const third = await attackDigit('ddn:steps=30', {targets: others[0]});
    if (!alive()) return;
    const u = to.image.map((x, i) => x - digit.image[i]), length = Math.hypot(...u);
    let v = third.image.map((x, i) => x - digit.image[i]);
    const dot = v.reduce((sum, x, i) => sum + x * u[i], 0) / length ** 2;
    v = v.map((x, i) => x - dot * u[i]);
    const other = Math.hypot(...v) || 1, radius = 2.4 * length;
    const points = new Float32Array(784 * SIDE * SIDE);
    for (let row = 0; row < SIDE; ++row) {
      for (let column = 0; column < SIDE; ++column) {
        const a = ((column + 0.5) / SIDE * 2 - 1) * radius / length, b = (1 - (row + 0.5) / SIDE * 2) * radius / other;
        const at = 784 * (SIDE * row + column);
        for (let i = 0; i < 784; ++i) points[at + i] = digit.image[i] + a * u[i] + b * v[i];
      }
    }
    const logits = await pool.logits(model, points), classes = logits.length / SIDE ** 2;
    if (!alive()) return;
    const regions = Array.from({length: SIDE * SIDE}, (_, i) => argmax(Array.from(logits.subarray(i * classes, (i + 1) * classes))));
    drawRegions(regions, length / radius, to.prediction);
  }

  /** Regions told apart by shade, by a pattern of their own and by the digit written into them. */
  function drawRegions(regions, reach, prediction) {
    const context = slice.canvas.getContext('2d'), cell = slice.canvas.width / SIDE, {digit} = app;
    const counts = Array(10).fill(0);
    regions.forEach((c) => ++counts[c]);
    regions.forEach((c, i) => {
      const x = i % SIDE * cell, y = Math.floor(i / SIDE) * cell;
      context.fillStyle = c === digit.label ? '#f7f8fa' : `hsl(${(c * 137 + 20) % 360} 45% ${72 - c % 3 * 9}%)`;
      context.fillRect(x, y, cell, cell);
      context.fillStyle = '#0006';
      const column = i % SIDE, row = Math.floor(i / SIDE);
      if (c !== digit.label && (column * (c % 3 + 1) + row * (c % 4 + 1)) % (3 + c % 3) === 0) context.fillRect(x + 3, y + 3, 2.5, 2.5);
      context.fillStyle = '#000';
      if (column && regions[i - 1] !== c) context.fillRect(x - 1, y, 2, cell);
      if (row && regions[i - SIDE] !== c) context.fillRect(x, y - 1, cell, 2);
    });
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    const inkOn = (words, x, y, size) => {
      context.font = `600 ${size}px system-ui, sans-serif`;
      context.lineWidth = 5;
      context.strokeStyle = '#fff';
      context.strokeText(words, x, y);
      context.fillStyle = '#000';
      context.fillText(words, x, y);
    };
    counts.forEach((count, c) => {
      if (count < 12) return;
      let x = 0, y = 0;
      regions.forEach((d, i) => { if (d === c) { x += i % SIDE; y += Math.floor(i / SIDE); } });
      const cx = x / count, cy = y / count;
      const inside = regions.reduce((best, d, i) => {
        const away = d === c ? Math.hypot(i % SIDE - cx, Math.floor(i / SIDE) - cy) : Infinity;
        return away < best.away ? {away, i} : best;
      }, {away: Infinity, i: 0}).i;
      inkOn(String(c), (inside % SIDE + 0.5) * cell, (Math.floor(inside / SIDE) + 0.5) * cell + 26, 30);
    });
    const middle = slice.canvas.width / 2, to = middle + reach * middle;
    context.strokeStyle = '#000';
    context.lineWidth = 2;
    context.beginPath();
    context.arc(middle, middle, reach * middle, 0, 7);
    context.moveTo(middle, middle);
    context.lineTo(to, middle);
    context.stroke();
    inkOn('x', middle, middle, 22);
    inkOn('x′', to + 4, middle, 22);
    say(slice.line, 'slice_line', {label: digit.label, prediction});
    fillTable(legend, 'slice_table', ['class', 'slice_share'], counts.map((count, c) => [c, {percent: count / SIDE ** 2}]).filter((_, c) => counts[c]));
  }

  const compute = () => run(async (alive) => {
    say(status, 'working');
    const found = await Promise.all(BUDGETS.map((k) => attackDigit(spec(k))));
    if (!alive()) return;
    frames = found;
    const points = found.map((one, i) => [BUDGETS[i], one.success ? one[measure()] : NaN]).filter(([, d]) => Number.isFinite(d));
    drawChart(ball, {x: 'axis_gradients', y: 'axis_distance', xMax: 100, yMax: Math.max(...points.map(([, d]) => d), 1e-6),
      series: [{name: text('found_distance'), points}]});
    show();
    await cut(alive);
  });
  return {refresh: compute};
}});
