// What the views draw with: digits, differences, bars, curves, tables, and the evidence under each picture.

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function drawDigit(canvas, image) {
  const context = canvas.getContext('2d'), pixels = context.createImageData(28, 28);
  for (let i = 0; i < 784; ++i) {
    pixels.data.fill(Math.round(Math.min(1, Math.max(0, image[i])) * 255), 4 * i, 4 * i + 3);
    pixels.data[4 * i + 3] = 255;
  }
  context.putImageData(pixels, 0, 0);
}

/** Raised pixels orange with an upright cross, lowered ones blue with a dash: signs beside the colours. */
function drawDifference(canvas, from, to) {
  const context = canvas.getContext('2d'), cell = canvas.width / 28;
  const most = Math.max(1e-9, ...from.map((x, i) => Math.abs(to[i] - x)));
  context.fillStyle = colour('field');
  context.fillRect(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < 784; ++i) {
    const change = (to[i] - from[i]) / most;
    if (Math.abs(change) < 1e-6) continue;
    const x = i % 28 * cell, y = Math.floor(i / 28) * cell;
    context.globalAlpha = Math.abs(change);
    context.fillStyle = colour(change > 0 ? 'raised' : 'lowered');
    context.fillRect(x, y, cell, cell);
    context.globalAlpha = 1;
    if (Math.abs(change) < 0.3) continue;
    context.fillStyle = colour('paper');
    context.fillRect(x + 2, y + cell / 2 - 0.75, cell - 4, 1.5);
    if (change > 0) context.fillRect(x + cell / 2 - 0.75, y + 2, 1.5, cell - 4);
  }
}

function changesOf(from, to) {
  let raised = 0, lowered = 0, most = 0;
  for (let i = 0; i < 784; ++i) {
    const change = to[i] - from[i];
    if (change > 0) ++raised;
    if (change < 0) ++lowered;
    most = Math.max(most, Math.abs(change));
  }
  return {raised, lowered, most};
}

/** A figure of a canvas with a title and a line below: {node, canvas, title, line}. */
function picture(title, kind = 'digit', size = 28) {
  const canvas = element('canvas', {width: size, height: size, className: kind, role: 'img', label: title});
  const heading = element('strong', {text: title}), line = element('span');
  return {canvas, line, heading, node: element('figure', {className: kind.split(' ')[0]}, canvas, element('figcaption', {}, heading, line))};
}

/** Ten rows of class, bar and number; show(logits) updates them. */
function bars(title) {
  const list = element('ul', {className: 'bars'});
  const rows = Array.from({length: 10}, (_, digit) => {
    const bar = element('div', {className: 'bar'}), value = element('span', {className: 'value'}), mark = element('span');
    mark.textContent = digit;
    const row = element('li', {}, mark, element('div', {className: 'track'}, bar), value);
    list.append(row);
    return {row, bar, value, mark};
  });
  const heading = element('strong');
  if (title) say(heading, title);
  return {
    node: element('figure', {className: 'wide'}, title ? element('figcaption', {}, heading) : '', list),
    show(logits, truth = -1) {
      const shares = softmax(logits), first = argmax(shares);
      rows.forEach(({row, bar, value, mark}, digit) => {
        bar.style.width = `${100 * (shares[digit] ?? 0)}%`;
        value.textContent = number({percent: shares[digit] ?? 0});
        row.className = digit === first ? 'first' : '';
        mark.textContent = `${digit === first ? '▸' : digit === truth ? '·' : ' '}${digit}`;
      });
      return {prediction: first, share: shares[first], shares};
    },
  };
}

function svgElement(name, attributes = {}, content = '') {
  const node = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.textContent = content;
  return node;
}

const DASHES = ['', '8 4', '2 3', '10 3 2 3', '5 5', '1 5', '14 4'];

function mark(kind, x, y, css) {
  const d = [`M${x - 4} ${y}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0`, `M${x - 4} ${y - 4}h8v8h-8z`, `M${x} ${y - 5}l5 9h-10z`,
    `M${x} ${y - 5}l5 5l-5 5l-5 -5z`, `M${x - 5} ${y - 4}h10l-5 9z`, `M${x - 4} ${y - 4}l8 8m0 -8l-8 8`, `M${x - 5} ${y}h10m-5 -5v10`][kind % 7];
  return svgElement('path', {d, class: `mark ${css}`});
}

/** Curves told apart by dashes, marks and names: series of {name, points: [[x, y]]}. */
function drawChart(svg, {series, x, y, xMax, yMax, xMin = 0, percent = false, log = false}) {
  const width = 640, left = 78, right = 20, top = 14, bottom = 250, height = 300 + 20 * series.length;
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  svg.replaceChildren();
  const along = log ? (value) => Math.log(value / xMin) / Math.log(xMax / xMin) : (value) => (value - xMin) / (xMax - xMin || 1);
  const px = (value) => left + along(value) * (width - left - right);
  const py = (value) => bottom - value / (yMax || 1) * (bottom - top);
  for (let i = 0; i <= 4; ++i) {
    const yi = yMax * i / 4, xi = log ? 10 ** i : xMin + (xMax - xMin) * i / 4;
    svg.append(svgElement('path', {d: `M${left} ${py(yi)}H${width - right}`, class: i ? 'grid' : 'axis'}),
      svgElement('text', {x: left - 8, y: py(yi) + 4, 'text-anchor': 'end'}, percent ? number({percent: yi}) : number(yi)));
    if (xi <= xMax) svg.append(svgElement('text', {x: px(xi), y: bottom + 18, 'text-anchor': 'middle'}, number(xi)));
  }
  svg.append(svgElement('text', {x: width - right, y: bottom + 36, 'text-anchor': 'end'}, text(x)),
    svgElement('text', {x: left, y: bottom + 36}, `↑ ${text(y)}`));
  series.forEach(({name, points}, place) => {
    const css = `s${place}`, at = 306 + 20 * place;
    if (points.length) {
      const d = points.map(([a, b], i) => `${i ? 'L' : 'M'}${px(a).toFixed(1)} ${py(Math.min(b, yMax)).toFixed(1)}`).join('');
      svg.append(svgElement('path', {d, class: `series ${css}`, 'stroke-dasharray': DASHES[place % 7]}));
      const every = Math.ceil(points.length / 16);
      points.forEach(([a, b], i) => { if (i % every === 0) svg.append(mark(place, px(a), py(Math.min(b, yMax)), css)); });
    }
    svg.append(svgElement('path', {d: `M${left} ${at}h44`, class: `series ${css}`, 'stroke-dasharray': DASHES[place % 7]}),
      mark(place, left + 22, at, css), svgElement('text', {x: left + 54, y: at + 4}, name));
  });
}

