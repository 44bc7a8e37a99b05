// What the commands that attack a model take.
#include <cmath>

#include <hans/apps/attack_run.hpp>

namespace hans::apps {

Request request_of(const AttackRun& options, const data::Dataset& data) {
  Request request;
  if (options.targets) request.targets = options.targets->targets;
  for (const auto& choice : options.attack.value().values) request.attacks.push_back(choice.value);
  if (options.at) request.radii = options.at->values;
  for (const attacks::Attack& attack : request.attacks) {
    const double most = attack.budget(data.image_shape(), data.box()).size;
    check_usage(request.radii.empty() || std::isinf(most), "--at is for attacks that look for the nearest image; ",
                attack.info().name, " stays within ", most);
  }
  return request;
}

}  // namespace hans::apps
