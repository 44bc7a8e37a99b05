// What the page calls beside the C interface and the command: the digits in it, and the golden bits.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <hans/data/dataset.hpp>

int hans_bits_main(int count, char** words);  // tests/bits.cpp, whose main() has this name here

extern "C" {

/// The number of digits in the page.
size_t hans_page_digit_count() { return hans::data::load("mnist-5k/test").size(); }

/// Their images, 28 x 28 features each, and labels.
void hans_page_digits(float* images, int32_t* labels) {
  const hans::data::Dataset digits = hans::data::load("mnist-5k/test");
  const hans::data::Samples all = digits.samples(0, digits.size());
  std::copy_n(all.images.data(), all.images.size(), images);
  std::ranges::copy(all.labels, labels);
}

/// Prints the lines of tests/golden/bits.txt as this instance computes them.
int hans_page_bits() {
  char name[] = "hans_bits", threads[] = "--threads", one[] = "1";
  char* words[] = {name, threads, one, nullptr};
  return hans_bits_main(3, words);
}
}
