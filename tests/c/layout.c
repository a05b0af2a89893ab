/* Prints every size, offset and constant as C sees it: the Rust side compares. */
#include <face_predict.h>
#include <stdio.h>

#define SIZE(type) printf("size %s %lu\n", #type, (unsigned long)sizeof(face_predict_##type))
#define OFFSET(type, field) \
    printf("offset %s.%s %lu\n", #type, #field, (unsigned long)offsetof(face_predict_##type, field))
#define CONSTANT(name) printf("constant FACE_PREDICT_%s %lu\n", #name, (unsigned long)FACE_PREDICT_##name)

int main(void) {
    SIZE(status);
    SIZE(point);
    OFFSET(point, x);
    OFFSET(point, y);
    SIZE(region);
    OFFSET(region, x);
    OFFSET(region, y);
    OFFSET(region, width);
    OFFSET(region, height);
    OFFSET(region, landmarks);
    SIZE(model_options);
    OFFSET(model_options, struct_size);
    OFFSET(model_options, flags);
    OFFSET(model_options, max_pixels);
    OFFSET(model_options, threads);
    OFFSET(model_options, reserved);
    SIZE(image);
    OFFSET(image, struct_size);
    OFFSET(image, format);
    OFFSET(image, width);
    OFFSET(image, height);
    OFFSET(image, planes);
    OFFSET(image, strides);
    OFFSET(image, sizes);
    OFFSET(image, rotation);
    OFFSET(image, mirrored);
    OFFSET(image, chroma_step);
    OFFSET(image, yuv);
    SIZE(options);
    OFFSET(options, struct_size);
    OFFSET(options, flags);
    OFFSET(options, max_faces);
    OFFSET(options, region_count);
    OFFSET(options, regions);
    OFFSET(options, age_coverage);
    OFFSET(options, gender_threshold);
    OFFSET(options, min_face_size);
    OFFSET(options, min_score);
    OFFSET(options, crops);
    OFFSET(options, reserved);
    SIZE(face);
    OFFSET(face, x);
    OFFSET(face, y);
    OFFSET(face, width);
    OFFSET(face, height);
    OFFSET(face, landmarks);
    OFFSET(face, score);
    OFFSET(face, age);
    OFFSET(face, age_low);
    OFFSET(face, age_high);
    OFFSET(face, female_probability);
    OFFSET(face, gender);
    OFFSET(face, quality);
    OFFSET(face, yaw);
    OFFSET(face, pitch);
    OFFSET(face, roll);
    OFFSET(face, track_estimates);
    OFFSET(face, reserved);
    OFFSET(face, track_id);
    SIZE(tracker_options);
    OFFSET(tracker_options, struct_size);
    OFFSET(tracker_options, detect_every);
    OFFSET(tracker_options, estimate_every);
    OFFSET(tracker_options, memory_seconds);
    OFFSET(tracker_options, lost_seconds);
    CONSTANT(VERSION);
    CONSTANT(VERSION_MAJOR);
    CONSTANT(VERSION_MINOR);
    CONSTANT(VERSION_PATCH);
    CONSTANT(OK);
    CONSTANT(ERROR_NULL_ARGUMENT);
    CONSTANT(ERROR_INVALID_ARGUMENT);
    CONSTANT(ERROR_OUT_OF_RANGE);
    CONSTANT(ERROR_BUFFER_TOO_SMALL);
    CONSTANT(ERROR_UNSUPPORTED);
    CONSTANT(ERROR_IO);
    CONSTANT(ERROR_IMAGE);
    CONSTANT(ERROR_LIMIT);
    CONSTANT(ERROR_MODEL);
    CONSTANT(ERROR_OUT_OF_MEMORY);
    CONSTANT(ERROR_INTERNAL);
    CONSTANT(PLAIN_CONVOLUTIONS);
    CONSTANT(FORMAT_GRAY);
    CONSTANT(FORMAT_RGB);
    CONSTANT(FORMAT_BGR);
    CONSTANT(FORMAT_RGBA);
    CONSTANT(FORMAT_BGRA);
    CONSTANT(FORMAT_NV12);
    CONSTANT(FORMAT_NV21);
    CONSTANT(FORMAT_I420);
    CONSTANT(FORMAT_YUYV);
    CONSTANT(YUV_BT601_LIMITED);
    CONSTANT(YUV_BT601_FULL);
    CONSTANT(YUV_BT709_LIMITED);
    CONSTANT(YUV_BT709_FULL);
    CONSTANT(SKIP_AGE);
    CONSTANT(SKIP_GENDER);
    CONSTANT(CROPPED);
    CONSTANT(GENDER_UNDECIDED);
    CONSTANT(GENDER_FEMALE);
    CONSTANT(GENDER_MALE);
    CONSTANT(QUALITY_SMALL);
    CONSTANT(QUALITY_BLURRED);
    CONSTANT(QUALITY_DARK);
    CONSTANT(QUALITY_BRIGHT);
    CONSTANT(QUALITY_TURNED);
    CONSTANT(QUALITY_CUT_OFF);
    return 0;
}
