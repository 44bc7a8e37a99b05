// A worker: opens an instance on the first message, then does what it is asked, one message after the other.
'use strict';

let opened = null;

self.onmessage = async ({data: {id, name, values}}) => {
  try {
    if (name === 'open') opened = Instance.open(...values);
    const one = await opened;
    if (name === 'command') values[1] = {...values[1], onLine: (line) => self.postMessage({id, line})};
    const result = name === 'open' ? {kernel: one.kernel} : one[name](...values);
    self.postMessage({id, result});
  } catch (error) {
    self.postMessage({id, error: error.message || String(error)});
  }
};
