// Reading and writing ZIP archives.
#include "detail/zip.hpp"

#include <algorithm>

#include <hans/core/error.hpp>
#include "detail/bytes.hpp"
#include "detail/checksum.hpp"
#include "detail/inflate.hpp"

namespace hans::data {

namespace {

// PKWARE's APPNOTE.TXT, sections 4.3 and 4.4, names these records.
constexpr std::uint32_t local_header = 0x04034b50, directory_header = 0x02014b50, end_record = 0x06054b50,
                        end64_record = 0x06064b50, end64_locator = 0x07064b50;
constexpr std::uint32_t all32 = 0xffffffff;  // "the number is in the 64-bit field"
constexpr std::uint16_t all16 = 0xffff;
constexpr std::uint16_t extra64 = 1;

struct Directory {
  std::uint64_t entries, size, begin;
};

Directory find_directory(std::string_view file) {
  constexpr std::size_t length = 22, longest_comment = 0xffff, locator_length = 20, end64_length = 56;
  check(file.size() >= length, "not a ZIP archive: it has only ", file.size(), " bytes");
  std::size_t at = file.size() - length;
  const std::size_t lowest = at - std::min(at, longest_comment);
  const auto is_end = [&] {
    return little<std::uint32_t>(&file[at]) == end_record &&
           little<std::uint16_t>(&file[at + 20]) == file.size() - at - length;
  };
  while (!is_end()) check(at-- > lowest, "not a ZIP archive, or one that was cut short: its end record is missing");

  Directory found{little<std::uint16_t>(&file[at + 10]), little<std::uint32_t>(&file[at + 12]),
                  little<std::uint32_t>(&file[at + 16])};
  std::uint32_t disks = little<std::uint32_t>(&file[at + 4]);
  std::uint64_t end = at;
  if ((found.entries == all16 || found.size == all32 || found.begin == all32) && at >= locator_length &&
      little<std::uint32_t>(&file[at - locator_length]) == end64_locator) {
    end = little<std::uint64_t>(&file[at - locator_length + 8]);
    check(end <= at && at - end >= locator_length + end64_length &&
              little<std::uint32_t>(&file[static_cast<std::size_t>(end)]) == end64_record,
          "the ZIP archive is broken: its 64-bit end record is missing");
    const char* record = &file[static_cast<std::size_t>(end)];
    found = {little<std::uint64_t>(record + 32), little<std::uint64_t>(record + 40),
             little<std::uint64_t>(record + 48)};
    disks = little<std::uint32_t>(record + 16) | little<std::uint32_t>(record + 20);
  }
  check(disks == 0, "the ZIP archive is split over several files");
  check(found.begin <= end && found.size <= end - found.begin,
        "the ZIP archive is broken: its directory lies outside the file");
  return found;
}

// Takes the 64-bit numbers for those fields that are all ones, in the order in which the standard has them.
void read_extra64(std::string_view extra, ZipEntry& entry) {
  while (extra.size() >= 4) {
    const auto id = little<std::uint16_t>(&extra[0]);
    const std::size_t length = little<std::uint16_t>(&extra[2]);
    extra.remove_prefix(4);
    check(length <= extra.size(), "the ZIP archive is broken: an extra field of ", in_quotes(entry.name),
          " is too long");
    if (id == extra64) {
      std::string_view rest = extra.substr(0, length);
      for (std::uint64_t* field : {&entry.size, &entry.packed, &entry.header}) {
        if (*field != all32) continue;
        check(rest.size() >= 8, "the ZIP archive is broken: a 64-bit number of ", in_quotes(entry.name), " is missing");
        *field = little<std::uint64_t>(rest.data());
        rest.remove_prefix(8);
      }
      return;
    }
    extra.remove_prefix(length);
  }
}

}  // namespace

std::vector<ZipEntry> read_zip_directory(std::string_view file) {
  constexpr std::size_t length = 46;
  const Directory found = find_directory(file);
  std::string_view rest = file.substr(static_cast<std::size_t>(found.begin), static_cast<std::size_t>(found.size));
  check(found.entries <= rest.size() / length, "the ZIP archive is broken: a directory of ", rest.size(),
        " bytes cannot have ", found.entries, " entries");
  std::vector<ZipEntry> entries;
  for (std::uint64_t k = 0; k < found.entries; ++k) {
    check(rest.size() >= length && little<std::uint32_t>(&rest[0]) == directory_header,
          "the ZIP archive is broken: entry ", k, " of its directory is missing");
    const std::size_t name = little<std::uint16_t>(&rest[28]), extra = little<std::uint16_t>(&rest[30]),
                      comment = little<std::uint16_t>(&rest[32]);
    check(name + extra + comment <= rest.size() - length, "the ZIP archive is broken: entry ", k,
          " of its directory is cut short");
    ZipEntry entry;
    entry.name = rest.substr(length, name);
    check((little<std::uint16_t>(&rest[8]) & 1) == 0, in_quotes(entry.name), " in the ZIP archive is encrypted");
    entry.method = little<std::uint16_t>(&rest[10]);
    entry.crc = little<std::uint32_t>(&rest[16]);
    entry.packed = little<std::uint32_t>(&rest[20]);
    entry.size = little<std::uint32_t>(&rest[24]);
    entry.header = little<std::uint32_t>(&rest[42]);
    read_extra64(rest.substr(length + name, extra), entry);
    entries.push_back(std::move(entry));
    rest.remove_prefix(length + name + extra + comment);
  }
  return entries;
}

std::string read_zip_entry(std::string_view file, const ZipEntry& entry, std::uint64_t most) {
  constexpr std::size_t length = 30;
  const auto broken = [&](std::string_view why) {
    return Error(text(in_quotes(entry.name), " in the ZIP archive is broken: ", why));
  };
  check(entry.size <= most, in_quotes(entry.name), " in the ZIP archive has ", entry.size, " bytes; at most ", most,
        " are allowed");
  if (entry.header > file.size() || file.size() - entry.header < length)
    throw broken("its header lies outside the file");
  std::string_view rest = file.substr(static_cast<std::size_t>(entry.header));
  if (little<std::uint32_t>(&rest[0]) != local_header) throw broken("its header is missing");
  const std::size_t name = little<std::uint16_t>(&rest[26]), extra = little<std::uint16_t>(&rest[28]);
  rest.remove_prefix(length);
  if (name + extra > rest.size() || rest.substr(0, name) != entry.name) throw broken("its header has another name");
  rest.remove_prefix(name + extra);
  if (entry.packed > rest.size()) throw broken("it ends after the file does");
  rest = rest.substr(0, static_cast<std::size_t>(entry.packed));

  std::string out;
  if (entry.method == 0) {
    if (entry.size != entry.packed) throw broken("it is stored but has two lengths");
    out = rest;
  } else if (entry.method == 8) {
    std::size_t taken = 0;
    try {
      taken = inflate(rest, out, entry.size);
    } catch (const Error& error) {
      throw broken(error.what());
    }
    if (taken != rest.size() || out.size() != entry.size) throw broken("its lengths do not fit its content");
  } else {
    throw broken(text("it uses compression method ", entry.method, "; only 0 (stored) and 8 (deflate) are known"));
  }
  if (crc32(out) != entry.crc) throw broken("its checksum is wrong");
  return out;
}

std::string write_zip(const std::vector<std::pair<std::string, std::string>>& entries, std::uint64_t zip64_from) {
  constexpr std::uint16_t version = 20, version64 = 45, is_utf8 = 1 << 11, first_day = 1 << 5 | 1;
  zip64_from = std::min<std::uint64_t>(zip64_from, all32);
  std::string out, directory;
  bool any64 = entries.size() >= all16;
  for (const auto& [name, content] : entries) {
    check(!name.empty() && name.size() <= all16, "an entry of a ZIP archive cannot have a name of ", name.size(),
          " bytes");
    const std::uint64_t size = content.size(), header = out.size();
    const bool is64 = size >= zip64_from || header >= zip64_from;
    any64 = any64 || is64;
    const auto put_common = [&, &name = name, &content = content](std::string& to, std::size_t extra) {
      put_little(to, is64 ? version64 : version);
      put_little(to, is_utf8);
      put_little(to, std::uint16_t{0});  // stored
      put_little(to, std::uint16_t{0});  // midnight
      put_little(to, first_day);         // 1980-01-01
      put_little(to, crc32(content));
      put_little(to, is64 ? all32 : static_cast<std::uint32_t>(size));
      put_little(to, is64 ? all32 : static_cast<std::uint32_t>(size));
      put_little(to, static_cast<std::uint16_t>(name.size()));
      put_little(to, static_cast<std::uint16_t>(is64 ? 4 + extra : 0));
    };
    const auto put_extra = [&](std::string& to, std::size_t extra) {
      if (!is64) return;
      put_little(to, extra64);
      put_little(to, static_cast<std::uint16_t>(extra));
      put_little(to, size);
      put_little(to, size);
      if (extra == 24) put_little(to, header);
    };
    put_little(directory, directory_header);
    put_little(directory, is64 ? version64 : version);
    put_common(directory, 24);
    directory.append(10, '\0');  // no comment, disk 0, no attributes
    put_little(directory, is64 ? all32 : static_cast<std::uint32_t>(header));
    directory += name;
    put_extra(directory, 24);

    put_little(out, local_header);
    put_common(out, 16);
    out += name;
    put_extra(out, 16);
    out += content;
  }
  const std::uint64_t begin = out.size(), size = directory.size(), count = entries.size();
  out += directory;
  any64 = any64 || begin >= zip64_from || size >= zip64_from;
  if (any64) {
    const std::uint64_t end = out.size();
    put_little(out, end64_record);
    put_little(out, std::uint64_t{44});  // the length of what follows
    put_little(out, version64);
    put_little(out, version64);
    out.append(8, '\0');  // disk 0
    for (const std::uint64_t number : {count, count, size, begin}) put_little(out, number);
    put_little(out, end64_locator);
    out.append(4, '\0');  // disk 0
    put_little(out, end);
    put_little(out, std::uint32_t{1});  // one disk
  }
  put_little(out, end_record);
  out.append(4, '\0');  // disk 0
  put_little(out, any64 ? all16 : static_cast<std::uint16_t>(count));
  put_little(out, any64 ? all16 : static_cast<std::uint16_t>(count));
  put_little(out, any64 ? all32 : static_cast<std::uint32_t>(size));
  put_little(out, any64 ? all32 : static_cast<std::uint32_t>(begin));
  put_little(out, std::uint16_t{0});  // no comment
  return out;
}

}  // namespace hans::data
