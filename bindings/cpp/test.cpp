// Tests of face_predict.hpp: test [FOLDER of cases.json]
#ifdef TEST_OPENCV
#include <opencv2/core.hpp>
#endif
#ifdef TEST_QT
#include <QImage>
#endif
#include <face_predict.hpp>

#include "../../tests/cases/json.h"

#include <functional>
#include <iostream>
#include <thread>

namespace fp = facepredict;

static_assert(!std::is_copy_constructible_v<fp::Model> && !std::is_copy_constructible_v<fp::Result>);
static_assert(std::is_nothrow_move_constructible_v<fp::Model> && std::is_nothrow_move_assignable_v<fp::Result>);
static_assert(std::is_nothrow_copy_constructible_v<fp::Error>);
static_assert(sizeof(fp::Face) == sizeof(face_predict_face));

static int wrong = 0;

static void check(bool right, const std::string &what) {
    if (!right) {
        std::cerr << what << "\n";
        wrong++;
    }
}

static void fails(const std::string &what, face_predict_status status, const std::string &message,
                  const std::function<void()> &call) {
    try {
        call();
        check(false, what + ": no exception");
    } catch (const fp::Error &error) {
        check(error.status() == status, what + ": " + error.name());
        check(std::string(error.what()).find(message) != std::string::npos, what + ": " + error.what());
    }
}

static std::vector<std::uint8_t> bytes_of(const std::string &path) {
    std::size_t size = 0;
    char *data = json_file(path.c_str(), &size);
    const std::vector<std::uint8_t> bytes(data, data + size);
    free(data);
    return bytes;
}

static fp::Format format_of(const std::string &name) {
    const std::pair<const char *, fp::Format> formats[] = {
        {"GRAY", fp::Format::gray}, {"RGB", fp::Format::rgb},   {"BGR", fp::Format::bgr},
        {"RGBA", fp::Format::rgba}, {"BGRA", fp::Format::bgra}, {"NV12", fp::Format::nv12},
        {"NV21", fp::Format::nv21}, {"I420", fp::Format::i420}, {"YUYV", fp::Format::yuyv},
        {"UYVY", fp::Format::uyvy}, {"ARGB", fp::Format::argb}, {"ABGR", fp::Format::abgr},
        {"P010", fp::Format::p010},
    };
    for (const auto &format : formats) {
        if (name == format.first) {
            return format.second;
        }
    }
    json_die("an unknown format");
    return fp::Format::gray;
}

static fp::Yuv yuv_of(const std::string &name) {
    return name == "BT601_FULL"      ? fp::Yuv::bt601_full
           : name == "BT709_LIMITED" ? fp::Yuv::bt709_limited
           : name == "BT709_FULL"    ? fp::Yuv::bt709_full
                                     : fp::Yuv::bt601_limited;
}

static std::vector<float> numbers(const json *one, const char *key) {
    std::vector<float> out;
    const json *list = json_get(one, key);
    for (const json *number = list ? list->first : nullptr; number; number = number->next) {
        out.push_back(static_cast<float>(number->number));
    }
    return out;
}

/// Makes the planes of a raw picture: one, which the others follow, or one at each of `offsets`.
static fp::Image image_of(const json *one, const std::vector<std::uint8_t> &bytes) {
    auto integer = [&](const char *key) { return static_cast<std::uint32_t>(json_number_or(one, key, 0)); };
    const std::vector<float> offsets = numbers(one, "offsets"), sizes = numbers(one, "sizes"),
                             strides = numbers(one, "strides");
    auto plane = [&](std::size_t i) -> fp::Plane {
        if (i > 0 && i >= offsets.size()) {
            return {};
        }
        const auto offset = static_cast<std::size_t>(i < offsets.size() ? offsets[i] : 0);
        const auto size = i < sizes.size() ? static_cast<std::size_t>(sizes[i]) : bytes.size() - offset;
        return {{bytes.data() + offset, size}, static_cast<std::size_t>(i < strides.size() ? strides[i] : 0)};
    };
    return fp::Image::of_planes(format_of(json_string_or(one, "format", "")), integer("width"), integer("height"),
                                plane(0), plane(1), plane(2))
        .yuv(yuv_of(json_string_or(one, "yuv", "")))
        .chroma_step(integer("chroma_step"))
        .rotated(integer("rotation"), integer("mirrored") != 0)
        .bottom_up(integer("bottom_up") != 0);
}

