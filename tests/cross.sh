#!/usr/bin/env bash
# Builds hans for other machines and runs tests/bits.cpp there, under an emulator: its golden inference, attacks and training
# steps must have the same bits as everywhere. Prints a table, as it stands in tests/cross/README.md.
#
#   tests/cross.sh [TARGET ...]     targets: webassembly musl windows riscv64 aarch64; without any all of them
#
# Each target builds in build/cross/TARGET. On Debian 12 they need, in this order: emscripten, nodejs and, for the relaxed
# kernels, clang-22 and lld-22; python3-venv (zig comes from PyPI); g++-mingw-w64-x86-64-posix and wine64;
# g++-riscv64-linux-gnu and qemu-user; g++-aarch64-linux-gnu and qemu-user. A target whose tools are missing is skipped, and said so; a difference or a failed build makes the exit code 1.
set -uo pipefail
cd "$(dirname "$0")/.."
source_folder=$PWD
work=$source_folder/build/cross
jobs=${CROSS_JOBS:-2}
mkdir -p "$work"
failed=0
rows=()
kernels=("")
threads=(1 3)

need() {
  for tool in "$@"; do
    command -v "$tool" >/dev/null || { echo "needs $tool"; return 1; }
  done
}

# build TARGET OPTION... : configures and builds; the log is beside the folder.
build() {
  local target=$1
  shift
  { "${wrap[@]}" cmake -S "$source_folder" -B "$work/$target" -DCMAKE_BUILD_TYPE=Release -DHANS_C=OFF -DBUILD_TESTING=ON "$@" &&
    cmake --build "$work/$target" -j "$jobs" --target hans_bits hans_command; } >"$work/$target.log" 2>&1
}

# compare TARGET COMMAND... : the lines of hans_bits, with each of "${kernels[@]}" (or the best) and each of
# "${threads[@]}", against the golden ones.
compare() {
  local target=$1 set count found
  shift
  for set in "${kernels[@]}"; do
    for count in "${threads[@]}"; do
      if ! found=$(env ${set:+"HANS_KERNELS=$set"} "$@" --threads "$count" 2>"$work/$target.errors" | tr -d '\r'); then
        echo "failed: $(tail -n 1 "$work/$target.errors")"
        return 1
      fi
      if ! diff <(grep -v '^#' tests/golden/bits.txt) <(grep -v '^#' <<<"$found") >"$work/$target.diff"; then
        echo "other bits from $(sed -n 's/^[<>] //p' "$work/$target.diff" | head -n 1 | cut -d' ' -f1) on, $count threads $set"
        return 1
      fi
    done
  done
  echo "same bits ($(grep -vc '^#' tests/golden/bits.txt) lines)"
}

# run TARGET COMPILER EMULATOR... : builds with "${options[@]}", runs, and adds a row.
run() {
  local target=$1 compiler=$2 start=$SECONDS result program=$work/$1/tests/hans_bits
  shift 2
  echo "=== $target" >&2
  if ! build "$target" "${options[@]}"; then
    result="does not build: $work/$target.log"
    failed=1
  else
    for ending in .js .exe; do [[ -e $program$ending ]] && program=$program$ending; done
    result=$(compare "$target" "$@" "$program") || failed=1
  fi
  rows+=("| $target | $compiler | $result | $((SECONDS - start)) s |")
  echo "${rows[-1]}" >&2
}

skip() {
  rows+=("| $1 | | skipped: $2 | |")
  echo "${rows[-1]}" >&2
}

