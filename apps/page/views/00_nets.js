// Nets that the page trains itself, by the command and with the same bits: none of the embedded ones is undefended.

const RECIPES = {
  'plain': ['--model', '28x28x1;flatten;linear:units=50;relu;linear:units=10', '--epochs', '30'],
  'fgsm-trained': ['--model', '28x28x1;conv2d:filters=8,kernel=5,stride=2;relu;flatten;linear:units=48;relu;linear:units=10',
    '--epochs', '40', '--defense', 'adversarial:attack=[fgsm:eps=0.2],clean_weight=0'],
};

/** The words of `hans train` for a net: the last 100 digits, those on screen, are held out. */
function recipeOf(name) {
  return ['train', '--data', 'mnist-5k/test', '--held-out', '100', '--batch', '50', ...RECIPES[name], '--out', `${name}.hans`];
}

/** The same as a command line. */
function recipeLine(name) {
  return `hans ${recipeOf(name).map((word) => /[;[]/.test(word) ? `'${word}'` : word).join(' ')}`;
}

const netsInWork = new Map();

/** The row of a net of RECIPES; it is trained when first asked for. */
function madeNet(name) {
  const known = app.pool.models.find((row) => row.name === name);
  if (known) return Promise.resolve(known);
  if (!netsInWork.has(name)) {
    const work = (async () => {
      const ran = await app.pool.command(recipeOf(name), {outputs: [`${name}.hans`]});
      const bytes = ran.files[`${name}.hans`];
      if (!bytes) throw new Error(ran.err);
      const row = await app.pool.addModel(name, bytes);
      listModels();
      return row;
    })();
    netsInWork.set(name, work);
    work.catch(() => netsInWork.delete(name));
  }
  return netsInWork.get(name);
}
