/* A child of fork() uses what its parent has loaded, starts threads and loads more. The parent continues to work.
 * Usage: fork FOLDER */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PICTURES = 4 };

static face_predict_model *model;
static unsigned char *rgb;
static size_t rgb_size;

static face_predict_face answer(face_predict_result *result) {
    face_predict_region region = portrait_face();
    face_predict_image image = image_of(FACE_PREDICT_FORMAT_RGB, rgb, rgb_size);
    face_predict_options options = options_of(&region, 1);
    face_predict_face face;
    memset(&face, 0, sizeof face);
    CHECK_OK(face_predict(model, &image, &options, result));
    CHECK_OK(face_predict_result_face(result, 0, &face, sizeof face));
    return face;
}

static void in_child(face_predict_result *result, face_predict_tracker *tracker, const face_predict_face *expected) {
    face_predict_image image = image_of(FACE_PREDICT_FORMAT_RGB, rgb, rgb_size);
    const face_predict_image *images[PICTURES];
    face_predict_result *results[PICTURES];
    face_predict_model *more = NULL;
    face_predict_face face = answer(result);
    int i;
    CHECK(memcmp(&face, expected, sizeof face) == 0);
    CHECK_OK(face_predict_tracker_update(tracker, &image, 1, NULL, result));
    for (i = 0; i < PICTURES; i++) {
        images[i] = &image;
        results[i] = face_predict_result_new();
    }
    CHECK_OK(face_predict_batch(model, images, PICTURES, NULL, 3, results));
    CHECK_OK(face_predict_model_load_file(in_folder("gender.onnx"), NULL, &more));
    for (i = 0; i < PICTURES; i++) {
        CHECK(face_predict_result_count(results[i]) > 0);
        face_predict_result_free(results[i]);
    }
    face_predict_model_free(more);
}

int main(int argc, char **argv) {
    face_predict_result *result = face_predict_result_new();
    face_predict_image image;
    face_predict_tracker *tracker = NULL;
    face_predict_face expected, again;
    int child;
    if (argc != 2) {
        return 2;
    }
    folder = argv[1];
    rgb = read_bytes("portrait.rgb", &rgb_size);
    image = image_of(FACE_PREDICT_FORMAT_RGB, rgb, rgb_size);
    CHECK_OK(face_predict_model_load_default(NULL, &model));
    CHECK_OK(face_predict_tracker_new(model, NULL, &tracker));
    CHECK_OK(face_predict_tracker_update(tracker, &image, 0, NULL, result));
    expected = answer(result);
    for (child = 0; child < 2; child++) {
        int status = 0;
        pid_t id = fork();
        if (id == 0) {
            in_child(result, tracker, &expected);
            _exit(failures != 0);
        }
        CHECK(id > 0 && waitpid(id, &status, 0) == id && status == 0);
    }
    again = answer(result);
    CHECK(memcmp(&again, &expected, sizeof again) == 0);
    CHECK_OK(face_predict_tracker_update(tracker, &image, 1, NULL, result));
    face_predict_tracker_free(tracker);
    face_predict_result_free(result);
    face_predict_model_free(model);
    free(rgb);
    return failures != 0;
}
