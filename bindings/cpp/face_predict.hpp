// face_predict.hpp - estimate age and gender from faces in C++17, with one header over face_predict.h.
//
//   #include <face_predict.hpp>
//   #include <iostream>
//
//   int main(int, char **argv) {
//       const auto model = facepredict::Model::load_default();
//       for (const auto &face : model.predict_file(argv[1]).faces()) {
//           std::cout << face.age << " years, female " << face.female_probability << "\n";
//       }
//   }
//
// OWNERSHIP  Model, Tracker and Result own a handle, and can be moved but not copied. A Model that was moved from, and a
//            Face that was taken from one, are safe: calls on an empty object fail with NULL_ARGUMENT.
// ERRORS     Each call that can fail comes twice. `predict` throws facepredict::Error, and `try_predict` is noexcept and
//            returns an Expected. If there is no memory even for its message, a noexcept call ends the program. In a
//            program without exceptions (-fno-exceptions), a call that would throw ends it: use the `try_` forms.
// NAME       The namespace is facepredict, because face_predict is the C function.
// THREADS    One Model serves all threads. One Result, or one Tracker, serves one thread at a time. Keep it, and its
//            buffers are used again.
// PIXELS     The library reads them in place and never copies them. They must not change during a call. cv::Mat and
//            QImage can be used if their headers are included first.
#ifndef FACE_PREDICT_HPP
#define FACE_PREDICT_HPP

#include <face_predict.h>

#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace facepredict {

/// A borrowed array, like std::span in C++20. Made from a pointer and a size, an array, or anything with data() and
/// size().
template <typename T>
class Span {
public:
    constexpr Span() noexcept = default;
    constexpr Span(T *data, std::size_t size) noexcept : data_(data), size_(size) {}
    template <std::size_t N>
    constexpr Span(T (&array)[N]) noexcept : data_(array), size_(N) {}
    template <typename Container,
              typename = std::enable_if_t<
                  !std::is_same_v<std::remove_cv_t<std::remove_reference_t<Container>>, Span> &&
                  std::is_convertible_v<decltype(std::declval<Container &>().data()), T *>>>
    constexpr Span(Container &&container) noexcept : data_(container.data()), size_(container.size()) {}

    constexpr T *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr T &operator[](std::size_t index) const noexcept { return data_[index]; }
    constexpr T *begin() const noexcept { return data_; }
    constexpr T *end() const noexcept { return data_ + size_; }

private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};

/// A failure. Its status says who must act (see face_predict.h), and its message names the values.
class Error : public std::exception {
public:
    Error(face_predict_status status, std::string message)
        : status_(status), message_(std::make_shared<const std::string>(std::move(message))) {}

    /// Makes an error with the message of the last failed call on this thread.
    static Error last(face_predict_status status) { return Error(status, face_predict_last_error()); }

    face_predict_status status() const noexcept { return status_; }
    /// The name of the status, such as "FACE_PREDICT_ERROR_IO".
    const char *name() const noexcept { return face_predict_status_name(status_); }
    const char *what() const noexcept override { return message_->c_str(); }

private:
    face_predict_status status_;
    std::shared_ptr<const std::string> message_; // Copying an exception must not throw.
};

namespace detail {
/// Throws the error, or ends the program if it is compiled without exceptions.
[[noreturn]] inline void raise(const Error &error) {
#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
    throw error;
#else
    static_cast<void>(error);
    std::abort();
#endif
}
[[noreturn]] inline void refuse(std::string message) {
    raise(Error(FACE_PREDICT_ERROR_INVALID_ARGUMENT, std::move(message)));
}
} // namespace detail

/// A value, or the Error in its place, like std::expected in C++23.
template <typename T>
class [[nodiscard]] Expected {
public:
    Expected(T value) noexcept : content_(std::in_place_index<0>, std::move(value)) {}
    Expected(Error error) noexcept : content_(std::in_place_index<1>, std::move(error)) {}

    bool has_value() const noexcept { return content_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }
    /// The value. Throws the error if there is no value.
    T &value() & { return check(), *std::get_if<0>(&content_); }
    const T &value() const & { return check(), *std::get_if<0>(&content_); }
    T value() && { return check(), std::move(*std::get_if<0>(&content_)); }
    T &operator*() noexcept { return *std::get_if<0>(&content_); }
    const T &operator*() const noexcept { return *std::get_if<0>(&content_); }
    T *operator->() noexcept { return std::get_if<0>(&content_); }
    const T *operator->() const noexcept { return std::get_if<0>(&content_); }
    /// The error. Call it only if there is no value.
    const Error &error() const noexcept { return *std::get_if<1>(&content_); }

private:
    void check() const {
        if (const Error *error = std::get_if<1>(&content_)) {
            detail::raise(*error);
        }
    }
    std::variant<T, Error> content_;
};

