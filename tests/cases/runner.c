/*
 * Runs the list of cases through the C interface: runner [FOLDER]
 * Prints what differs and ends with 1, or prints the number of cases and ends with 0.
 */
#include "json.h"

#include <face_predict.h>
#include <math.h>
#include <stdarg.h>

static const char *case_name = "";
static int wrong = 0;

static void differs(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", case_name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    wrong++;
}

static void compare(const char *what, const json *right, float answer, double tolerance) {
    if (!right || right->kind == 'n') {
        if (!isnan(answer)) {
            differs("%s is %g, none is right", what, answer);
        }
    } else if (!(fabs(right->number - answer) <= tolerance)) {
        differs("%s is %g, %g is right", what, answer, right->number);
    }
}

static uint32_t format_number(const char *name) {
    static const char *const names[] = {"",     "GRAY", "RGB",  "BGR",  "RGBA",
                                        "BGRA", "NV12", "NV21", "I420", "YUYV",
                                        "UYVY", "ARGB", "ABGR", "P010"};
    uint32_t i;
    for (i = 1; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    return 0;
}

static uint32_t yuv_number(const char *name) {
    static const char *const names[] = {"BT601_LIMITED", "BT601_FULL", "BT709_LIMITED", "BT709_FULL"};
    uint32_t i;
    for (i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    json_die("an unknown yuv");
    return 0;
}

/* Reads the first three numbers of a list, and returns their count. */
static size_t three_numbers(const json *one, const char *key, size_t out[3]) {
    const json *list = json_get(one, key), *number = list ? list->first : NULL;
    size_t i = 0;
    for (; number && i < 3; number = number->next) {
        out[i++] = (size_t)number->number;
    }
    return i;
}

/* Reads the planes of a raw picture. There is one whose others follow it, or one at each of `offsets`. */
static face_predict_image picture(const json *one, const char *data, size_t size) {
    face_predict_image image = FACE_PREDICT_IMAGE_INIT;
    size_t offsets[3] = {0, 0, 0}, sizes[3] = {0, 0, 0}, count, i;
    image.format = format_number(json_string_or(one, "format", ""));
    image.width = (uint32_t)json_number_or(one, "width", 0);
    image.height = (uint32_t)json_number_or(one, "height", 0);
    image.rotation = (uint32_t)json_number_or(one, "rotation", 0);
    image.mirrored = (uint32_t)json_number_or(one, "mirrored", 0);
    image.bottom_up = (uint32_t)json_number_or(one, "bottom_up", 0);
    image.chroma_step = (uint32_t)json_number_or(one, "chroma_step", 0);
    image.yuv = yuv_number(json_string_or(one, "yuv", "BT601_LIMITED"));
    three_numbers(one, "strides", image.strides);
    three_numbers(one, "sizes", sizes);
    count = three_numbers(one, "offsets", offsets);
    for (i = 0; i < count || i == 0; i++) {
        image.planes[i] = data + offsets[i];
        image.sizes[i] = sizes[i] ? sizes[i] : size - offsets[i];
    }
    return image;
}

static face_predict_status predict(const face_predict_model *model, const json *one, const char *path,
                                   const face_predict_options *options, face_predict_result *result) {
    const char *input = json_string_or(one, "input", "");
    face_predict_status status;
    size_t size;
    char *data;
    if (strcmp(input, "file") == 0) {
        return face_predict_file(model, path, options, result);
    }
    data = json_file(path, &size);
    if (strcmp(input, "encoded") == 0) {
        status = face_predict_encoded(model, data, size, options, result);
    } else {
        const face_predict_image image = picture(one, data, size);
        status = face_predict(model, &image, options, result);
    }
    free(data);
    return status;
}

static uint32_t quality_bit(const char *name) {
    static const struct {
        const char *name;
        uint32_t bit;
    } reasons[] = {
        {"small", FACE_PREDICT_QUALITY_SMALL},   {"blurred", FACE_PREDICT_QUALITY_BLURRED},
        {"dark", FACE_PREDICT_QUALITY_DARK},     {"bright", FACE_PREDICT_QUALITY_BRIGHT},
        {"turned", FACE_PREDICT_QUALITY_TURNED}, {"cut_off", FACE_PREDICT_QUALITY_CUT_OFF},
        {"not_upright", FACE_PREDICT_QUALITY_NOT_UPRIGHT},
    };
    size_t i;
    for (i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (strcmp(reasons[i].name, name) == 0) {
            return reasons[i].bit;
        }
    }
    json_die("an unknown reason of quality");
    return 0;
}

static void compare_face(const face_predict_result *result, size_t index, const json *right,
                         const json *tolerance) {
    const double years = json_number_or(tolerance, "years", 0);
    const double probability = json_number_or(tolerance, "probability", 0);
    const double pixels = json_number_or(tolerance, "pixels", 0);
    const json *side = json_get(right, "box")->first, *pose = json_get(right, "pose"), *reason;
    const double degrees = json_number_or(tolerance, "degrees", 0);
    const char *gender;
    face_predict_face face;
    uint32_t quality = 0;
    if (face_predict_result_face(result, index, &face, sizeof face) != FACE_PREDICT_OK) {
        differs("face %lu: %s", (unsigned long)index, face_predict_last_error());
        return;
    }
    compare("x", side, face.x, pixels);
    compare("y", side->next, face.y, pixels);
    compare("width", side->next->next, face.width, pixels);
    compare("height", side->next->next->next, face.height, pixels);
    compare("age", json_get(right, "age"), face.age, years);
    compare("age_low", json_get(right, "age_low"), face.age_low, years);
    compare("age_high", json_get(right, "age_high"), face.age_high, years);
    compare("adult", json_get(right, "adult"), face_predict_result_age_at_least(result, index, 18), probability);
    compare("female_probability", json_get(right, "female_probability"), face.female_probability, probability);
    compare("score", json_get(right, "score"), face.score, probability);
    pose = pose ? pose->first : NULL;
    compare("yaw", pose, face.yaw, degrees);
    compare("pitch", pose ? pose->next : NULL, face.pitch, degrees);
    compare("roll", pose ? pose->next->next : NULL, face.roll, degrees);
    if (face.region_index != FACE_PREDICT_NO_REGION && face.region_index >= 16) {
        differs("the face is of region %u", (unsigned)face.region_index);
    }
    if (face.track_id != 0 || face.track_estimates != 0) {
        differs("the face has a track without a tracker");
    }
    gender = face.gender == FACE_PREDICT_GENDER_FEMALE ? "female"
             : face.gender == FACE_PREDICT_GENDER_MALE ? "male"
                                                       : "undecided";
    if (strcmp(gender, json_string_or(right, "gender", "")) != 0) {
        differs("gender is %s, %s is right", gender, json_string_or(right, "gender", ""));
    }
    for (reason = json_get(right, "quality")->first; reason; reason = reason->next) {
        quality |= quality_bit(reason->string);
    }
    if (quality != face.quality) {
        differs("quality is %#x, %#x is right", (unsigned)face.quality, (unsigned)quality);
    }
}

static void run(const face_predict_model *model, face_predict_result *result, const char *folder, const json *one,
                const json *tolerance) {
    face_predict_region regions[16];
    face_predict_options options = FACE_PREDICT_OPTIONS_INIT;
    face_predict_status status, right;
    uint32_t width = 0, height = 0;
    const json *number, *face;
    char path[4096];
    size_t i = 0;
    case_name = json_string_or(one, "name", "");
    right = (face_predict_status)json_number_or(one, "status", 0);
    memset(regions, 0, sizeof regions);
    options.flags = (json_number_or(one, "cropped", 0) != 0 ? FACE_PREDICT_CROPPED : 0) |
                    (json_number_or(one, "skip_age", 0) != 0 ? FACE_PREDICT_SKIP_AGE : 0) |
                    (json_number_or(one, "skip_gender", 0) != 0 ? FACE_PREDICT_SKIP_GENDER : 0) |
                    (json_number_or(one, "fast_search", 0) != 0 ? FACE_PREDICT_FAST_SEARCH : 0) |
                    (json_number_or(one, "try_turns", 0) != 0 ? FACE_PREDICT_TRY_TURNS : 0);
    options.max_faces = (uint32_t)json_number_or(one, "max_faces", 0);
    options.age_coverage = (float)json_number_or(one, "age_coverage", 0);
    options.gender_threshold = (float)json_number_or(one, "gender_threshold", 0);
    options.min_face_size = (uint32_t)json_number_or(one, "min_face_size", 0);
    options.min_score = (float)json_number_or(one, "min_score", 0);
    options.crops = (uint32_t)json_number_or(one, "crops", 0);
    /* Without boxes the picture is searched. An empty list of boxes is not the same. */
    options.regions = json_get(one, "boxes") ? regions : NULL;
    options.region_count = (uint32_t)(json_count(json_get(one, "boxes")) / 4);
    if (options.region_count > sizeof regions / sizeof *regions) {
        json_die("more boxes than the runner holds");
    }
    for (number = options.region_count ? json_get(one, "boxes")->first : NULL; number; number = number->next, i++) {
        (&regions[i / 4].x)[i % 4] = (float)number->number;
    }
    i = 0;
    for (number = json_get(one, "landmarks") ? json_get(one, "landmarks")->first : NULL; number;
         number = number->next, i++) {
        (&regions[i / 10].landmarks[0].x)[i % 10] = (float)number->number;
    }
    snprintf(path, sizeof path, "%s/%s", folder, json_string_or(one, "picture", ""));
    status = predict(model, one, path, &options, result);
    if (status != right) {
        differs("status is %d (%s), %d is right", (int)status, status ? face_predict_last_error() : "success",
                (int)right);
        return;
    }
    if (status != FACE_PREDICT_OK) {
        const char *message = json_string_or(one, "message", "");
        /* If the descriptor itself is wrong, the result says so, too. */
        if (!strstr(face_predict_result_message(result), message)) {
            differs("the error says \"%s\", not \"%s\"", face_predict_result_message(result), message);
        }
        return;
    }
    if (face_predict_result_size(result, &width, &height) != FACE_PREDICT_OK) {
        differs("size: %s", face_predict_last_error());
    }
    compare("picture width", json_get(one, "size")->first, (float)width, 0);
    compare("picture height", json_get(one, "size")->first->next, (float)height, 0);
    i = 0;
    for (face = json_get(one, "faces")->first; face; face = face->next) {
        compare_face(result, i++, face, tolerance);
    }
    if (i != face_predict_result_count(result)) {
        differs("%lu faces, %lu are right", (unsigned long)face_predict_result_count(result), (unsigned long)i);
    }
}

int main(int argc, char **argv) {
    const char *folder = argc > 1 ? argv[1] : "tests/cases";
    face_predict_model *model = NULL;
    face_predict_result *result = face_predict_result_new();
    char path[4096];
    const json *one;
    json *list;
    int count = 0;
    snprintf(path, sizeof path, "%s/cases.json", folder);
    list = json_load(path);
    if (face_predict_model_load_default(NULL, &model) != FACE_PREDICT_OK) {
        fprintf(stderr, "%s\n", face_predict_last_error());
        return 1;
    }
    if (strcmp(json_string_or(list, "model", ""), face_predict_model_name(model)) != 0) {
        differs("the answers are of the model %s, this is %s", json_string_or(list, "model", ""),
                face_predict_model_name(model));
    }
    for (one = json_get(list, "cases")->first; one; one = one->next, count++) {
        run(model, result, folder, one, json_get(list, "tolerance"));
    }
    face_predict_result_free(result);
    face_predict_model_free(model);
    json_free(list);
    if (wrong) {
        fprintf(stderr, "%d differences\n", wrong);
        return 1;
    }
    printf("%d cases: the answers of the list\n", count);
    return 0;
}
