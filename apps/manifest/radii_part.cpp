// The results of `hans certify --radius` on a part of the images.
#include "radii_part.hpp"

#include <hans/core/file.hpp>
#include <hans/core/version.hpp>
#include "../../core/text/detail/utf8.hpp"
#include "../commands.hpp"
#include "certified_part.hpp"
#include "parts.hpp"
#include "reading.hpp"

namespace hans::apps {

Json question_json(const RadiiPart& part) {
  Json json = subject_json(part.subject);
  json.set("images", part.slice.whole)
      .set("norm", enum_name(part.asked.norm))
      .set("method", enum_name(part.asked.method))
      .set("nodes", part.asked.nodes)
      .set("timeout", part.asked.seconds > 0 ? Json(part.asked.seconds) : Json())
      .set("attacks", column(part.attacks, std::identity()));
  return json;
}

Json whole_json(const RadiiPart& whole) {
  const defenses::CertifyOptions& asked = whole.asked;
  Json json = clean_json(whole.subject, whole.found.right());
  json.set("data_size", whole.subject.data_size);
  json.set("radius", Json::object({{"norm", enum_name(asked.norm)},
                                   {"method", enum_name(asked.method)},
                                   {"nodes", asked.nodes},
                                   {"timeout", asked.seconds > 0 ? Json(asked.seconds) : Json()},
                                   {"attacks", column(whole.attacks, std::identity())},
                                   {"step", 1.0 / radii_per_unit},
                                   {"not_reproducible", whole.found.late},
                                   {"seconds", whole.found.seconds}}));
  json.set("radii", radii_json(whole.found));
  return json;
}

Json part_json(const RadiiPart& part) {
  Json json = whole_json(part);
  json.set("part", slice_json(part.slice));
  return json;
}

std::string report_of(const RadiiPart& part) {
  const Slice& slice = part.slice;
  return text(part.subject.model, " on ", images_text(part.subject, slice.count, slice.first), ", ",
              enum_name(part.asked.norm), "\n\n", radii_text(part.found),
              slice.complete() ? "" : text("\n", part_text(slice), "\n"));
}

bool is_radii(const Json& json) { return json.is_object() && json.find("radii") != nullptr; }

namespace {

RadiiPart radii_of(const Json& all) {
  check(is_radii(all), "it has no results of hans certify --radius");
  RadiiPart part{{}, {}, {.eps = 0.0F}};
  read_subject(all, part.subject, part.slice);
  const Json& radius = all.at("radius");
  part.asked.norm = enum_of<Norm>(radius.at("norm"));
  part.asked.method = enum_of<defenses::CertifyMethod>(radius.at("method"));
  part.asked.nodes = radius.at("nodes").natural();
  if (const Json& timeout = radius.at("timeout"); !timeout.is_null()) part.asked.seconds = timeout.number();
  for (const Json& spec : radius.at("attacks").items()) part.attacks.push_back(visible(spec.string()));
  part.found.late = count_at(radius, "not_reproducible");
  part.found.seconds = radius.at("seconds").number();
  const Json::Array& rows = all.at("radii").items();
  check(rows.size() == part.slice.count, "there are radii of ", rows.size(), " images, of ", part.slice.count);
  for (const std::size_t k : places(rows.size())) {
    const Radius& one = part.found.all.emplace_back(read_radius(rows[k]));
    check(one.index == part.slice.first + k, "radius ", k, " is of image ", one.index, ", not ", part.slice.first + k);
    check(one.right() || (!one.certified && !one.attacked), "image ", one.index, " is wrong, and has a radius");
    if (one.certified && one.attacked) {
      check(*one.certified < *one.attacked, "image ", one.index, " is certified within ", *one.certified, "/",
            radii_per_unit, ", and attacked within ", *one.attacked, "/", radii_per_unit);
    }
  }
  const std::size_t right = part.found.right().part();
  check(part.found.late <= (part.asked.seconds > 0 ? right : 0), "the clock cut short ", part.found.late, " of ", right,
        part.asked.seconds > 0 ? " right images" : " right images, and there is no clock");
  check_follows(all.find("part") != nullptr ? part_json(part) : whole_json(part), without_reservation(all), "it",
                build_version());
  return part;
}

}  // namespace

RadiiPart parse_radii_part(std::string_view bytes) {
  const Json all = Json::parse(bytes);
  check(is_radii(all), "it has no results of hans certify --radius");
  check_is_part(all);
  return radii_of(all);
}

RadiiPart parse_radii(std::string_view bytes) { return radii_of(Json::parse(bytes)); }

RadiiPart read_radii_part(const std::filesystem::path& path) {
  return of_json_file(path, [](std::string_view bytes) { return parse_radii_part(bytes); });
}

RadiiPart merge(std::span<const RadiiPart> parts, std::span<const std::string> names) {
  std::vector<Part> all;
  for (const std::size_t k : places(parts.size())) all.push_back({names[k], parts[k].slice, question_json(parts[k])});
  const std::vector<std::size_t> order = in_order(all, runs_of_certify);
  RadiiPart whole = parts[order[0]];
  for (const std::size_t next : std::span(order).subspan(1)) {
    extend(whole.found, parts[next].found);
    whole.slice.count += parts[next].slice.count;
  }
  return whole;
}

void go_on(RadiiPart& part, const SavedWork& progress, std::size_t count) {
  if (!progress.exists()) return;
  const RadiiPart done = progress.read([](std::string_view bytes) { return parse_radii_part(bytes); });
  progress.check_same(question_json(done).dump() == question_json(part).dump() &&
                      done.slice.first == part.slice.first && done.slice.count <= count);
  note(text(progress.path(), " has the first ", done.slice.count, " images, going on from there"));
  part.found = done.found;
  part.slice.count = done.slice.count;
}

}  // namespace hans::apps
