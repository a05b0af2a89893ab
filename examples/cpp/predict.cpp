// predict - estimates age and gender of the faces in pictures, from C++17.
//
//   predict [--json] [--cropped] [--box X,Y,W,H]... [--try-turns] [--model FILE]... [--repeat N]
//           IMAGE... | @LIST
//   predict --help | --version
//
// The options and the output are those of examples/c/predict.c.
#include <face_predict.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct Free {
    void operator()(face_predict_model *model) const { face_predict_model_free(model); }
    void operator()(face_predict_result *result) const { face_predict_result_free(result); }
};
using Model = std::unique_ptr<face_predict_model, Free>;
using Result = std::unique_ptr<face_predict_result, Free>;

struct Usage : std::runtime_error {
    using std::runtime_error::runtime_error;
};

const char *const usage = "usage: predict [--json] [--cropped] [--box X,Y,W,H]... [--try-turns] "
                          "[--model FILE]... [--repeat N] IMAGE... | @LIST\n"
                          "       predict --help | --version\n";

void check(face_predict_status status) {
    if (status != FACE_PREDICT_OK) {
        throw std::runtime_error(face_predict_last_error());
    }
}

Model load(const std::vector<const char *> &files) {
    face_predict_model *model = nullptr;
    check(files.empty() ? face_predict_model_load_default(nullptr, &model)
                        : face_predict_model_load_files(files.data(), files.size(), nullptr, &model));
    return Model(model);
}

std::string quoted(const std::string &text) {
    std::string out = "\"";
    for (unsigned char c : text) {
        char escape[8];
        if (c == '"' || c == '\\') {
            out += '\\';
            out += static_cast<char>(c);
        } else if (c < 0x20) {
            std::snprintf(escape, sizeof escape, "\\u%04x", c);
            out += escape;
        } else {
            out += static_cast<char>(c);
        }
    }
    return out + "\"";
}

std::string number(float value) {
    char text[32] = "null";
    if (!std::isnan(value)) {
        std::snprintf(text, sizeof text, "%.6g", static_cast<double>(value));
    }
    return text;
}

std::string gender(const face_predict_face &face) {
    switch (face.gender) {
    case FACE_PREDICT_GENDER_FEMALE: return "female";
    case FACE_PREDICT_GENDER_MALE: return "male";
    default: return "undecided";
    }
}

// The names of the quality flags as a list in JSON.
std::string quality(const face_predict_face &face) {
    std::string out;
    for (uint32_t flag = 1; flag != 0 && flag <= face.quality; flag <<= 1) {
        if (face.quality & flag) {
            out += (out.empty() ? "" : ", ") + quoted(face_predict_quality_text(flag));
        }
    }
    return out;
}

void print_json(const std::string &path, std::size_t index, const face_predict_face &face) {
    std::cout << "{\"file\": " << quoted(path) << ", \"face\": " << index << ", \"x\": " << number(face.x)
              << ", \"y\": " << number(face.y) << ", \"width\": " << number(face.width)
              << ", \"height\": " << number(face.height) << ", \"score\": " << number(face.score)
              << ", \"age\": " << number(face.age) << ", \"age_low\": " << number(face.age_low)
              << ", \"age_high\": " << number(face.age_high)
              << ", \"female_probability\": " << number(face.female_probability) << ", \"gender\": \""
              << gender(face) << "\", \"quality\": [" << quality(face) << "], \"yaw\": " << number(face.yaw)
              << ", \"pitch\": " << number(face.pitch) << ", \"roll\": " << number(face.roll) << "}\n";
}

void print_readable(const std::string &path, const face_predict_face &face) {
    const float probability = face.gender == FACE_PREDICT_GENDER_MALE ? 1 - face.female_probability
                                                                      : face.female_probability;
    std::printf("%s: face at %.0f,%.0f of %.0fx%.0f: %.0f years (%.0f to %.0f), ", path.c_str(), face.x, face.y,
                face.width, face.height, face.age, face.age_low, face.age_high);
    if (face.gender == FACE_PREDICT_GENDER_UNDECIDED) {
        std::printf("gender undecided (female %.0f %%)", probability * 100);
    } else {
        std::printf("%s (%.0f %%)", gender(face).c_str(), probability * 100);
    }
    std::printf("%s%s\n", face.quality ? ", " : "", face_predict_quality_text(face.quality));
}

struct Arguments {
    bool help = false;
    bool version = false;
    bool json = false;
    long repeat = 1;
    uint32_t flags = 0;
    std::vector<face_predict_region> boxes;
    std::vector<const char *> models;
    std::vector<std::string> images;
};

