/* Eight threads on one model give the numbers of one, to the bit. Usage: threads FOLDER [quick] */
#include "check.h"
#include <pthread.h>

enum { THREADS = 8, ROUNDS = 12 };

/* An emulated processor takes some seconds for each. */
static int rounds = ROUNDS;
static const face_predict_model *model;
static unsigned char *rgb;
static size_t rgb_size;

/* Each round has its own face box. */
static face_predict_face answer(face_predict_result *result, int round) {
    face_predict_region region = portrait_face();
    face_predict_image image = image_of(FACE_PREDICT_FORMAT_RGB, rgb, rgb_size);
    face_predict_options options = options_of(&region, 1);
    face_predict_face face;
    memset(&face, 0, sizeof face);
    region.x += (float)round;
    CHECK_OK(face_predict(model, &image, &options, result));
    CHECK_OK(face_predict_result_face(result, 0, &face, sizeof face));
    return face;
}

static face_predict_face answers[THREADS][ROUNDS];
static int messages_kept[THREADS];

static void *work(void *argument) {
    int thread = (int)(size_t)argument, round;
    face_predict_result *result = face_predict_result_new();
    char name[64];
    /* Each thread has its own last message. */
    snprintf(name, sizeof name, "no such file %d", thread);
    if (face_predict_file(model, name, NULL, result) != FACE_PREDICT_ERROR_IO) {
        return NULL;
    }
    for (round = 0; round < rounds; round++) {
        int i = (round + thread) % rounds;
        answers[thread][i] = answer(result, i);
    }
    messages_kept[thread] = strstr(face_predict_last_error(), name) != NULL;
    face_predict_result_free(result);
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t threads[THREADS];
    face_predict_model *loaded = NULL;
    face_predict_result *result = face_predict_result_new();
    int i, round;
    if (argc < 2) {
        return 2;
    }
    if (argc > 2) {
        rounds = 2;
    }
    folder = argv[1];
    rgb = read_bytes("portrait.rgb", &rgb_size);
    CHECK_OK(face_predict_model_load_default(NULL, &loaded));
    model = loaded;
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, work, (void *)(size_t)i) == 0);
    }
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK(messages_kept[i]);
    }
    CHECK(face_predict_last_error()[0] == '\0');
    for (round = 0; round < rounds; round++) {
        face_predict_face one = answer(result, round);
        for (i = 0; i < THREADS; i++) {
            CHECK(memcmp(&one, &answers[i][round], sizeof one) == 0);
        }
    }
    face_predict_result_free(result);
    face_predict_model_free(loaded);
    free(rgb);
    return failures != 0;
}
