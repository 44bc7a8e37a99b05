// Joins the relaxed kernels, a WebAssembly module of their own (core/kernels/kernels_relaxed.cpp), to a program made by
// emscripten. tests/CMakeLists.txt puts this file before hans_bits.js, so that
//   HANS_KERNELS=relaxed node --experimental-wasm-relaxed-simd hans_bits.js
// uses them. A page does the same.
const tableBegin = 16384, tableEnd = 16384 + 64;  // as in CMakeLists.txt

// `module` is the compiled kernels_relaxed.wasm; `memory` and `table` are the program's, `add` is its function
// hans_add_kernels. Whether the program now uses these kernels: not if the engine does not round once.
function joinKernels(module, memory, table, add) {
  if (table.length > tableBegin) throw new Error(`the table has ${table.length} functions, more than ${tableBegin}`);
  table.grow(tableEnd - table.length);
  const env = {memory, __indirect_function_table: table};
  return add(new WebAssembly.Instance(module, {env}).exports.hans_kernel_set()) === 1;
}

Module.preRun = () => {
  if (process.env.HANS_KERNELS) ENV.HANS_KERNELS = process.env.HANS_KERNELS;
};
Module.onRuntimeInitialized = () => {
  let module;
  try {
    module = new WebAssembly.Module(require('fs').readFileSync(require('path').join(__dirname, '../kernels_relaxed.wasm')));
  } catch (error) {
    return;  // not built, or the engine has no relaxed SIMD
  }
  joinKernels(module, wasmMemory, wasmTable, Module._hans_add_kernels);
};
