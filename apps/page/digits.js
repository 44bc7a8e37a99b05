// Writes the last 500 images and labels of mnist-5k, its test part: digits.js FROM TO
'use strict';
const fs = require('fs');
const zlib = require('zlib');

const count = 500;
const [from, to] = process.argv.slice(2);
fs.mkdirSync(to, {recursive: true});
for (const [name, header, size] of [['images-idx3-ubyte.gz', 16, 784], ['labels-idx1-ubyte.gz', 8, 1]]) {
  const all = zlib.gunzipSync(fs.readFileSync(`${from}/${name}`));
  const head = Buffer.from(all.subarray(0, header));
  head.writeUInt32BE(count, 4);
  const last = Buffer.concat([head, all.subarray(all.length - count * size)]);
  fs.writeFileSync(`${to}/${name}`, zlib.gzipSync(last, {level: 9}));
}