/// Success or an Error, for calls without a value.
using Done = Expected<std::monostate>;

/// The order of the components in memory, as in face_predict.h.
enum class Format : std::uint32_t {
    gray = FACE_PREDICT_FORMAT_GRAY,
    rgb = FACE_PREDICT_FORMAT_RGB,
    bgr = FACE_PREDICT_FORMAT_BGR,
    rgba = FACE_PREDICT_FORMAT_RGBA,
    bgra = FACE_PREDICT_FORMAT_BGRA,
    nv12 = FACE_PREDICT_FORMAT_NV12,
    nv21 = FACE_PREDICT_FORMAT_NV21,
    i420 = FACE_PREDICT_FORMAT_I420,
    yuyv = FACE_PREDICT_FORMAT_YUYV,
    uyvy = FACE_PREDICT_FORMAT_UYVY,
    argb = FACE_PREDICT_FORMAT_ARGB,
    abgr = FACE_PREDICT_FORMAT_ABGR,
    p010 = FACE_PREDICT_FORMAT_P010,
};

/// How YUV is converted to colours.
enum class Yuv : std::uint32_t {
    bt601_limited = FACE_PREDICT_YUV_BT601_LIMITED,
    bt601_full = FACE_PREDICT_YUV_BT601_FULL,
    bt709_limited = FACE_PREDICT_YUV_BT709_LIMITED,
    bt709_full = FACE_PREDICT_YUV_BT709_FULL,
};

enum class Gender : std::uint32_t {
    undecided = FACE_PREDICT_GENDER_UNDECIDED,
    female = FACE_PREDICT_GENDER_FEMALE,
    male = FACE_PREDICT_GENDER_MALE,
};

/// Borrowed rows of a picture, or of its brightness or colours. They are `stride` bytes apart. 0 means no padding, or
/// for colours as much padding as the brightness has.
struct Plane {
    Span<const std::uint8_t> bytes = {};
    std::size_t stride = 0;
};

/// A borrowed view of a picture. The bytes must outlive the call it is passed to.
class Image {
public:
    /// Makes a view of rows that are `stride` bytes apart; 0 means no padding. The library checks the size of `bytes`.
    /// The colours of NV12, NV21, I420 and P010 follow the brightness without a gap, with as much padding.
    Image(Format format, std::uint32_t width, std::uint32_t height, Span<const std::uint8_t> bytes,
          std::size_t stride = 0) noexcept {
        image_.format = static_cast<std::uint32_t>(format);
        image_.width = width;
        image_.height = height;
        set(0, {bytes, stride});
    }

    /// Makes a view of the bytes of a JPEG, PNG, WebP or BMP file, such as an MJPEG frame. The Exif orientation is
    /// applied before rotated().
    static Image encoded(Span<const std::uint8_t> bytes) noexcept {
        Image image(static_cast<Format>(FACE_PREDICT_FORMAT_ENCODED), 0, 0, bytes);
        // NULL would mean that there are no bytes at all.
        static const std::uint8_t none = 0;
        image.image_.planes[0] = bytes.empty() ? &none : bytes.data();
        return image;
    }

    /// Makes a view of several planes: Y and UV for NV12, Y and VU for NV21, and Y, U and V for I420.
    static Image of_planes(Format format, std::uint32_t width, std::uint32_t height, Plane first, Plane second,
                           Plane third = {}) noexcept {
        Image image(format, width, height, first.bytes, first.stride);
        image.set(1, second);
        image.set(2, third);
        return image;
    }

    /// Sets how a YUV format is converted to colours. Without it, it is BT.601 with limited range.
    Image &yuv(Yuv yuv) noexcept {
        image_.yuv = static_cast<std::uint32_t>(yuv);
        return *this;
    }
    /// Sets the number of bytes from one colour sample to the next in I420. Android calls it pixelStride.
    Image &chroma_step(std::uint32_t bytes) noexcept { return image_.chroma_step = bytes, *this; }

    /// Sets the clockwise rotation in degrees that makes the picture upright, and whether left and right are swapped
    /// after it.
    Image &rotated(std::uint32_t degrees, bool mirrored = false) noexcept {
        image_.rotation = degrees;
        image_.mirrored = mirrored;
        return *this;
    }

    /// Says that the first row in memory is the lowest one, as in bitmaps of Windows.
    Image &bottom_up(bool on = true) noexcept { return image_.bottom_up = on, *this; }