function chart(title) {
  const svg = svgElement('svg', {class: 'chart', role: 'img', viewBox: '0 0 640 292'});
  label(svg, title);
  return svg;
}

/** A table: rows of strings and numbers, under header keys. */
function fillTable(table, caption, heads, rows) {
  const cell = (name, value) => {
    if (value instanceof Node) return element(name, {}, value);
    const numeric = typeof value === 'number' || (value && value.percent !== undefined);
    if (!numeric) return element(name, {}, String(value ?? '–'));
    const made = element(name, {});
    return numbered(made, () => { made.textContent = number(value); });
  };
  table.replaceChildren(element('caption', {text: caption}),
    element('thead', {}, element('tr', {}, ...heads.map((head) => element('th', {scope: 'col', ...(head ? {text: head} : {})})))),
    element('tbody', {}, ...rows.map((row) => element('tr', {}, ...row.map((value) => cell('td', value))))));
}

// ---- evidence ---------------------------------------------------------------------------------------------

/** The command line, the hashes and the files of what is on screen. */
function evidence() {
  const line = element('code'), net = element('code'), model = element('code'), result = element('code'), state = element('span', {role: 'status'});
  const downloads = element('div', {className: 'controls downloads'});
  const copy = button('copy', async () => {
    await navigator.clipboard?.writeText(line.textContent).then(() => say(state, 'copied'), () => say(state, 'copy_failed'));
  });
  const node = element('section', {className: 'evidence', label: 'evidence'}, element('h3', {text: 'evidence'}), element('dl', {},
    element('dt', {text: 'command_line'}), element('dd', {}, line), element('dt', {text: 'net'}), element('dd', {}, net),
    element('dt', {text: 'model_sha'}), element('dd', {}, model),
    element('dt', {text: 'result_sha'}), element('dd', {}, result)), element('div', {className: 'controls downloads'}, copy, downloads, state));
  const save = (key, action) => button(key, async () => {
    try {
      say(state, 'working');
      await action();
      say(state, 'saved');
    } catch (error) {
      say(state, 'failed', {reason: oneLine(error)});
    }
  });
  /** image: what PNG and npz hold; spec: the attack of the manifest; sha: of another result than the image. */
  const set = async ({command, image = null, images = null, labels = null, spec = '', targets = '', sha = '', row = modelRow(), files = {}}) => {
    line.textContent = command;
    net.textContent = row ? `${row.name}: ${row.meaning || row.architecture}` : '–';
    claim(model, 'hash', {hash: row?.sha256 ?? '–'});
    const pixels = images ?? image;
    const hash = sha || (pixels ? await hashOf(pixels) : '');
    claim(result, 'hash', {hash: hash || '–'});
    const {digit} = app;
    const buttons = [];
    if (image) buttons.push(save('save_png', () => savePng(image)));
    if (pixels) buttons.push(save('save_npz', () => download('images.npz', npz(pixels, labels ?? Int32Array.of(digit.label)))));
    if (row) {
      buttons.push(save('save_hans', () => download(fileOf(row), row.bytes)));
      buttons.push(save('save_onnx', async () => {
        const to = fileOf(row).replace(/\.\w+$/, '-converted.onnx');
        const ran = await app.pool.command(['convert', fileOf(row), to], {files: {[fileOf(row)]: row.bytes}, outputs: [to]});
        if (!ran.files[to]) throw new Error(ran.err);
        download(to, ran.files[to]);
      }));
    }
    if (spec) {
      buttons.push(save('save_manifest', async () => {
        await needTrust(state);
        const ran = await app.pool.command(['benchmark', fileOf(row), '--data', 'digit.npz', '--attack', spec,
          ...(targets === '' ? [] : ['--targets', String(targets)]), '--out', 'manifest.json'],
        {files: commandFiles(row, digit), outputs: ['manifest.json']});
        if (!ran.files['manifest.json']) throw new Error(ran.err);
        download('manifest.json', ran.files['manifest.json'], 'application/json');
        download('digit.npz', npz(digit.image, Int32Array.of(digit.label)));
      }));
    }
    for (const [name, bytes] of Object.entries(files)) {
      buttons.push(element('button', {type: 'button', text: ['save_file', {name}], onclick: () => download(name, bytes)}));
    }
    downloads.replaceChildren(...buttons);
  };
  return {node, set};
}

async function savePng(image) {
  const small = element('canvas', {width: 28, height: 28}), large = element('canvas', {width: 280, height: 280});
  drawDigit(small, image);
  const context = large.getContext('2d');
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, 280, 280);
  download('digit.png', await new Promise((done) => large.toBlob(done, 'image/png')));
}
