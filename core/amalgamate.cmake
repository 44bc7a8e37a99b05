# Writes the library as two files, for programs without a build system that could build it:
#   cmake -DSOURCE=folder "-DSOURCES=core/file.cpp;..." -DATTACKS=all -DOUT=folder -P core/amalgamate.cmake
# hans_all.hpp contains <hans/hans.hpp> with all its includes, hans_all.cpp the sources and the remaining headers. Each
# header replaces its first include; includes of the standard library stay in place.
cmake_minimum_required(VERSION 3.25)
set_property(GLOBAL PROPERTY seen "")

# Appends the text of `file` to the output, with the project's includes expanded.
function(expand file)
  if(NOT IS_ABSOLUTE "${file}")
    set(file "${SOURCE}/${file}")
  endif()
  file(READ "${file}" text)
  # Brackets and semicolons are special in CMake lists, so the text is split at each directive without using lists.
  while(text MATCHES "(^|\n)#(pragma once|include (<hans/[^>]*>|\"[^\"]*\"))[^\n]*\n")
    set(directive "${CMAKE_MATCH_0}")
    set(named "${CMAKE_MATCH_3}")
    string(FIND "${text}" "${directive}" at)
    string(LENGTH "${directive}" length)
    string(SUBSTRING "${text}" 0 ${at} before)
    math(EXPR at "${at} + ${length}")
    string(SUBSTRING "${text}" ${at} -1 text)
    set_property(GLOBAL APPEND_STRING PROPERTY written "${before}\n")
    if(named MATCHES "<hans/([a-z]+)/(.*)>")
      set(named "${SOURCE}/${CMAKE_MATCH_1}/include/hans/${CMAKE_MATCH_1}/${CMAKE_MATCH_2}")
    elseif(named MATCHES "\"(.*)\"")
      cmake_path(GET file PARENT_PATH folder)
      cmake_path(SET named NORMALIZE "${folder}/${CMAKE_MATCH_1}")
    endif()
    get_property(seen GLOBAL PROPERTY seen)
    if(named MATCHES "\\.inl$")  # expanded at every include
      expand("${named}")
    elseif(named AND NOT named IN_LIST seen)
      set_property(GLOBAL APPEND PROPERTY seen "${named}")
      expand("${named}")
    endif()
    set(text "\n${text}")  # so that a directive on the next line matches
  endwhile()
  set_property(GLOBAL APPEND_STRING PROPERTY written "${text}")
endfunction()

# Writes `head`, then the expansion of all further arguments, to `file`.
function(write file head)
  set_property(GLOBAL PROPERTY written "${head}")
  foreach(part IN LISTS ARGN)
    expand("${part}")
  endforeach()
  get_property(written GLOBAL PROPERTY written)
  string(REGEX REPLACE "\n\n\n+" "\n\n" written "${written}")
  file(WRITE "${OUT}/${file}" "${written}")
endfunction()

file(STRINGS "${SOURCE}/core/include/hans/core/version.hpp" version REGEX "version = \"")
string(REGEX REPLACE ".*\"([0-9.]+)\".*" "\\1" version "${version}")
file(READ "${SOURCE}/LICENSE" license)
string(REPLACE "\n" "\n// " license "${license}")
string(REPLACE "// \n" "//\n" license "${license}")
string(REGEX REPLACE "// $" "" license "${license}")
set(title "hans ${version} in two files, made by core/amalgamate.cmake.\n//\n// ${license}")

write(hans_all.hpp "// The headers of ${title}#pragma once\n" apps/include/hans/hans.hpp)
write(hans_all.cpp "// The sources of ${title}#include \"hans_all.hpp\"\n#define HANS_ATTACKS \"${ATTACKS}\"\n" ${SOURCES})