    /// Sets rotation and mirroring from an Exif orientation of 1 to 8.
    Image &exif(std::uint32_t orientation) { return try_exif(orientation).value(), *this; }
    Expected<std::monostate> try_exif(std::uint32_t orientation) noexcept {
        const face_predict_status status = face_predict_image_set_exif(&image_, orientation);
        if (status != FACE_PREDICT_OK) {
            return Error::last(status);
        }
        return std::monostate();
    }

    const face_predict_image &c() const noexcept { return image_; }

private:
    void set(std::size_t index, const Plane &plane) noexcept {
        // A size of 0 would mean that nothing is checked, but an empty span is no plane.
        image_.planes[index] = plane.bytes.empty() ? nullptr : plane.bytes.data();
        image_.sizes[index] = plane.bytes.size();
        image_.strides[index] = plane.stride;
    }

    face_predict_image image_ = FACE_PREDICT_IMAGE_INIT;
};

/// A position in pixels of the upright picture.
using Point = face_predict_point;

/// A face that was found already. Unknown landmarks are all zero.
struct Region : face_predict_region {
    Region(float left, float top, float wide, float high) noexcept : face_predict_region{} {
        x = left;
        y = top;
        width = wide;
        height = high;
    }
    Region(float left, float top, float wide, float high, const std::array<Point, 5> &points) noexcept
        : Region(left, top, wide, high) {
        for (std::size_t i = 0; i < points.size(); i++) {
            landmarks[i] = points[i];
        }
    }
};
static_assert(sizeof(Region) == sizeof(face_predict_region), "spans of regions are handed over as they are");

/// Options of a prediction. By default the library searches the faces.
class Options {
public:
    /// Gives the faces that were found already, so that nothing is searched, even if there are none. They are borrowed,
    /// and must outlive the call.
    Options &regions(Span<const Region> regions) noexcept {
        // NULL would mean a search.
        static const face_predict_region none = {};
        options_.regions = regions.empty() ? &none : regions.data();
        options_.region_count = static_cast<std::uint32_t>(regions.size());
        return *this;
    }
    /// Says that the whole picture is one face.
    Options &cropped(bool on = true) noexcept { return flag(FACE_PREDICT_CROPPED, on); }
    Options &skip_age(bool on = true) noexcept { return flag(FACE_PREDICT_SKIP_AGE, on); }
    Options &skip_gender(bool on = true) noexcept { return flag(FACE_PREDICT_SKIP_GENDER, on); }
    /// Keeps at most this many faces, the largest. 0 means all.
    Options &max_faces(std::uint32_t count) noexcept { return options_.max_faces = count, *this; }
    /// The probability that the true age lies between age_low and age_high.
    Options &age_coverage(float share) noexcept { return options_.age_coverage = share, *this; }
    /// The smallest probability for which a label is given, from 0.5 to 1.
    Options &gender_threshold(float share) noexcept { return options_.gender_threshold = share, *this; }
    /// Searches as a tracker searches its frames: at one small scale, in a fifth to a sixth of the time. Most faces
    /// below a sixteenth of the picture's longer side are then missed.
    Options &fast_search(bool on = true) noexcept { return flag(FACE_PREDICT_FAST_SEARCH, on); }
    /// Searches upright and in the three other quarter turns, for pictures that may lie on a side or stand upside down.
    /// It takes four to five times as long.
    Options &try_turns(bool on = true) noexcept { return flag(FACE_PREDICT_TRY_TURNS, on); }
    /// The smallest face that is searched for, as the shorter side of its box in pixels of the picture. 0 means a
    /// fiftieth of the longer side, and at least 13 pixels; the smallest of these are often missed. A smaller number
    /// searches more closely, and each halving can take four times as long.
    Options &min_face_size(std::uint32_t pixels) noexcept { return options_.min_face_size = pixels, *this; }
    /// The smallest score of a found face that is kept, above 0 and below 1.
    Options &min_score(float score) noexcept { return options_.min_score = score, *this; }
    /// The number of crops of each face whose answers are averaged, from 1 to 8. Each crop takes as much time as the
    /// first.
    Options &crops(std::uint32_t count) noexcept { return options_.crops = count, *this; }

    const face_predict_options &c() const noexcept { return options_; }

private:
    Options &flag(std::uint32_t bit, bool on) noexcept {
        options_.flags = on ? options_.flags | bit : options_.flags & ~bit;
        return *this;
    }
    face_predict_options options_ = FACE_PREDICT_OPTIONS_INIT;
};

