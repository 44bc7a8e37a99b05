// Operating system calls for files, with POSIX names and semantics; private to file.cpp.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>

#ifdef _WIN32
#include <io.h>
#include <process.h>
#else
#include <unistd.h>
#endif

namespace hans::system_calls {

struct Status {
  bool directory = false, regular = false, device = false;
  std::uint64_t size = 0;
};

// Like the POSIX functions, these return -1 and set errno on failure.
#ifdef _WIN32

inline int open_file(const std::filesystem::path& path, int flags) {
  return ::_wopen(path.c_str(), flags | _O_BINARY | _O_NOINHERIT, _S_IREAD | _S_IWRITE);
}
inline int duplicate(int file) { return ::_dup(file); }
inline int close_file(int file) { return ::_close(file); }
inline std::ptrdiff_t read_some(int file, char* to, std::size_t size) {
  return ::_read(file, to, static_cast<unsigned>(size));
}
inline std::ptrdiff_t write_some(int file, const char* from, std::size_t size) {
  return ::_write(file, from, static_cast<unsigned>(size));
}
inline int flush(int file) { return ::_commit(file); }
inline int permit(int, std::filesystem::perms) { return 0; }         // Windows only has "read only"
inline int flush_folder(const std::filesystem::path&) { return 0; }  // Windows cannot open folders
inline int remove_file(const wchar_t* path) { return ::_wunlink(path); }
inline bool writable(const std::filesystem::path& path) { return ::_waccess(path.c_str(), 2) == 0; }
inline int process() { return ::_getpid(); }
inline bool has_ended(int) { return false; }  // unknown on Windows

#else

inline int open_file(const std::filesystem::path& path, int flags) {
  return ::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY, 0666);
}
inline int duplicate(int file) { return ::dup(file); }
inline int close_file(int file) { return ::close(file); }
inline std::ptrdiff_t read_some(int file, char* to, std::size_t size) { return ::read(file, to, size); }
inline std::ptrdiff_t write_some(int file, const char* from, std::size_t size) { return ::write(file, from, size); }
inline int flush(int file) { return ::fsync(file); }
inline int permit(int file, std::filesystem::perms permissions) {
  return ::fchmod(file, static_cast<mode_t>(permissions & std::filesystem::perms::all));
}
inline int remove_file(const char* path) { return ::unlink(path); }  // async-signal-safe
inline bool writable(const std::filesystem::path& path) { return ::access(path.c_str(), W_OK) == 0; }
inline int process() { return ::getpid(); }
inline bool has_ended(int process) { return ::getpgid(process) < 0 && errno == ESRCH; }
inline int flush_folder(const std::filesystem::path& path) {
  const int folder = open_file(path.empty() ? "." : path, O_RDONLY | O_DIRECTORY);
  if (folder < 0) return -1;
  const int result = flush(folder);
  close_file(folder);
  return result;
}

#endif

inline Status status_of(int file) {
  struct stat found {};
  if (::fstat(file, &found) != 0) return {};
  const auto kind = found.st_mode & S_IFMT;
#ifdef S_IFBLK
  const bool device = kind == S_IFCHR || kind == S_IFBLK;
#else
  const bool device = kind == S_IFCHR;
#endif
  return {kind == S_IFDIR, kind == S_IFREG, device, found.st_size > 0 ? static_cast<std::uint64_t>(found.st_size) : 0};
}

}  // namespace hans::system_calls