static bool close(const json *right, float answer, double tolerance) {
    return right->kind == 'n' ? std::isnan(answer) : std::abs(right->number - static_cast<double>(answer)) <= tolerance;
}

static void one_case(const fp::Model &model, fp::Result &result, const std::string &folder, const json *one,
                     const json *tolerance) {
    const std::string name = json_string_or(one, "name", ""), input = json_string_or(one, "input", "");
    const std::string path = folder + "/" + json_string_or(one, "picture", "");
    auto integer = [&](const char *key) { return static_cast<std::uint32_t>(json_number_or(one, key, 0)); };
    const std::vector<float> boxes = numbers(one, "boxes"), landmarks = numbers(one, "landmarks");
    std::vector<fp::Region> regions;
    for (std::size_t i = 0; i + 3 < boxes.size(); i += 4) {
        regions.emplace_back(boxes[i], boxes[i + 1], boxes[i + 2], boxes[i + 3]);
    }
    for (std::size_t i = 0; i < landmarks.size(); i++) {
        fp::Point &point = regions[i / 10].landmarks[i % 10 / 2];
        (i % 2 ? point.y : point.x) = landmarks[i];
    }
    auto options = fp::Options()
                             .min_face_size(integer("min_face_size"))
                             .min_score(static_cast<float>(json_number_or(one, "min_score", 0)))
                             .crops(static_cast<std::uint32_t>(json_number_or(one, "crops", 0)))
                             .cropped(integer("cropped") != 0)
                             .fast_search(integer("fast_search") != 0)
                             .try_turns(integer("try_turns") != 0)
                             .skip_age(integer("skip_age") != 0)
                             .skip_gender(integer("skip_gender") != 0)
                             .max_faces(integer("max_faces"))
                             .age_coverage(static_cast<float>(json_number_or(one, "age_coverage", 0)))
                             .gender_threshold(static_cast<float>(json_number_or(one, "gender_threshold", 0)));
    // Without boxes, or with an empty list of them, the picture is searched.
    if (json_get(one, "boxes")) {
        options.regions(regions);
    }
    face_predict_status status = FACE_PREDICT_OK;
    std::string message;
    try {
        if (input == "file") {
            result = model.predict_file(path, options);
        } else if (input == "encoded") {
            result = model.predict_encoded(bytes_of(path), options);
        } else {
            const auto bytes = bytes_of(path);
            model.predict_into(image_of(one, bytes), options, result);
        }
    } catch (const fp::Error &error) {
        status = error.status();
        message = error.what();
    }
    check(status == static_cast<face_predict_status>(integer("status")), name + ": status " + std::to_string(status) + " " + message);
    if (status != FACE_PREDICT_OK) {
        check(message.find(json_string_or(one, "message", "")) != std::string::npos, name + ": " + message);
        return;
    }
    const json *faces = json_get(one, "faces");
    check(result.size() == json_count(faces), name + ": number of faces");
    check(result.picture_size().first == numbers(one, "size")[0], name + ": size");
    std::size_t index = 0;
    for (const json *right = faces->first; right && index < result.size(); right = right->next, index++) {
        const fp::Face face = result[index];
        const double years = json_number_or(tolerance, "years", 0), share = json_number_or(tolerance, "probability", 0);
        check(close(json_get(right, "age"), face.age, years), name + ": age");
        check(close(json_get(right, "age_low"), face.age_low, years), name + ": age_low");
        check(close(json_get(right, "age_high"), face.age_high, years), name + ": age_high");
        check(close(json_get(right, "female_probability"), face.female_probability, share), name + ": female");
        check(close(json_get(right, "adult"), result.age_at_least(index, 18).value_or(NAN), share), name + ": adult");
        check(face.x == numbers(right, "box")[0] && face.height == numbers(right, "box")[3], name + ": box");
        const std::string gender = json_string_or(right, "gender", "");
        check(face.label() == (gender == "female" ? fp::Gender::female
                               : gender == "male" ? fp::Gender::male
                                                  : fp::Gender::undecided), name + ": gender");
        bool small = false, cut_off = false, good = true;
        for (const json *reason = json_get(right, "quality")->first; reason; reason = reason->next) {
            small |= std::string(reason->string) == "small";
            cut_off |= std::string(reason->string) == "cut_off";
            good = false;
        }
        check(face.is_small() == small && face.is_cut_off() == cut_off && face.is_good() == good, name + ": quality");
        const std::string text = face.quality_text();
        check(text.empty() == good && (text.find("cut_off") != std::string::npos) == cut_off, name + ": quality in words");
        check(close(json_get(right, "score"), face.score, share), name + ": score");
        const json *pose = json_get(right, "pose");
        check(face.has_pose() == (pose->kind == '['), name + ": pose");
        if (pose->kind == '[' && face.has_pose()) {
            const double degrees = json_number_or(tolerance, "degrees", 0);
            check(close(pose->first, face.yaw, degrees) && close(pose->first->next, face.pitch, degrees) &&
                      close(pose->first->next->next, face.roll, degrees), name + ": pose");
        }
        check(face.track_id == 0, name + ": a track without a tracker");
        float sum = 0;
        for (const float year : result.age_distribution(index)) {
            sum += year;
        }
        check(face.has_age() ? std::abs(sum - 1) < 1e-3f : sum == 0, name + ": distribution");
    }
}

