// What does training against attacks buy? A small net learns in this page, on 400 digits; 100 are held out.

addView({id: 'train', build(panel, status) {
  const run = worker(panel, status), proof = evidence();
  const ARCHITECTURES = {mlp: '28x28x1;flatten;linear:units=50;relu;linear:units=10',
    conv: '28x28x1;conv2d:filters=8,kernel=5,stride=2;relu;flatten;linear:units=48;relu;linear:units=10'};
  const BATCH = 50, TRAIN = 400, HELD = 100, EPS = 0.1;
  const losses = chart('loss_chart'), accuracies = chart('accuracy_chart');
  const kind = choice('architecture', [['mlp', 'train_mlp'], ['conv', 'train_conv']], 'mlp', () => {});
  const defense = choice('defence', [['', 'train_plain'], ['adversarial:attack=[pgd:eps=0.1,steps=5]', 'train_adversarial']], '', () => {});
  const epochs = slider('epochs', {min: 5, max: 40, step: 5, value: 15}, () => {});
  const progress = element('progress', {label: 'progress', value: 0, max: 1});
  let stopped = false;
  const start = button('train_start', () => train(), true), stop = button('stop', () => { stopped = true; });
  stop.disabled = true;
  panel.append(element('div', {className: 'controls'}, kind.node, defense.node, epochs.node, start, stop, progress), status,
    element('div', {className: 'figures'}, element('figure', {className: 'plot'}, losses), element('figure', {className: 'plot'}, accuracies)), proof.node);
  const past = [];

  /** The order of the digits in an epoch: Fisher and Yates with a small generator of fixed seed. */
  function shuffled(epoch) {
    const order = Array.from({length: TRAIN}, (_, i) => HELD + i);
    let state = 2654435761 * (epoch + 1) >>> 0;
    for (let i = TRAIN - 1; i > 0; --i) {
      state = Math.imul(state ^ state >>> 15, 2246822519) + 374761393 >>> 0;
      const j = state % (i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }

  function draw() {
    const runs = past.slice(-3), last = (points) => points.at(-1)?.[0] ?? 1;
    drawChart(losses, {x: 'axis_epoch', y: 'axis_loss', xMax: Math.max(1, ...runs.map((one) => last(one.loss))),
      yMax: Math.max(1e-9, ...runs.flatMap((one) => one.loss.map(([, y]) => y))), series: runs.map((one) => ({name: one.name, points: one.loss}))});
    drawChart(accuracies, {x: 'axis_epoch', y: 'axis_accuracy', xMax: Math.max(1, ...runs.map((one) => last(one.loss))), yMax: 1, percent: true,
      series: runs.flatMap((one) => [{name: `${one.name}, ${text('clean')}`, points: one.clean},
        {name: `${one.name}, ${text('under_attack', {eps: EPS})}`, points: one.robust}])});
  }

  const train = () => run(async (alive) => {
    const {pool} = app, {images, labels} = pool.digits;
    const held = images.slice(0, 784 * HELD), truth = labels.slice(0, HELD);
    const name = `${kind.value}-${defense.value ? 'adversarial' : 'undefended'}.hans`;
    const one = {name, loss: [], clean: [], robust: []};
    stopped = false;
    [start.disabled, stop.disabled] = [true, false];
    const same = past.findIndex((other) => other.name === name);
    if (same >= 0) past.splice(same, 1);
    past.push(one);
    let trainer = null, row = null;
    try {
      trainer = await pool.trainer({architecture: ARCHITECTURES[kind.value], seed: 0, optimizer: 'adam:rate=0.002',
        defense: defense.value || null});
      const all = epochs.value;
      for (let epoch = 0; epoch < all && !stopped; ++epoch) {
        const order = shuffled(epoch);
        let sum = 0;
        for (let first = 0; first < TRAIN && !stopped; first += BATCH) {
          const indices = Int32Array.from(order.slice(first, first + BATCH)), part = new Float32Array(784 * BATCH);
          indices.forEach((index, i) => part.set(images.subarray(784 * index, 784 * (index + 1)), 784 * i));
          sum += await trainer.step(part, Int32Array.from(indices, (index) => labels[index]), indices) * BATCH / TRAIN;
        }
        if (stopped) break;
        row = await trainer.model(name);
        const logits = await pool.logits(name, held);
        const right = truth.filter((label, i) => argmax(Array.from(logits.subarray(10 * i, 10 * i + 10))) === label).length;
        const found = await pool.attack(name, `pgd:eps=${EPS},steps=10`, held, truth, {seed: 0, firstIndex: 0});
        const robust = found.results.filter((result, i) => !result.evades && result.prediction === truth[i]).length;
        one.loss.push([epoch + 1, sum]);
        one.clean.push([epoch + 1, right / HELD]);
        one.robust.push([epoch + 1, robust / HELD]);
        progress.value = (epoch + 1) / all;
        draw();
        say(status, 'train_epoch', {epoch: epoch + 1, loss: sum, clean: {percent: right / HELD}, robust: {percent: robust / HELD}});
      }
    } finally {
      await trainer?.free().catch(() => {});
      [start.disabled, stop.disabled] = [false, true];
    }
    if (!alive() || !row) return;
    listModels();
    say(status, 'train_done', {name, clean: {percent: one.clean.at(-1)[1]}, robust: {percent: one.robust.at(-1)[1]}, eps: EPS});
    await proof.set({command: `hans attack ${name} --data mnist-5k --limit ${HELD} --attack pgd:eps=${EPS},steps=10`, row, sha: row.sha256});
  });

  return {
    refresh() {
      draw();
      if (past.length) return;
      say(status, 'train_ready');
      const row = modelRow();
      if (row) proof.set({command: `hans show ${fileOf(row)}`, row, sha: row.sha256});
    },
    leave() { stopped = true; },
  };
}});
