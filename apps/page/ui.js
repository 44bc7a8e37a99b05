// The page around the views: texts, elements, the digit and the net on screen, tabs, claims, downloads.

const app = {pool: null, trusted: null, model: '', digit: null, views: [], current: null, language: 'en'};
const LARGEST_FILE = 64 * 2 ** 20;
const PICKED = 100;  // the digits to pick from: the first of the data

// ---- texts ------------------------------------------------------------------------------------------------

/** A number as the chosen language writes it. `{percent: x}` is a share. */
function number(value, digits = 3) {
  if (value && typeof value === 'object') {
    return value.percent.toLocaleString(app.language, {style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1});
  }
  return value.toLocaleString(app.language, {maximumSignificantDigits: Math.max(digits, String(Math.trunc(value)).length)});
}

/** The text of a key in the chosen language; `{name}` is replaced by values[name], and `{=key}` by another text. */
function text(key, values = {}) {
  const pair = TEXTS[key];
  if (!pair) {
    console.assert(false, `no text ${key}`);
    return key;
  }
  return pair[app.language === 'de' ? 1 : 0].replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === undefined) return whole;
    if (Array.isArray(value)) return text(...value);
    return typeof value === 'string' ? value : number(value);
  });
}

const spoken = new WeakMap();

/** Puts a text into an element; a change of language puts it there again. */
function say(node, key, values) {
  node.dataset.text = key;
  delete node.dataset.claim;
  spoken.set(node, values);
  node.textContent = text(key, values);
  return node;
}

/** A text that claims something about bits: it stands only after this browser made the golden hashes. */
function claim(node, key, values) {
  say(node, key, values);
  node.dataset.claim = key;
  if (app.trusted !== true) node.textContent = text(app.trusted === null ? 'claim_waits' : 'claim_refused');
  return node;
}

/** The accessible name of an element, in the chosen language. */
function label(node, key, values) {
  node.dataset.label = key;
  spoken.set(node, values);
  node.setAttribute('aria-label', text(key, values));
  return node;
}

/** A node whose numbers are written anew when the language changes; `tell` writes them. */
const told = new WeakMap();
function numbered(node, tell) {
  node.dataset.numbered = '';
  told.set(node, tell);
  tell();
  return node;
}

function retell(root = document) {
  for (const node of root.querySelectorAll('[data-numbered]')) told.get(node)();
  for (const node of root.querySelectorAll('[data-text]')) {
    (node.dataset.claim ? claim : say)(node, node.dataset.text, spoken.get(node));
  }
  for (const node of root.querySelectorAll('[data-label]')) label(node, node.dataset.label, spoken.get(node));
}

/** What the table of texts lacks: an empty list. */
function missingTexts() {
  const holes = (string) => (string.match(/\{\w+\}/g) ?? []).sort().join();
  return Object.entries(TEXTS).filter(([, pair]) => pair.length !== 2 || !pair[0] || !pair[1] ||
    holes(pair[0]) !== holes(pair[1])).map(([key]) => key);
}

// ---- elements ---------------------------------------------------------------------------------------------

/** An element with attributes and children; strings become text, never markup. */
function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === 'text') say(node, ...[value].flat());
    else if (key === 'label') label(node, ...[value].flat());
    else if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (key in node && key !== 'list' && key !== 'form') node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

let identities = 0;

/** A control under its visible label. */
function field(key, control) {
  control.id ||= `c${++identities}`;
  return element('div', {className: 'field'}, element('label', {htmlFor: control.id, text: key}), control);
}

function button(key, action, main = false) {
  return element('button', {type: 'button', className: main ? 'main' : '', text: key, onclick: action});
}

/** A slider with its value in words; `show` turns the position into text. */
function slider(key, {min, max, step, value, show = (x) => number(x)}, changed) {
  const input = element('input', {type: 'range', id: `c${++identities}`});
  Object.assign(input, {min, max, step, value});
  const output = element('output', {htmlFor: input.id});
  const tell = () => {
    output.textContent = show(Number(input.value));
    input.setAttribute('aria-valuetext', output.textContent);
  };
  input.addEventListener('input', () => { tell(); changed(Number(input.value)); });
  numbered(output, tell);
  const node = element('div', {className: 'field'}, element('label', {htmlFor: input.id, text: key}),
    element('div', {className: 'range'}, input, output));
  return {node, input, get value() { return Number(input.value); }, set value(x) { input.value = x; tell(); }};
}

/** A list to choose from; options are pairs of value and text key, or plain names. */
function choice(key, options, value, changed) {
  const select = element('select', {onchange: () => changed(select.value)});
  for (const option of options) {
    const [name, shown] = [option].flat();
    select.append(shown ? element('option', {value: name, text: shown}) : element('option', {value: name}, name));
  }
  select.value = value;
  return {node: field(key, select), select, get value() { return select.value; }};
}

