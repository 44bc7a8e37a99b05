// What can no attack do? Bounds layer by layer, the margins they prove, both radii, and the tree of branch and bound.

addView({id: 'certify', build(panel, status) {
  const run = worker(panel, status), proof = evidence(), show = picture('original');
  const NODES = '100';
  const layers = element('table'), margins = element('table'), radii = element('p', {className: 'result'});
  const ladder = element('ul', {className: 'bars'}), tree = element('div'), unstable = chart('units_chart');
  const eps = slider('eps', {min: 0.005, max: 0.3, step: 0.005, value: 0.025}, () => explain());
  const search = button('find_radii', () => findRadii(), true);
  panel.append(element('div', {className: 'controls'}, eps.node, search), status, radii,
    element('div', {className: 'figures'}, show.node, element('figure', {className: 'wide'}, ladder, element('figcaption', {text: 'radius_help'}))),
    element('h3', {text: 'margins'}), element('p', {className: 'hint', text: 'margins_help'}), element('div', {className: 'scroll'}, margins),
    element('h3', {text: 'layers'}), element('p', {className: 'hint', text: 'layers_help'}), element('figure', {className: 'wide'}, unstable),
    element('div', {className: 'scroll'}, layers), element('h3', {text: 'tree'}), tree, proof.node);

  const words = () => ['certify', fileOf(modelRow()), '--data', 'digit.npz', '--norm', 'linf'];
  const line = (more) => `hans certify ${app.model} --data digit.npz ${more}`;

  function drawRadii(certified, attacked) {
    const most = Math.max(attacked ?? certified, eps.value) * 1.15 || 1;
    ladder.replaceChildren(...[['radius_eps', eps.value], ['radius_certified', certified], ['radius_attacked', attacked]]
      .filter(([, value]) => value !== null && value !== undefined).map(([key, value], i) => {
        const bar = element('div', {className: 'bar'}), named = element('span', {className: 'value'});
        bar.style.width = `${100 * value / most}%`;
        named.textContent = number(value, 4);
        const row = element('li', {className: i === 1 ? 'first named' : 'named'}, element('span', {text: key}), element('div', {className: 'track'}, bar), named);
        return row;
      }));
  }

  /** What was split how often, and, of what is certified, the tree itself: level by level. */
  function drawTree(found, proofs) {
    const {nodes, deepest, splits} = found, most = Math.max(1, ...splits.map((split) => split.times));
    tree.replaceChildren(element('p', nodes ? {text: ['tree_size', {nodes, deepest}]} : {text: 'tree_none'}));
    const stored = proofs && storedInts(proofs, 'tree.npy');
    if (stored) {
      const trees = treesOf(stored, found.label), svg = svgElement('svg', {class: 'chart tree', role: 'img'});
      label(svg, 'tree_size', {nodes, deepest});
      const depth = drawTrees(svg, trees).deepest;
      const levels = slider('tree_levels', {min: 0, max: depth, step: 1, value: depth}, (shown) => drawTrees(svg, trees, shown === depth ? Infinity : shown));
      tree.append(levels.node, element('p', {className: 'hint', text: 'tree_help'}), element('div', {className: 'scroll', tabIndex: 0, role: 'group',
        label: 'tree'}, svg));
    }
    if (!splits.length) return;
    const list = element('ul', {className: 'bars'});
    for (const {layer, unit, times} of [...splits].sort((a, b) => b.times - a.times).slice(0, 8)) {
      const bar = element('div', {className: 'bar'}), row = element('li', {className: 'named'},
        element('span', {text: ['tree_unit', {layer, unit}]}), element('div', {className: 'track'}, bar), element('span', {className: 'value', text: ['times', {times}]}));
      bar.style.width = `${100 * times / most}%`;
      list.append(row);
    }
    tree.append(element('p', {className: 'hint', text: 'most_split'}), list);
  }

  const explain = () => run(async (alive) => {
    await needTrust(status);
    say(status, 'working');
    drawDigit(show.canvas, app.digit.image);
    drawRadii(null, null);
    radii.textContent = '';
    delete radii.dataset.text;
    const given = eps.value;
    const ran = await app.pool.command([...words(), '--eps', String(given), '--explain', '0', '--nodes', NODES, '--json', '-'],
      {files: commandFiles()});
    if (!alive()) return;
    if (ran.code) throw new Error(ran.err);
    const found = JSON.parse(ran.out).explained;
    claim(status, `certify_${['certified', 'attacked', 'wrong'].includes(found.verdict) ? found.verdict : 'unknown'}`,
      {eps: given, prediction: found.prediction, label: found.label, method: found.method ?? '–', bound: found.bound ?? 0,
        other: found.runner_up ?? '–'});
    const width = (one) => one ? number(one.mean) : '–', units = (one) => one ? one.unstable : '–';
    fillTable(layers, 'layers_table', ['layer', 'shape', 'ibp_width', 'crown_width', 'active', 'inactive', 'ibp_unstable', 'crown_unstable'],
      (found.layers ?? []).map((one) => [`${one.layer} ${one.name}`, one.shape, width(one.ibp_width), width(one.crown_width),
        one.crown_units?.active ?? '–', one.crown_units?.inactive ?? '–', units(one.ibp_units), units(one.crown_units)]));
    const widths = (found.layers ?? []).filter((one) => one.ibp_width && one.crown_width);
    drawChart(unstable, {x: 'axis_layer', y: 'axis_width', xMax: Math.max(1, widths.at(-1)?.layer ?? 1),
      yMax: Math.max(1e-9, ...widths.map((one) => one.ibp_width.mean)),
      series: [{name: 'IBP', points: widths.map((one) => [one.layer, one.ibp_width.mean])},
        {name: 'CROWN', points: widths.map((one) => [one.layer, one.crown_width.mean])}]});
    const sign = (value) => value === null || value === undefined ? '–' : `${value > 0 ? '✓' : '✗'} ${number(value)}`;
    fillTable(margins, 'margins_table', ['over_class', 'at_image', 'by_ibp', 'by_crown', 'by_alpha'],
      (found.margins ?? []).map((one) => [String(one.other), sign(one.image), sign(one.ibp), sign(one.crown), sign(one.alpha)]));
    let proofs = null;
    if (found.verdict === 'certified' && found.nodes) {
      const proved = await app.pool.command([...words(), '--eps', String(given), '--nodes', NODES, '--attack', 'none', '--out', 'proofs.npz'],
        {files: commandFiles(), outputs: ['proofs.npz']});
      if (!alive()) return;
      proofs = proved.files['proofs.npz'] ?? null;
    }
    drawTree(found, proofs);
    await proof.set({command: line(`--eps ${given} --explain 0 --nodes ${NODES}`), image: app.digit.image,
      sha: await sha256(new TextEncoder().encode(JSON.stringify(found))), files: {'explained.json': new TextEncoder().encode(ran.out), ...(proofs && {'proofs.npz': proofs})}});
  });

  const findRadii = () => run(async (alive) => {
    await needTrust(status);
    claim(radii, 'working');
    const ran = await app.pool.command([...words(), '--radius', '--method', 'alpha', '--json', '-'],
      {files: commandFiles(), onLine: (one) => { radii.title = one; }});
    if (!alive()) return;
    if (ran.code) throw new Error(ran.err);
    const {certified, attacked} = JSON.parse(ran.out).radii[0];
    drawRadii(certified, attacked);
    claim(radii, attacked === null ? 'radii_open' : 'radii_found', {certified: certified ?? 0, attacked: attacked ?? 0});
    await proof.set({command: line('--radius --method alpha'), image: app.digit.image, sha: await sha256(new TextEncoder().encode(ran.out)),
      files: {'radii.json': new TextEncoder().encode(ran.out)}});
  });
  return {refresh: explain};
}});
