/*
 * Eight threads load a model at the same time, and share one. Each has its own tracker, batch and results, on a stack
 * of 64 KB. The numbers are those of one thread. Usage: everything FOLDER
 */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include <pthread.h>

enum { THREADS = 8, FRAMES = 3, PICTURES = 2, STACK = 64 << 10 };

static unsigned char *rgb;
static size_t rgb_size;
static pthread_barrier_t start;
static face_predict_model *shared;
static char age_file[4096], crop_file[4096];

/* The answers that a thread gets. */
struct seen {
    face_predict_face tracked[FRAMES], batched[PICTURES], from_file;
};

static void look(const face_predict_model *model, struct seen *seen) {
    face_predict_image image = image_of(FACE_PREDICT_FORMAT_RGB, rgb, rgb_size);
    const face_predict_image *images[PICTURES];
    face_predict_result *results[PICTURES];
    face_predict_options options = FACE_PREDICT_OPTIONS_INIT;
    face_predict_tracker *tracker = NULL;
    int i;
    memset(seen, 0, sizeof *seen);
    for (i = 0; i < PICTURES; i++) {
        images[i] = &image;
        results[i] = face_predict_result_new();
    }
    CHECK_OK(face_predict_tracker_new(model, NULL, &tracker));
    for (i = 0; i < FRAMES; i++) {
        CHECK_OK(face_predict_tracker_update(tracker, &image, i * 40000, NULL, results[0]));
        CHECK_OK(face_predict_result_face(results[0], 0, &seen->tracked[i], sizeof seen->tracked[i]));
    }
    CHECK_OK(face_predict_batch(model, images, PICTURES, NULL, 2, results));
    for (i = 0; i < PICTURES; i++) {
        CHECK_OK(face_predict_result_face(results[i], 0, &seen->batched[i], sizeof seen->batched[i]));
    }
    options.flags = FACE_PREDICT_CROPPED;
    CHECK_OK(face_predict_file(model, crop_file, &options, results[0]));
    CHECK_OK(face_predict_result_face(results[0], 0, &seen->from_file, sizeof seen->from_file));
    CHECK(face_predict_file(model, "missing", NULL, results[0]) == FACE_PREDICT_ERROR_IO);
    face_predict_tracker_free(tracker);
    for (i = 0; i < PICTURES; i++) {
        face_predict_result_free(results[i]);
    }
}

static struct seen everyone[THREADS];

static void *work(void *argument) {
    int thread = (int)(size_t)argument;
    face_predict_model *model = NULL, *file = NULL;
    /* All threads load what is loaded once a process, and each loads a file. */
    pthread_barrier_wait(&start);
    CHECK_OK(face_predict_model_load_default(NULL, &model));
    CHECK_OK(face_predict_model_load_file(age_file, NULL, &file));
    if (thread == 0) {
        CHECK_OK(face_predict_model_load_default(NULL, &shared));
    }
    pthread_barrier_wait(&start);
    look(thread % 2 == 0 ? shared : model, &everyone[thread]);
    face_predict_model_free(file);
    pthread_barrier_wait(&start);
    face_predict_model_free(model);
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t threads[THREADS];
    pthread_attr_t small;
    struct seen alone;
    int i;
    if (argc != 2) {
        return 2;
    }
    folder = argv[1];
    rgb = read_bytes("portrait.rgb", &rgb_size);
    snprintf(age_file, sizeof age_file, "%s", in_folder("age.onnx"));
    snprintf(crop_file, sizeof crop_file, "%s", in_folder("crop.png"));
    CHECK(pthread_attr_init(&small) == 0 && pthread_attr_setstacksize(&small, STACK) == 0);
    CHECK(pthread_barrier_init(&start, NULL, THREADS) == 0);
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], &small, work, (void *)(size_t)i) == 0);
    }
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    look(shared, &alone);
    for (i = 0; i < THREADS; i++) {
        CHECK(memcmp(&alone, &everyone[i], sizeof alone) == 0);
    }
    face_predict_model_free(shared);
    pthread_barrier_destroy(&start);
    pthread_attr_destroy(&small);
    free(rgb);
    return failures != 0;
}
