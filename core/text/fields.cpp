// The type-independent parts of parameter handling: ranges, errors and lists.
#include <hans/core/fields.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include "detail/meant.hpp"

namespace hans {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

template <class Number>
void check_in(Number value, const Range& range) {
  // Compare with the limits in the value's own type: 0.1 as a float is greater than 0.1 as a double.
  auto low = range.low;
  auto high = range.high;
  if constexpr (std::same_as<Number, float>) {
    low = static_cast<float>(low);
    high = static_cast<float>(high);
  }
  const auto wide = static_cast<double>(value);
  if ((range.low_open ? wide > low : wide >= low) && (range.high_open ? wide < high : wide <= high)) return;
  check_usage(value == value, "NaN is no value");
  const std::string allowed = text(range);
  throw UsageError(text("out of range; allowed: ", allowed.empty() ? "any finite number" : allowed));
}

Json float_json(double value, Json finite) {
  if (std::isfinite(value)) return finite;
  return Json(text(value));
}

}  // namespace

void append(std::string& out, const Range& range) {
  std::string said;
  const auto say = [&said](std::string_view joint, std::string_view relation, double limit) {
    if (!said.empty()) append(said, joint);
    append(said, relation);
    append(said, limit);
  };
  if (range.low != -infinity) say(" and ", range.low_open ? "> " : ">= ", range.low);
  if (range.high != infinity) say(" and ", range.high_open ? "< " : "<= ", range.high);
  if (range.low == -infinity && !range.low_open) say(" ", "or ", range.low);
  if (range.high == infinity && !range.high_open) say(" ", "or ", range.high);
  append(out, said);
}

std::string allowed_text(std::span<const FieldInfo> fields) {
  std::string out;
  for (const FieldInfo& info : fields) {
    if (!out.empty()) append(out, ", ");
    append(out, info.name);
    append(out, " (");
    append(out, info.kind);
    if (!info.range.empty()) append(out, ' ');
    append(out, info.range);
    append(out, info.required ? ", " : ", default ");
    append(out, info.default_text);
    append(out, ')');
  }
  if (out.empty()) out = "no parameters";
  return out;
}

namespace detail {

Json number_json(float value) { return float_json(static_cast<double>(value), Json(value)); }
Json number_json(double value) { return float_json(value, Json(value)); }

void check_range(float value, const Range& range) { check_in(value, range); }
void check_range(double value, const Range& range) { check_in(value, range); }
void check_range(std::int64_t value, const Range& range) { check_in(value, range); }
void check_range(std::uint64_t value, const Range& range) { check_in(value, range); }

void refuse_integer(const Range& range, std::string_view least, std::string_view most) {
  throw UsageError(text("not an integer from ", range.low == -infinity ? std::string(least) : text(range.low), " to ",
                        range.high == infinity ? std::string(most) : text(range.high)));
}

std::vector<FieldInfo> describe_members(std::span<const Member> blank) {
  std::vector<FieldInfo> all;
  for (const Member& member : blank) {
    FieldInfo info;
    info.name = member.name;
    info.kind = member.kind->kind(member.range);
    if (member.kind->required) {
      info.default_text = "required";
    } else if (const void* value = member.value()) {
      member.kind->append(info.default_text, value);
      if (member.kind->takes_spec) info.default_text = text('[', info.default_text, ']');
    } else {
      info.default_text = member.unset;
    }
    if (member.kind->is_number) append(info.range, member.range);
    info.meaning = member.meaning;
    info.required = member.kind->required;
    all.push_back(std::move(info));
  }
  return all;
}

namespace {

/// Throws UsageError that says which value of which key is refused, and why.
[[noreturn]] void refuse_value(std::string_view name, const Spec::Item& item, std::string_view why) {
  const std::string value = item.nested ? text('[', item.value, ']') : item.value;
  throw UsageError(text(name, ": ", item.key, " = ", in_quotes(value), " is refused: ", why));
}

/// Throws UsageError if an item has no field or a required field has no item; the message lists what is allowed.
void check_items(const Spec& spec, std::span<const Member> blank) {
  const auto allowed = [blank] { return allowed_text(describe_members(blank)); };
  for (const Spec::Item& item : spec.items) {
    const bool known = std::any_of(blank.begin(), blank.end(), [&](const auto& of) { return of.name == item.key; });
    check_usage(known, spec.name, ": unknown parameter ", in_quotes(item.key),
                known ? "" : did_you_mean(item.key, blank, &Member::name), "allowed: ", known ? "" : allowed());
    const bool once = spec.find(item.key) == &item;
    check_usage(once, spec.name, ": the parameter ", item.key,
                " is given twice; allowed once: ", once ? "" : allowed());
  }
  for (const Member& member : blank) {
    const bool there = !member.kind->required || spec.find(member.name) != nullptr;
    check_usage(there, spec.name, ": ", member.name,
                " is missing and has no default; allowed: ", there ? "" : allowed());
  }
}

}  // namespace

void read_members(const Spec& spec, std::span<const Member> blank) {
  check_items(spec, blank);
  for (const Member& member : blank) {
    const Spec::Item* item = spec.find(member.name);
    if (item == nullptr) continue;
    try {
      check_usage(!item->nested || member.kind->takes_spec, "a plain value is wanted, not a SPEC in brackets");
      member.kind->read(item->value, member.range, member.place);
    } catch (const UsageError& error) {
      refuse_value(spec.name, *item, error.what());
    }
  }
}

void write_members(std::span<const Member> members, Spec& spec) {
  for (const Member& member : members) {
    const void* value = member.value();
    if (value == nullptr) continue;
    Spec::Item item{std::string(member.name), "", member.kind->takes_spec};
    member.kind->append(item.value, value);
    spec.items.push_back(std::move(item));
  }
}

void check_members(std::string_view name, std::span<const Member> members) {
  for (const Member& member : members) {
    const void* value = member.value();
    if (value == nullptr) continue;
    try {
      member.kind->check(value, member.range);
    } catch (const UsageError& error) {
      Spec::Item item{std::string(member.name), ""};
      member.kind->append(item.value, value);
      refuse_value(name, item, error.what());
    }
  }
}

Json members_json(std::span<const Member> members) {
  Json object = Json::object();
  for (const Member& member : members) {
    if (const void* value = member.value()) object.set(std::string(member.name), member.kind->json(value));
  }
  return object;
}

}  // namespace detail
}  // namespace hans
