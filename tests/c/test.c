/* Tests what a correct program may do. Usage: test FOLDER [quick] */
#include "check.h"

static face_predict_model *model;
static face_predict_result *result;
static unsigned char *rgb;
static size_t rgb_size;
static face_predict_region box;
static face_predict_face expected;

static face_predict_face first_face(void) {
    face_predict_face face;
    memset(&face, 0, sizeof face);
    CHECK_OK(face_predict_result_face(result, 0, &face, sizeof face));
    return face;
}

static void same_answer(const char *what, const face_predict_face *face, double tolerance) {
    int before = failures;
    CHECK_NEAR(face->age, expected.age, 40 * tolerance);
    CHECK_NEAR(face->age_low, expected.age_low, 40 * tolerance);
    CHECK_NEAR(face->age_high, expected.age_high, 40 * tolerance);
    CHECK_NEAR(face->female_probability, expected.female_probability, tolerance);
    CHECK(face->gender == expected.gender);
    if (failures != before) {
        fprintf(stderr, "  in: %s\n", what);
    }
}

static void portrait(void) {
    face_predict_image image = image_of(FACE_PREDICT_FORMAT_RGB, rgb, rgb_size);
    face_predict_options options = options_of(&box, 1);
    uint32_t width = 0, height = 0;
    CHECK_OK(face_predict(model, &image, &options, result));
    CHECK(face_predict_result_status(result) == FACE_PREDICT_OK);
    CHECK(face_predict_result_count(result) == 1);
    CHECK_OK(face_predict_result_size(result, &width, &height));
    CHECK(width == SIDE && height == SIDE);
    expected = first_face();
    CHECK(expected.x == box.x && expected.y == box.y);
    CHECK(expected.width == box.width && expected.height == box.height);
    CHECK(isnan(expected.score) && isnan(expected.landmarks[0].x) && isnan(expected.landmarks[4].y));
    CHECK(expected.age >= 0 && expected.age <= 150);
    CHECK(expected.age_low <= expected.age && expected.age <= expected.age_high);
    CHECK(expected.female_probability >= 0 && expected.female_probability <= 1);
    CHECK(expected.quality == 0);
}

/* Copies the portrait into another byte order, with padding after each row except the last. */
static unsigned char *converted(const int order[3], size_t pixel, size_t before, size_t padding, size_t *size) {
    size_t stride = SIDE * pixel + padding, x, y;
    unsigned char *out;
    *size = (SIDE - 1) * stride + SIDE * pixel;
    out = malloc(*size);
    if (!out) {
        exit(2);
    }
    memset(out, 0xA5, *size);
    for (y = 0; y < SIDE; y++) {
        for (x = 0; x < SIDE; x++) {
            const unsigned char *from = rgb + (y * SIDE + x) * 3;
            unsigned char *to = out + y * stride + x * pixel + before;
            int i;
            for (i = 0; i < 3; i++) {
                to[i] = from[order[i]];
            }
        }
    }
    return out;
}

static void formats_and_strides(void) {
    static const struct {
        uint32_t format;
        size_t pixel, before;
        int order[3];
    } formats[] = {
        {FACE_PREDICT_FORMAT_RGB, 3, 0, {0, 1, 2}},  {FACE_PREDICT_FORMAT_BGR, 3, 0, {2, 1, 0}},
        {FACE_PREDICT_FORMAT_RGBA, 4, 0, {0, 1, 2}}, {FACE_PREDICT_FORMAT_BGRA, 4, 0, {2, 1, 0}},
        {FACE_PREDICT_FORMAT_ARGB, 4, 1, {0, 1, 2}}, {FACE_PREDICT_FORMAT_ABGR, 4, 1, {2, 1, 0}},
    };
    static const size_t paddings[] = {0, 1, 61};
    size_t i, j;
    for (i = 0; i < sizeof formats / sizeof *formats; i++) {
        for (j = 0; j < sizeof paddings / sizeof *paddings; j++) {
            size_t size;
            unsigned char *pixels = converted(formats[i].order, formats[i].pixel, formats[i].before, paddings[j], &size);
            face_predict_image image = image_of(formats[i].format, pixels, size);
            face_predict_options options = options_of(&box, 1);
            face_predict_face face;
            image.strides[0] = paddings[j] ? SIDE * formats[i].pixel + paddings[j] : 0;
            CHECK_OK(face_predict(model, &image, &options, result));
            face = first_face();
            same_answer("formats", &face, 0);
            /* The sizes are left out, so the library trusts the caller. */
            image.sizes[0] = 0;
            CHECK_OK(face_predict(model, &image, &options, result));
            free(pixels);
        }
    }
}

