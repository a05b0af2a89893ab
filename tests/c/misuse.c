/*
 * Tests what a wrong program, a broken picture and a hostile file get. They get a status and a message with the
 * argument and the numbers. Nothing is printed, and the library continues to work. Usage: misuse FOLDER [quick]
 */
#include "check.h"

#define NULL_ARGUMENT FACE_PREDICT_ERROR_NULL_ARGUMENT
#define INVALID FACE_PREDICT_ERROR_INVALID_ARGUMENT
#define BUFFER FACE_PREDICT_ERROR_BUFFER_TOO_SMALL
#define RANGE FACE_PREDICT_ERROR_OUT_OF_RANGE
#define LIMIT FACE_PREDICT_ERROR_LIMIT
#define BAD_IMAGE FACE_PREDICT_ERROR_IMAGE
#define BAD_MODEL FACE_PREDICT_ERROR_MODEL
#define IO FACE_PREDICT_ERROR_IO
#define UNSUPPORTED FACE_PREDICT_ERROR_UNSUPPORTED

/* The values that depend on the size of a pointer, for processors of 32 and of 64 bits. */
#if UINTPTR_MAX == UINT32_MAX
#define BITS(on32, on64) on32
#else
#define BITS(on32, on64) on64
#endif
#define LARGEST BITS("4294967295", "18446744073709551615") /* SIZE_MAX */

static int quick;
static face_predict_model *model;
static face_predict_result *result;
static unsigned char *rgb;
static size_t rgb_size;
static face_predict_region box;
static face_predict_face expected;

static face_predict_image image(void) {
    return image_of(FACE_PREDICT_FORMAT_RGB, rgb, rgb_size);
}

/* The next correct call works. `quick` leaves the network out, because valgrind makes it slow. */
static void good_call(int line) {
    face_predict_image picture = image();
    face_predict_options options = options_of(&box, 1);
    face_predict_face face;
    face_predict_status status;
    options.flags = quick ? FACE_PREDICT_SKIP_AGE | FACE_PREDICT_SKIP_GENDER : 0;
    status = face_predict(model, &picture, &options, result);
    if (status == FACE_PREDICT_OK) {
        status = face_predict_result_face(result, 0, &face, sizeof face);
    }
    if (face_predict_result_message(result)[0] != '\0') {
        fprintf(stderr, "%s:%d: then the good call leaves a message\n", __FILE__, line);
        failures++;
    }
    if (status != FACE_PREDICT_OK) {
        fprintf(stderr, "%s:%d: then the good call: %s\n", __FILE__, line, face_predict_last_error());
        failures++;
    } else if (!quick && (face.age != expected.age || face.female_probability != expected.female_probability)) {
        fprintf(stderr, "%s:%d: then the good call has another answer\n", __FILE__, line);
        failures++;
    }
}

/* Returns whether the message contains each of the parts that `|` separates. */
static void message_has(int line, const char *parts) {
    const char *message = face_predict_last_error();
    char copy[512], *part, *next;
    snprintf(copy, sizeof copy, "%s", parts);
    for (part = copy; part; part = next) {
        next = strchr(part, '|');
        if (next) {
            *next++ = '\0';
        }
        if (!strstr(message, part)) {
            fprintf(stderr, "%s:%d: message \"%s\" lacks \"%s\"\n", __FILE__, line, message, part);
            failures++;
        }
    }
}

static void refused(int line, face_predict_status status, face_predict_status wanted, const char *parts) {
    if (status != wanted) {
        fprintf(stderr, "%s:%d: %s instead of %s: %s\n", __FILE__, line, face_predict_status_name(status),
                face_predict_status_name(wanted), face_predict_last_error());
        failures++;
    }
    message_has(line, parts);
    good_call(line);
}

/* A refused prediction leaves the result empty, and the result keeps its status. */
static void refused_prediction(int line, face_predict_status status, face_predict_status wanted, const char *parts) {
    uint32_t width = 7, height = 7;
    if (strcmp(face_predict_result_message(result), face_predict_last_error()) != 0) {
        fprintf(stderr, "%s:%d: the result says \"%s\", the call \"%s\"\n", __FILE__, line,
                face_predict_result_message(result), face_predict_last_error());
        failures++;
    }
    if (face_predict_result_count(result) != 0 || face_predict_result_status(result) != status ||
        face_predict_result_size(result, &width, &height) != FACE_PREDICT_OK || width != 0 || height != 0) {
        fprintf(stderr, "%s:%d: the result is not empty, or has another status\n", __FILE__, line);
        failures++;
    }
    refused(line, status, wanted, parts);
}

#define REFUSED(call, status, parts) refused(__LINE__, (call), (status), (parts))
#define REFUSED_PREDICTION(call, status, parts) refused_prediction(__LINE__, (call), (status), (parts))

