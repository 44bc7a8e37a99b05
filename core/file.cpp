// File access by system calls, because std::ofstream can neither create a file exclusively nor flush to disk.
#include <hans/core/file.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <new>
#include <optional>
#include <system_error>
#include <utility>

#include <hans/core/error.hpp>
#include "detail/system_calls.hpp"

namespace hans {
namespace {

namespace fs = std::filesystem;
namespace os = system_calls;

[[noreturn]] void fail(std::string_view what, const fs::path& path, std::string_view why) {
  throw Error(text("cannot ", what, " ", in_quotes(path.string()), ": ", why));
}

[[noreturn]] void fail(std::string_view what, const fs::path& path, int code) {
  fail(what, path, std::generic_category().message(code));
}

/// An open file. Wraps all system calls on it.
class Handle {
 public:
  /// Opens `path`. On failure, error() is the value of errno.
  Handle(const fs::path& path, int flags) {
    if (path.native().find(fs::path::value_type{}) != fs::path::string_type::npos) {
      error_ = EINVAL;  // the system would end the name at the zero byte
      return;
    }
    do {
      file_ = os::open_file(path, flags);
    } while (file_ < 0 && errno == EINTR);
    error_ = file_ < 0 ? errno : 0;
  }
  /// Duplicates a descriptor that the process holds; both share one position.
  explicit Handle(int descriptor) : file_(os::duplicate(descriptor)), error_(file_ < 0 ? errno : 0) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (file_ >= 0) os::close_file(file_);
  }

  int error() const { return error_; }

  os::Status status() const { return os::status_of(file_); }

  /// Reads up to `size` bytes. Returns 0 at the end, or -1 with error() set on failure.
  std::ptrdiff_t read(char* to, std::size_t size) {
    for (;;) {
      const std::ptrdiff_t got = os::read_some(file_, to, size);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) error_ = errno;
      return got;
    }
  }

  // These return 0 or the value of errno.
  int write(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::ptrdiff_t put = os::write_some(file_, bytes.data(), std::min(bytes.size(), std::size_t{1} << 30));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return errno;
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return 0;
  }
  int flush() {
    while (os::flush(file_) != 0) {
      // Pipes and most devices cannot be flushed and report this.
      if (errno == EINVAL || errno == EROFS || errno == ENOTSUP) return 0;
      if (errno != EINTR) return errno;
    }
    return 0;
  }
  int permit(fs::perms permissions) { return os::permit(file_, permissions) == 0 ? 0 : errno; }
  int close() {
    // Not repeated on EINTR: the descriptor is already closed.
    const int result = os::close_file(std::exchange(file_, -1)) == 0 ? 0 : errno;
    return result == EINTR ? 0 : result;
  }

 private:
  int file_ = -1;
  int error_ = 0;
};

/// The destination of a write.
struct Target {
  fs::path path;        ///< after following all links
  bool direct = false;  ///< a device, a pipe or an open descriptor: written directly, not replaced
  int descriptor = -1;  ///< a descriptor that this process has open (/dev/stdout)
  bool exists = false;
  fs::perms permissions = fs::perms::none;
};

Target find_target(const fs::path& path) {
  Target target{path};
  if (path.empty()) throw Error("cannot write a file without a name");
  std::error_code error;
  for (int links = 0; fs::is_symlink(fs::symlink_status(target.path, error)); ++links) {
    if (links == 40) fail("write", path, ELOOP);
    // Links in /proc lead to open files, whose name may be gone or belong to another file by now.
    const fs::path folder = fs::canonical(target.path.parent_path().empty() ? "." : target.path.parent_path(), error);
    if (!error && folder.string().starts_with("/proc/")) {
      target.direct = true;
      std::uint64_t number = 0;
      const bool own = folder == text("/proc/", os::process(), "/fd");
      if (own && read_number(target.path.filename().string(), number)) target.descriptor = static_cast<int>(number);
      break;
    }
    const fs::path next = fs::read_symlink(target.path, error);
    if (error) fail("write", path, error.message());
    target.path = next.is_absolute() ? next : target.path.parent_path() / next;
  }
  const fs::file_status status = fs::status(target.path, error);
  if (fs::is_directory(status)) fail("write", path, "it is a directory; name a file");
  if (!target.path.has_filename()) fail("write", path, "it names a folder that does not exist; name a file");
  if (status.type() == fs::file_type::none) fail("write", path, error.message());
  target.exists = fs::exists(status);
  target.permissions = status.permissions();
  if (target.exists && !fs::is_regular_file(status)) target.direct = true;
  if (target.exists && !os::writable(target.path)) fail("write", path, errno);
  return target;
}

/// The name of a file being written, in a place where a signal handler finds it. If more than `most` writes run at
/// once, the further ones have no place, and their files stay if a signal ends the process.
class Unfinished {
 public:
  static constexpr std::size_t most = 16;

  explicit Unfinished(const fs::path& path) {
    const fs::path::string_type& name = path.native();
    for (Place& place : places) {
      int state = free;
      if (name.size() >= place.name.size() || !place.state.compare_exchange_strong(state, taken)) continue;
      *std::copy(name.begin(), name.end(), place.name.begin()) = 0;
      place.state = named;
      place_ = &place;
      return;
    }
  }
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  ~Unfinished() {
    if (place_ != nullptr) place_->state = free;
  }

  static void remove_all() noexcept {
    for (const Place& place : places) {
      if (place.state == named) os::remove_file(place.name.data());
    }
  }

 private:
  static constexpr int free = 0, taken = 1, named = 2;
  struct Place {
    std::atomic<int> state{free};
    std::array<fs::path::value_type, 4096> name;
  };
  static_assert(std::atomic<int>::is_always_lock_free, "a signal handler reads it");
  static std::array<Place, most> places;

