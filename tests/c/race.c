/*
 * Does what no caller may do: it uses one result on two threads. scripts/test/thread_sanitizer.sh demands that this is
 * detected, which shows that the library is watched. Usage: race FOLDER
 */
#include "check.h"
#include <pthread.h>

enum { TIMES = 20000 };

static face_predict_result *result;
static volatile size_t seen;

static void *look(void *argument) {
    int i;
    (void)argument;
    for (i = 0; i < TIMES; i++) {
        seen = face_predict_result_count(result);
    }
    return NULL;
}

int main(int argc, char **argv) {
    face_predict_options options = FACE_PREDICT_OPTIONS_INIT;
    face_predict_model *model = NULL;
    face_predict_image image;
    pthread_t other;
    unsigned char *rgb;
    size_t size;
    int i;
    if (argc != 2) {
        return 2;
    }
    folder = argv[1];
    rgb = read_bytes("portrait.rgb", &size);
    image = image_of(FACE_PREDICT_FORMAT_RGB, rgb, size);
    options.flags = FACE_PREDICT_CROPPED;
    result = face_predict_result_new();
    CHECK_OK(face_predict_model_load_default(NULL, &model));
    CHECK(pthread_create(&other, NULL, look, NULL) == 0);
    for (i = 0; i < 3; i++) {
        CHECK_OK(face_predict(model, &image, &options, result));
    }
    CHECK(pthread_join(other, NULL) == 0);
    face_predict_result_free(result);
    face_predict_model_free(model);
    free(rgb);
    return failures != 0;
}