static void gray_is_three_equal_channels(void) {
    unsigned char *gray = malloc(SIDE * SIDE), *triple = malloc(SIDE * SIDE * 3);
    face_predict_options options = options_of(&box, 1);
    face_predict_image image;
    face_predict_face one, three;
    size_t i;
    if (!gray || !triple) {
        exit(2);
    }
    for (i = 0; i < SIDE * SIDE; i++) {
        gray[i] = rgb[3 * i + 1];
        memset(triple + 3 * i, gray[i], 3);
    }
    image = image_of(FACE_PREDICT_FORMAT_GRAY, gray, SIDE * SIDE);
    CHECK_OK(face_predict(model, &image, &options, result));
    one = first_face();
    image = image_of(FACE_PREDICT_FORMAT_RGB, triple, SIDE * SIDE * 3);
    CHECK_OK(face_predict(model, &image, &options, result));
    three = first_face();
    CHECK_NEAR(one.age, three.age, 1e-3);
    CHECK_NEAR(one.female_probability, three.female_probability, 1e-4);
    free(gray);
    free(triple);
}

/* Returns the place where the upright pixel (x, y) is stored, in a picture that `rotation` and `mirrored` make
 * upright. */
static size_t stored_at(uint32_t rotation, uint32_t mirrored, size_t x, size_t y) {
    if (mirrored) {
        x = SIDE - 1 - x;
    }
    switch (rotation) {
    case 90: return (SIDE - 1 - x) * SIDE + y;
    case 180: return (SIDE - 1 - y) * SIDE + (SIDE - 1 - x);
    case 270: return x * SIDE + (SIDE - 1 - y);
    default: return y * SIDE + x;
    }
}

static void rotations_and_mirrorings(void) {
    static const struct {
        uint32_t rotation, mirrored;
    } by_exif[8] = {{0, 0}, {0, 1}, {180, 0}, {180, 1}, {90, 1}, {90, 0}, {270, 1}, {270, 0}};
    unsigned char *turned = malloc(rgb_size);
    uint32_t exif;
    if (!turned) {
        exit(2);
    }
    for (exif = 1; exif <= 8; exif++) {
        uint32_t rotation = by_exif[exif - 1].rotation, mirrored = by_exif[exif - 1].mirrored;
        face_predict_image image = image_of(FACE_PREDICT_FORMAT_RGB, turned, rgb_size);
        face_predict_options options = options_of(&box, 1);
        face_predict_face face;
        size_t x, y;
        for (y = 0; y < SIDE; y++) {
            for (x = 0; x < SIDE; x++) {
                memcpy(turned + 3 * stored_at(rotation, mirrored, x, y), rgb + 3 * (y * SIDE + x), 3);
            }
        }
        CHECK_OK(face_predict_image_set_exif(&image, exif));
        CHECK(image.rotation == rotation && (image.mirrored != 0) == (mirrored != 0));
        CHECK_OK(face_predict(model, &image, &options, result));
        face = first_face();
        same_answer("rotations", &face, 2e-3);
        image.mirrored = mirrored ? 0xFFFFFFFFu : 0;
        CHECK_OK(face_predict(model, &image, &options, result));
    }
    free(turned);
}