static void null_anywhere(void) {
    face_predict_image picture = image(), no_pixels = image();
    face_predict_options options = options_of(&box, 1), no_regions = options_of(NULL, 3);
    face_predict_model *out = (face_predict_model *)&failures;
    face_predict_face face;
    const char *null_path[] = {"x", NULL};
    face_predict_network network;
    uint32_t number;
    float years;

    REFUSED(face_predict_model_load_default(NULL, NULL), NULL_ARGUMENT, "model_out is NULL");
    REFUSED(face_predict_model_load_file(NULL, NULL, &out), NULL_ARGUMENT, "path is NULL");
    REFUSED(face_predict_model_load_file("x", NULL, NULL), NULL_ARGUMENT, "model_out is NULL");
    REFUSED(face_predict_model_load_memory(NULL, 5, NULL, &out), NULL_ARGUMENT, "data is NULL");
    REFUSED(face_predict_model_load_memory(rgb, 5, NULL, NULL), NULL_ARGUMENT, "model_out is NULL");
    REFUSED(face_predict_model_load_files(NULL, 2, NULL, &out), NULL_ARGUMENT, "paths is NULL");
    REFUSED(face_predict_model_load_files(null_path + 1, 1, NULL, &out), NULL_ARGUMENT, "paths[0] is NULL");
    REFUSED(face_predict_model_load_files(null_path, 2, NULL, &out), NULL_ARGUMENT, "paths[1] is NULL");
    REFUSED(face_predict_model_load_files(NULL, 0, NULL, NULL), NULL_ARGUMENT, "model_out is NULL");
    /* On failure no `_out` argument is written. */
    CHECK(out == (face_predict_model *)&failures);
    CHECK(face_predict_model_name(NULL) == NULL);
    CHECK(face_predict_model_license(NULL) == NULL);
    REFUSED(face_predict_model_network(NULL, FACE_PREDICT_TASK_AGE, &network, sizeof network), NULL_ARGUMENT, "model is NULL");
    REFUSED(face_predict_model_network(model, FACE_PREDICT_TASK_AGE, NULL, sizeof network), NULL_ARGUMENT, "network_out is NULL");
    REFUSED(face_predict_model_warm_up(NULL, 64, 64, NULL), NULL_ARGUMENT, "model is NULL");
    face_predict_model_free(NULL);

    REFUSED(face_predict_image_set_exif(NULL, 1), NULL_ARGUMENT, "image is NULL");
    REFUSED_PREDICTION(face_predict(NULL, &picture, &options, result), NULL_ARGUMENT, "model is NULL");
    REFUSED_PREDICTION(face_predict(model, NULL, &options, result), NULL_ARGUMENT, "image is NULL");
    REFUSED(face_predict(model, &picture, &options, NULL), NULL_ARGUMENT, "result is NULL");
    REFUSED(face_predict(NULL, NULL, NULL, NULL), NULL_ARGUMENT, "is NULL");
    no_pixels.planes[0] = NULL;
    REFUSED_PREDICTION(face_predict(model, &no_pixels, &options, result), NULL_ARGUMENT, "planes[0] is NULL");
    REFUSED_PREDICTION(face_predict(model, &picture, &no_regions, result), NULL_ARGUMENT, "options.regions is NULL");
    REFUSED_PREDICTION(face_predict_file(NULL, in_folder("portrait.png"), &options, result), NULL_ARGUMENT, "model is NULL");
    REFUSED_PREDICTION(face_predict_file(model, NULL, &options, result), NULL_ARGUMENT, "path is NULL");
    REFUSED(face_predict_file(model, in_folder("portrait.png"), &options, NULL), NULL_ARGUMENT, "result is NULL");
    REFUSED_PREDICTION(face_predict_encoded(NULL, rgb, 9, &options, result), NULL_ARGUMENT, "model is NULL");
    REFUSED_PREDICTION(face_predict_encoded(model, NULL, 9, &options, result), NULL_ARGUMENT, "data is NULL");
    REFUSED(face_predict_encoded(model, rgb, 9, &options, NULL), NULL_ARGUMENT, "result is NULL");

    face_predict_result_free(NULL);
    CHECK(face_predict_result_count(NULL) == 0);
    REFUSED(face_predict_result_status(NULL), NULL_ARGUMENT, "result is NULL");
    CHECK(strcmp(face_predict_result_message(NULL), "") == 0);
    REFUSED(face_predict_result_size(NULL, &number, &number), NULL_ARGUMENT, "result is NULL");
    REFUSED(face_predict_result_size(result, NULL, &number), NULL_ARGUMENT, "width_out is NULL");
    REFUSED(face_predict_result_size(result, &number, NULL), NULL_ARGUMENT, "height_out is NULL");
    REFUSED(face_predict_result_face(NULL, 0, &face, sizeof face), NULL_ARGUMENT, "result is NULL");
    REFUSED(face_predict_result_face(result, 0, NULL, sizeof face), NULL_ARGUMENT, "face_out is NULL");
    CHECK(isnan(face_predict_result_age_at_least(NULL, 0, 18)));
    REFUSED(face_predict_result_age_interval(NULL, 0, 0.5f, &years, &years), NULL_ARGUMENT, "result is NULL");
    REFUSED(face_predict_result_age_interval(result, 0, 0.5f, NULL, &years), NULL_ARGUMENT, "low_out is NULL");
    REFUSED(face_predict_result_age_interval(result, 0, 0.5f, &years, NULL), NULL_ARGUMENT, "high_out is NULL");
    CHECK(face_predict_result_age_distribution(NULL, 0, NULL) == NULL);
    good_call(__LINE__);
}

static void reading_a_result(void) {
    face_predict_face face;
    float low = -1, high = -1;
    size_t count = 77, i;
    static const size_t sizes[] = {0, 1, 15, 4097, SIZE_MAX};
    static const float coverages[] = {0, 1, -1, 1.5f, NAN, INFINITY, -INFINITY};
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        REFUSED(face_predict_result_face(result, 0, &face, sizes[i]), INVALID, "size is|but sizeof(face_predict_face) is 112");
    }
    REFUSED(face_predict_result_face(result, 1, &face, sizeof face), RANGE, "face 1|has 1");
    REFUSED(face_predict_result_face(result, SIZE_MAX, &face, sizeof face), RANGE, "face " LARGEST "|has 1");
    REFUSED(face_predict_result_age_interval(result, 9, 0.5f, &low, &high), RANGE, "face 9|has 1");
    for (i = 0; i < sizeof coverages / sizeof *coverages; i++) {
        REFUSED(face_predict_result_age_interval(result, 0, coverages[i], &low, &high), INVALID, "coverage is|above 0 and below 1");
    }
    CHECK(low == -1 && high == -1);
    CHECK(isnan(face_predict_result_age_at_least(result, 9, 18)));
    CHECK(face_predict_result_age_distribution(result, 9, &count) == NULL && count == 77);
}

