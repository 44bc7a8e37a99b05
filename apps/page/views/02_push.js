// How little must the image change? A radius, one step or many, and noise of the same size beside it.

addView({id: 'push', build(panel, status) {
  const run = worker(panel, status), proof = evidence();
  const first = picture('original'), pushed = picture('adversarial'), change = picture('difference', 'digit smooth', 280);
  const noisy = picture('same_noise'), before = bars('before'), after = bars('after');
  const trace = chart('push_chart');
  const eps = slider('eps', {min: 0, max: 0.4, step: 0.01, value: 0.1}, () => compute());
  const kind = choice('attack', [['pgd', 'attack_pgd'], ['fgsm', 'attack_fgsm']], 'pgd', () => compute());
  const STEPS = 20;
  let frames = [];
  const step = slider('step', {min: 0, max: STEPS, step: 1, value: STEPS}, () => show());
  const play = button('play', async () => {
    for (let k = 0; k < frames.length && app.current?.id === 'push'; ++k) {
      step.value = k;
      show();
      await new Promise((done) => setTimeout(done, matchMedia('(prefers-reduced-motion: reduce)').matches ? 700 : 220));
    }
  });
  panel.append(element('div', {className: 'controls'}, eps.node, kind.node, step.node, play), status,
    element('div', {className: 'figures'}, first.node, pushed.node, change.node, noisy.node),
    element('div', {className: 'figures'}, before.node, after.node), element('figure', {className: 'wide'}, trace), proof.node);

  const spec = (k) => kind.value === 'fgsm' ? `fgsm:eps=${eps.value}` :
    `pgd:eps=${eps.value},steps=${k},alpha=${Number((eps.value / 5).toPrecision(4))},start=original`;

  function show() {
    const k = Math.min(Number(step.value), frames.length - 1), frame = frames[k], {digit} = app;
    if (!frame) return;
    drawDigit(first.canvas, digit.image);
    drawDigit(pushed.canvas, frame.image);
    drawDifference(change.canvas, digit.image, frame.image);
    const start = before.show(frames[0].logits, digit.label), now = after.show(frame.logits, digit.label);
    const share = {percent: now.share};
    say(first.line, 'reads_as', {prediction: start.prediction, share: {percent: start.share}});
    say(pushed.line, 'reads_as', {prediction: now.prediction, share});
    say(change.line, 'changes', changesOf(digit.image, frame.image));
    const fooled = now.prediction !== digit.label;
    const fell = frames.findIndex((one) => argmax(Array.from(one.logits)) !== digit.label);
    say(status, fell === 0 ? 'wrong_before' : fooled ? 'push_falls' : 'push_holds', {eps: eps.value, steps: k, label: digit.label, prediction: now.prediction,
      share, fell: Math.max(0, fell)});
    proof.set({command: attackLine(spec(Math.max(1, k))), image: frame.image, spec: spec(Math.max(1, k))});
  }

  const compute = () => run(async (alive) => {
    const {digit, model, pool} = app;
    const count = kind.value === 'fgsm' ? 1 : STEPS;
    step.input.max = count;
    step.value = count;
    play.disabled = count === 1;
    const found = await Promise.all(Array.from({length: count}, (_, k) => attackDigit(spec(k + 1))));
    if (!alive()) return;
    const images = [digit.image, ...found.map((one) => one.image)], all = new Float32Array(784 * images.length);
    images.forEach((image, k) => all.set(image, 784 * k));
    const logits = await pool.logits(model, all), classes = logits.length / images.length;
    const noise = await attackDigit(`noise:eps=${eps.value},repeats=1`);
    const noiseLogits = await pool.logits(model, noise.image);
    if (!alive()) return;
    frames = images.map((image, k) => ({image, logits: logits.slice(k * classes, (k + 1) * classes)}));
    drawDigit(noisy.canvas, noise.image);
    const shares = softmax(noiseLogits);
    say(noisy.line, 'reads_as', {prediction: argmax(shares), share: {percent: Math.max(...shares)}});
    drawChart(trace, {x: 'axis_step', y: 'axis_share', xMax: count, yMax: 1, percent: true, series: [
      {name: text('share_of', {label: digit.label}), points: frames.map((one, k) => [k, softmax(one.logits)[digit.label]])},
      {name: text('share_of_best_other'), points: frames.map((one, k) => [k, Math.max(...softmax(one.logits).filter((_, c) => c !== digit.label))])}]});
    show();
  });
  return {refresh: compute};
}});
