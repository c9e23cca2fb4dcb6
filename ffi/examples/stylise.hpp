// A thin C++ wrapper over libimpasto: owners instead of free functions, exceptions instead of statuses.
#pragma once

#include <impasto.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace impasto {

struct Image {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    std::vector<std::uint8_t> rgb;

    ImpastoPicture descriptor();
};

class Error : public std::runtime_error {
public:
    Error(std::int32_t status, const std::string &text) : std::runtime_error(text), status(status) {}
    std::int32_t status;
};

// Takes the progress; returns false to cancel. It must not throw.
using Progress = std::function<bool(const ImpastoProgress &)>;

class Engine {
public:
    explicit Engine(const char *options);
    // Paints over the image. Returns false if it was cancelled; the image is then as before.
    bool stylise(Image &image, Image &style, const char *params, const Progress &progress) const;

private:
    struct Free {
        void operator()(ImpastoEngine *engine) const { impasto_engine_free(engine); }
    };
    std::unique_ptr<ImpastoEngine, Free> engine;
};

}  // namespace impasto
