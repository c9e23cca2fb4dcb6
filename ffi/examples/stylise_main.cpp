// Stylises a picture with libimpasto, from C++, in place.
//
//     c++ -std=c++17 -Iinclude stylise.cpp stylise_main.cpp -limpasto -o stylise
//     ./stylise photo.ppm painting.ppm out.ppm '{"preset": "draft"}' '{"device": "cpu"}'
//
// The job runs twice: the first time it is cancelled at the third evaluation, to show how that is done.
#include <impasto.h>

#include "stylise.hpp"

#include <cstdlib>
#include <fstream>
#include <iostream>

static impasto::Image read_ppm(const char *path)
{
    std::ifstream file(path, std::ios::binary);
    std::string magic;
    unsigned most = 0;
    impasto::Image image;
    if (!(file >> magic >> image.width >> image.height >> most) || magic != "P6" || most != 255 ||
        image.width > 100000 || image.height > 100000) {
        throw std::runtime_error(std::string(path) + ": not a PPM file that can be read");
    }
    file.get();
    image.rgb.resize(std::size_t{3} * image.width * image.height);
    if (!file.read(reinterpret_cast<char *>(image.rgb.data()), static_cast<std::streamsize>(image.rgb.size()))) {
        throw std::runtime_error(std::string(path) + ": ends too early");
    }
    return image;
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        std::cerr << "usage: " << argv[0] << " CONTENT.ppm STYLE.ppm OUT.ppm PARAMS ENGINE\n";
        return EXIT_FAILURE;
    }
    try {
        impasto::Image image = read_ppm(argv[1]), style = read_ppm(argv[2]);
        const std::vector<std::uint8_t> before = image.rgb;
        const impasto::Engine engine(argv[5]);
        const auto until_the_third = [](const ImpastoProgress &p) { return p.evaluations < 3; };
        if (engine.stylise(image, style, argv[4], until_the_third) || image.rgb != before) {
            std::cerr << "the job was not cancelled, or has changed the picture\n";
            return EXIT_FAILURE;
        }
        std::cout << "cancelled; once more, to the end\n";
        engine.stylise(image, style, argv[4], [](const ImpastoProgress &p) {
            std::cout << p.evaluations << " of " << p.planned << " evaluations, loss " << p.loss << "\n";
            return true;
        });
        std::ofstream file(argv[3], std::ios::binary);
        file << "P6\n" << image.width << " " << image.height << "\n255\n";
        file.write(reinterpret_cast<const char *>(image.rgb.data()), static_cast<std::streamsize>(image.rgb.size()));
        return file.flush() ? EXIT_SUCCESS : EXIT_FAILURE;
    } catch (const std::exception &e) {
        std::cerr << e.what() << "\n";
        return EXIT_FAILURE;
    }
}