/* The lowest row is first, as in bitmaps of Windows. It is tried upright and turned. */
static void bottom_up_pictures(void) {
    static const uint32_t rotations[] = {0, 90, 180, 270};
    unsigned char *stored = malloc(rgb_size);
    size_t i, x, y;
    if (!stored) {
        exit(2);
    }
    for (i = 0; i < 8; i++) {
        const uint32_t rotation = rotations[i / 2], mirrored = i % 2;
        face_predict_image image = image_of(FACE_PREDICT_FORMAT_RGB, stored, rgb_size);
        face_predict_options options = options_of(&box, 1);
        face_predict_face face;
        for (y = 0; y < SIDE; y++) {
            for (x = 0; x < SIDE; x++) {
                const size_t at = stored_at(rotation, mirrored, x, y);
                memcpy(stored + 3 * ((SIDE - 1 - at / SIDE) * SIDE + at % SIDE), rgb + 3 * (y * SIDE + x), 3);
            }
        }
        image.rotation = rotation;
        image.mirrored = mirrored;
        image.bottom_up = i % 3 + 1;
        CHECK_OK(face_predict(model, &image, &options, result));
        face = first_face();
        same_answer("bottom up", &face, 2e-3);
    }
    free(stored);
}

static void encoded_bytes_and_files(void) {
    static const char *const names[] = {"portrait.png", "portrait.bmp", "portrait.webp", "portrait.jpg"};
    face_predict_options options = options_of(&box, 1);
    face_predict_image image = FACE_PREDICT_IMAGE_INIT;
    size_t i;
    image.format = FACE_PREDICT_FORMAT_ENCODED;
    for (i = 0; i < sizeof names / sizeof *names; i++) {
        size_t size;
        unsigned char *bytes = read_bytes(names[i], &size);
        double tolerance = i < 3 ? 0 : 0.1; /* JPEG changes the pixels a little. */
        face_predict_face face;
        CHECK_OK(face_predict_file(model, in_folder(names[i]), &options, result));
        face = first_face();
        same_answer(names[i], &face, tolerance);
        CHECK_OK(face_predict_encoded(model, bytes, size, &options, result));
        face = first_face();
        same_answer(names[i], &face, tolerance);
        image.planes[0] = bytes;
        image.sizes[0] = size;
        CHECK_OK(face_predict(model, &image, &options, result));
        face = first_face();
        same_answer(names[i], &face, tolerance);
        free(bytes);
    }
}

static void regions(void) {
    face_predict_image image = image_of(FACE_PREDICT_FORMAT_RGB, rgb, rgb_size);
    face_predict_region three[3];
    face_predict_options options;
    face_predict_face face;
    int i;
    three[0] = portrait_face();
    three[0].width = three[0].height = 30;
    three[1] = portrait_face();
    three[2] = portrait_face();
    three[2].x = 470;
    options = options_of(three, 3);
    CHECK_OK(face_predict(model, &image, &options, result));
    CHECK(face_predict_result_count(result) == 3);
    face = first_face();
    CHECK(face.width == 94 && face.x == 177 && face.region_index == 1);
    same_answer("largest first", &face, 0);
    CHECK_OK(face_predict_result_face(result, 1, &face, sizeof face));
    CHECK(face.region_index == 2);
    CHECK(face.x == 470 && face.quality & FACE_PREDICT_QUALITY_CUT_OFF);
    CHECK_OK(face_predict_result_face(result, 2, &face, sizeof face));
    CHECK(face.region_index == 0);
    CHECK(face.width == 30 && face.quality & FACE_PREDICT_QUALITY_SMALL);
    options.max_faces = 1;
    CHECK_OK(face_predict(model, &image, &options, result));
    CHECK(face_predict_result_count(result) == 1);
    face = first_face();
    CHECK(face.x == 177);

    /* Landmarks are returned as given, and place the crop. */
    options = options_of(&three[1], 1);
    for (i = 0; i < 5; i++) {
        static const float places[5][2] = {{203, 110}, {244, 110}, {224, 135}, {207, 155}, {241, 155}};
        three[1].landmarks[i].x = places[i][0];
        three[1].landmarks[i].y = places[i][1];
    }
    CHECK_OK(face_predict(model, &image, &options, result));
    face = first_face();
    CHECK(memcmp(face.landmarks, three[1].landmarks, sizeof face.landmarks) == 0);
    CHECK(face.age >= 0 && face.age <= 150);
    /* Impossible landmarks are ignored. */
    for (i = 0; i < 5; i++) {
        three[1].landmarks[i].x = 1e30f;
    }
    CHECK_OK(face_predict(model, &image, &options, result));
    face = first_face();
    same_answer("impossible landmarks", &face, 0);
}