static void wrong_pictures(void) {
    face_predict_options options = options_of(&box, 1);
    face_predict_image p;
    static const uint32_t struct_sizes[] = {0, 1, 16, BITS(59, 95), 4097, UINT32_MAX};
    static const uint32_t formats[] = {0, 15, 255, UINT32_MAX};
    static const uint32_t rotations[] = {1, 45, 91, 360, UINT32_MAX};
    static const uint32_t exifs[] = {0, 9, 255, UINT32_MAX};
    static const size_t strides[] = {1, SIDE, 3 * SIDE - 1};
    size_t i;
#define PREDICT() face_predict(model, &p, &options, result)
    for (i = 0; i < sizeof struct_sizes / sizeof *struct_sizes; i++) {
        p = image();
        p.struct_size = struct_sizes[i];
        REFUSED_PREDICTION(PREDICT(), INVALID, "image.struct_size is|but sizeof(face_predict_image) is " BITS("76", "112"));
        REFUSED(face_predict_image_set_exif(&p, 1), INVALID, "image.struct_size");
    }
    for (i = 0; i < sizeof formats / sizeof *formats; i++) {
        p = image();
        p.format = formats[i];
        REFUSED_PREDICTION(PREDICT(), INVALID, "image.format is|1 to 14");
    }
    for (i = 0; i < sizeof rotations / sizeof *rotations; i++) {
        p = image();
        p.rotation = rotations[i];
        REFUSED_PREDICTION(PREDICT(), INVALID, "rotation is|0, 90, 180 or 270");
    }
    for (i = 0; i < sizeof exifs / sizeof *exifs; i++) {
        p = image();
        REFUSED(face_predict_image_set_exif(&p, exifs[i]), INVALID, "Exif orientation is|1 to 8");
        CHECK(p.rotation == 0 && p.mirrored == 0);
    }
    for (i = 0; i < sizeof strides / sizeof *strides; i++) {
        p = image();
        p.strides[0] = strides[i];
        REFUSED_PREDICTION(PREDICT(), INVALID, "stride 0 is|512|1536");
    }
    p = image();
    p.strides[0] = SIZE_MAX;
    REFUSED_PREDICTION(PREDICT(), INVALID, "512 rows of " LARGEST " bytes");
    p.strides[0] = SIZE_MAX / 600; /* The product does not overflow, but is larger than an address space. */
    REFUSED_PREDICTION(PREDICT(), INVALID, "512 rows of|overflow");
    p.strides[0] = SIZE_MAX / 2000; /* The size is possible, but not here. */
    REFUSED_PREDICTION(PREDICT(), BUFFER, "plane 0 has 786432 bytes|512x512|needs");
    p = image();
    p.width = 0;
    REFUSED_PREDICTION(PREDICT(), INVALID, "0x512");
    p.width = UINT32_MAX;
    REFUSED_PREDICTION(PREDICT(), INVALID, "4294967295x512|16777216");
    p = image();
    p.height = 0;
    REFUSED_PREDICTION(PREDICT(), INVALID, "512x0");
    p.height = UINT32_MAX;
    REFUSED_PREDICTION(PREDICT(), INVALID, "512x4294967295");
    p.width = p.height = 1 << 24;
    REFUSED_PREDICTION(PREDICT(), BITS(INVALID, BUFFER), BITS("16777216 rows of|overflow", "786432|16777216x16777216"));
    p = image();
    p.sizes[0] = 1;
    REFUSED_PREDICTION(PREDICT(), BUFFER, "plane 0 has 1 bytes|512x512|needs 786432");
    p.sizes[0] = rgb_size - 1;
    REFUSED_PREDICTION(PREDICT(), BUFFER, "plane 0 has 786431 bytes|needs 786432");
    p = image();
    p.planes[1] = rgb;
    REFUSED_PREDICTION(PREDICT(), INVALID, "the format RGB has 1 planes, but more are given");
    p = image();
    p.planes[2] = rgb;
    REFUSED_PREDICTION(PREDICT(), INVALID, "the format RGB has 1 planes, but more are given");
    /* The picture is complete, but has more pixels than the model accepts. */
    {
        face_predict_model_options limited;
        face_predict_model *small = NULL;
        memset(&limited, 0, sizeof limited);
        limited.struct_size = sizeof limited;
        limited.max_pixels = 1000;
        CHECK_OK(face_predict_model_load_default(&limited, &small));
        p = image();
        REFUSED_PREDICTION(face_predict(small, &p, &options, result), LIMIT, "512x512|262144|1000");
        REFUSED_PREDICTION(face_predict_file(small, in_folder("portrait.png"), &options, result), LIMIT, "512x512|1000");
        face_predict_model_free(small);
    }
#undef PREDICT
}

static void wrong_options(void) {
    face_predict_image picture = image();
    face_predict_options o;
    face_predict_region regions[2];
    static const uint32_t struct_sizes[] = {0, 4, BITS(27, 31), 4097, UINT32_MAX};
    static const uint32_t region_sizes[] = {1, 55, 57, 4100, UINT32_MAX};
    static const float coverages[] = {-0.1f, 1, 2, NAN, INFINITY, -INFINITY};
    static const float thresholds[] = {0.49f, 1.01f, -1, NAN, INFINITY};
    static const float sides[] = {0, -1, -0.0f, NAN, INFINITY, -INFINITY, 1e8f, 3e38f};
    static const float edges[] = {NAN, INFINITY, -INFINITY, 1e8f, -3e38f};
    size_t i;
#define PREDICT() face_predict(model, &picture, &o, result)
    for (i = 0; i < sizeof struct_sizes / sizeof *struct_sizes; i++) {
        o = options_of(&box, 1);
        o.struct_size = struct_sizes[i];
        REFUSED_PREDICTION(PREDICT(), INVALID, "options.struct_size is|is " BITS("44", "48"));
    }
    o = options_of(&box, 1);
    o.flags = 1u << 31;
    REFUSED_PREDICTION(PREDICT(), UNSUPPORTED, "options.flags are 0x80000000|0x1f");
    for (i = 0; i < sizeof region_sizes / sizeof *region_sizes; i++) {
        o = options_of(&box, 1);
        o.region_size = region_sizes[i];
        REFUSED_PREDICTION(PREDICT(), INVALID, "options.region_size is|face_predict_region has 56");
    }
    /* The regions are those of a later header. Only the second one has a field that this library does not know. */
    {
        struct {
            face_predict_region known;
            uint32_t later;
        } two[2];
        memset(two, 0, sizeof two);
        two[0].known = two[1].known = box;
        o = options_of(&two[0].known, 2);
        o.region_size = sizeof two[0];
        CHECK_OK(PREDICT());
        CHECK(face_predict_result_count(result) == 2);
        two[1].later = 1;
        REFUSED_PREDICTION(PREDICT(), UNSUPPORTED, "options.regions[1] has 60 bytes|knows 56");
        o.region_count = UINT32_MAX;
        o.region_size = 4096;
        o.regions = NULL;
        REFUSED_PREDICTION(PREDICT(), NULL_ARGUMENT, "options.regions is NULL");
    }
    o = options_of(&box, 1);
    o.flags = FACE_PREDICT_CROPPED;
    REFUSED_PREDICTION(PREDICT(), INVALID, "one face|1 regions");
    for (i = 0; i < sizeof coverages / sizeof *coverages; i++) {
        o = options_of(&box, 1);
        o.age_coverage = coverages[i];
        REFUSED_PREDICTION(PREDICT(), INVALID, "age_coverage is");
    }
    for (i = 0; i < sizeof thresholds / sizeof *thresholds; i++) {
        o = options_of(&box, 1);
        o.gender_threshold = thresholds[i];
        REFUSED_PREDICTION(PREDICT(), INVALID, "gender_threshold is|0.5 to 1");
    }
    regions[0] = box;
    for (i = 0; i < sizeof sides / sizeof *sides; i++) {
        o = options_of(regions, 2);
        regions[1] = box;
        regions[1].width = sides[i];
        REFUSED_PREDICTION(PREDICT(), INVALID, "region 1: box 177,66 of");
        regions[1] = box;
        regions[1].height = sides[i];
        REFUSED_PREDICTION(PREDICT(), INVALID, "region 1: box 177,66 of 94x");
    }
    for (i = 0; i < sizeof edges / sizeof *edges; i++) {
        o = options_of(regions, 2);
        regions[1] = box;
        regions[1].x = edges[i];
        REFUSED_PREDICTION(PREDICT(), INVALID, "region 1: box");
        regions[1] = box;
        regions[1].y = edges[i];
        REFUSED_PREDICTION(PREDICT(), INVALID, "region 1: box");
    }
#undef PREDICT
}

