/*
 * frames - follows faces in raw NV12 frames from a pipe, and prints a line of JSON for each frame.
 *
 *   ffmpeg -i film.mp4 -f rawvideo -pix_fmt nv12 - | frames --size 640x480 [--fps 30] [--full]
 *
 * --full says that Y runs from 0 to 255. If the last frame is not whole, the program ends with 1.
 */
#include <face_predict.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#endif

static int usage(void) {
    fprintf(stderr, "usage: frames --size WxH [--fps N] [--full] < FRAMES.nv12\n");
    return 2;
}

static int fail(const char *what) {
    fprintf(stderr, "frames: %s: %s\n", what, face_predict_last_error());
    return 1;
}

static void print_face(const char *comma, const face_predict_face *face) {
    printf("%s{\"id\": %llu, \"x\": %.1f, \"y\": %.1f, \"width\": %.1f, \"height\": %.1f", comma,
           (unsigned long long)face->track_id, face->x, face->y, face->width, face->height);
    printf(", \"age\": %.1f, \"age_low\": %.1f, \"age_high\": %.1f", face->age, face->age_low,
           face->age_high);
    printf(", \"female_probability\": %.3f, \"gender\": \"%s\"", face->female_probability,
           face->gender == FACE_PREDICT_GENDER_FEMALE ? "female"
           : face->gender == FACE_PREDICT_GENDER_MALE ? "male" : "undecided");
    /* Show an answer only after some estimates, and only if there is no reason against the face. */
    printf(", \"quality\": %u, \"estimates\": %u}", (unsigned)face->quality, (unsigned)face->track_estimates);
}

int main(int argc, char **argv) {
    unsigned width = 0, height = 0;
    double fps = 30;
    int i, full = 0, status = 0;
    char end;
    size_t size, got = 0;
    unsigned long frame;
    unsigned char *pixels;
    face_predict_model *model = NULL;
    face_predict_tracker *tracker = NULL;
    face_predict_result *result = face_predict_result_new();
    face_predict_image image = FACE_PREDICT_IMAGE_INIT;
    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--full") == 0) {
            full = 1;
        } else if (i + 1 == argc) {
            return usage();
        } else if (strcmp(argv[i], "--size") == 0) {
            if (sscanf(argv[++i], "%ux%u%c", &width, &height, &end) != 2) {
                return usage();
            }
        } else if (strcmp(argv[i], "--fps") == 0) {
            if (sscanf(argv[++i], "%lf%c", &fps, &end) != 1 || !(fps > 0 && fps <= 10000)) {
                return usage();
            }
        } else {
            return usage();
        }
    }
    if (width == 0 || height == 0 || width > 16384 || height > 16384) {
        return usage();
    }
    if (face_predict_model_load_default(NULL, &model) != FACE_PREDICT_OK) {
        return fail("loading");
    }
    /* The tracker keeps what it needs of the model. */
    if (face_predict_tracker_new(model, NULL, &tracker) != FACE_PREDICT_OK) {
        return fail("starting");
    }
    /* The first frame need not wait for the detector. */
    if (face_predict_model_warm_up(model, width, height, NULL) != FACE_PREDICT_OK) {
        return fail("warming up");
    }
    face_predict_model_free(model);
    size = (size_t)width * height + 2 * (size_t)((width + 1) / 2) * ((height + 1) / 2);
    pixels = malloc(size);
    if (!pixels || !result) {
        fprintf(stderr, "frames: no memory for %lu bytes\n", (unsigned long)size);
        return 1;
    }
#ifdef _WIN32
    /* Windows would change bytes of a pipe that is read as text, and end it at the first byte of 26. */
    _setmode(_fileno(stdin), _O_BINARY);
#endif
    image.format = FACE_PREDICT_FORMAT_NV12;
    image.width = width;
    image.height = height;
    image.planes[0] = pixels;
    image.sizes[0] = size;
    image.yuv = full ? FACE_PREDICT_YUV_BT601_FULL : FACE_PREDICT_YUV_BT601_LIMITED;
    for (frame = 0; (got = fread(pixels, 1, size, stdin)) == size; frame++) {
        int64_t time = (int64_t)((double)frame * 1e6 / fps);
        size_t index, count;
        if (face_predict_tracker_update(tracker, &image, time, NULL, result) != FACE_PREDICT_OK) {
            status = fail("a frame");
            break;
        }
        printf("{\"frame\": %lu, \"faces\": [", frame);
        count = face_predict_result_count(result);
        for (index = 0; index < count; index++) {
            face_predict_face face;
            if (face_predict_result_face(result, index, &face, sizeof face) == FACE_PREDICT_OK) {
                print_face(index ? ", " : "", &face);
            }
        }
        printf("]}\n");
        if (fflush(stdout) != 0) {
            fprintf(stderr, "frames: the answers cannot be written\n");
            status = 1;
            break;
        }
    }
    if (status == 0 && (got != 0 || ferror(stdin))) {
        fprintf(stderr, "frames: the last frame has %lu of %lu bytes\n", (unsigned long)got,
                (unsigned long)size);
        status = 1;
    }
    free(pixels);
    face_predict_tracker_free(tracker);
    face_predict_result_free(result);
    return status;
}