/// One face: the C struct, which is a plain copy, with functions that name its numbers. Numbers that were not estimated
/// are NaN.
struct Face : face_predict_face {
    bool has_age() const noexcept { return !std::isnan(age); }
    /// Whether the caller gave this face, as region `region_index` of the options.
    bool has_region() const noexcept { return region_index != FACE_PREDICT_NO_REGION; }
    bool has_landmarks() const noexcept { return !std::isnan(landmarks[0].x); }
    /// Whether yaw, pitch and roll are known. They are if the landmarks are.
    bool has_pose() const noexcept { return !std::isnan(yaw); }
    Gender label() const noexcept { return static_cast<Gender>(gender); }
    /// Whether there is no reason to trust the face less. It does not say that a given region shows a face.
    bool is_good() const noexcept { return quality == 0; }
    bool is_small() const noexcept { return has(FACE_PREDICT_QUALITY_SMALL); }
    bool is_blurred() const noexcept { return has(FACE_PREDICT_QUALITY_BLURRED); }
    bool is_dark() const noexcept { return has(FACE_PREDICT_QUALITY_DARK); }
    bool is_bright() const noexcept { return has(FACE_PREDICT_QUALITY_BRIGHT); }
    bool is_turned() const noexcept { return has(FACE_PREDICT_QUALITY_TURNED); }
    bool is_cut_off() const noexcept { return has(FACE_PREDICT_QUALITY_CUT_OFF); }
    /// Whether the head lies on its side or stands upside down. Do not use such an answer, and ask again with
    /// `Options().try_turns()`.
    bool is_not_upright() const noexcept { return has(FACE_PREDICT_QUALITY_NOT_UPRIGHT); }
    /// The names of the reasons to trust the face less, such as "small, cut_off", or "" if there are none.
    const char *quality_text() const noexcept { return face_predict_quality_text(quality); }

private:
    bool has(std::uint32_t reason) const noexcept { return (quality & reason) != 0; }
};

namespace detail {
struct Free {
    void operator()(face_predict_model *model) const noexcept { face_predict_model_free(model); }
    void operator()(face_predict_result *result) const noexcept { face_predict_result_free(result); }
    void operator()(face_predict_tracker *tracker) const noexcept { face_predict_tracker_free(tracker); }
};
inline Done done(face_predict_status status) noexcept {
    return status == FACE_PREDICT_OK ? Done(std::monostate()) : Done(Error::last(status));
}
} // namespace detail

/// The faces of one picture, with the largest first, and the memory to find them.
class Result {
public:
    Result() : handle_(face_predict_result_new()) {
        if (!handle_) {
#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
            throw std::bad_alloc();
#else
            std::abort();
#endif
        }
    }
    static Expected<Result> try_make() noexcept {
        face_predict_result *result = face_predict_result_new();
        if (!result) {
            return Error::last(FACE_PREDICT_ERROR_OUT_OF_MEMORY);
        }
        return Result(result);
    }

    /// The failure of the call that filled this result, or nothing if it succeeded.
    std::optional<Error> error() const {
        const face_predict_status failed = status();
        if (failed == FACE_PREDICT_OK) {
            return std::nullopt;
        }
        return Error(failed, face_predict_result_message(handle_.get()));
    }
    /// The status of the call that filled this result.
    face_predict_status status() const noexcept { return face_predict_result_status(handle_.get()); }
    /// The number of faces.
    std::size_t size() const noexcept { return face_predict_result_count(handle_.get()); }
    bool empty() const noexcept { return size() == 0; }

    /// The face at `index`. Throws OUT_OF_RANGE if there is no such face.
    Face operator[](std::size_t index) const { return try_face(index).value(); }
    Expected<Face> try_face(std::size_t index) const noexcept {
        Face face = {};
        const face_predict_status status =
            face_predict_result_face(handle_.get(), index, &face, sizeof(face_predict_face));
        if (status != FACE_PREDICT_OK) {
            return Error::last(status);
        }
        return face;
    }
    std::vector<Face> faces() const {
        std::vector<Face> faces;
        faces.reserve(size());
        for (std::size_t i = 0; i < size(); i++) {
            faces.push_back((*this)[i]);
        }
        return faces;
    }

    /// The width and height of the upright picture in pixels.
    std::pair<std::uint32_t, std::uint32_t> picture_size() const noexcept {
        std::uint32_t width = 0, height = 0;
        // An empty handle leaves both at 0, which is the answer.
        static_cast<void>(face_predict_result_size(handle_.get(), &width, &height));
        return {width, height};
    }