/* Planes of camera formats are too short, overlap, or are missing. */
static void camera_planes(void) {
    face_predict_options options = options_of(&box, 1);
    face_predict_image p;
    const size_t luma = (size_t)SIDE * SIDE;
    size_t i;
#define PREDICT() face_predict(model, &p, &options, result)
    p = image_of(FACE_PREDICT_FORMAT_NV12, rgb, luma + luma / 2);
    CHECK_OK(PREDICT());
    p.yuv = FACE_PREDICT_YUV_BT709_FULL;
    CHECK_OK(PREDICT());
    p.yuv = 4;
    REFUSED_PREDICTION(PREDICT(), INVALID, "image.yuv is 4|0 to 3");
    p.yuv = 0;
    p.reserved = 1;
    REFUSED_PREDICTION(PREDICT(), UNSUPPORTED, "image.reserved is 1");
    p.reserved = 0;
    p.chroma_step = 2;
    REFUSED_PREDICTION(PREDICT(), INVALID, "chroma step is 2|only I420|NV12");
    p.chroma_step = 0;
    p.sizes[0] = luma + luma / 2 - 1;
    REFUSED_PREDICTION(PREDICT(), BUFFER, "plane 1 has 131071 bytes|needs 131072");
    p.sizes[0] = luma - 1;
    REFUSED_PREDICTION(PREDICT(), BUFFER, "plane 0 has 262143 bytes");
    p.sizes[0] = luma;
    p.planes[1] = rgb + luma;
    p.sizes[1] = luma / 2 - 1;
    REFUSED_PREDICTION(PREDICT(), BUFFER, "plane 1 has 131071 bytes");
    p.sizes[1] = luma / 2;
    CHECK_OK(PREDICT());
    p.strides[1] = SIDE - 1;
    REFUSED_PREDICTION(PREDICT(), INVALID, "stride 1 is 511");
    p.strides[1] = 0;
    p.planes[2] = rgb;
    REFUSED_PREDICTION(PREDICT(), INVALID, "NV12 has 2 planes, but more are given");
    /* Planes may share the same memory. */
    p = image_of(FACE_PREDICT_FORMAT_I420, rgb, luma);
    p.planes[1] = p.planes[2] = rgb;
    p.sizes[1] = p.sizes[2] = luma / 4;
    CHECK_OK(PREDICT());
    /* These are Android's planes: U and V are a byte apart, and the last row lacks its last byte. */
    p.chroma_step = 2;
    p.planes[1] = rgb + luma;
    p.planes[2] = rgb + luma + 1;
    p.sizes[1] = p.sizes[2] = luma / 2 - 1;
    CHECK_OK(PREDICT());
    p.sizes[2]--;
    REFUSED_PREDICTION(PREDICT(), BUFFER, "plane 2 has 131070 bytes");
    for (i = 0; i < 2; i++) {
        p = image_of(i ? FACE_PREDICT_FORMAT_UYVY : FACE_PREDICT_FORMAT_YUYV, rgb, 2 * luma - 1);
        REFUSED_PREDICTION(PREDICT(), BUFFER, "plane 0 has 524287 bytes|needs 524288");
    }
    p = image_of(FACE_PREDICT_FORMAT_P010, rgb, 3 * luma - 1);
    REFUSED_PREDICTION(PREDICT(), BUFFER, "plane 1 has 262143 bytes|needs 262144");
    p.sizes[0]++;
    CHECK_OK(PREDICT());
    /* The brightness is padded, and the colours that follow it have as much padding. */
    p = image_of(FACE_PREDICT_FORMAT_NV12, rgb, 576 * 512 + 576 * 255 + 511);
    p.strides[0] = 576;
    REFUSED_PREDICTION(PREDICT(), BUFFER, "plane 1 has 147391 bytes|needs 147392");
    p.sizes[0]++;
    CHECK_OK(PREDICT());
    p = image_of(FACE_PREDICT_FORMAT_I420, rgb, 576 * 512 + 288 * 511 + 255);
    p.strides[0] = 576;
    REFUSED_PREDICTION(PREDICT(), BUFFER, "plane 2 has 73695 bytes|needs 73696");
    p.sizes[0]++;
    CHECK_OK(PREDICT());
#undef PREDICT
    good_call(__LINE__);
}

