// Put into emscripten's script: what another module needs to share memory and functions with the library.
Module['shared'] = () => ({memory: wasmMemory, table: wasmTable});
