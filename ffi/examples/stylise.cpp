// The wrapper's code; stylise_main.cpp uses it.
#include "stylise.hpp"

#include <impasto.h>  // once more: the header guards itself

namespace impasto {

namespace {

void check(std::int32_t status)
{
    if (status != IMPASTO_OK) {
        throw Error(status, impasto_last_error());
    }
}

extern "C" std::int32_t on_progress(const ImpastoProgress *progress, void *user_data)
{
    return (*static_cast<const Progress *>(user_data))(*progress) ? 0 : 1;
}

}  // namespace

ImpastoPicture Image::descriptor()
{
    ImpastoPicture picture{};
    picture.data = rgb.data();
    picture.stride = static_cast<std::ptrdiff_t>(width) * 3;
    picture.width = width;
    picture.height = height;
    picture.layout = IMPASTO_RGB;
    picture.sample = IMPASTO_U8;
    return picture;
}

Engine::Engine(const char *options)
{
    ImpastoEngine *made = nullptr;
    check(impasto_engine_new(options, &made));
    engine.reset(made);
}

bool Engine::stylise(Image &image, Image &style, const char *params, const Progress &progress) const
{
    ImpastoStyle weighted{};
    weighted.struct_size = sizeof weighted;
    weighted.picture = style.descriptor();
    weighted.weight = 1;
    ImpastoJob job{};
    job.struct_size = sizeof job;
    job.content = image.descriptor();
    job.output = job.content;
    job.styles = &weighted;
    job.style_count = 1;
    job.params = params;
    job.progress = on_progress;
    job.user_data = const_cast<Progress *>(&progress);
    const std::int32_t status = impasto_stylise(engine.get(), &job, nullptr);
    if (status == IMPASTO_CANCELLED) {
        return false;
    }
    check(status);
    return true;
}

}  // namespace impasto