static void cropped(void) {
    face_predict_options options = options_of(NULL, 0);
    face_predict_face face;
    options.flags = FACE_PREDICT_CROPPED;
    CHECK_OK(face_predict_file(model, in_folder("crop.png"), &options, result));
    CHECK(face_predict_result_count(result) == 1);
    face = first_face();
    CHECK(face.region_index == FACE_PREDICT_NO_REGION);
    CHECK(face.x == 0 && face.y == 0 && face.width == 128 && face.height == 160);
    CHECK(face.age >= 0 && face.age <= 150);
}

static void skipping_and_thresholds(void) {
    face_predict_image image = image_of(FACE_PREDICT_FORMAT_RGB, rgb, rgb_size);
    face_predict_options options = options_of(&box, 1);
    face_predict_face face;
    size_t years = 9;
    float low = 0, high = 0;
    options.flags = FACE_PREDICT_SKIP_AGE;
    CHECK_OK(face_predict(model, &image, &options, result));
    face = first_face();
    CHECK(isnan(face.age) && isnan(face.age_low) && isnan(face.age_high));
    CHECK(face.female_probability == expected.female_probability);
    CHECK(face_predict_result_age_distribution(result, 0, &years) == NULL && years == 0);
    CHECK_OK(face_predict_result_age_interval(result, 0, 0.5f, &low, &high));
    CHECK(isnan(low) && isnan(high) && isnan(face_predict_result_age_at_least(result, 0, 18)));
    options.flags = FACE_PREDICT_SKIP_GENDER;
    CHECK_OK(face_predict(model, &image, &options, result));
    face = first_face();
    CHECK(face.age == expected.age);
    CHECK(isnan(face.female_probability) && face.gender == FACE_PREDICT_GENDER_UNDECIDED);
    options.flags = FACE_PREDICT_SKIP_AGE | FACE_PREDICT_SKIP_GENDER;
    CHECK_OK(face_predict(model, &image, &options, result));
    face = first_face();
    CHECK(isnan(face.age) && isnan(face.female_probability) && face.width == box.width);
    options.flags = 0;
    options.gender_threshold = 1;
    CHECK_OK(face_predict(model, &image, &options, result));
    face = first_face();
    CHECK(face.gender == FACE_PREDICT_GENDER_UNDECIDED || face.female_probability == 1 ||
          face.female_probability == 0);
    options.gender_threshold = 0.5f;
    CHECK_OK(face_predict(model, &image, &options, result));
    face = first_face();
    CHECK(face.gender ==
          (uint32_t)(face.female_probability > 0.5f ? FACE_PREDICT_GENDER_FEMALE : FACE_PREDICT_GENDER_MALE));
}

