/* CPU time of a frame of RGB, for two builds of the library in turns, on a machine that does other work, too.
 *
 *   cc -O2 -I<include> scripts/bench/frames.c <libface_predict.so> -o frames
 *   ./frames models/base.onnx 640 480 frame.rgb
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "face_predict.h"

enum { ROUNDS = 200, WARM_UP = 10 };

/* Returns the CPU time of this thread, which other programs disturb less than time on the clock. */
static double milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int by_size(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void check(face_predict_status status) {
    if (status != FACE_PREDICT_OK) {
        fprintf(stderr, "%s\n", face_predict_last_error());
        exit(1);
    }
}

int main(int count, char **arguments) {
    static const char *const names[] = {"search and answer", "search"};
    face_predict_model *model;
    face_predict_result *result = face_predict_result_new();
    face_predict_image image;
    unsigned char *pixels;
    double took[ROUNDS];
    size_t size, which;
    FILE *file;
    if (count != 5) {
        fprintf(stderr, "frames MODEL WIDTH HEIGHT FRAME\n");
        return 2;
    }
    check(face_predict_model_load_file(arguments[1], NULL, &model));
    memset(&image, 0, sizeof image);
    image.struct_size = sizeof image;
    image.format = FACE_PREDICT_FORMAT_RGB;
    image.width = (uint32_t)atoi(arguments[2]);
    image.height = (uint32_t)atoi(arguments[3]);
    size = (size_t)3 * image.width * image.height;
    pixels = malloc(size);
    file = fopen(arguments[4], "rb");
    if (!pixels || !file || fread(pixels, 1, size, file) != size) {
        fprintf(stderr, "%s has no %zu bytes\n", arguments[4], size);
        return 1;
    }
    fclose(file);
    image.planes[0] = pixels;
    image.sizes[0] = size;
    for (which = 0; which < 2; which++) {
        face_predict_options options;
        int round;
        memset(&options, 0, sizeof options);
        options.struct_size = sizeof options;
        options.flags = which ? FACE_PREDICT_SKIP_AGE | FACE_PREDICT_SKIP_GENDER : 0;
        for (round = -WARM_UP; round < ROUNDS; round++) {
            const double start = milliseconds();
            check(face_predict(model, &image, &options, result));
            if (round >= 0) {
                took[round] = milliseconds() - start;
            }
        }
        qsort(took, ROUNDS, sizeof *took, by_size);
        printf("%s, %zu faces: least %.2f ms, median %.2f\n", names[which], face_predict_result_count(result), took[0],
               took[ROUNDS / 2]);
    }
    face_predict_result_free(result);
    face_predict_model_free(model);
    free(pixels);
    return 0;
}