/* One bad picture does not stop the others. */
static void batch(void) {
    face_predict_image good = image(), bad = image(), encoded = FACE_PREDICT_IMAGE_INIT;
    face_predict_options with_regions = options_of(&box, 1), unknown = FACE_PREDICT_OPTIONS_INIT;
    face_predict_options wrong = FACE_PREDICT_OPTIONS_INIT;
    const face_predict_image *images[3];
    face_predict_result *results[3], *missing[2] = {NULL, NULL};
    face_predict_options options = FACE_PREDICT_OPTIONS_INIT;
    size_t i, round;
    options.flags = FACE_PREDICT_CROPPED | (quick ? FACE_PREDICT_SKIP_AGE | FACE_PREDICT_SKIP_GENDER : 0);
    bad.sizes[0] = 5;
    unknown.flags = 1u << 31;
    wrong.age_coverage = 3.0f;
    for (i = 0; i < 3; i++) {
        images[i] = i == 1 ? &bad : &good;
        results[i] = face_predict_result_new();
    }
    for (round = 0; round < 2; round++) {
        const uint32_t threads = round ? 3 : 0;
        REFUSED(face_predict_batch(model, images, 3, &options, threads, results), BUFFER, "images[1]|plane 0 has 5 bytes");
        for (i = 0; i < 3; i++) {
            CHECK(face_predict_result_count(results[i]) == (i == 1 ? 0 : 1));
            CHECK(face_predict_result_status(results[i]) == (i == 1 ? BUFFER : FACE_PREDICT_OK));
            CHECK((strstr(face_predict_result_message(results[i]), "plane 0 has 5 bytes") != NULL) == (i == 1));
        }
    }
    /* If two pictures fail, each result has its own reason, and the call has the reason of the first. */
    encoded.format = FACE_PREDICT_FORMAT_ENCODED;
    encoded.planes[0] = "no picture at all";
    encoded.sizes[0] = 17;
    images[2] = &encoded;
    REFUSED(face_predict_batch(model, images, 3, &options, 2, results), BUFFER, "images[1]|plane 0 has 5 bytes");
    CHECK(face_predict_result_status(results[2]) == BAD_IMAGE);
    CHECK(strncmp(face_predict_result_message(results[2]), "the 17 bytes", 12) == 0);
    images[1] = &good;
    REFUSED(face_predict_batch(model, images, 3, &options, 2, results), BAD_IMAGE, "images[2]: the 17 bytes");
    images[2] = &good;
    CHECK_OK(face_predict_batch(model, images, 3, &options, 3, results));
    CHECK_OK(face_predict_batch(model, NULL, 0, &options, 3, NULL));
    images[2] = NULL;
    REFUSED(face_predict_batch(model, images, 3, &options, 3, results), NULL_ARGUMENT, "images[2]: image is NULL");
    CHECK(face_predict_result_status(results[2]) == NULL_ARGUMENT && face_predict_result_count(results[1]) == 1);
    images[2] = &good;
    REFUSED(face_predict_batch(model, images, 3, &options, 3, NULL), NULL_ARGUMENT, "results is NULL");
    /* If a call is refused as a whole, its results keep no faces of an earlier call, and each has the reason. */
#define REFUSED_ALL(call, wanted, parts)                                              \
    do {                                                                              \
        CHECK_OK(face_predict_batch(model, images, 3, &options, 3, results));         \
        face_predict_status status = (call);                                          \
        for (i = 0; i < 3; i++) {                                                     \
            CHECK(face_predict_result_count(results[i]) == 0);                        \
            CHECK(face_predict_result_status(results[i]) == (wanted));                \
            CHECK(strcmp(face_predict_result_message(results[i]), face_predict_last_error()) == 0); \
        }                                                                             \
        REFUSED(status, wanted, parts);                                               \
    } while (0)
    REFUSED_ALL(face_predict_batch(model, NULL, 3, &options, 3, results), NULL_ARGUMENT, "images is NULL");
    REFUSED_ALL(face_predict_batch(NULL, images, 3, &options, 3, results), NULL_ARGUMENT, "model is NULL");
    REFUSED_ALL(face_predict_batch(model, images, 3, &options, 5000, results), INVALID, "threads is 5000|0 to 1024");
    REFUSED_ALL(face_predict_batch(model, images, 3, &with_regions, 3, results), INVALID, "regions belong to one picture");
    REFUSED_ALL(face_predict_batch(model, images, 3, &unknown, 3, results), UNSUPPORTED, "options.flags are 0x80000000");
    REFUSED_ALL(face_predict_batch(model, images, 3, &wrong, 3, results), INVALID, "age_coverage is 3");
    CHECK(strncmp(face_predict_last_error(), "age_coverage", 12) == 0);
#undef REFUSED_ALL
    face_predict_result_free(results[2]);
    results[2] = results[0];
    REFUSED(face_predict_batch(model, images, 3, &options, 3, results), INVALID, "results[0] is given twice");
    CHECK(strstr(face_predict_result_message(results[0]), "given twice") != NULL);
    results[2] = NULL;
    REFUSED(face_predict_batch(model, images, 3, &options, 3, results), NULL_ARGUMENT, "results[2]: result is NULL");
    CHECK(strstr(face_predict_result_message(results[1]), "results[2]: result is NULL") != NULL);
    /* Two that are NULL are not one result that is given twice. */
    REFUSED(face_predict_batch(model, images, 2, &options, 2, missing), NULL_ARGUMENT, "results[0]: result is NULL");
    face_predict_result_free(results[0]);
    face_predict_result_free(results[1]);
}

/* The bytes of files are given as a picture. Tests what is wrong with them, and which fields of the descriptor are
 * used. */