    /// The probability that the person has lived `years` years or more. It is empty if there is no such face, or no
    /// age.
    std::optional<float> age_at_least(std::size_t index, float years) const noexcept {
        const float share = face_predict_result_age_at_least(handle_.get(), index, years);
        return std::isnan(share) ? std::nullopt : std::optional<float>(share);
    }
    /// The interval that holds the true age with this probability. Throws if there is no such face. Both ends are NaN
    /// without an age.
    std::pair<float, float> age_interval(std::size_t index, float coverage) const {
        return try_age_interval(index, coverage).value();
    }
    Expected<std::pair<float, float>> try_age_interval(std::size_t index, float coverage) const noexcept {
        std::pair<float, float> out{};
        const face_predict_status status =
            face_predict_result_age_interval(handle_.get(), index, coverage, &out.first, &out.second);
        if (status != FACE_PREDICT_OK) {
            return Error::last(status);
        }
        return out;
    }
    /// The probabilities of the years from 0 on. It is empty if there is no age. It is borrowed until the result is
    /// filled again.
    Span<const float> age_distribution(std::size_t index) const noexcept {
        std::size_t count = 0;
        const float *years = face_predict_result_age_distribution(handle_.get(), index, &count);
        return {years, years ? count : 0};
    }

    face_predict_result *c() const noexcept { return handle_.get(); }

private:
    explicit Result(face_predict_result *handle) noexcept : handle_(handle) {}

    std::unique_ptr<face_predict_result, detail::Free> handle_;
};

/// Options of loading. Fields that are not set are the library's defaults.
class ModelOptions {
public:
    /// The largest picture that is accepted, in pixels.
    ModelOptions &max_pixels(std::uint64_t pixels) noexcept { return options_.max_pixels = pixels, *this; }
    /// Leaves every convolution to the engine, for comparison.
    ModelOptions &plain_convolutions(bool on = true) noexcept {
        options_.flags = on ? FACE_PREDICT_PLAIN_CONVOLUTIONS : 0;
        return *this;
    }
    const face_predict_model_options &c() const noexcept { return options_; }

private:
    face_predict_model_options options_ = FACE_PREDICT_MODEL_OPTIONS_INIT;
};

/// The tasks of a network.
enum class Task : std::uint32_t {
    age = FACE_PREDICT_TASK_AGE,
    gender = FACE_PREDICT_TASK_GENDER,
    detect = FACE_PREDICT_TASK_DETECT,
};

/// What the file of a network says about it.
struct Network {
    std::string name, version, license, data;
    /// FACE_PREDICT_TASK_... combined with OR.
    std::uint32_t tasks = 0;
    std::uint32_t input_width = 0, input_height = 0;
};

/// Loaded networks. All threads can share one model. Loading is slow, so load it once.
class Model {
public:
    /// Loads the model that is built into the library.
    static Model load_default(const ModelOptions &options = {}) { return try_load_default(options).value(); }
    static Expected<Model> try_load_default(const ModelOptions &options = {}) noexcept {
        return load([&](face_predict_model **out) { return face_predict_model_load_default(&options.c(), out); });
    }

    /// Loads model files (paths in UTF-8), each of which is a part. Parts that they lack come from the built-in model.
    static Model load_files(const std::vector<std::string> &paths, const ModelOptions &options = {}) {
        return try_load_files(paths, options).value();
    }
    static Expected<Model> try_load_files(const std::vector<std::string> &paths,
                                          const ModelOptions &options = {}) noexcept {
        std::vector<const char *> pointers;
        for (const std::string &path : paths) {
            pointers.push_back(path.c_str());
        }
        return load([&](face_predict_model **out) {
            return face_predict_model_load_files(pointers.data(), pointers.size(), &options.c(), out);
        });
    }
    static Model load_file(const std::string &path, const ModelOptions &options = {}) {
        return try_load_file(path, options).value();
    }
    static Expected<Model> try_load_file(const std::string &path, const ModelOptions &options = {}) noexcept {
        return load([&](face_predict_model **out) {
            return face_predict_model_load_file(path.c_str(), &options.c(), out);
        });
    }

    /// Loads the bytes of a model file. They may be freed when the call returns.
    static Model load_memory(Span<const std::uint8_t> bytes, const ModelOptions &options = {}) {
        return try_load_memory(bytes, options).value();
    }
    static Expected<Model> try_load_memory(Span<const std::uint8_t> bytes,
                                           const ModelOptions &options = {}) noexcept {
        return load([&](face_predict_model **out) {
            return face_predict_model_load_memory(bytes.data(), bytes.size(), &options.c(), out);
        });
    }

    /// The name and version of the networks. "" for a model that was moved from.
    std::string name() const {
        const char *name = face_predict_model_name(handle_.get());
        return name ? name : "";
    }