static void ages(void) {
    face_predict_image image = image_of(FACE_PREDICT_FORMAT_RGB, rgb, rgb_size);
    face_predict_options options = options_of(&box, 1);
    const float *years;
    size_t count = 0, i;
    double sum = 0, tail = 0;
    float low, high, low2, high2;
    face_predict_face face;
    options.age_coverage = 0.5f;
    CHECK_OK(face_predict(model, &image, &options, result));
    face = first_face();
    CHECK(face.age_low >= expected.age_low && face.age_high <= expected.age_high);
    years = face_predict_result_age_distribution(result, 0, &count);
    CHECK(years != NULL && count >= 101);
    CHECK(years == face_predict_result_age_distribution(result, 0, NULL));
    for (i = 0; years && i < count; i++) {
        CHECK(years[i] >= 0);
        sum += years[i];
        tail += i >= 18 ? years[i] : 0;
    }
    CHECK_NEAR(sum, 1, 1e-4);
    CHECK_NEAR(face_predict_result_age_at_least(result, 0, 18), tail, 1e-4);
    CHECK_NEAR(face_predict_result_age_at_least(result, 0, 0), 1, 1e-4);
    CHECK(face_predict_result_age_at_least(result, 0, 1e30f) == 0);
    CHECK(isnan(face_predict_result_age_at_least(result, 0, NAN)));
    CHECK_OK(face_predict_result_age_interval(result, 0, 0.5f, &low, &high));
    CHECK(low == face.age_low && high == face.age_high);
    CHECK_OK(face_predict_result_age_interval(result, 0, 0.99f, &low2, &high2));
    CHECK(low2 <= low && high2 >= high);
}

static void growth(void) {
    face_predict_image image = image_of(FACE_PREDICT_FORMAT_RGB, rgb, rgb_size);
    struct {
        face_predict_options known;
        unsigned char later[32];
    } newer;
    struct {
        face_predict_image known;
        unsigned char later[32];
    } newer_image;
    struct {
        face_predict_face known;
        unsigned char later[32];
    } newer_face;
    face_predict_model_options model_options;
    face_predict_model *other = NULL;
    unsigned char part[sizeof(face_predict_face)];
    size_t i;

    memset(&newer, 0, sizeof newer);
    newer.known = options_of(&box, 1);
    newer.known.struct_size = sizeof newer;
    memset(&newer_image, 0, sizeof newer_image);
    newer_image.known = image;
    newer_image.known.struct_size = sizeof newer_image;
    CHECK_OK(face_predict(model, &newer_image.known, &newer.known, result));
    newer.later[31] = 1;
    CHECK(face_predict(model, &image, &newer.known, result) == FACE_PREDICT_ERROR_UNSUPPORTED);
    CHECK(strstr(face_predict_last_error(), "options has") != NULL);
    newer.later[31] = 0;
    newer_image.later[0] = 1;
    CHECK(face_predict(model, &newer_image.known, &newer.known, result) == FACE_PREDICT_ERROR_UNSUPPORTED);
    CHECK_OK(face_predict(model, &image, &newer.known, result));

    memset(&model_options, 0, sizeof model_options);
    model_options.struct_size = sizeof model_options;
    CHECK_OK(face_predict_model_load_default(&model_options, &other));
    face_predict_model_free(other);

    /* A program with a newer header reads zeros in the fields that this library does not know. An older one reads fewer
     * fields. */
    memset(&newer_face, 0xFF, sizeof newer_face);
    CHECK_OK(face_predict_result_face(result, 0, &newer_face.known, sizeof newer_face));
    same_answer("newer face", &newer_face.known, 0);
    for (i = 0; i < sizeof newer_face.later; i++) {
        CHECK(newer_face.later[i] == 0);
    }
    memset(part, 0xA5, sizeof part);
    CHECK_OK(face_predict_result_face(result, 0, (face_predict_face *)(void *)part, 16));
    CHECK(memcmp(part, &newer_face.known, 16) == 0 && part[16] == 0xA5);
}

