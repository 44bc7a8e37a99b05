// Which defence holds? All nets of the page under the same attack, accuracy against the radius over 100 digits.

addView({id: 'defend', build(panel, status) {
  const run = worker(panel, status), proof = evidence();
  const RADII = [0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3], COUNT = 100, CHUNK = 25;
  const curve = chart('defend_chart'), table = element('table'), progress = element('progress', {label: 'progress'});
  const chosen = element('fieldset', {}, element('legend', {text: 'nets_compared'}));
  let stopped = false;
  const start = button('measure', () => measure(), true), stop = button('stop', () => { stopped = true; });
  stop.disabled = true;
  progress.max = 1;
  progress.value = 0;
  panel.append(element('p', {className: 'hint', text: 'defend_hint'}), chosen, element('div', {className: 'controls'}, start, stop, progress),
    status, element('figure', {className: 'wide'}, curve), element('div', {className: 'scroll'}, table), proof.node);
  let series = [];

  function draw() {
    drawChart(curve, {x: 'axis_eps', y: 'axis_accuracy', xMax: 0.3, yMax: 1, percent: true, series});
    const heads = ['axis_eps', ...series.map(() => '')];
    fillTable(table, 'defend_table', heads, RADII.map((eps, i) => [eps, ...series.map(({points}) => points[i] ? {percent: points[i][1]} : '–')]));
    [...table.querySelectorAll('thead th')].forEach((head, i) => { if (i) head.textContent = series[i - 1].name; });
  }

  const measure = () => run(async (alive) => {
    const names = [...chosen.querySelectorAll('input:checked')].map((input) => input.value), {pool} = app;
    const images = pool.digits.images.subarray(0, 784 * COUNT), labels = pool.digits.labels.subarray(0, COUNT);
    stopped = false;
    stop.disabled = false;
    start.disabled = true;
    series = names.map((name) => ({name, points: []}));
    const total = names.length * RADII.length * COUNT / CHUNK;
    let done = 0;
    try {
      for (const one of series) {
        for (const eps of RADII) {
          let right = 0;
          for (let first = 0; first < COUNT; first += CHUNK) {
            const part = images.slice(784 * first, 784 * (first + CHUNK)), truth = labels.slice(first, first + CHUNK);
            const found = await pool.attack(one.name, `pgd:eps=${eps},steps=40`, part, truth, {seed: 0, firstIndex: first});
            right += found.results.filter((result, i) => !result.evades && result.prediction === truth[i]).length;
            progress.value = ++done / total;
            if (stopped || !alive()) break;
          }
          if (stopped || !alive()) break;
          one.points.push([eps, right / COUNT]);
          draw();
        }
        if (stopped || !alive()) break;
      }
    } finally {
      stop.disabled = true;
      start.disabled = false;
    }
    if (!alive()) return;
    const at = RADII.indexOf(0.1), whole = series.filter((one) => one.points.length > at);
    const best = whole.reduce((a, b) => !a || b.points[at][1] > a.points[at][1] ? b : a, null);
    if (best) say(status, stopped ? 'defend_stopped' : 'defend_best', {name: best.name, share: {percent: best.points[at][1]}});
    else say(status, 'stopped');
    const bytes = new TextEncoder().encode(JSON.stringify({radii: RADII, attack: 'pgd:steps=40', seed: 0, images: COUNT, series}));
    await proof.set({command: line(), sha: await sha256(bytes), files: {'curve.json': bytes}});
  });

  const line = () => `hans attack ${app.model} --data mnist-5k --limit ${COUNT} --attack pgd:steps=40 --at ${RADII.slice(1).join()}`;

  /** The nets to compare; what was not wanted stays unchecked. */
  function offer() {
    const before = new Set([...chosen.querySelectorAll('input:not(:checked)')].map((input) => input.value));
    const listed = app.pool.models.filter((row) => !row.name.startsWith('trap-'));
    chosen.replaceChildren(chosen.firstChild, ...listed.map((row, i) => {
      const id = `compare-${i}`;
      return element('div', {}, element('input', {type: 'checkbox', id, value: row.name, checked: !before.has(row.name)}), ' ',
        element('label', {htmlFor: id}, row.name));
    }));
  }

  return {
    refresh() {
      offer();
      draw();
      if (series.length) return;
      say(status, 'defend_ready');
      proof.set({command: line()});
    },
    leave() { stopped = true; },
  };
}});
