// ONNX files on disk, and external data in files beside them.
#include <algorithm>
#include <map>
#include <memory>

#include <hans/core/error.hpp>
#include <hans/core/file.hpp>
#include <hans/nn/onnx_file.hpp>

namespace hans::nn::onnx {

External files_beside(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  struct Files {
    std::map<fs::path, Bytes> read;
    std::uint64_t size = 0, taken = 0;  // total size of the files, and bytes used by tensors so far
  };
  return [folder = fs::absolute(path).parent_path(), files = std::make_shared<Files>()](
             const std::string& name, std::int64_t offset, std::int64_t length) {
    const fs::path relative(name);
    // The system would end the name at a zero byte and open another file.
    bool inside = !name.empty() && name.find('\0') == std::string::npos && relative.is_relative();
    for (const fs::path& part : relative) inside = inside && part != "..";
    std::error_code ignored;
    const fs::path real_folder = fs::weakly_canonical(folder, ignored);
    const fs::path target = fs::weakly_canonical(folder / relative, ignored);
    inside = inside && std::mismatch(real_folder.begin(), real_folder.end(), target.begin(), target.end()).first ==
                           real_folder.end();
    check(inside, "its numbers lie in ", in_quotes(name), ", which is not beside it or below");
    auto found = files->read.find(target);
    if (found == files->read.end()) {
      check(fs::is_regular_file(target, ignored), "its numbers lie in ", in_quotes(name), ", which is no file");
      found = files->read.emplace(target, read_file(target)).first;
      files->size += found->second.size();
    }
    const Bytes& bytes = found->second;
    const auto size = static_cast<std::int64_t>(bytes.size());
    check(0 <= offset && offset <= size && 0 <= length && length <= size - offset, in_quotes(name), " has ", size,
          " bytes; ", length, " from ", offset, " on are wanted");
    files->taken += static_cast<std::uint64_t>(length);
    check(files->taken <= 2 * files->size, "its tensors take the numbers of ", in_quotes(name),
          " more than twice over");
    return bytes.part(static_cast<std::size_t>(offset), static_cast<std::size_t>(length));
  };
}

File load(const std::filesystem::path& path) {
  return parse(read_file(path), in_quotes(path.string()), files_beside(path));
}

}  // namespace hans::nn::onnx