static void handles_and_errors(const std::string &folder, const fp::Model &model) {
    const std::string face = folder + "/pictures/face.bmp";
    const auto cropped = fp::Options().cropped();
    fp::Model moved = fp::Model::load_default();
    const fp::Model kept = std::move(moved);
    check(kept.name() == model.name(), "a moved model keeps its networks");
    fails("a model that was moved from", FACE_PREDICT_ERROR_NULL_ARGUMENT, "model", [&] { static_cast<void>(moved.predict_file(face, cropped)); });
    fp::Result first = model.predict_file(face, cropped);
    const fp::Result second = std::move(first);
    check(second.size() == 1 && first.empty(), "a moved result");
    fails("a face that is not there", FACE_PREDICT_ERROR_OUT_OF_RANGE, "face 1", [&] { static_cast<void>(second[1]); });
    check(!second.age_at_least(5, 18) && second.age_distribution(5).empty(), "questions about no face");
    fails("coverage", FACE_PREDICT_ERROR_INVALID_ARGUMENT, "2", [&] { second.age_interval(0, 2); });
    check(second.age_interval(0, 0.9f).first <= second[0].age_low, "a wider interval");

    fp::Result result;
    const fp::Done none = model.try_predict_file_into("absent.jpg", cropped, result);
    check(!none && none.error().status() == FACE_PREDICT_ERROR_IO, "no-throw form");
    check(bool(model.try_predict_file_into(face, cropped, result)), "no-throw form, good");
    const auto absent = fp::Model::try_load_file("absent.onnx");
    check(!absent && std::string(absent.error().what()).find("absent.onnx") != std::string::npos, "no such model");
    fails("bytes that are no model", FACE_PREDICT_ERROR_MODEL, "", [&] { fp::Model::load_memory(bytes_of(face)); });
    fails("no bytes", FACE_PREDICT_ERROR_NULL_ARGUMENT, "", [&] { static_cast<void>(model.predict_encoded({}, cropped)); });
    fails("no pixels", FACE_PREDICT_ERROR_NULL_ARGUMENT, "", [&] {
        static_cast<void>(model.predict(fp::Image(fp::Format::rgb, 8, 8, {}), cropped));
    });
    fails("Exif", FACE_PREDICT_ERROR_INVALID_ARGUMENT, "9", [&] {
        const std::uint8_t pixel[3] = {};
        fp::Image(fp::Format::rgb, 1, 1, pixel).exif(9);
    });
    fails("a limit", FACE_PREDICT_ERROR_LIMIT, "100", [&] {
        static_cast<void>(fp::Model::load_default(fp::ModelOptions().max_pixels(100)).predict_file(face, cropped));
    });
    const auto other = fp::Model::load_file(folder + "/untrained_gender.onnx");
    check(other.name().find("untrained-gender") != std::string::npos && other.name().find(" + ") != std::string::npos, other.name());
    check(fp::Model::load_memory(bytes_of(folder + "/untrained_gender.onnx")).name() == other.name(), "from memory");
    check(fp::Model::load_files({folder + "/untrained_gender.onnx"}).name() == other.name(), "from files");
    check(model.license().find("non-commercial research") != std::string::npos, model.license());
    const fp::Network detector = model.network(fp::Task::detect);
    check(detector.name == "detector" && detector.tasks == FACE_PREDICT_TASK_DETECT && detector.input_width > 0, "a network");
    check(model.network(fp::Task::age).license.find("UTKFace") != std::string::npos, "a network's licence");
    check(bool(model.try_warm_up(320, 240)) && !model.try_warm_up(0, 1), "warming up");

    std::vector<std::thread> threads;
    std::array<float, 4> ages{};
    for (float &age : ages) {
        threads.emplace_back([&] { age = model.predict_file(face, cropped)[0].age; });
    }
    for (auto &thread : threads) {
        thread.join();
    }
    for (const float age : ages) {
        check(age == second[0].age, "threads share a model");
    }
}