    /// The licences of the weights, each with the name of its network. The weights that are built in by default are for
    /// non-commercial research. "" for a model that was moved from. Throws std::bad_alloc if there is no memory for the
    /// detector, whose licence counts, too.
    std::string license() const {
        const char *license = face_predict_model_license(handle_.get());
#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
        if (!license && handle_) {
            throw std::bad_alloc();
        }
#endif
        return license ? license : "";
    }

    /// The network that does a task. One network may do several.
    Network network(Task task) const { return try_network(task).value(); }
    Expected<Network> try_network(Task task) const noexcept {
        face_predict_network network = {};
        const face_predict_status status =
            face_predict_model_network(handle_.get(), static_cast<std::uint32_t>(task), &network, sizeof network);
        if (status != FACE_PREDICT_OK) {
            return Error::last(status);
        }
        return Network{network.name,  network.version,     network.license,     network.data,
                       network.tasks, network.input_width, network.input_height};
    }

    /// Prepares for pictures of this size, so that the first takes no longer than the others.
    void warm_up(std::uint32_t width, std::uint32_t height, const Options &options = {}) const {
        try_warm_up(width, height, options).value();
    }
    Done try_warm_up(std::uint32_t width, std::uint32_t height, const Options &options = {}) const noexcept {
        return detail::done(face_predict_model_warm_up(handle_.get(), width, height, &options.c()));
    }

    /// Finds the faces of a picture in memory, unless they are given, and estimates them.
    Result predict(const Image &image, const Options &options = {}) const {
        Result result;
        predict_into(image, options, result);
        return result;
    }
    /// Does the same for a JPEG, PNG, WebP or BMP file. The path is UTF-8.
    Result predict_file(const std::string &path, const Options &options = {}) const {
        Result result;
        try_predict_file_into(path, options, result).value();
        return result;
    }
    /// Does the same for the bytes of such a file.
    Result predict_encoded(Span<const std::uint8_t> bytes, const Options &options = {}) const {
        Result result;
        try_predict_encoded_into(bytes, options, result).value();
        return result;
    }

    /// Does the same with a result that is kept, whose buffers are used again.
    void predict_into(const Image &image, const Options &options, Result &result) const {
        try_predict_into(image, options, result).value();
    }
    Done try_predict_into(const Image &image, const Options &options, Result &result) const noexcept {
        return detail::done(face_predict(handle_.get(), &image.c(), &options.c(), result.c()));
    }
    Done try_predict_file_into(const std::string &path, const Options &options, Result &result) const noexcept {
        return detail::done(face_predict_file(handle_.get(), path.c_str(), &options.c(), result.c()));
    }
    Done try_predict_encoded_into(Span<const std::uint8_t> bytes, const Options &options,
                                  Result &result) const noexcept {
        return detail::done(
            face_predict_encoded(handle_.get(), bytes.data(), bytes.size(), &options.c(), result.c()));
    }

    /// Predicts many pictures, which may be encoded, on this many threads; 0 and 1 mean the caller's thread alone. A
    /// bad picture does not stop the rest: its error stands in its place. An error of the whole call stands in each
    /// place, for example for options with regions, which belong to one picture.
    std::vector<Expected<Result>> predict_batch(Span<const Image> images, const Options &options = {},
                                                std::uint32_t threads = 1) const {
        std::vector<Result> results(images.size());
        // Each result holds the error of its picture.
        static_cast<void>(try_predict_batch_into(images, options, threads, results));
        std::vector<Expected<Result>> answers;
        answers.reserve(images.size());
        for (Result &result : results) {
            if (std::optional<Error> error = result.error()) {
                answers.emplace_back(std::move(*error));
            } else {
                answers.emplace_back(std::move(result));
            }
        }
        return answers;
    }
    /// Does the same with results that are kept, one for each picture and all different. Returns the first failure.
    /// Result::error() has the failure of each picture.
    Done try_predict_batch_into(Span<const Image> images, const Options &options, std::uint32_t threads,
                                Span<Result> results) const noexcept {
        if (images.size() != results.size()) {
            return Error(FACE_PREDICT_ERROR_INVALID_ARGUMENT, std::to_string(images.size()) + " pictures are to fill " +
                                                                  std::to_string(results.size()) + " results");
        }
        std::vector<const face_predict_image *> from;
        std::vector<face_predict_result *> to;
        for (std::size_t i = 0; i < images.size(); i++) {
            from.push_back(&images[i].c());
            to.push_back(results[i].c());
        }
        return detail::done(
            face_predict_batch(handle_.get(), from.data(), from.size(), &options.c(), threads, to.data()));
    }