  Place* place_ = nullptr;
};
constinit std::array<Unfinished::Place, Unfinished::most> Unfinished::places{};

/// How the names of temporary files for `target` begin. Shortened, so that long names leave room for the suffix.
std::string beginning_beside(const fs::path& target) {
  return text('.', target.filename().string().substr(0, 200), ".tmp-");
}

/// Removes temporary files of ended processes beside the target; their names are the beginning, then PROCESS-NUMBER.
void remove_left_behind(const fs::path& target) {
  const std::string start = beginning_beside(target);
  const fs::path folder = target.parent_path().empty() ? "." : target.parent_path();
  std::error_code ignored;
  fs::directory_iterator entry(folder, ignored);
  for (; !ignored && entry != fs::directory_iterator(); entry.increment(ignored)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(start)) continue;
    const std::string_view rest = std::string_view(name).substr(start.size());
    const std::size_t dash = std::min(rest.find('-'), rest.size());
    std::uint64_t process = 0, number = 0;
    const bool ours = read_number(rest.substr(0, dash), process) && dash < rest.size() &&
                      read_number(rest.substr(dash + 1), number) && process > 0 && process < 1U << 31U;
    if (ours && os::has_ended(static_cast<int>(process))) os::remove_file(entry->path().c_str());
  }
}

/// A temporary file beside the target; removed unless it was renamed into place.
class Beside {
 public:
  explicit Beside(const fs::path& target) {
    static std::atomic<unsigned> count{0};
    const fs::path folder = target.parent_path();
    const std::string start = text(beginning_beside(target), os::process(), '-');
    for (int attempt = 0; attempt < 1000; ++attempt) {
      path_ = folder / text(start, count++);
      unfinished_.emplace(path_);  // registered before it exists: a signal may arrive in between
      file_.emplace(path_, O_WRONLY | O_CREAT | O_EXCL);
      if (file_->error() == 0) return;
      if (file_->error() != EEXIST) break;
    }
    std::error_code ignored;
    const bool missing = !fs::is_directory(folder.empty() ? "." : folder, ignored);
    if (missing) fail("write", target, text("the folder ", in_quotes(folder.string()), " is not there; create it"));
    fail("write", target, file_->error());
  }
  Beside(const Beside&) = delete;
  Beside& operator=(const Beside&) = delete;
  ~Beside() {
    if (!renamed_) os::remove_file(path_.c_str());
  }

  Handle& file() { return *file_; }

  void rename_to(const fs::path& target) {
    std::error_code error;
    fs::rename(path_, target, error);
    if (error) fail("write", target, error.message());
    renamed_ = true;
    // Best effort: without it, a power cut may restore the old file, which is still whole.
    os::flush_folder(target.parent_path());
  }

 private:
  fs::path path_;
  std::optional<Unfinished> unfinished_;
  std::optional<Handle> file_;
  bool renamed_ = false;
};

void must(int code, const fs::path& path) {
  if (code != 0) fail("write", path, code);
}

}  // namespace

std::string read_file(const fs::path& path, std::uint64_t most) {
  Handle file(path, O_RDONLY);
  if (file.error() != 0) fail("read", path, file.error());
  const os::Status status = file.status();
  if (status.directory) fail("read", path, "it is a directory; name a file");
  if (status.device) fail("read", path, "it is a device; name a file");
  if (!status.regular) most = std::min(most, most_of_pipe);
  const auto too_long = [&] { fail("read", path, text("it is longer than the ", most, " bytes allowed here")); };
  // The size is only an estimate: the file may change meanwhile, and a pipe has none.
  const auto expected = status.regular ? status.size : 0;
  if (expected > most) too_long();
  try {
    std::string bytes;
    std::size_t used = 0;
    for (;;) {
      if (used == bytes.size()) {
        const std::uint64_t first = used == 0 ? expected + 1 : 0;  // one more byte detects the end early
        bytes.resize(std::max<std::size_t>({used + used / 2, std::size_t{65536}, static_cast<std::size_t>(first)}));
      }
      const std::ptrdiff_t got = file.read(bytes.data() + used, std::min(bytes.size() - used, std::size_t{1} << 30));
      if (got < 0) fail("read", path, file.error());
      used += static_cast<std::size_t>(got);
      if (used > most) too_long();
      if (got == 0) break;
    }
    bytes.resize(used);
    return bytes;
  } catch (const std::bad_alloc&) {
    throw MemoryError(text("cannot read ", in_quotes(path.string()), ": it does not fit into memory"));
  }
}

void write_file(const fs::path& path, std::string_view bytes) {
  const Target target = find_target(path);
  if (target.direct) {
    std::optional<Handle> opened;
    if (target.descriptor >= 0) {
      opened.emplace(target.descriptor);
    } else {
      opened.emplace(target.path, O_WRONLY | O_APPEND);  // keep the content that a stream already has
    }
    Handle& file = *opened;
    must(file.error(), path);
    must(file.write(bytes), path);
    must(file.flush(), path);
    must(file.close(), path);
    return;
  }
  Beside beside(target.path);
  if (target.exists) {
    must(beside.file().permit(target.permissions), path);
  }
  must(beside.file().write(bytes), path);
  must(beside.file().flush(), path);
  must(beside.file().close(), path);
  beside.rename_to(target.path);
}

void remove_unfinished_files() noexcept { Unfinished::remove_all(); }

void check_writable(const fs::path& path) {
  const Target target = find_target(path);
  // Do not open a pipe here: its reader would take the close for the end of the data.
  if (target.direct) return;
  Beside beside(target.path);
  remove_left_behind(target.path);
}

}  // namespace hans