Arguments parse(int argc, char **argv) {
    Arguments arguments;
    for (int i = 1; i < argc; i++) {
        const std::string arg = argv[i];
        auto value = [&]() -> const char * {
            if (++i >= argc) {
                throw Usage(arg + " wants a value");
            }
            return argv[i];
        };
        if (arg == "--help") {
            arguments.help = true;
            return arguments;
        } else if (arg == "--version") {
            arguments.version = true;
            return arguments;
        } else if (arg == "--json") {
            arguments.json = true;
        } else if (arg == "--cropped") {
            arguments.flags |= FACE_PREDICT_CROPPED;
        } else if (arg == "--try-turns") {
            arguments.flags |= FACE_PREDICT_TRY_TURNS;
        } else if (arg == "--box") {
            face_predict_region box = {};
            char end;
            if (std::sscanf(value(), "%f,%f,%f,%f%c", &box.x, &box.y, &box.width, &box.height, &end) != 4) {
                throw Usage("--box wants X,Y,W,H");
            }
            arguments.boxes.push_back(box);
        } else if (arg == "--model") {
            arguments.models.push_back(value());
        } else if (arg == "--repeat") {
            char end;
            if (std::sscanf(value(), "%ld%c", &arguments.repeat, &end) != 1 || arguments.repeat < 1) {
                throw Usage("--repeat wants a number from 1");
            }
        } else if (arg.size() > 1 && arg[0] == '-') {
            throw Usage("unknown option " + arg);
        } else {
            arguments.images.push_back(arg);
        }
    }
    if (arguments.images.empty()) {
        throw Usage("no picture");
    }
    return arguments;
}

int run(const Arguments &arguments) {
    if (arguments.help) {
        std::cout << usage;
        return 0;
    }
    if (arguments.version) {
        std::cout << face_predict_version_string() << "\n";
        return 0;
    }
    const Model model = load(arguments.models);
    const Result result(face_predict_result_new());
    face_predict_options options = FACE_PREDICT_OPTIONS_INIT;
    options.flags = arguments.flags;
    // NULL means that the library searches.
    options.regions = arguments.boxes.empty() ? nullptr : arguments.boxes.data();
    options.region_count = static_cast<uint32_t>(arguments.boxes.size());
    std::vector<double> times;
    int failed = 0;
    auto predict = [&](const std::string &path) {
        try {
            for (long i = 0; i < arguments.repeat; i++) {
                const auto start = std::chrono::steady_clock::now();
                check(face_predict_file(model.get(), path.c_str(), &options, result.get()));
                const std::chrono::duration<double, std::milli> time =
                    std::chrono::steady_clock::now() - start;
                times.push_back(time.count());
            }
            if (face_predict_result_count(result.get()) == 0 && !arguments.json) {
                std::cout << path << ": no face\n";
            }
            for (std::size_t i = 0; i < face_predict_result_count(result.get()); i++) {
                face_predict_face face;
                check(face_predict_result_face(result.get(), i, &face, sizeof face));
                if (arguments.json) {
                    print_json(path, i, face);
                } else {
                    print_readable(path, face);
                }
            }
        } catch (const std::exception &error) {
            failed = 1;
            if (arguments.json) {
                std::cout << "{\"file\": " << quoted(path) << ", \"error\": " << quoted(error.what())
                          << "}\n";
            } else {
                std::cerr << "predict: " << error.what() << "\n";
            }
        }
    };
    for (const std::string &image : arguments.images) {
        if (image[0] != '@') {
            predict(image);
            continue;
        }
        std::ifstream list(image.substr(1));
        for (std::string line; std::getline(list, line);) {
            if (!line.empty() && line.back() == '\r') {
                line.pop_back();
            }
            if (!line.empty()) {
                predict(line);
            }
        }
        // A folder can be opened, but not read.
        if (!list.is_open() || list.bad()) {
            std::cerr << "predict: " << image.substr(1) << " cannot be read\n";
            failed = 1;
        }
    }
    if (arguments.repeat > 1 && !times.empty()) {
        std::sort(times.begin(), times.end());
        std::fprintf(stderr, "median %.3f ms a picture, decoding included\n", times[times.size() / 2]);
    }
    // A full disk shows only when the last lines are written.
    if (!std::cout.flush() || std::fflush(stdout) != 0 || std::ferror(stdout)) {
        std::cerr << "predict: the answers cannot be written\n";
        failed = 1;
    }
    return failed;
}

} // namespace

int main(int argc, char **argv) {
    try {
        return run(parse(argc, argv));
    } catch (const Usage &error) {
        std::cerr << "predict: " << error.what() << "\n" << usage;
        return 2;
    } catch (const std::exception &error) {
        std::cerr << "predict: " << error.what() << "\n";
        return 1;
    }
}