static void encoded_pictures(void) {
    face_predict_options options = options_of(&box, 1);
    face_predict_image p = FACE_PREDICT_IMAGE_INIT;
    size_t size;
    unsigned char *bytes = read_bytes("portrait.png", &size);
#define PREDICT() face_predict(model, &p, &options, result)
    p.format = FACE_PREDICT_FORMAT_ENCODED;
    REFUSED_PREDICTION(PREDICT(), NULL_ARGUMENT, "image.planes[0] is NULL");
    p.planes[0] = bytes;
    REFUSED_PREDICTION(PREDICT(), BAD_IMAGE, "0 bytes|JPEG, PNG, WebP or BMP");
    p.sizes[0] = SIZE_MAX;
    REFUSED_PREDICTION(PREDICT(), INVALID, "size of image.planes[0] is " LARGEST);
    p.sizes[0] = size / 2;
    REFUSED_PREDICTION(PREDICT(), BAD_IMAGE, "");
    p.sizes[0] = size;
    p.rotation = 45;
    REFUSED_PREDICTION(PREDICT(), INVALID, "rotation is 45");
    p.rotation = 0;
    /* The fields that only pixels have are not read. */
    p.width = p.height = p.chroma_step = p.yuv = p.bottom_up = 77;
    p.planes[1] = p.planes[2] = (const void *)1;
    p.strides[0] = 1;
    CHECK_OK(PREDICT());
    CHECK(face_predict_result_count(result) == 1);
#undef PREDICT
    free(bytes);
    good_call(__LINE__);
}

static void what_is_inside(void) {
    face_predict_network network;
    face_predict_options searching = FACE_PREDICT_OPTIONS_INIT;
    static const uint32_t tasks[] = {0, 3, 8, UINT32_MAX};
    static const size_t sizes[] = {0, 15, 4097, SIZE_MAX};
    size_t i;
    memset(&network, 0xA5, sizeof network);
    for (i = 0; i < sizeof tasks / sizeof *tasks; i++) {
        REFUSED(face_predict_model_network(model, tasks[i], &network, sizeof network), INVALID, "task is 0x|0x1, 0x2 or 0x4");
    }
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        REFUSED(face_predict_model_network(model, FACE_PREDICT_TASK_AGE, &network, sizes[i]), INVALID, "size is|but sizeof(face_predict_network) is " BITS("32", "48"));
    }
    CHECK(network.tasks == 0xA5A5A5A5u);
    REFUSED(face_predict_model_warm_up(model, 0, 64, NULL), INVALID, "picture size 0x64");
    REFUSED(face_predict_model_warm_up(model, 64, UINT32_MAX, NULL), INVALID, "picture size 64x4294967295");
    searching.age_coverage = 2;
    REFUSED(face_predict_model_warm_up(model, 64, 64, &searching), INVALID, "age_coverage is 2");
    searching.struct_size = 3;
    REFUSED(face_predict_model_warm_up(model, 64, 64, &searching), INVALID, "options.struct_size is 3");
}

static int lines;

/* The log function calls the library, and even itself. */
static void log_line(void *data, int32_t level, const char *message) {
    CHECK(data == &lines);
    CHECK(level == FACE_PREDICT_LOG_ERROR);
    CHECK(strcmp(message, "FACE_PREDICT_ERROR_NULL_ARGUMENT: result is NULL") == 0);
    CHECK(face_predict_result_status(NULL) == NULL_ARGUMENT);
    CHECK(face_predict_set_log(NULL, NULL) == INVALID);
    lines++;
}

static void logging(void) {
    CHECK_OK(face_predict_set_log(log_line, &lines));
    CHECK(face_predict_result_status(NULL) == NULL_ARGUMENT);
    CHECK(lines == 1);
    CHECK_OK(face_predict_set_log(NULL, NULL));
    CHECK(face_predict_result_status(NULL) == NULL_ARGUMENT);
    CHECK(lines == 1);
}

static void tracker(void) {
    face_predict_image picture = image();
    face_predict_options options = options_of(&box, 1);
    face_predict_tracker_options how;
    face_predict_tracker *t = NULL;
    face_predict_face face;
    /* An estimate without an answer does not count. */
    const uint32_t one = quick ? 0 : 1;
    options.flags = quick ? FACE_PREDICT_SKIP_AGE | FACE_PREDICT_SKIP_GENDER : 0;
    memset(&how, 0, sizeof how);
    REFUSED(face_predict_tracker_new(model, &how, &t), INVALID, "options.struct_size is 0");
    how.struct_size = sizeof how;
    how.lost_seconds = -1;
    REFUSED(face_predict_tracker_new(model, &how, &t), INVALID, "lost_seconds is -1");
    how.lost_seconds = 0;
    how.memory_seconds = NAN;
    REFUSED(face_predict_tracker_new(model, &how, &t), INVALID, "memory_seconds is NaN");
    REFUSED(face_predict_tracker_new(NULL, NULL, &t), NULL_ARGUMENT, "model is NULL");
    REFUSED(face_predict_tracker_new(model, NULL, NULL), NULL_ARGUMENT, "tracker_out is NULL");
    CHECK(t == NULL);
    CHECK_OK(face_predict_tracker_new(model, NULL, &t));
    CHECK_OK(face_predict_tracker_update(t, &picture, 1000, &options, result));
    CHECK_OK(face_predict_result_face(result, 0, &face, sizeof face));
    CHECK(face.track_id == 1 && face.track_estimates == one);
    REFUSED_PREDICTION(face_predict_tracker_update(t, &picture, 999, &options, result), INVALID, "time goes back from 1000 to 999");
    REFUSED_PREDICTION(face_predict_tracker_update(t, NULL, 2000, &options, result), NULL_ARGUMENT, "image is NULL");
    REFUSED_PREDICTION(face_predict_tracker_update(NULL, &picture, 2000, &options, result), NULL_ARGUMENT, "tracker is NULL");
    REFUSED(face_predict_tracker_update(t, &picture, 2000, &options, NULL), NULL_ARGUMENT, "result is NULL");
    /* The refused calls have changed nothing. */
    CHECK_OK(face_predict_tracker_update(t, &picture, 1000, &options, result));
    CHECK_OK(face_predict_result_face(result, 0, &face, sizeof face));
    CHECK(face.track_id == 1 && face.track_estimates == 2 * one);
    CHECK_OK(face_predict_tracker_update(t, &picture, INT64_MAX, &options, result));
    face_predict_tracker_reset(t);
    CHECK_OK(face_predict_tracker_update(t, &picture, INT64_MIN, &options, result));
    CHECK_OK(face_predict_result_face(result, 0, &face, sizeof face));
    CHECK(face.track_id > 1 && face.track_estimates == one);
    face_predict_tracker_reset(NULL);
    face_predict_tracker_free(t);
    face_predict_tracker_free(NULL);
    good_call(__LINE__);
}

