# Turns mnist-5k/*.gz into a C++ source, so that the data set is compiled into the library:
#   cmake -DFOLDER=data/mnist-5k -DOUT=mnist_5k_bytes.cpp -P data/embed.cmake
# defines hans::data::embedded::images and labels (unsigned char arrays) with images_size and labels_size.
# Needs nothing but CMake and takes about a second.
set(source "// Made by data/embed.cmake.\nnamespace hans::data::embedded {\n")
foreach(name IN ITEMS images labels)
  file(GLOB path "${FOLDER}/${name}-*.gz")
  file(READ "${path}" hex HEX)
  string(LENGTH "${hex}" digits)
  if(digits EQUAL 0)
    message(FATAL_ERROR "${FOLDER} holds no ${name}; take it from the source distribution again")
  endif()
  math(EXPR size "${digits} / 2")
  string(REPEAT "." 64 line)
  string(REGEX REPLACE "(${line})" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
  string(APPEND source
         "extern const unsigned char ${name}[];\nextern const unsigned long ${name}_size;\n"
         "const unsigned char ${name}[] = {\n${hex}};\nconst unsigned long ${name}_size = ${size};\n")
endforeach()
string(APPEND source "}  // namespace hans::data::embedded\n")
file(WRITE "${OUT}" "${source}")
