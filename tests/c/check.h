/* Checks of the C tests. They print nothing if they hold, so that the caller can tell that nothing prints. */
#ifndef CHECK_H
#define CHECK_H

#include <face_predict.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

#define CHECK(condition) check_at(__FILE__, __LINE__, (condition) != 0, #condition)
#define CHECK_NEAR(a, b, tolerance) near_at(__FILE__, __LINE__, (a), (b), (tolerance), #a " near " #b)
#define CHECK_OK(call) ok_at(__FILE__, __LINE__, (call), #call)

static inline void check_at(const char *file, int line, int good, const char *text) {
    if (!good) {
        fprintf(stderr, "%s:%d: %s\n", file, line, text);
        failures++;
    }
}

static inline void near_at(const char *file, int line, double a, double b, double tolerance, const char *text) {
    if (!(fabs(a - b) <= tolerance)) {
        fprintf(stderr, "%s:%d: %s: %.9g and %.9g\n", file, line, text, a, b);
        failures++;
    }
}

static inline void ok_at(const char *file, int line, face_predict_status status, const char *text) {
    if (status != FACE_PREDICT_OK) {
        fprintf(stderr, "%s:%d: %s: %s: %s\n", file, line, text, face_predict_status_name(status),
                face_predict_last_error());
        failures++;
    }
}

/* Returns a path inside the folder of inputs. The last eight stay valid. */
static const char *folder;

static inline const char *in_folder(const char *name) {
    static char paths[8][4096];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static inline unsigned char *read_bytes(const char *name, size_t *size) {
    FILE *file = fopen(in_folder(name), "rb");
    unsigned char *bytes = NULL;
    long length = 0;
    *size = 0;
    if (!file || fseek(file, 0, SEEK_END) != 0 || (length = ftell(file)) < 0 || fseek(file, 0, SEEK_SET) != 0 ||
        !(bytes = malloc((size_t)length + 1)) || fread(bytes, 1, (size_t)length, file) != (size_t)length) {
        fprintf(stderr, "%s: cannot be read\n", name);
        exit(2);
    }
    fclose(file);
    *size = (size_t)length;
    return bytes;
}

/* The portrait as rows of RGB. The size of the portrait and its face box are those of examples/images. */
enum { SIDE = 512 };

static inline face_predict_region portrait_face(void) {
    face_predict_region region;
    memset(&region, 0, sizeof region);
    region.x = 177;
    region.y = 66;
    region.width = 94;
    region.height = 122;
    return region;
}

static inline face_predict_image image_of(uint32_t format, const void *pixels, size_t size) {
    face_predict_image image;
    memset(&image, 0, sizeof image);
    image.struct_size = sizeof image;
    image.format = format;
    image.width = SIDE;
    image.height = SIDE;
    image.planes[0] = pixels;
    image.sizes[0] = size;
    return image;
}

static inline face_predict_options options_of(const face_predict_region *regions, uint32_t count) {
    face_predict_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.regions = regions;
    options.region_count = count;
    return options;
}

#endif