webassembly() {
  local missing
  missing=$(need emcmake node) || { skip webassembly "$missing"; return; }
  export NODE_PATH=/usr/share/nodejs  # where Debian's emscripten has its parts, for a node from elsewhere
  wrap=(emcmake)
  options=("-DCMAKE_EXE_LINKER_FLAGS=-sNODERAWFS=1 -sEXIT_RUNTIME=1")
  local kernels=(portable simd128) threads=(1) node=(node)
  node+=($(node --v8-options | grep -o -m 1 -e '--experimental-wasm-relaxed-simd'))  # newer node needs no option
  need clang++-22 wasm-ld-22 >/dev/null && kernels+=(relaxed)
  run webassembly "emscripten $(emcc --version | sed -n '1s/.*emulating GNU ld) \([0-9.]*\).*/\1/p'), node $(node --version)" \
    "${node[@]}" $(node --help | grep -o -m 1 -e '--no-experimental-fetch')  # with which older emscripten takes paths for URLs
  if [[ ${kernels[-1]} == relaxed ]] &&
    HANS_KERNELS=relaxed "${node[@]}" --no-enable-fma3 "$work/webassembly/tests/hans_bits.js" >/dev/null 2>&1; then
    echo "webassembly: relaxed kernels that round twice were accepted" >&2
    failed=1
  fi
}

musl() {
  local missing zig=$work/zig
  missing=$(need python3) || { skip musl "$missing"; return; }
  if ! "$zig/bin/python" -m ziglang version >/dev/null 2>&1; then
    { python3 -m venv "$zig" && "$zig/bin/pip" install -q ziglang; } >"$work/musl.log" 2>&1 ||
      { skip musl "needs python3-venv and ziglang from PyPI"; return; }
  fi
  # One word, as CMake wants a compiler.
  printf '#!/bin/sh\nexec "%s" -m ziglang c++ -target x86_64-linux-musl "$@"\n' "$zig/bin/python" >"$work/zig-c++"
  chmod +x "$work/zig-c++"
  wrap=()
  options=(-DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=x86_64 "-DCMAKE_CXX_COMPILER=$work/zig-c++"
           -DCMAKE_EXE_LINKER_FLAGS=-static)
  run musl "zig $("$zig/bin/python" -m ziglang version)" env
}

windows() {
  local missing wine=wine64
  command -v wine64 >/dev/null || { [[ -x /usr/lib/wine/wine64 ]] && wine=/usr/lib/wine/wine64; }
  missing=$(need x86_64-w64-mingw32-g++-posix "$wine") || { skip windows "$missing"; return; }
  wrap=()
  options=(-DCMAKE_SYSTEM_NAME=Windows -DCMAKE_SYSTEM_PROCESSOR=x86_64 -DCMAKE_CXX_COMPILER=x86_64-w64-mingw32-g++-posix
           -DCMAKE_EXE_LINKER_FLAGS=-static)
  run windows "mingw-w64 g++ $(x86_64-w64-mingw32-g++-posix -dumpversion), wine" env WINEDEBUG=-all WINEPREFIX="$work/wine" "$wine"
}

# Debian's cross compilers.
debian() {
  local machine=$1 compiler=$1-linux-gnu-g++ missing
  missing=$(need "$compiler" "qemu-$machine") || { skip "$machine" "$missing"; return; }
  wrap=()
  options=(-DCMAKE_SYSTEM_NAME=Linux "-DCMAKE_SYSTEM_PROCESSOR=$machine" "-DCMAKE_CXX_COMPILER=$compiler")
  run "$machine" "g++ $("$compiler" -dumpfullversion), qemu" "qemu-$machine" -L "/usr/$machine-linux-gnu"
}
riscv64() { debian riscv64; }
aarch64() { debian aarch64; }

for target in "${@:-webassembly musl windows riscv64 aarch64}"; do
  for one in $target; do
    case $one in
      webassembly | musl | windows | riscv64 | aarch64) "$one" ;;
      *) echo "there is no target $one; there are webassembly, musl, windows, riscv64 and aarch64" >&2; exit 2 ;;
    esac
  done
done

echo '| target | built by | golden inference, attacks and training | time |'
echo '| --- | --- | --- | --- |'
printf '%s\n' "${rows[@]}"
exit $failed