    const face_predict_model *c() const noexcept { return handle_.get(); }

private:
    explicit Model(face_predict_model *handle) noexcept : handle_(handle) {}

    template <typename Load>
    static Expected<Model> load(Load &&call) noexcept {
        // The major version of the header is that of the ABI.
        if (face_predict_version() >> 16 != FACE_PREDICT_VERSION_MAJOR) {
            return Error(FACE_PREDICT_ERROR_UNSUPPORTED,
                         std::string("face_predict.hpp is of version ") +
                             std::to_string(FACE_PREDICT_VERSION_MAJOR) + ", the library of version " +
                             face_predict_version_string() + ": install header and library of one major version");
        }
        face_predict_model *model = nullptr;
        const face_predict_status status = call(&model);
        if (status != FACE_PREDICT_OK) {
            return Error::last(status);
        }
        return Model(model);
    }

    std::unique_ptr<face_predict_model, detail::Free> handle_;
};

/// Options of a tracker. Fields that are not set are the library's defaults.
class TrackerOptions {
public:
    /// The detector runs on every n-th frame; between these frames each box moves on with its last
    /// speed, which decreases.
    TrackerOptions &detect_every(std::uint32_t frames) noexcept { return options_.detect_every = frames, *this; }
    /// A face is estimated on every n-th frame in which the detector finds it.
    TrackerOptions &estimate_every(std::uint32_t times) noexcept { return options_.estimate_every = times, *this; }
    /// The time constant of the average over estimates.
    TrackerOptions &memory_seconds(float seconds) noexcept { return options_.memory_seconds = seconds, *this; }
    /// The time after which a face that is no longer found is forgotten.
    TrackerOptions &lost_seconds(float seconds) noexcept { return options_.lost_seconds = seconds, *this; }
    const face_predict_tracker_options &c() const noexcept { return options_; }

private:
    face_predict_tracker_options options_ = FACE_PREDICT_TRACKER_OPTIONS_INIT;
};

/// Follows the faces of one camera. It gives each a track_id, and averages its answers over track_estimates estimates.
/// Only one thread may use it at a time. It keeps what it needs of the model, which may be freed.
class Tracker {
public:
    explicit Tracker(const Model &model, const TrackerOptions &options = {})
        : Tracker(try_make(model, options).value()) {}
    static Expected<Tracker> try_make(const Model &model, const TrackerOptions &options = {}) noexcept {
        face_predict_tracker *tracker = nullptr;
        const face_predict_status status = face_predict_tracker_new(model.c(), &options.c(), &tracker);
        if (status != FACE_PREDICT_OK) {
            return Error::last(status);
        }
        return Tracker(tracker);
    }

    /// Takes the next frame. `time` counts from any start, and must not go back.
    Result update(const Image &image, std::chrono::microseconds time, const Options &options = {}) {
        Result result;
        update_into(image, time, options, result);
        return result;
    }
    /// Does the same with a result that is kept, whose buffers are used again.
    void update_into(const Image &image, std::chrono::microseconds time, const Options &options, Result &result) {
        try_update_into(image, time, options, result).value();
    }
    Done try_update_into(const Image &image, std::chrono::microseconds time, const Options &options,
                         Result &result) noexcept {
        return detail::done(face_predict_tracker_update(handle_.get(), &image.c(),
                                                        static_cast<std::int64_t>(time.count()), &options.c(),
                                                        result.c()));
    }

    /// Forgets all faces, for example after a jump in a video. Their numbers are not used again.
    void reset() noexcept { face_predict_tracker_reset(handle_.get()); }

    face_predict_tracker *c() const noexcept { return handle_.get(); }

private:
    explicit Tracker(face_predict_tracker *handle) noexcept : handle_(handle) {}

    std::unique_ptr<face_predict_tracker, detail::Free> handle_;
};

} // namespace facepredict