/* A box that reaches out of the picture gets an answer and a mark. A box outside of the picture is refused. */
static void boxes_outside(void) {
    face_predict_image picture = image();
    static const float boxes[][4] = {
        {-50, -60, 120, 160}, {450, 400, 200, 300}, {-9e6f, 0, 1e7f, 1e7f}, {100, 100, 1e-6f, 1e-6f}, {0, 0, 1e7f, 1e-3f},
    };
    static const float outside[][4] = {
        {-1000, -1000, 50, 50}, {9e6f, 9e6f, 100, 100}, {SIDE, 0, 50, 50}, {0, -50, 50, 50},
    };
    size_t i;
    for (i = 0; i < sizeof outside / sizeof *outside; i++) {
        face_predict_region regions[2];
        face_predict_options options = options_of(regions, 2);
        memset(regions, 0, sizeof regions);
        regions[0] = box;
        regions[1].x = outside[i][0];
        regions[1].y = outside[i][1];
        regions[1].width = outside[i][2];
        regions[1].height = outside[i][3];
        REFUSED_PREDICTION(face_predict(model, &picture, &options, result), INVALID, "region 1: box |lies outside the picture of 512x512 pixels");
    }
    for (i = 0; i < sizeof boxes / sizeof *boxes; i++) {
        face_predict_region region;
        face_predict_options options = options_of(&region, 1);
        face_predict_face face;
        memset(&region, 0, sizeof region);
        region.x = boxes[i][0];
        region.y = boxes[i][1];
        region.width = boxes[i][2];
        region.height = boxes[i][3];
        CHECK_OK(face_predict(model, &picture, &options, result));
        CHECK_OK(face_predict_result_face(result, 0, &face, sizeof face));
        CHECK(isfinite(face.age) && face.quality != 0);
        region.landmarks[3].y = NAN;
        CHECK_OK(face_predict(model, &picture, &options, result));
        if (quick) {
            break;
        }
    }
    good_call(__LINE__);
}

static void wrong_bytes(void) {
    face_predict_options options = options_of(&box, 1);
    static const char *const names[] = {"portrait.png", "portrait.jpg", "portrait.webp", "portrait.bmp"};
    size_t i, size, cut;
    unsigned char *bytes;
    REFUSED_PREDICTION(face_predict_encoded(model, rgb, 0, &options, result), BAD_IMAGE, "0 bytes|JPEG, PNG, WebP or BMP");
    REFUSED_PREDICTION(face_predict_encoded(model, rgb, SIZE_MAX, &options, result), INVALID, "data|" LARGEST);
    REFUSED_PREDICTION(face_predict_encoded(model, "no picture at all", 17, &options, result), BAD_IMAGE, "17 bytes|JPEG, PNG, WebP or BMP");
    REFUSED_PREDICTION(face_predict_encoded(model, rgb, rgb_size, &options, result), BAD_IMAGE, "786432 bytes");
    for (i = 0; i < sizeof names / sizeof *names; i++) {
        size_t cuts[] = {1, 2, 4, 8, 12, 16, 20, 26, 33, 40, 60, 100, 200, 400, 1000, 0, 0};
        size_t j;
        bytes = read_bytes(names[i], &size);
        cuts[15] = size / 2;
        cuts[16] = size - size / 10;
        for (j = 0; j < sizeof cuts / sizeof *cuts; j++) {
            /* The bytes are copied, so that a sanitizer sees a read past the end. */
            unsigned char *part = malloc(cuts[j]);
            face_predict_status status;
            cut = cuts[j];
            if (!part || (quick && j % 5 != 0)) {
                free(part);
                continue;
            }
            memcpy(part, bytes, cut);
            status = face_predict_encoded(model, part, cut, &options, result);
            /* JPEG decoders show what is there, and all other damaged files must be refused. */
            if (i != 1 || status != FACE_PREDICT_OK) {
                REFUSED_PREDICTION(status, BAD_IMAGE, "");
            }
            free(part);
        }
        free(bytes);
    }
}

static void bombs(void) {
    face_predict_options options = options_of(&box, 1);
    face_predict_model_options limited;
    face_predict_model *small = NULL;
    REFUSED_PREDICTION(face_predict_file(model, in_folder("huge_dimensions.png"), &options, result), LIMIT, "60000x60000|3600000000|67108864");
    REFUSED_PREDICTION(face_predict_file(model, in_folder("huge_dimensions.bmp"), &options, result), LIMIT, "");
    memset(&limited, 0, sizeof limited);
    limited.struct_size = sizeof limited;
    limited.max_pixels = 1 << 20;
    CHECK_OK(face_predict_model_load_default(&limited, &small));
    REFUSED_PREDICTION(face_predict_file(small, in_folder("inflating.png"), &options, result), LIMIT, "8000x8000|64000000|1048576");
    /* The file claims to be small, and unpacks to 256 MiB. In either case it must not cost that much. */
    (void)!face_predict_file(small, in_folder("inflating_data.png"), &options, result);
    good_call(__LINE__);
    (void)!face_predict_file(small, in_folder("inflating_profile.png"), &options, result);
    good_call(__LINE__);
    face_predict_model_free(small);
}

