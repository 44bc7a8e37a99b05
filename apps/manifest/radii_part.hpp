// The results of `hans certify --radius` on a part of the images, and how parts become a whole.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../run/progress.hpp"
#include "../run/radii.hpp"
#include "shard.hpp"

namespace hans::apps {

struct RadiiPart {
  Subject subject;
  Slice slice;  ///< the images done
  /// How each radius was certified: norm, method, nodes and seconds of these, and the attacks, without eps.
  defenses::CertifyOptions asked;
  std::vector<std::string> attacks = {};
  RadiiFound found = {};
};

/// What two runs must share to be parts of one.
Json question_json(const RadiiPart& part);

/// The results of the part, with the key `part`; and those of a whole.
Json part_json(const RadiiPart& part);
Json whole_json(const RadiiPart& whole);

/// What people read.
std::string report_of(const RadiiPart& part);

/// Whether JSON holds results of `hans certify --radius`, of a part or of a whole.
bool is_radii(const Json& json);

/// A part back from the bytes of its JSON. Throws Error that says what is wrong: no part, of another version, or
/// numbers that cannot be or do not follow from the radii.
RadiiPart parse_radii_part(std::string_view bytes);

/// The same of a part or of a whole.
RadiiPart parse_radii(std::string_view bytes);

/// parse_radii_part() of a file, whose name is put in front of errors.
RadiiPart read_radii_part(const std::filesystem::path& path);

/// Joins parts, in any order, to a whole. Throws what in_order() throws. `names`: the file of each part.
RadiiPart merge(std::span<const RadiiPart> parts, std::span<const std::string> names);

/// Takes over what the file of progress has of `count` images, if there is one. Throws Error if it is damaged or of
/// another run.
void go_on(RadiiPart& part, const SavedWork& progress, std::size_t count);

}  // namespace hans::apps
