# Turns files into a C++ source, so that they are compiled into library or command:
#   cmake -DNAMESPACE=hans::data::embedded "-DFILES=images=data/images.gz,labels=data/labels.gz" -DOUT=bytes.cpp -P data/embed.cmake
# defines hans::data::embedded::images and labels (unsigned char arrays) with images_size and labels_size. A name without a
# file (labels=) gets the size 0.
# Needs nothing but CMake and takes about a second.
set(source "// Made by data/embed.cmake.\nnamespace ${NAMESPACE} {\n")
string(REPLACE "," ";" FILES "${FILES}")
string(REPEAT "." 64 line)
foreach(file IN LISTS FILES)
  string(REGEX MATCH "^([a-z0-9_]+)=(.*)$" parts "${file}")
  set(name "${CMAKE_MATCH_1}")
  set(path "${CMAKE_MATCH_2}")
  set(hex "")
  if(path)
    file(READ "${path}" hex HEX)
    if(hex STREQUAL "")
      message(FATAL_ERROR "${path} is empty; take it from the source distribution again")
    endif()
  endif()
  string(LENGTH "${hex}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "(${line})" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
  string(APPEND source
         "extern const unsigned char ${name}[];\nextern const unsigned long ${name}_size;\n"
         "const unsigned char ${name}[] = {\n${hex}0};\nconst unsigned long ${name}_size = ${size};\n")
endforeach()
string(APPEND source "}  // namespace ${NAMESPACE}\n")
file(WRITE "${OUT}" "${source}")
