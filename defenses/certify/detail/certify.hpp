// How a certificate takes what bounds found out.
#pragma once

#include <hans/defenses/certify.hpp>

namespace hans::defenses {

/// Takes the verdict on an image that is unknown, else only its proof. Throws Error, which names the image, if it is
/// certified and an adversarial image of it was found.
void take_over(Certificate& certificate, Certificate found);

}  // namespace hans::defenses