// ---- work -------------------------------------------------------------------------------------------------

/** Runs the newest task of a view: an older one sees alive() false and stops. Errors become one sentence. */
function worker(panel, status) {
  let newest = 0;
  return async (task) => {
    const mine = ++newest;
    const alive = () => mine === newest;
    panel.setAttribute('aria-busy', 'true');
    try {
      await task(alive);
    } catch (error) {
      if (alive()) say(status, 'failed', {reason: oneLine(error)});
    }
    if (alive()) panel.setAttribute('aria-busy', 'false');
  };
}

function oneLine(error) {
  return String(error?.message ?? error).replace(/\s+/g, ' ').trim().slice(0, 400);
}

/** Waits for the golden hashes; throws the sentence that replaces all claims where they differ. */
async function needTrust(status) {
  if (app.trusted === null) say(status, 'claim_waits');
  if (await app.pool.golden !== 'identical') throw new Error(text('claim_refused'));
}

/** The bytes of a chosen file; too large ones are refused before a byte is read. */
async function readFile(file) {
  if (file.size > LARGEST_FILE) throw new Error(text('file_large', {name: file.name, size: Math.round(file.size / 2 ** 20)}));
  return new Uint8Array(await file.arrayBuffer());
}

function download(name, bytes, type = 'application/octet-stream') {
  const url = URL.createObjectURL(bytes instanceof Blob ? bytes : new Blob([bytes], {type}));
  const link = element('a', {href: url, download: name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

async function hashOf(array) {
  return sha256(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
}

// ---- the net and the digit on screen ----------------------------------------------------------------------

function modelRow(name = app.model) {
  return app.pool.models.find((row) => row.name === name);
}

/** A net's file. Names without an ending are those that the command itself knows. */
function fileOf(row) {
  return /\.(hans|onnx)$/i.test(row.name) ? row.name : `${row.name}.hans`;
}

function commandData(digit = app.digit) {
  return digit.index >= 0 ? `mnist-5k --shard ${digit.index + 1}/500` : 'digit.npz';
}

function commandFiles(row = modelRow(), digit = app.digit) {
  return {[fileOf(row)]: row.bytes, 'digit.npz': npz(digit.image, Int32Array.of(digit.label))};
}

function attackLine(spec, more = '') {
  return `hans attack ${app.model} --data ${commandData()} --attack ${/[[(*]/.test(spec) ? `'${spec}'` : spec}` +
    `${more} --out result.npz`;
}

/** Attacks the digit on screen as the command line does: with the random numbers of its place in the data. */
async function attackDigit(spec, options = {}) {
  const {digit} = app, {targets} = options;
  const found = await app.pool.attack(app.model, spec, digit.image, Int32Array.of(digit.label),
    {seed: 0, firstIndex: Math.max(digit.index, 0), targets: targets === undefined ? null : Int32Array.of(targets)});
  return {image: found.images.slice(0, 784), ...found.results[0]};
}

function pickDigit(index) {
  const {images, labels} = app.pool.digits;
  app.digit = {image: images.slice(index * 784, (index + 1) * 784), label: labels[index], index};
  showSubject();
}

function softmax(logits) {
  const most = Math.max(...logits), e = Array.from(logits, (x) => Math.exp(x - most));
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((x) => x / sum);
}

function argmax(values) {
  return values.indexOf(Math.max(...values));
}

function refreshView() {
  app.current?.parts?.refresh?.();
}

function showSubject() {
  const {digit, subject} = app;
  drawDigit(subject.canvas, digit.image);
  label(subject.canvas, digit.index >= 0 ? 'subject_picked' : 'subject_drawn', {label: digit.label, index: digit.index});
  subject.index.value = digit.index >= 0 ? digit.index : '';
  refreshView();
}

const sameBytes = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i]);

/** Makes a file a net of the page. Its name becomes a plain file name; a net of the page keeps its own. */
async function takeNet(given, bytes) {
  let name = given.replace(/[^\w.+-]/g, '_');
  while (app.pool.models.some((row) => row.name === name && !sameBytes(row.bytes, bytes))) name = `_${name}`;
  const row = await app.pool.addModel(name, bytes);
  if (row.shape.join('x') !== '28x28x1' || row.classes !== 10) {
    app.pool.models.splice(app.pool.models.indexOf(row), 1);
    throw new Error(text('model_input', {shape: row.shape.join('x'), classes: row.classes}));
  }
  return row;
}

function listModels() {
  const {select} = app.subject;
  select.replaceChildren(...app.pool.models.map((row) => element('option', {value: row.name}, row.name)));
  select.value = app.model;
}

function buildSubject(root) {
  const canvas = element('canvas', {width: 28, height: 28, role: 'img'});
  const select = element('select', {onchange: () => { app.model = select.value; refreshView(); }});
  const index = element('input', {type: 'number', min: 0, max: PICKED - 1, step: 1, value: 0, onchange: () => {
    pickDigit(Math.min(PICKED - 1, Math.max(0, Math.trunc(Number(index.value)) || 0)));
  }});
  const file = element('input', {type: 'file', accept: '.hans,.onnx', className: 'file', onchange: async () => {
    const chosen = file.files[0];
    if (!chosen) return;
    const notice = document.getElementById('notice');
    try {
      const row = await takeNet(chosen.name, await readFile(chosen));
      app.model = row.name;
      listModels();
      notice.textContent = '';
      refreshView();
    } catch (error) {
      say(notice, 'model_refused', {name: chosen.name, reason: oneLine(error)});
    }
    file.value = '';
  }});
  root.append(canvas, field('digit_number', index), button('next_digit', () => pickDigit((app.digit.index + 1) % PICKED)),
    field('net', select), field('own_net', file));
  app.subject = {canvas, select, index};
}

// ---- tabs and start ---------------------------------------------------------------------------------------

/** A view: {id, build(panel, status)} where build returns {refresh()}, called when digit, net or tab changes. */
function addView(view) {
  app.views.push(view);
}

function openView(view, focus = false) {
  for (const other of app.views) {
    const here = other === view;
    other.tab.setAttribute('aria-selected', here);
    other.tab.tabIndex = here ? 0 : -1;
    other.panel.hidden = !here;
    if (!here) other.parts?.leave?.();
  }
  if (focus) view.tab.focus();
  app.current = view;
  if (!app.pool) return;
  if (!view.parts) {
    const status = element('p', {className: 'result', role: 'status'});
    status.setAttribute('aria-live', 'polite');
    view.panel.append(element('h2', {text: `${view.id}_question`}));
    view.parts = view.build(view.panel, status);
  }
  refreshView();
}

function buildTabs() {
  const list = document.getElementById('tabs'), panels = document.getElementById('panels');
  app.views.forEach((view, place) => {
    view.tab = element('button', {type: 'button', id: `tab-${view.id}`, role: 'tab', text: `${view.id}_tab`, onclick: () => openView(view)});
    view.panel = element('section', {id: `view-${view.id}`, role: 'tabpanel', tabIndex: 0, hidden: true});
    view.tab.setAttribute('aria-controls', view.panel.id);
    view.panel.setAttribute('aria-labelledby', view.tab.id);
    view.tab.addEventListener('keydown', (event) => {
      const last = app.views.length - 1;
      const to = {ArrowRight: place === last ? 0 : place + 1, ArrowLeft: place === 0 ? last : place - 1, Home: 0, End: last}[event.key];
      if (to === undefined) return;
      event.preventDefault();
      openView(app.views[to], true);
    });
    list.append(view.tab);
    panels.append(view.panel);
  });
}

function chooseLanguage(language) {
  app.language = language === 'de' ? 'de' : 'en';
  document.documentElement.lang = app.language;
  document.getElementById('language').value = app.language;
  retell();
}

async function startPage() {
  const lacking = missingTexts();
  console.assert(lacking.length === 0, `texts without both languages: ${lacking}`);
  const language = document.getElementById('language');
  language.addEventListener('change', () => { chooseLanguage(language.value); refreshView(); });
  chooseLanguage((navigator.language ?? 'en').slice(0, 2));
  buildTabs();
  const trust = document.getElementById('trust');
  say(trust, 'starting');
  openView(app.views[0]);
  try {
    app.pool = await openPool({workers: navigator.hardwareConcurrency});
  } catch (error) {
    say(document.getElementById('notice'), 'failed', {reason: oneLine(error)});
    say(trust, 'claim_refused');
    return;
  }
  app.model = (app.pool.models.find((row) => row.name === 'plain.hans') ?? app.pool.models[0]).name;
  buildSubject(document.getElementById('subject'));
  listModels();
  pickDigit(0);
  openView(app.current);
  say(trust, 'trust_waits', {kernel: app.pool.kernel, version: app.pool.version});
  const golden = await app.pool.golden.catch(oneLine);
  app.trusted = golden === 'identical';
  retell();
  say(trust, app.trusted ? 'trust_identical' : 'trust_differs', {kernel: app.pool.kernel, version: app.pool.version, reason: golden});
}
