// Which digit does the net see? Pick one of 100 or draw one; probabilities follow at once.

addView({id: 'draw', build(panel, status) {
  const run = worker(panel, status), proof = evidence(), probabilities = bars('probabilities');
  const canvas = element('canvas', {width: 28, height: 28, className: 'big', tabIndex: 0, role: 'application', label: 'drawing_help'});
  const brush = element('p', {className: 'hint', role: 'status'});
  const strip = element('div', {className: 'strip', role: 'group', label: 'hundred'});
  let x = 14, y = 14, down = false, moved = false, pending = 0;

  const buttons = Array.from({length: PICKED}, (_, index) => {
    const small = element('canvas', {width: 28, height: 28});
    drawDigit(small, app.pool.digits.images.subarray(index * 784, (index + 1) * 784));
    const one = element('button', {type: 'button', label: ['pick_one', {index, label: app.pool.digits.labels[index]}],
      onclick: () => pickDigit(index)}, small);
    one.addEventListener('keydown', (event) => {
      const step = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: 10, ArrowUp: -10}[event.key];
      if (!step || !buttons[index + step]) return;
      event.preventDefault();
      buttons[index + step].focus();
    });
    strip.append(one);
    return one;
  });

  function changed() {
    app.digit.index = -1;
    cancelAnimationFrame(pending);
    pending = requestAnimationFrame(showSubject);
  }

  /** A soft brush of about two pixels, so that strokes look like those the nets know. */
  function paint(cx, cy, value = 1) {
    if (app.digit.index >= 0) app.digit = {...app.digit, image: app.digit.image.slice()};
    const {image} = app.digit;
    for (let j = Math.max(0, Math.floor(cy - 2)); j <= Math.min(27, cy + 2); ++j) {
      for (let i = Math.max(0, Math.floor(cx - 2)); i <= Math.min(27, cx + 2); ++i) {
        const ink = Math.min(1, Math.max(0, 1.75 - Math.hypot(i - cx, j - cy)));
        if (value) image[28 * j + i] = Math.max(image[28 * j + i], ink);
        else image[28 * j + i] = Math.min(image[28 * j + i], 1 - ink);
      }
    }
    changed();
  }

  function clear() {
    app.digit = {image: new Float32Array(784), label: Number(meant.value), index: -1};
    showSubject();
  }

  const pointer = (event) => {
    const box = canvas.getBoundingClientRect();
    paint((event.clientX - box.left) / box.width * 28 - 0.5, (event.clientY - box.top) / box.height * 28 - 0.5, !eraser.checked);
  };
  canvas.addEventListener('pointerdown', (event) => {
    down = true;
    canvas.setPointerCapture(event.pointerId);
    pointer(event);
  });
  canvas.addEventListener('pointermove', (event) => { if (down) for (const part of event.getCoalescedEvents?.() ?? [event]) pointer(part); });
  canvas.addEventListener('pointerup', () => { down = false; });
  canvas.addEventListener('pointercancel', () => { down = false; });
  canvas.addEventListener('keydown', (event) => {
    const step = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
    if (step) {
      x = Math.min(27, Math.max(0, x + step[0]));
      y = Math.min(27, Math.max(0, y + step[1]));
      moved = true;
      if (event.shiftKey) paint(x, y, !eraser.checked);
      else show();
    } else if (event.key === ' ') paint(x, y, !eraser.checked);
    else return;
    event.preventDefault();
    say(brush, 'brush_at', {x: x + 1, y: y + 1, value: app.digit.image[28 * y + x]});
  });
  canvas.addEventListener('blur', () => { moved = false; show(); });

  const eraser = element('input', {type: 'checkbox', id: 'eraser'});
  const meant = element('select', {onchange: () => {
    if (app.digit.index < 0) { app.digit.label = Number(meant.value); showSubject(); }
  }}, ...Array.from({length: 10}, (_, digit) => element('option', {value: digit}, digit)));

  function show() {
    drawDigit(canvas, app.digit.image);
    if (!moved) return;
    const context = canvas.getContext('2d');
    context.strokeStyle = '#ff9a4d';
    context.strokeRect(x - 0.5, y - 0.5, 2, 2);
  }

  panel.append(element('div', {className: 'controls'}, button('clear', clear, true), field('meant', meant),
    element('div', {}, eraser, ' ', element('label', {htmlFor: 'eraser', text: 'eraser'}))),
  status, element('div', {className: 'figures'}, element('figure', {className: 'big'}, canvas, element('figcaption', {text: 'drawing_help'}), brush),
    probabilities.node), element('h3', {text: 'hundred'}), strip, proof.node);

  return {refresh: () => run(async (alive) => {
    const {digit} = app;
    show();
    meant.value = digit.label;
    buttons.forEach((one, index) => {
      one.setAttribute('aria-pressed', index === digit.index);
      one.tabIndex = index === Math.max(0, digit.index) ? 0 : -1;
    });
    const logits = await app.pool.logits(app.model, digit.image);
    if (!alive()) return;
    const {prediction, share} = probabilities.show(logits, digit.label);
    say(status, prediction === digit.label ? 'draw_right' : 'draw_wrong', {prediction, share: {percent: share}, label: digit.label});
    await proof.set({command: `hans attack ${app.model} --data ${commandData()} --attack noise:eps=0 --per-sample --json -`, image: digit.image});
  })};
}});
