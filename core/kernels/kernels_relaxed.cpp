// The kernels for WebAssembly with relaxed SIMD, whose multiply-add is fused wherever the machine has the instruction.
//
// They are a module of their own, kernels_relaxed.wasm, as an engine without relaxed SIMD refuses a module that has it,
// and emscripten's clang may be too old for it. The module shares memory and table with the main module:
//   - its stack and data lie below address 131072, where the main module has nothing (-sGLOBAL_BASE=131072);
//   - its functions are put at 16384 of the main module's table, which must have grown so far (-sALLOW_TABLE_GROWTH=1);
//   - it imports env.memory and env.__indirect_function_table, and nothing else;
//   - it exports hans_kernel_set(), the address of its Set, for hans_add_kernels(set) of the main module.
// tests/wasm/kernels.js joins the two. Each thread with an instance of the main module needs an instance of this one.
#if defined(__wasm_relaxed_simd__) && !defined(HANS_DOUBLE)
#include "detail/kernel_set.hpp"

namespace hans::kernels::relaxed {
namespace {

#include "four_lanes.inl"

constexpr const char* set_name = "relaxed";
constexpr size_t tile_rows = 2;
constexpr size_t tile_vectors = 4;
constexpr size_t wide_rows = 0;
constexpr size_t thin_rows = 0;
constexpr bool fetches = false;

inline Vec multiply_add(Vec a, Vec b, Vec c) { return __builtin_wasm_relaxed_madd_f32x4(a, b, c); }
inline real fused(real a, real b, real c) { return multiply_add(broadcast(a), broadcast(b), broadcast(c))[0]; }

#include "tiles.inl"

#include "kernels.inl"

constexpr Set set = make_set();

}  // namespace

extern "C" [[clang::export_name("hans_kernel_set")]] const void* hans_kernel_set() { return &set; }

}  // namespace hans::kernels::relaxed
#endif