static void models(void) {
    face_predict_options options = options_of(&box, 1);
    face_predict_image image = image_of(FACE_PREDICT_FORMAT_RGB, rgb, rgb_size);
    face_predict_model_options plain = FACE_PREDICT_MODEL_OPTIONS_INIT;
    face_predict_model *other = NULL;
    face_predict_network network;
    const char *paths[2];
    size_t size;
    unsigned char *bytes = read_bytes("age.onnx", &size);
    face_predict_face face;
    CHECK(face_predict_model_name(model)[0] != '\0');
    CHECK(strchr(face_predict_model_name(model), '+') == NULL);
    CHECK(strstr(face_predict_model_license(model), "non-commercial research") != NULL);
    CHECK(strstr(face_predict_model_license(model), "; detector ") != NULL);
    CHECK(face_predict_model_license(model) == face_predict_model_license(model));

    /* One network does both tasks, and another finds faces. */
    CHECK_OK(face_predict_model_network(model, FACE_PREDICT_TASK_AGE, &network, sizeof network));
    CHECK(strcmp(network.name, "base") == 0 && strncmp(network.version, "0.", 2) == 0);
    CHECK(strstr(network.license, "CC BY 4.0 (FairFace)") && strstr(network.data, "UTKFace"));
    CHECK(network.tasks == (FACE_PREDICT_TASK_AGE | FACE_PREDICT_TASK_GENDER));
    CHECK(network.input_width >= 32 && network.input_height >= 32 && network.reserved == 0);
    CHECK_OK(face_predict_model_network(model, FACE_PREDICT_TASK_GENDER, &network, sizeof network));
    CHECK(strcmp(network.name, "base") == 0);
    CHECK_OK(face_predict_model_network(model, FACE_PREDICT_TASK_DETECT, &network, sizeof network));
    CHECK(strcmp(network.name, "detector") == 0 && network.tasks == FACE_PREDICT_TASK_DETECT);
    CHECK(strstr(network.license, "WIDER FACE") != NULL);
    memset(&network, 0xA5, sizeof network);
    CHECK_OK(face_predict_model_network(model, FACE_PREDICT_TASK_DETECT, &network, 16));
    CHECK(strcmp(network.name, "detector") == 0 && network.tasks == 0xA5A5A5A5u);
    CHECK(face_predict_features() & FACE_PREDICT_FEATURE_DECODE);
    CHECK(face_predict_features() & FACE_PREDICT_FEATURE_DETECTOR);
    CHECK(face_predict_features() & FACE_PREDICT_FEATURE_WEIGHTS);
    CHECK(!(face_predict_features() & FACE_PREDICT_FEATURE_OPEN_WEIGHTS));
    CHECK_OK(face_predict_model_warm_up(model, 640, 480, NULL));
    CHECK_OK(face_predict_model_warm_up(model, 640, 480, &options));

    /* The age comes from the file, and the gender from the built-in model. */
    CHECK_OK(face_predict_model_load_memory(bytes, size, NULL, &other));
    memset(bytes, 0, size);
    free(bytes);
    CHECK(strstr(face_predict_model_name(other), "small 1 + ") != NULL);
    CHECK_OK(face_predict(other, &image, &options, result));
    face = first_face();
    CHECK(face.female_probability == expected.female_probability && face.age != expected.age);
    face_predict_model_free(other);
    paths[0] = in_folder("age.onnx");
    paths[1] = in_folder("gender.onnx");
    CHECK_OK(face_predict_model_load_files(paths, 2, NULL, &other));
    CHECK(strcmp(face_predict_model_name(other), "small 1 + small 1") == 0);
    CHECK_OK(face_predict(other, &image, &options, result));
    face_predict_model_free(other);
    CHECK_OK(face_predict_model_load_files(NULL, 0, NULL, &other));
    CHECK(strcmp(face_predict_model_name(other), face_predict_model_name(model)) == 0);
    face_predict_model_free(other);
    CHECK_OK(face_predict_model_load_file(paths[1], NULL, &other));
    face_predict_model_free(other);

    plain.flags = FACE_PREDICT_PLAIN_CONVOLUTIONS;
    CHECK_OK(face_predict_model_load_default(&plain, &other));
    CHECK_OK(face_predict(other, &image, &options, result));
    face = first_face();
    same_answer("plain convolutions", &face, 1e-3);
    face_predict_model_free(other);
}

