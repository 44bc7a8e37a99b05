// Starts the page: its views, or the self test.
'use strict';

async function start() {
  try {
    await run(asScript(await embedded(document.getElementById('hans-views'))));
    await startPage();
  } catch (error) {
    document.body.textContent = `This page needs a browser of 2023 or later. What failed: ${error.message || error}`;
  }
}

if (location.hash === '#selftest') {
  selftest();
} else {
  start();
}
