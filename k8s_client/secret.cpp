#include "k8s_client/secret.h"

#include <openssl/crypto.h>

namespace k8s_client {

void wipe(void* octets, std::size_t size) noexcept {
    OPENSSL_cleanse(octets, size);
}

}  // namespace k8s_client
