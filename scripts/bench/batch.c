/* Measures the wall time of one batch on one thread and on two, in turns, on a machine that does nothing else.
 *
 *   cc -O2 -Iinclude scripts/bench/batch.c <libface_predict.a or .so> -lm -lpthread -ldl -o build/batch
 *   build/batch PICTURES ROUNDS FILE...
 *
 * The files are read once, and repeated until there are PICTURES of them. Each is decoded, searched and estimated. The
 * processor time is printed, too. On a busy machine it shows how much more work two threads do than one. The library
 * itself can lose only this and the last pictures. Waiting shows only in the wall time.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "face_predict.h"

enum { MOST_ROUNDS = 100 };

static double seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void check(face_predict_status status) {
    if (status != FACE_PREDICT_OK) {
        fprintf(stderr, "%s\n", face_predict_last_error());
        exit(1);
    }
}

static void *some(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (!memory) {
        fprintf(stderr, "no memory\n");
        exit(1);
    }
    return memory;
}

static face_predict_image encoded(const char *name) {
    face_predict_image image;
    FILE *file = fopen(name, "rb");
    long size;
    void *bytes;
    if (!file || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) <= 0 || fseek(file, 0, SEEK_SET) != 0) {
        fprintf(stderr, "%s cannot be read\n", name);
        exit(1);
    }
    bytes = some((size_t)size, 1);
    if (fread(bytes, 1, (size_t)size, file) != (size_t)size) {
        fprintf(stderr, "%s cannot be read\n", name);
        exit(1);
    }
    fclose(file);
    memset(&image, 0, sizeof image);
    image.struct_size = sizeof image;
    image.format = FACE_PREDICT_FORMAT_ENCODED;
    image.planes[0] = bytes;
    image.sizes[0] = (size_t)size;
    return image;
}

static int by_size(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int count, char **arguments) {
    static double wall[2][MOST_ROUNDS], computed[2][MOST_ROUNDS];
    const size_t pictures = count > 3 ? strtoul(arguments[1], NULL, 10) : 0;
    const int rounds = count > 3 ? atoi(arguments[2]) : 0, files = count - 3;
    face_predict_model *model = NULL;
    face_predict_image *images;
    const face_predict_image **inputs;
    face_predict_result **results;
    size_t i, faces[2] = {0, 0};
    int round, which;
    if (pictures == 0 || rounds < 1 || rounds > MOST_ROUNDS) {
        fprintf(stderr, "batch PICTURES ROUNDS FILE...\n");
        return 2;
    }
    images = some((size_t)files, sizeof *images);
    inputs = some(pictures, sizeof *inputs);
    results = some(pictures, sizeof *results);
    for (i = 0; i < (size_t)files; i++) {
        images[i] = encoded(arguments[3 + i]);
    }
    for (i = 0; i < pictures; i++) {
        inputs[i] = &images[i % (size_t)files];
        results[i] = face_predict_result_new();
    }
    check(face_predict_model_load_default(NULL, &model));
    /* The plans for each size are optimised once, and this is not counted. */
    check(face_predict_batch(model, inputs, pictures < (size_t)files ? pictures : (size_t)files, NULL, 1, results));
    for (round = 0; round < rounds; round++) {
        for (which = 0; which < 2; which++) {
            const double start = seconds(CLOCK_MONOTONIC), own = seconds(CLOCK_PROCESS_CPUTIME_ID);
            check(face_predict_batch(model, inputs, pictures, NULL, (size_t)which + 1, results));
            wall[which][round] = seconds(CLOCK_MONOTONIC) - start;
            computed[which][round] = seconds(CLOCK_PROCESS_CPUTIME_ID) - own;
            faces[which] = 0;
            for (i = 0; i < pictures; i++) {
                faces[which] += face_predict_result_count(results[i]);
            }
        }
        printf("round %d: %zu pictures, one thread %.2f s (processor %.2f), two threads %.2f s (processor %.2f): %.3f times as fast\n",
               round + 1, pictures, wall[0][round], computed[0][round], wall[1][round], computed[1][round],
               wall[0][round] / wall[1][round]);
        fflush(stdout);
    }
    if (faces[0] != faces[1]) {
        fprintf(stderr, "one thread found %zu faces, two threads %zu\n", faces[0], faces[1]);
        return 1;
    }
    for (which = 0; which < 2; which++) {
        qsort(wall[which], (size_t)rounds, sizeof(double), by_size);
        qsort(computed[which], (size_t)rounds, sizeof(double), by_size);
    }
    printf("least of %d rounds, %zu faces: two threads are %.3f times as fast as one, and compute %.3f times as long\n", rounds, faces[0],
           wall[0][0] / wall[1][0], computed[1][0] / computed[0][0]);
    for (i = 0; i < pictures; i++) {
        face_predict_result_free(results[i]);
    }
    for (i = 0; i < (size_t)files; i++) {
        free((void *)images[i].planes[0]);
    }
    face_predict_model_free(model);
    free(results);
    free(inputs);
    free(images);
    return 0;
}
