# Runs hans_bits with the given kernels and threads, under EMULATOR if there is one, and compares its lines with
# golden/bits.txt. To change the bits of a result, raise MAJOR (MINOR while MAJOR is 0), then rewrite the file:
#   hans_bits > tests/golden/bits.txt
cmake_minimum_required(VERSION 3.25)
set(golden_path "${SOURCE}/tests/golden/bits.txt")
execute_process(COMMAND ${CMAKE_COMMAND} -E env HANS_KERNELS=${KERNELS} ${EMULATOR} "${BITS}" --threads ${THREADS}
                OUTPUT_VARIABLE made ERROR_VARIABLE errors RESULT_VARIABLE failed)
if(errors MATCHES "has no golden bits" OR
   (errors MATCHES "is not a kernel set of this build and machine" AND KERNELS MATCHES "^avx"))
  message("SKIPPED: ${errors}")
  return()
elseif(failed)
  message(FATAL_ERROR "hans_bits ended with ${failed}: ${errors}")
endif()

# The part of a version that decides the bits.
function(series version out)
  if(version MATCHES "^0\\.([0-9]+)\\.")
    set(${out} "0.${CMAKE_MATCH_1}" PARENT_SCOPE)
  elseif(version MATCHES "^([0-9]+)\\.")
    set(${out} "${CMAKE_MATCH_1}" PARENT_SCOPE)
  endif()
endfunction()

# Fails unless every line of `golden` is among the printed lines. `from` says in messages where the golden lines are
# from.
function(compare golden from)
  if(NOT golden MATCHES "^# hans ([0-9.]+)\n")
    message(FATAL_ERROR "${from} does not begin with '# hans VERSION'")
  endif()
  series("${CMAKE_MATCH_1}" golden_series)
  series("${VERSION}" own_series)
  if(NOT golden_series STREQUAL own_series)
    message(FATAL_ERROR "${from} holds the bits of hans ${golden_series}, this is ${VERSION}: write it anew with "
                        "hans_bits > tests/golden/bits.txt")
  endif()
  string(REGEX MATCHALL "[^\n]+" made_lines "${made}")
  string(REGEX MATCHALL "[^\n]+" golden_lines "${golden}")
  list(LENGTH golden_lines count)
  if(count LESS 20)
    message(FATAL_ERROR "${from} has only ${count} lines")
  endif()
  set(different "")
  foreach(line IN LISTS golden_lines)
    if(NOT line IN_LIST made_lines AND NOT line MATCHES "^#")
      string(REGEX REPLACE " .*" "" name "${line}")
      list(APPEND different "${name}")
    endif()
  endforeach()
  if(different)
    string(REPLACE ";" ", " different "${different}")
    message(FATAL_ERROR "other bits than in ${from} (kernels ${KERNELS}, ${THREADS} threads): ${different}\n"
      "If other kernels, thread counts or compilers still give the bits of the file, this is a fault. If the change is "
      "meant, earlier benchmark results are no longer valid: raise MAJOR (while MAJOR is 0: MINOR) in "
      "core/version.hpp, say so in CHANGELOG.md, and write the file anew: hans_bits > tests/golden/bits.txt")
  endif()
endfunction()

file(READ "${golden_path}" golden)
compare("${golden}" "tests/golden/bits.txt")
string(REGEX MATCHALL "[^\n]+" made_lines "${made}")
string(REGEX MATCHALL "[^\n]+" golden_lines "${golden}")
list(LENGTH made_lines made_count)
list(LENGTH golden_lines golden_count)
if(NOT made_count EQUAL golden_count)
  list(REMOVE_ITEM made_lines ${golden_lines})
  list(FILTER made_lines EXCLUDE REGEX "^#")
  list(JOIN made_lines "\n  " missing)
  message(FATAL_ERROR "hans_bits prints lines that tests/golden/bits.txt lacks: add them, each once, and leave the others "
                      "as they are:\n  ${missing}")
endif()

# Released bits stay for this MAJOR (0.MINOR), even if the golden file has changed.
find_package(Git QUIET)
if(Git_FOUND AND EXISTS "${SOURCE}/.git")
  series("${VERSION}" own_series)
  execute_process(COMMAND "${GIT_EXECUTABLE}" -C "${SOURCE}" tag --list "v${own_series}.*" OUTPUT_VARIABLE tags
                  ERROR_QUIET)
  string(REGEX MATCHALL "[^\n]+" tags "${tags}")
  foreach(tag IN LISTS tags)
    execute_process(COMMAND "${GIT_EXECUTABLE}" -C "${SOURCE}" show "${tag}:tests/golden/bits.txt"
                    OUTPUT_VARIABLE released ERROR_QUIET)
    compare("${released}" "release ${tag}")
  endforeach()
endif()