// ---- OpenCV: included before this header, or by this header if FACE_PREDICT_WITH_OPENCV is defined.
#ifdef FACE_PREDICT_WITH_OPENCV
#include <opencv2/core.hpp>
#endif
#if defined(OPENCV_CORE_HPP) || defined(CV_VERSION)
namespace facepredict {

/// Makes a view of a matrix of 8-bit gray, BGR or BGRA pixels, which are OpenCV's orders. It may be a part of a larger
/// matrix. Throws for other types. The matrix must outlive the view's use.
inline Image view(const cv::Mat &mat) {
    if (mat.dims != 2 || mat.empty() || mat.depth() != CV_8U || mat.channels() == 2 || mat.channels() > 4) {
        detail::refuse("cv::Mat of type " + std::to_string(mat.type()) + ", " + std::to_string(mat.cols) + "x" +
                       std::to_string(mat.rows) + ": CV_8UC1, CV_8UC3 (BGR) or CV_8UC4 (BGRA) pixels are wanted");
    }
    const Format format = mat.channels() == 1 ? Format::gray : mat.channels() == 3 ? Format::bgr : Format::bgra;
    const std::size_t row = static_cast<std::size_t>(mat.cols) * mat.elemSize();
    // The last row of a part may end before its stride does.
    const std::size_t size = mat.step[0] * static_cast<std::size_t>(mat.rows - 1) + row;
    return Image(format, static_cast<std::uint32_t>(mat.cols), static_cast<std::uint32_t>(mat.rows),
                 Span<const std::uint8_t>(mat.data, size), mat.step[0]);
}

/// Makes a view of a camera frame in OpenCV's layout. NV12, NV21 and I420 are CV_8UC1 with 3/2 of the height, and have
/// no gaps between rows. YUYV and UYVY are CV_8UC2. Throws for other types and formats. The matrix must outlive the
/// view's use.
inline Image view(const cv::Mat &mat, Format format) {
    const bool packed = format == Format::yuyv || format == Format::uyvy;
    const bool planar = format == Format::nv12 || format == Format::nv21 || format == Format::i420;
    if (!packed && !planar) {
        detail::refuse("view(mat, format) is for NV12, NV21, I420, YUYV and UYVY");
    }
    const bool right = mat.dims == 2 && !mat.empty() && mat.type() == (packed ? CV_8UC2 : CV_8UC1);
    if (!right || mat.cols % 2 != 0 || (planar && (mat.rows % 3 != 0 || !mat.isContinuous()))) {
        detail::refuse("cv::Mat of type " + std::to_string(mat.type()) + ", " + std::to_string(mat.cols) + "x" +
                       std::to_string(mat.rows) +
                       (packed ? ": CV_8UC2 of even width is wanted"
                               : ": CV_8UC1 of even width and 3/2 of the picture's height is wanted, continuous"));
    }
    const int height = packed ? mat.rows : mat.rows / 3 * 2;
    const std::size_t size = mat.step[0] * static_cast<std::size_t>(mat.rows - 1) +
                             static_cast<std::size_t>(mat.cols) * mat.elemSize();
    return Image(format, static_cast<std::uint32_t>(mat.cols), static_cast<std::uint32_t>(height),
                 Span<const std::uint8_t>(mat.data, size), packed ? mat.step[0] : 0);
}

} // namespace facepredict
#endif

// ---- Qt: included before this header, or by this header if FACE_PREDICT_WITH_QT is defined.
#ifdef FACE_PREDICT_WITH_QT
#include <QImage>
#endif
#if defined(QIMAGE_H)
namespace facepredict {

/// Makes a view of a QImage of a format that the library reads in place. It throws for other formats.
/// QImage::convertToFormat(QImage::Format_RGB888) converts those. The image must outlive the view's use.
inline Image view(const QImage &image) {
    Format format = Format::gray;
    switch (image.format()) {
    case QImage::Format_Grayscale8: break;
    case QImage::Format_RGB888: format = Format::rgb; break;
#if QT_VERSION >= QT_VERSION_CHECK(5, 14, 0)
    case QImage::Format_BGR888: format = Format::bgr; break;
#endif
    case QImage::Format_RGBX8888:
    case QImage::Format_RGBA8888: format = Format::rgba; break;
#if Q_BYTE_ORDER == Q_LITTLE_ENDIAN
    // As one number it is 0xAARRGGBB, so blue comes first in memory.
    case QImage::Format_RGB32:
    case QImage::Format_ARGB32: format = Format::bgra; break;
#else
    case QImage::Format_RGB32:
    case QImage::Format_ARGB32: format = Format::argb; break;
#endif
    default:
        detail::refuse(image.isNull() ? "the QImage is null"
                                      : "QImage of format " + std::to_string(static_cast<int>(image.format())) +
                                            ": convertToFormat(QImage::Format_RGB888) first");
    }
    const std::size_t stride = static_cast<std::size_t>(image.bytesPerLine());
    return Image(format, static_cast<std::uint32_t>(image.width()), static_cast<std::uint32_t>(image.height()),
                 Span<const std::uint8_t>(image.constBits(), stride * static_cast<std::size_t>(image.height())), stride);
}

} // namespace facepredict
#endif

#endif // FACE_PREDICT_HPP