static void searching_and_planes(const std::string &folder, const fp::Model &model) {
    const std::string face = folder + "/pictures/face.bmp";
    // The detector's own tests check what it finds. This one checks that a search runs, and that empty regions do not
    // search.
    for (const fp::Face &found : model.predict_file(face, fp::Options().min_face_size(20).min_score(0.01f)).faces()) {
        check(found.score >= 0.01f && found.has_landmarks(), "a face that was found");
    }
    check(model.predict_file(face, fp::Options().regions({})).empty(), "no regions, no search");
    fails("a score", FACE_PREDICT_ERROR_INVALID_ARGUMENT, "min_score", [&] {
        static_cast<void>(model.predict_file(face, fp::Options().min_score(2)));
    });
    const std::vector<std::uint8_t> y(96 * 108), uv(96 * 54);
    auto predict = [&](const fp::Image &image) { return model.predict(image, fp::Options().cropped()); };
    check(predict(fp::Image::of_planes(fp::Format::nv12, 96, 108, {y}, {uv})).size() == 1, "planes");
    fails("a short plane", FACE_PREDICT_ERROR_BUFFER_TOO_SMALL, "plane 1 has 5183 bytes", [&] {
        predict(fp::Image::of_planes(fp::Format::nv21, 96, 108, {y}, {{uv.data(), uv.size() - 1}}));
    });
    fails("no room", FACE_PREDICT_ERROR_BUFFER_TOO_SMALL, "plane 1 has 0 bytes", [&] {
        predict(fp::Image(fp::Format::i420, 96, 108, y));
    });
    fails("too many planes", FACE_PREDICT_ERROR_INVALID_ARGUMENT, "planes", [&] {
        predict(fp::Image::of_planes(fp::Format::gray, 96, 108, {y}, {uv}));
    });
    fails("a step", FACE_PREDICT_ERROR_INVALID_ARGUMENT, "chroma step", [&] {
        predict(fp::Image::of_planes(fp::Format::nv12, 96, 108, {y}, {uv}).chroma_step(2));
    });
    fails("yuv", FACE_PREDICT_ERROR_INVALID_ARGUMENT, "yuv is 9", [&] {
        predict(fp::Image(fp::Format::yuyv, 2, 2, y).yuv(static_cast<fp::Yuv>(9)));
    });
}

static bool model_regions(const fp::Image &image) {
    const std::vector<fp::Region> boxes{{20, 22, 28, 36}, {20, 22, 56, 73}};
    const fp::Result result = fp::Model::load_default().predict(image, fp::Options().regions(boxes));
    const fp::Result whole = fp::Model::load_default().predict(image, fp::Options().cropped());
    return result[0].has_region() && result[0].region_index == 1 && result[1].region_index == 0 && !whole[0].has_region();
}

static void following(const std::string &folder) {
    const auto rgb = bytes_of(folder + "/pictures/face_rgb.raw");
    const fp::Image image(fp::Format::rgb, 96, 108, rgb);
    const std::vector<fp::Region> box{{20, 22, 56, 73}};
    const auto options = fp::Options().regions(box);
    using std::chrono::milliseconds;
    fp::Tracker tracker = [] { return fp::Tracker(fp::Model::load_default(), fp::TrackerOptions().estimate_every(2)); }();
    check(model_regions(image), "regions come back with their index");
    const std::uint64_t id = tracker.update(image, milliseconds(0), options)[0].track_id;
    check(id != 0, "a track has a number");
    fp::Result result;
    tracker.update_into(image, milliseconds(33), options, result);
    check(result[0].track_id == id && result[0].track_estimates == 1, "the same face, not estimated again");
    check(bool(tracker.try_update_into(image, milliseconds(66), options, result)), "no-throw form");
    check(result[0].track_id == id && result[0].track_estimates == 2, "the same face, estimated again");
    fails("time that goes back", FACE_PREDICT_ERROR_INVALID_ARGUMENT, "back from 66000 to 65000", [&] {
        tracker.update(image, milliseconds(65), options);
    });
    tracker.reset();
    check(tracker.update(image, milliseconds(1), options)[0].track_id > id, "numbers are not used again");
    static_cast<void>(tracker.update(image, milliseconds(2)));
    const fp::Tracker kept = std::move(tracker);
    fails("a tracker that was moved from", FACE_PREDICT_ERROR_NULL_ARGUMENT, "tracker", [&] {
        tracker.update(image, milliseconds(100), options);
    });
    const auto none = fp::Tracker::try_make(fp::Model::load_default(), fp::TrackerOptions().lost_seconds(-1));
    check(!none && std::string(none.error().what()).find("lost_seconds") != std::string::npos, "tracker options");
}

