// Writes the page: assemble.js OUT key=file ...
//   wasm, glue (emscripten's script), golden, manifest, linear, and optionally kernels: what the engine needs
//   model=NAME:file ...: networks, in this order
// What unpacks the rest is put in as it is, the rest packed: a character of windows-1252 for each byte, which
// takes a quarter less than base64. Bytes that HTML changes or could end an element with, and '=', become '=' and a
// character 64 higher.
'use strict';
const fs = require('fs');
const path = require('path');
const zlib = require('zlib');

const here = (name) => fs.readFileSync(path.join(__dirname, name), 'utf8');
const [out, ...given] = process.argv.slice(2);
const files = {}, models = [];
for (const word of given) {
  const [, key, value] = word.match(/^([a-z]+)=(.*)$/);
  if (key === 'model') {
    models.push(value.match(/^([^:]+):(.*)$/).slice(1));
  } else {
    files[key] = value;
  }
}

const escaped = new Set([0, 10, 13, 38, 60, 61]);  // NUL, LF, CR, &, <, =
const packed = (bytes) => Buffer.concat(Array.from(bytes, (byte) => escaped.has(byte) ? Buffer.from([61, byte + 64])
                                                                                     : Buffer.from([byte])));
const element = (attributes, bytes, zipped) => Buffer.concat([
  Buffer.from(`<script type="application/octet-stream" ${attributes}${zipped ? ' data-encoding="gzip"' : ''}>`),
  packed(zipped ? zlib.gzipSync(bytes, {level: 9}) : bytes), Buffer.from('</script>\n')]).toString('latin1');
const part = (id, bytes) => element(`id="hans-${id}"`, bytes, true);

// Texts have other characters than ASCII: as HTML, JavaScript and CSS write them.
const escapedAs = (form) => (text) => text.replace(/[^\x00-\x7f]/gu, (character) => form(character.codePointAt(0).toString(16)));
const html = escapedAs((code) => `&#x${code};`), js = escapedAs((code) => `\\u{${code}}`), css = escapedAs((code) => `\\${code} `);

const glue = fs.readFileSync(files.glue, 'utf8');
let data = part('script', Buffer.from(js(`${glue}\n${here('instance.js')}\n${here('worker.js')}`)));
for (const id of ['wasm', 'kernels', 'golden', 'manifest', 'linear']) {
  if (files[id]) data += part(id, fs.readFileSync(files[id]));
}
data += '<!--models-->\n';
for (const [name, file] of models) data += element(`class="hans-model" data-name="${name}"`, fs.readFileSync(file), false);
data += '<!--/models-->\n';

const views = fs.readdirSync(path.join(__dirname, 'views')).sort().map((name) => `views/${name}`);
data += part('views', Buffer.from(js(['texts.js', 'ui.js', ...views].map(here).join('\n'))));
const script = ['engine.js', 'selftest.js', 'start.js'].map(here).join('\n');
if (script.includes('</script')) throw new Error('the code of the page holds the end of its own element');
const fill = (page, place, text) => {
  const at = page.indexOf(place);
  if (at < 0) throw new Error(`page.html lacks ${place}`);
  return page.slice(0, at) + text + page.slice(at + place.length);
};
let page = html(here('page.html'));
page = fill(page, '<!--style-->', `<style>\n${css(here('page.css'))}</style>`);
page = fill(page, '<!--data-->', data);
page = fill(page, '<!--script-->', `<script>\n${js(script)}</script>`);
fs.writeFileSync(out, page, 'latin1');
console.log(`${out}: ${page.length} bytes`);
