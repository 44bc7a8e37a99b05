// The tree of branch and bound, out of a file of proofs (apps/manifest/FORMAT.md, "Trees").

/** The numbers of an array of 32-bit integers in an .npz whose members are stored; null if it has none. */
function storedInts(bytes, wanted) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + 30 < bytes.length && view.getUint32(at, true) === 0x04034b50;) {
    const named = view.getUint16(at + 26, true), size = view.getUint32(at + 18, true);
    const name = String.fromCharCode(...bytes.subarray(at + 30, at + 30 + named));
    const from = at + 30 + named + view.getUint16(at + 28, true);
    if (name === wanted) {
      const data = from + 10 + view.getUint16(from + 8, true);
      return Array.from({length: (from + size - data) >> 2}, (_, i) => view.getInt32(data + 4 * i, true));
    }
    at = from + size;
  }
  return null;
}

/** The trees of the first image: {over, root}, root {unit, above, below} or a leaf {}. */
function treesOf(nodes, label) {
  let at = 0;
  const grow = (depth) => {
    const unit = nodes[at++];
    if (unit === undefined || depth > 200) throw new Error('a tree of the proof is not whole');
    return unit < 0 ? {} : {unit, above: grow(depth + 1), below: grow(depth + 1)};
  };
  return Array.from({length: 10}, (_, c) => c).filter((c) => c !== label).map((over) => ({over, root: grow(0)}));
}

/** Draws trees with splits side by side, down to a depth; returns how deep they are and how many nodes there are. */
function drawTrees(svg, trees, shown = Infinity) {
  const STEP = 34, LEVEL = 46;
  let column = 0, deepest = 0, count = 0;
  svg.replaceChildren();
  const node = (one, depth) => {
    deepest = Math.max(deepest, depth);
    ++count;
    const y = 40 + depth * LEVEL, leaf = one.unit === undefined, cut = !leaf && depth === shown;
    let x;
    if (leaf || cut) {
      x = 24 + STEP * column++;
      if (cut) measure(one.above, depth + 1);
      if (cut) measure(one.below, depth + 1);
    } else {
      const left = node(one.above, depth + 1), right = node(one.below, depth + 1);
      x = (left + right) / 2;
      for (const [end, sign] of [[left, '+'], [right, '−']]) {
        svg.prepend(svgElement('path', {d: `M${x} ${y}L${end} ${y + LEVEL}`, class: 'axis'}));
        svg.append(svgElement('text', {x: (x + end) / 2 + (end < x ? -9 : 4), y: y + LEVEL / 2}, sign));
      }
    }
    svg.append(leaf ? svgElement('path', {d: `M${x - 8} ${y - 8}h16v16h-16z`, class: 'mark s0'})
      : svgElement('circle', {cx: x, cy: y, r: 12, class: cut ? 'mark s1' : 'mark'}));
    svg.append(svgElement('text', {x, y: y + 4, 'text-anchor': 'middle'}, leaf ? '✓' : cut ? '?' : ''));
    if (!leaf && !cut) svg.append(svgElement('title', {}, `unit ${one.unit}`));
    return x;
  };
  const measure = (one, depth) => {
    deepest = Math.max(deepest, depth);
    ++count;
    if (one.unit === undefined) return;
    measure(one.above, depth + 1);
    measure(one.below, depth + 1);
  };
  for (const {over, root} of trees.filter((one) => one.root.unit !== undefined)) {
    const x = node(root, 0);
    svg.append(svgElement('text', {x, y: 20, 'text-anchor': 'middle'}, text('tree_over', {over})));
    column += 0.6;
  }
  const width = 24 + STEP * column, height = 60 + LEVEL * Math.min(deepest, shown);
  svg.setAttribute('viewBox', `0 0 ${Math.max(width, 120)} ${height}`);
  svg.style.width = `${Math.max(width, 120) * 1.4}px`;
  return {deepest, count};
}