static void batches(const std::string &folder) {
    const auto rgb = bytes_of(folder + "/pictures/face_rgb.raw");
    const fp::Model model = fp::Model::load_default();
    const fp::Image good(fp::Format::rgb, 96, 108, rgb), bad(fp::Format::rgba, 96, 108, rgb);
    const std::vector<fp::Image> images{good, bad, good, fp::Image(fp::Format::rgb, 0, 1, rgb), good};
    const auto cropped = fp::Options().cropped();
    const float age = model.predict(good, cropped)[0].age;
    const auto answers = model.predict_batch(images, cropped, 2);
    check(answers.size() == 5, "an answer for each picture");
    for (const std::size_t i : {0, 2, 4}) {
        check(answers[i] && answers[i].value()[0].age == age, "batch: the same age");
    }
    check(!answers[1] && std::string(answers[1].error().what()).find("plane 0 has 31104") != std::string::npos, "batch: its message");
    check(!answers[3] && std::string(answers[3].error().what()).find("0x1") != std::string::npos, "batch: its message too");
    check(model.predict_batch({}).empty(), "no pictures");
    std::vector<fp::Result> results(5);
    const fp::Done done = model.try_predict_batch_into(images, cropped, 2, results);
    check(!done && done.error().status() == FACE_PREDICT_ERROR_BUFFER_TOO_SMALL, "batch: the first failure");
    check(results[2].size() == 1 && results[3].status() == FACE_PREDICT_ERROR_INVALID_ARGUMENT, "batch: each status");
    check(!results[2].error() && std::string(results[3].error()->what()).find("0x1") != std::string::npos, "batch: each message");
    const auto jpeg = bytes_of(folder + "/pictures/face_exif6.jpg");
    const std::vector<fp::Image> mixed{fp::Image::encoded(jpeg), good, fp::Image::encoded({}), fp::Image::encoded(jpeg).rotated(270)};
    const auto both = model.predict_batch(mixed, cropped, 2);
    check(both[0] && both[0].value().picture_size().second == 108, "encoded: its Exif orientation");
    check(both[1] && !both[2] && both[2].error().status() == FACE_PREDICT_ERROR_IMAGE, "encoded: no bytes");
    check(both[3] && both[3].value().picture_size().first == 108, "encoded: turned back");
    fp::Tracker tracker(model);
    const std::vector<fp::Region> face{{20, 22, 56, 73}};
    fp::Result frame = tracker.update(mixed[0], std::chrono::microseconds(0), fp::Options().regions(face));
    check(frame.size() == 1 && frame[0].track_id != 0, "encoded: a frame");
    check(!fp::Image(fp::Format::rgb, 1, 1, rgb).try_exif(9) && fp::Result::try_make(), "no-throw forms");
    results.pop_back();
    check(!model.try_predict_batch_into(images, cropped, 2, results), "fewer results than pictures");
    const std::vector<fp::Region> box{{20, 22, 56, 73}};
    for (const auto &answer : model.predict_batch(images, fp::Options().regions(box), 2)) {
        check(!answer && std::string(answer.error().what()).find("regions") != std::string::npos, "batch with regions");
    }
}