static int told;

static void log_line(void *data, int32_t level, const char *message) {
    CHECK(data == NULL);
    told |= level == FACE_PREDICT_LOG_INFO && strstr(message, "base 0.") && strstr(message, " was loaded in ") ? 1 : 0;
    told |= level == FACE_PREDICT_LOG_INFO && strstr(message, "ready for pictures of 64x48 in ") ? 2 : 0;
    told |= level == FACE_PREDICT_LOG_ERROR && strstr(message, "FACE_PREDICT_ERROR_IO: missing.jpg cannot be read") ? 4 : 0;
}

static void logging(void) {
    face_predict_model *other = NULL;
    CHECK_OK(face_predict_set_log(log_line, NULL));
    CHECK_OK(face_predict_model_load_default(NULL, &other));
    CHECK_OK(face_predict_model_warm_up(other, 64, 48, NULL));
    CHECK(face_predict_file(other, "missing.jpg", NULL, result) == FACE_PREDICT_ERROR_IO);
    CHECK(told == 7);
    CHECK_OK(face_predict_set_log(NULL, NULL));
    told = 0;
    CHECK(face_predict_file(other, "missing.jpg", NULL, result) == FACE_PREDICT_ERROR_IO);
    CHECK(told == 0);
    face_predict_model_free(other);
}

int main(int argc, char **argv) {
    int quick = argc > 2;
    if (argc < 2) {
        return 2;
    }
    folder = argv[1];
    box = portrait_face();
    rgb = read_bytes("portrait.rgb", &rgb_size);
    CHECK(rgb_size == (size_t)SIDE * SIDE * 3);
    CHECK(face_predict_last_error()[0] == '\0');
    CHECK(face_predict_version() == FACE_PREDICT_VERSION);
    CHECK(strcmp(face_predict_status_name(FACE_PREDICT_ERROR_IO), "FACE_PREDICT_ERROR_IO") == 0);
    CHECK(strcmp(face_predict_status_name(-7), "unknown") == 0);
    CHECK(strcmp(face_predict_quality_text(0), "") == 0);
    CHECK(strcmp(face_predict_quality_text(FACE_PREDICT_QUALITY_DARK), "dark") == 0);
    CHECK(strcmp(face_predict_quality_text(FACE_PREDICT_QUALITY_CUT_OFF | FACE_PREDICT_QUALITY_SMALL), "small, cut_off") == 0);
    CHECK(strcmp(face_predict_quality_text(UINT32_MAX), "small, blurred, dark, bright, turned, cut_off, not_upright") == 0);
    /* This library has no names for the flags of a later one. */
    CHECK(strcmp(face_predict_quality_text(1u << 31), "") == 0);
    CHECK_OK(face_predict_model_load_default(NULL, &model));
    result = face_predict_result_new();
    CHECK(result != NULL && face_predict_result_count(result) == 0);
    CHECK(face_predict_result_status(result) == FACE_PREDICT_OK);
    CHECK(face_predict_result_message(result)[0] == '\0');
    portrait();
    growth();
    logging();
    regions();
    cropped();
    skipping_and_thresholds();
    ages();
    if (!quick) { /* The same code runs again and again, which is slow under valgrind. */
        formats_and_strides();
        gray_is_three_equal_channels();
        rotations_and_mirrorings();
        bottom_up_pictures();
        encoded_bytes_and_files();
        models();
    }
    /* Any order works, because a result outlives its model. */
    face_predict_model_free(model);
    CHECK(face_predict_result_count(result) <= 1);
    face_predict_result_free(result);
    free(rgb);
    return failures != 0;
}