static void wrong_paths(void) {
    face_predict_options options = options_of(&box, 1);
    face_predict_model *out = NULL;
    const char *paths[2];
    paths[0] = in_folder("age.onnx");
    paths[1] = "\xC3\x28.onnx";
    REFUSED_PREDICTION(face_predict_file(model, in_folder("missing.png"), &options, result), IO, "missing.png|cannot be read");
    REFUSED_PREDICTION(face_predict_file(model, "", &options, result), IO, "cannot be read");
    REFUSED_PREDICTION(face_predict_file(model, folder, &options, result), IO, "cannot be read");
    REFUSED_PREDICTION(face_predict_file(model, "abc\xFF.png", &options, result), INVALID, "path is not UTF-8 at byte 3");
    REFUSED_PREDICTION(face_predict_file(model, in_folder("text.txt"), &options, result), BAD_IMAGE, "JPEG, PNG, WebP or BMP");
    REFUSED(face_predict_model_load_file(in_folder("missing.onnx"), NULL, &out), IO, "missing.onnx|cannot be read");
    REFUSED(face_predict_model_load_file(folder, NULL, &out), IO, "cannot be read");
    REFUSED(face_predict_model_load_file("\xFF", NULL, &out), INVALID, "path is not UTF-8 at byte 0");
    REFUSED(face_predict_model_load_files(paths, 2, NULL, &out), INVALID, "paths[1] is not UTF-8 at byte 0");
    REFUSED(face_predict_model_load_files(paths, SIZE_MAX, NULL, &out), INVALID, "paths|" LARGEST);
    CHECK(out == NULL);
}

static void wrong_models(void) {
    face_predict_model *out = NULL;
    face_predict_model_options o;
    size_t size, cut;
    unsigned char *bytes;
    REFUSED(face_predict_model_load_file(in_folder("portrait.png"), NULL, &out), BAD_MODEL, "portrait.png|ONNX");
    REFUSED(face_predict_model_load_file(in_folder("text.txt"), NULL, &out), BAD_MODEL, "text.txt|ONNX");
    REFUSED(face_predict_model_load_file(in_folder("empty"), NULL, &out), BAD_MODEL, "empty|0 bytes|ONNX");
    REFUSED(face_predict_model_load_memory(rgb, 0, NULL, &out), BAD_MODEL, "0 bytes|ONNX");
    REFUSED(face_predict_model_load_memory(rgb, SIZE_MAX, NULL, &out), INVALID, "data|" LARGEST);
    REFUSED(face_predict_model_load_file(in_folder("other_task.onnx"), NULL, &out), BAD_MODEL, "face_predict.task is \"landmarks\"|age_gender");
    REFUSED(face_predict_model_load_file(in_folder("other_contract.onnx"), NULL, &out), BAD_MODEL, "contract is \"2\"|\"1\"");
    REFUSED(face_predict_model_load_file(in_folder("no_contract.onnx"), NULL, &out), BAD_MODEL, "not a face-predict model");
    REFUSED(face_predict_model_load_file(in_folder("other_size.onnx"), NULL, &out), BAD_MODEL, "[1, 3, 32, 32]|[1, 3, 48, 48]");
    bytes = read_bytes("age.onnx", &size);
    for (cut = 1; cut < size; cut += size / 20) {
        unsigned char *part = malloc(cut);
        face_predict_status status;
        if (!part) {
            exit(2);
        }
        memcpy(part, bytes, cut);
        status = face_predict_model_load_memory(part, cut, NULL, &out);
        REFUSED(status, BAD_MODEL, "");
        free(part);
    }
    free(bytes);
    memset(&o, 0, sizeof o);
    REFUSED(face_predict_model_load_default(&o, &out), INVALID, "options.struct_size is 0|sizeof(face_predict_model_options) is 16");
    o.struct_size = sizeof o;
    o.flags = 6;
    REFUSED(face_predict_model_load_default(&o, &out), UNSUPPORTED, "options.flags are 0x6|0x1");
    CHECK(out == NULL);
}

static void foreign_handles(void) {
    face_predict_image picture = image();
    face_predict_options options = options_of(&box, 1);
    face_predict_face face;
    union {
        uint64_t number[64];
        unsigned char bytes[512];
    } zeros;
    face_predict_model *result_as_model = (face_predict_model *)(void *)result;
    face_predict_result *model_as_result = (face_predict_result *)(void *)model;
    face_predict_model *zero_model = (face_predict_model *)(void *)&zeros;
    face_predict_result *odd = (face_predict_result *)(void *)(zeros.bytes + 1);
    memset(&zeros, 0, sizeof zeros);
    REFUSED_PREDICTION(face_predict(result_as_model, &picture, &options, result), INVALID, "model is not a handle of this kind");
    REFUSED_PREDICTION(face_predict(zero_model, &picture, &options, result), INVALID, "model is not a handle");
    REFUSED(face_predict(model, &picture, &options, model_as_result), INVALID, "result is not a handle of this kind");
    REFUSED(face_predict(model, &picture, &options, odd), INVALID, "result is not a handle of this kind");
    REFUSED(face_predict_result_face(model_as_result, 0, &face, sizeof face), INVALID, "result is not a handle");
    REFUSED(face_predict_result_status(odd), INVALID, "result is not a handle");
    CHECK(face_predict_model_name(result_as_model) == NULL && face_predict_model_license(result_as_model) == NULL);
    REFUSED(face_predict_model_warm_up(result_as_model, 64, 64, NULL), INVALID, "model is not a handle");
    CHECK(strcmp(face_predict_result_message(model_as_result), "") == 0);
    CHECK(face_predict_result_count(model_as_result) == 0);
    /* Neither is freed by the function of the other. */
    face_predict_model_free(result_as_model);
    message_has(__LINE__, "model is not a handle");
    face_predict_result_free(model_as_result);
    message_has(__LINE__, "result is not a handle");
    good_call(__LINE__);
}

int main(int argc, char **argv) {
    face_predict_image picture;
    face_predict_options options;
    if (argc < 2) {
        return 2;
    }
    folder = argv[1];
    quick = argc > 2;
    box = portrait_face();
    rgb = read_bytes("portrait.rgb", &rgb_size);
    CHECK_OK(face_predict_model_load_default(NULL, &model));
    result = face_predict_result_new();
    picture = image();
    options = options_of(&box, 1);
    CHECK_OK(face_predict(model, &picture, &options, result));
    CHECK_OK(face_predict_result_face(result, 0, &expected, sizeof expected));
    null_anywhere();
    reading_a_result();
    wrong_pictures();
    wrong_options();
    camera_planes();
    batch();
    encoded_pictures();
    what_is_inside();
    logging();
    tracker();
    boxes_outside();
    wrong_bytes();
    bombs();
    wrong_paths();
    wrong_models();
    foreign_handles();
    face_predict_result_free(result);
    face_predict_model_free(model);
    free(rgb);
    return failures != 0;
}