static void pictures_of_others(const std::string &folder, const fp::Model &model) {
    const auto rgb = bytes_of(folder + "/pictures/face_rgb.raw");
    const std::vector<fp::Region> box{{20, 22, 56, 73}};
    const auto options = fp::Options().regions(box);
    const float age = model.predict(fp::Image(fp::Format::rgb, 96, 108, rgb), options)[0].age;
    static_cast<void>(age);
#ifdef TEST_OPENCV
    {
        // This is a part of a larger picture, whose rows do not follow each other.
        cv::Mat large(130, 120, CV_8UC3, cv::Scalar(1, 2, 3));
        cv::Mat part = large(cv::Rect(11, 7, 96, 108));
        for (int y = 0; y < 108; y++) {
            for (int x = 0; x < 96; x++) {
                const std::uint8_t *p = &rgb[static_cast<std::size_t>(3 * (96 * y + x))];
                part.at<cv::Vec3b>(y, x) = cv::Vec3b(p[2], p[1], p[0]);
            }
        }
        const fp::Image image = fp::view(part);
        check(image.c().planes[0] == part.data, "cv::Mat: no copy");
        check(model.predict(image, options)[0].age == age, "cv::Mat: the same age");
        cv::Mat gray(108, 96, CV_8UC1, cv::Scalar(9)), real(8, 8, CV_32FC3), none;
        check(model.predict(fp::view(gray), options).size() == 1, "cv::Mat: gray");
        fails("cv::Mat of floats", FACE_PREDICT_ERROR_INVALID_ARGUMENT, "CV_8UC3", [&] { fp::view(real); });
        fails("empty cv::Mat", FACE_PREDICT_ERROR_INVALID_ARGUMENT, "0x0", [&] { fp::view(none); });
        // This is NV12 in OpenCV's layout.
        std::vector<std::uint8_t> nv12 = bytes_of(folder + "/pictures/face_nv12.raw");
        const float other = model.predict(fp::Image(fp::Format::nv12, 96, 108, nv12), options)[0].age;
        cv::Mat frame(162, 96, CV_8UC1, nv12.data()), pairs(108, 96, CV_8UC2, cv::Scalar(128, 128));
        check(model.predict(fp::view(frame, fp::Format::nv12), options)[0].age == other, "cv::Mat: NV12");
        check(model.predict(fp::view(pairs, fp::Format::yuyv), options).size() == 1, "cv::Mat: YUYV");
        fails("NV12 of odd rows", FACE_PREDICT_ERROR_INVALID_ARGUMENT, "96x161", [&] { fp::view(frame.rowRange(0, 161), fp::Format::nv12); });
        fails("a part of NV12", FACE_PREDICT_ERROR_INVALID_ARGUMENT, "continuous", [&] { fp::view(frame.colRange(0, 90), fp::Format::nv12); });
        fails("RGB named", FACE_PREDICT_ERROR_INVALID_ARGUMENT, "NV12", [&] { fp::view(part, fp::Format::rgb); });
        std::cout << "cv::Mat: tested with OpenCV " << CV_VERSION << "\n";
    }
#endif
#ifdef TEST_QT
    {
        const QImage picture(rgb.data(), 96, 108, 96 * 3, QImage::Format_RGB888);
        const fp::Image image = fp::view(picture);
        check(image.c().planes[0] == rgb.data(), "QImage: no copy");
        check(model.predict(image, options)[0].age == age, "QImage: RGB888");
        for (const auto format : {QImage::Format_RGB32, QImage::Format_ARGB32, QImage::Format_RGBA8888, QImage::Format_BGR888}) {
            const QImage converted = picture.convertToFormat(format);
            check(model.predict(fp::view(converted), options)[0].age == age, "QImage: format " + std::to_string(format));
        }
        fails("QImage of 16 bits", FACE_PREDICT_ERROR_INVALID_ARGUMENT, "convertToFormat", [&] { fp::view(picture.convertToFormat(QImage::Format_RGB16)); });
        fails("null QImage", FACE_PREDICT_ERROR_INVALID_ARGUMENT, "null", [&] { fp::view(QImage()); });
        std::cout << "QImage: tested with Qt " << QT_VERSION_STR << "\n";
    }
#endif
}

int main(int argc, char **argv) {
    const std::string folder = argc > 1 ? argv[1] : "tests/cases";
    const fp::Model model = fp::Model::load_default();
    fp::Result result;
    json *list = json_load((folder + "/cases.json").c_str());
    for (const json *one = json_get(list, "cases")->first; one; one = one->next) {
        one_case(model, result, folder, one, json_get(list, "tolerance"));
    }
    std::cout << json_count(json_get(list, "cases")) << " cases\n";
    json_free(list);
    handles_and_errors(folder, model);
    searching_and_planes(folder, model);
    following(folder);
    batches(folder);
    pictures_of_others(folder, model);
    if (wrong) {
        std::cerr << wrong << " differences\n";
    }
    return wrong ? 1 : 0;
}
